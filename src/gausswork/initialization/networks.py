"""Networks to try schemes on: fully connected ones by their widths, others by their import path."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gausswork.errors import InputError
from gausswork.initialization.activations import activation as activation_of
from gausswork.initialization.activations import nearest
from gausswork.initialization.slots import torch

# Activation → the module of torch.nn; "linear" has none between the layers.
_MODULES = {
    "relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "LeakyReLU", "tanh": "Tanh",
    "sigmoid": "Sigmoid", "hardtanh": "Hardtanh", "hardsigmoid": "Hardsigmoid",
    "softsign": "Softsign", "selu": "SELU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU",
    "mish": "Mish", "hardswish": "Hardswish", "softplus": "Softplus",
}  # fmt: skip


def mlp(
    widths: Sequence[int],
    *,
    inputs: int | None = None,
    outputs: int = 10,
    activation: str = "relu",
) -> Any:
    """Return a fully connected network as a torch.nn.Sequential.

    Parameters
    ----------
    widths : of the hidden layers.
    inputs : number of features; the first width by default.
    outputs : of the last layer, which no activation follows.
    activation : after every hidden layer.
    """
    sizes = [_size("widths", width) for width in widths]
    if not sizes:
        raise InputError("widths: give at least one hidden layer, such as 64,64,64.")
    first = sizes[0] if inputs is None else _size("inputs", inputs)
    phi = activation_of(activation)
    nn = torch().nn
    layers: list[Any] = []
    for into, out in zip([first, *sizes[:-1]], sizes, strict=True):
        layers.append(nn.Linear(into, out))
        if phi.name != "linear":
            layers.append(getattr(nn, _MODULES[phi.name])())
    return nn.Sequential(*layers, nn.Linear(sizes[-1], _size("outputs", outputs)))


def imported(path: str) -> Any:
    """Return a model by its import path ``package.module:name``.

    The name is a module instance, or a class or function that is called without arguments and
    returns a model, or a model and a batch. Modules of the working directory are found.
    """
    where, colon, name = path.partition(":")
    if not colon or not where or not name:
        raise InputError(
            f"model must be written package.module:name; got {path!r}. For a file net.py with a "
            "function build in it: net:build."
        )
    with _working_directory():
        try:
            module = importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name is None or where.partition(".")[0] != error.name.partition(".")[0]:
                raise InputError(f"model: importing {where!r} failed: {error}.") from error
            if where.endswith(".py"):
                meant = f" Without the ending: {Path(where).stem}:{name}."
            else:
                here = [path.stem for path in Path.cwd().glob("*.py")]
                meant = nearest(where, here) or (
                    f" Write it where {where}.py is, or install the package that has it."
                )
            raise InputError(
                f"model: there is no module {where!r} here or among the installed ones.{meant}"
            ) from error
        except Exception as error:
            raise InputError(
                f"model: importing {where!r} raised {type(error).__name__}: {error}."
            ) from error
        found = getattr(module, name, None)
        if found is None:
            known = [n for n in vars(module) if not n.startswith("_")]
            functions = [n for n in known if callable(vars(module)[n])]
            has = f" It has {', '.join(functions[:8])}." if functions else ""
            raise InputError(f"model: {where!r} has no {name!r}.{nearest(name, known) or has}")
        if isinstance(found, torch().nn.Module):
            return found
        if not callable(found):
            raise InputError(
                f"model: {path!r} is {type(found).__name__}; it must be a torch.nn.Module, or a "
                "function that returns one."
            )
        try:
            return found()
        except Exception as error:
            raise InputError(
                f"model: calling {path!r} without arguments raised {type(error).__name__}: {error}."
            ) from error


@contextlib.contextmanager
def _working_directory() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(here)


def _size(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} must be whole numbers from 1 on; got {value!r}.")
    return value
