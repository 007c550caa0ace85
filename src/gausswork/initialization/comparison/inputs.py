"""The arguments of a comparison: read, tried, and refused in words where they cannot be used."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from gausswork.errors import InputError
from gausswork.initialization.activations import nearest
from gausswork.initialization.comparison import lessons, trainers
from gausswork.initialization.networks import mlp
from gausswork.initialization.plans import check_seed
from gausswork.initialization.schemes import Scheme, scheme
from gausswork.initialization.slots import is_lazy, torch


def read_schemes(given: Any) -> dict[str, Scheme]:
    """Return the schemes by the names that they were asked for."""
    if isinstance(given, Mapping):
        pairs = [(str(label), made) for label, made in given.items()]
    else:
        listed = [given] if isinstance(given, (str, Scheme)) else list(given)
        pairs = [(str(made), made) for made in listed]
    if not pairs:
        raise InputError("schemes: give at least one, such as ['default', 'xavier', 'he'].")
    found: dict[str, Scheme] = {}
    for label, made in pairs:
        if label in found:
            raise InputError(
                f"schemes: {label!r} is named twice. With a mapping of labels to schemes each has "
                "a name of its own."
            )
        found[label] = scheme(made)
    return found


def read_seeds(given: Any) -> tuple[int, ...]:
    """Return the seeds, given as they are or by their number."""
    if isinstance(given, (list, tuple, range, np.ndarray)):
        found = tuple(check_seed(k) for k in given)
        if not found or len(set(found)) < len(found):
            raise InputError(f"seeds must be different whole numbers, at least one; got {given!r}.")
        return found
    count = check_seed(given) if not isinstance(given, float) else given
    if not isinstance(count, int) or count < 1:
        raise InputError(
            f"seeds says how many networks each scheme gets, at least 1; got {given!r}."
        )
    return tuple(range(count))


def check_loss(loss: Any) -> None:
    """Refuse what is no loss."""
    if loss is None or callable(loss) or loss in ("cross_entropy", "mse"):
        return
    raise InputError(
        "loss must be 'cross_entropy', 'mse' or a function of output and targets; got "
        f"{loss!r}.{nearest(str(loss), ('cross_entropy', 'mse'))}"
    )


def device_of(model: Any, data: Any) -> Any:
    """Return where to train: where the model lies, or else the data."""
    th = torch()
    if hasattr(model, "parameters"):
        return next(model.parameters()).device
    first = data[0] if isinstance(data, (tuple, list)) and data else None
    return first.device if isinstance(first, th.Tensor) else th.device("cpu")


def outputs_of(model: Any) -> int | None:
    """Return how many numbers a model gives, where its last linear layer tells."""
    linear = [m for m in model.modules() if isinstance(m, torch().nn.Linear)]
    return int(linear[-1].out_features) if linear else None


def read_model(given: Any, read: lessons.Lessons, activation: str) -> Any:
    """Return a copy of the model, or a network of the widths that were given."""
    if hasattr(given, "named_modules"):
        for name, parameter in given.named_parameters():
            if is_lazy(parameter) or parameter.is_meta:
                raise InputError(
                    f"model: parameter {name!r} has no numbers yet (it is lazy, or on the meta "
                    "device). Call the model once with a batch, model(batch), before."
                )
        return copy.deepcopy(given).train()
    if isinstance(given, (str, bytes)) or not isinstance(given, (list, tuple, np.ndarray)):
        raise InputError(
            "model_or_widths must be widths such as [64, 64, 64] or a torch.nn.Module; got "
            f"{type(given).__name__}."
        )
    if read.x.ndim != 2:
        raise InputError(
            f"widths make a fully connected network, and X has shape {tuple(read.x.shape)}: give "
            "X.reshape(len(X), -1), or a model that takes such inputs."
        )
    widths = [int(w) if isinstance(w, np.integer) else w for w in given]
    return mlp(widths, inputs=read.x.shape[1], outputs=read.outputs, activation=activation)


def try_model(model: Any, read: lessons.Lessons, loss: Any) -> None:
    """Run a batch through a copy of the model, so that it fails here if it fails."""
    th = torch()
    model = copy.deepcopy(model)
    rows = th.from_numpy(read.batches(0)[0]).to(read.x.device)
    x, y = read.x[rows], read.y[rows]
    said = f"{tuple(x.shape)} of {str(x.dtype).removeprefix('torch.')}"
    try:
        out = model(x)
    except Exception as error:
        features = ""
        if x.ndim == 2:
            features = (
                f" X has {read.x.shape[1]:,} features a row: bring data that fits the model, or a "
                "model that fits the data."
            )
        raise InputError(
            f"the model raised {type(error).__name__} on a batch of shape {said}: "
            f"{' '.join(str(error).split())}.{features}"
        ) from error
    if not isinstance(out, th.Tensor) or out.ndim < 1 or len(out) != len(x):
        raise InputError(
            "the model must return one tensor with a row for each row of the batch; got "
            f"{type(out).__name__}"
            f"{f' of shape {tuple(out.shape)}' if isinstance(out, th.Tensor) else ''}."
        )
    if loss == "cross_entropy" and (out.ndim != 2 or out.shape[1] <= int(read.y.max())):
        raise InputError(
            f"the model gives an output of shape {tuple(out.shape)}, and there are "
            f"{int(read.y.max()) + 1} classes: its last layer needs as many outputs."
        )
    if loss == "mse" and out.shape != y.shape:
        raise InputError(
            f"the model gives an output of shape {tuple(out.shape)}, and the targets of a batch "
            f"have shape {tuple(y.shape)}: they must be the same."
        )
    try:
        value = trainers.loss_of(loss, out, y)
        value.backward()
    except Exception as error:
        raise InputError(
            f"the loss raised {type(error).__name__}: {' '.join(str(error).split())}."
        ) from error
    if value.ndim:
        raise InputError(f"the loss must be one number; it has shape {tuple(value.shape)}.")
