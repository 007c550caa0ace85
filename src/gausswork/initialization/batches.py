"""A batch for a network: how the model is called with it, and what its loss is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gausswork.errors import InputError
from gausswork.initialization.slots import torch


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call of a model, as tensors of its own."""

    positional: tuple[Any, ...]
    named: Mapping[str, Any]

    def run(self, model: Any) -> Any:
        """Call the model, with copies that it may write to."""
        return model(
            *(_copied(a) for a in self.positional),
            **{name: _copied(a) for name, a in self.named.items()},
        )

    @property
    def tensors(self) -> list[Any]:
        """The tensors among the arguments, in order."""
        return [t for t in (*self.positional, *self.named.values()) if _is_tensor(t)]

    @property
    def samples(self) -> int:
        """The length of the first axis of the first tensor."""
        first = self.tensors[0]
        return int(first.shape[0]) if first.ndim else 1

    def text(self) -> str:
        """Return the shapes in words: ``"shape (64, 20) of float32"``."""
        said = [f"shape {tuple(t.shape)} of {_kind(t)}" for t in self.tensors]
        return " and ".join(said)


def prepare(model: Any, batch: Any, loss: Any) -> tuple[Call, Any]:
    """Return the call and the targets, checked.

    A tensor or array is one argument, a tuple or list several, a dict arguments by name. With a
    loss of two arguments the batch is a pair (inputs, targets).

    Raises
    ------
    InputError
        The batch has no tensor, holds NaN, or is a single sample; or the loss cannot be called.
    """
    targets = None
    if loss is not None and not callable(loss):
        raise InputError(
            f"loss must be a function of the output, or of output and targets; got "
            f"{type(loss).__name__}. torch.nn.functional.cross_entropy is one."
        )
    if loss is not None and wants_targets(loss):
        if not (isinstance(batch, (tuple, list)) and len(batch) == 2):
            raise InputError(
                "batch must be a pair (inputs, targets), because loss takes output and targets; "
                f"got {_what(batch)}. Give a loss of the output alone to go without targets."
            )
        batch, targets = batch
        targets = _tensor(targets, model)
    call = _call(batch, model)
    if not call.tensors:
        raise InputError(
            f"batch must hold tensors or arrays that the model can be called with; got "
            f"{_what(batch)}."
        )
    for tensor in call.tensors:
        if tensor.is_floating_point() and not bool(torch().isfinite(tensor).all()):
            bad = int((~torch().isfinite(tensor)).sum())
            raise InputError(
                f"batch holds {bad:,} NaN or infinite value{'s' if bad != 1 else ''}: nothing "
                "that follows would mean anything. Fill or drop them first."
            )
    if call.samples < 2:
        raise InputError(
            f"batch has one sample ({call.text()}): whether a network tells samples apart cannot "
            "be seen from one. Pass at least 2, better 64; a single sample needs an axis for the "
            "batch in front."
        )
    return call, targets


def wants_targets(loss: Callable[..., Any]) -> bool:
    """Whether a loss takes a second argument that has no default."""
    called = loss.forward if hasattr(loss, "forward") else loss
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [
        p
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    ]
    return len(positional) >= 2


def outputs(value: Any) -> list[Any]:
    """Return the floating tensors in what a model returns: a tensor, or a nest of them."""
    if _is_tensor(value):
        return [value] if value.is_floating_point() else []
    if isinstance(value, Mapping):
        return [t for item in value.values() for t in outputs(item)]
    if isinstance(value, (tuple, list)):
        return [t for item in value for t in outputs(item)]
    if hasattr(value, "__dataclass_fields__"):
        return [t for name in value.__dataclass_fields__ for t in outputs(getattr(value, name))]
    return []


def _call(batch: Any, model: Any) -> Call:
    if isinstance(batch, Mapping):
        return Call((), {str(name): _tensor(value, model) for name, value in batch.items()})
    if isinstance(batch, (tuple, list)) and not _numbers(batch):
        return Call(tuple(_tensor(value, model) for value in batch), {})
    return Call((_tensor(batch, model),), {})


def _numbers(batch: Any) -> bool:
    """Whether a list is an array written out, rather than several arguments."""
    while isinstance(batch, (tuple, list)) and batch:
        batch = batch[0]
    return isinstance(batch, (int, float))


def _tensor(value: Any, model: Any) -> Any:
    """Return an array as a tensor on the model's device; anything else as it is.

    NumPy's float64 becomes the type of the model's weights: nobody means double precision there.
    """
    th = torch()
    first = next(model.parameters())
    if _is_tensor(value):
        return value
    if isinstance(value, (np.ndarray, np.generic)) or _numbers(value):
        tensor = th.from_numpy(np.array(value))
        if tensor.is_floating_point():
            tensor = tensor.to(first.dtype)
        return tensor.to(first.device)
    return value


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch().Tensor)


def _copied(value: Any) -> Any:
    return value.detach().clone() if _is_tensor(value) else value


def _kind(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _what(batch: Any) -> str:
    return f"{type(batch).__name__}" + (f" of {len(batch)}" if hasattr(batch, "__len__") else "")
