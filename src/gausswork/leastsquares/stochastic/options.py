"""The options of mini-batches, checked: what belongs to them and what does not go together."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork.errors import InputError
from gausswork.leastsquares.stochastic.rules import nearest, optimizer_of, schedule_of

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.method import GradientDescent

SHUFFLES = ("memory", "disk", "buffer", "none")
MEMORY = 2**30
_MOST_EPOCHS = 10**7
_HELD_OUT = 0.1

# option -> what it is without batches
_OF_BATCHES: dict[str, Any] = {
    "optimizer": "sgd",
    "schedule": "constant",
    "seed": 0,
    "shuffle": True,
    "memory": MEMORY,
    "averaging": False,
    "early_stopping": False,
    "patience": 5,
    "state": None,
    "resume": False,
}


def check_batches(method: GradientDescent) -> None:
    """Refuse options that cannot be used; write the others in one form.

    Raises
    ------
    InputError
        The message names the option, its value and a remedy.
    """
    if method.batch_size is None:
        for name, usual in _OF_BATCHES.items():
            if getattr(method, name) != usual:
                raise InputError(
                    f"{name}={getattr(method, name)!r} is an option of mini-batches: give "
                    "batch_size= too, such as batch_size=256."
                )
        return
    put = object.__setattr__
    size: Any = method.batch_size
    if not _whole(size) or size < 1:
        hint = " Leave it out for full batch."
        if _real(size) and size >= 1 and float(size).is_integer():
            hint = f" Did you mean {int(size)}?"
        raise InputError(
            f"batch_size must be a whole number of rows, at least 1; got {size!r}.{hint}"
        )
    put(method, "batch_size", int(size))
    if method.epochs > _MOST_EPOCHS:
        raise InputError(
            f"epochs={method.epochs:,} with mini-batches would read the rows as often; at most "
            f"{_MOST_EPOCHS:,} are possible. Leave batch_size out: full batch needs one pass."
        )
    put(method, "optimizer", optimizer_of(method.optimizer))
    put(method, "schedule", schedule_of(method.schedule))
    _check_momentum(method)
    if not _whole(method.seed) or not 0 <= method.seed < 2**64:
        raise InputError(f"seed must be a whole number from 0 to 2^64 - 1; got {method.seed!r}.")
    put(method, "seed", int(method.seed))
    _check_shuffle(method)
    put(method, "averaging", _averaging(method))
    put(method, "early_stopping", _share(method.early_stopping))
    if not _whole(method.patience) or method.patience < 1:
        raise InputError(
            f"patience must be a whole number of epochs, at least 1; got {method.patience!r}."
        )
    if method.state is not None and (
        not isinstance(method.state, str | os.PathLike) or not os.fspath(method.state)
    ):
        raise InputError(
            f"state must be the name of a file; got {method.state!r}. "
            "Give one, such as 'descent-state.json'."
        )
    if not isinstance(method.resume, bool):
        raise InputError(f"resume must be True or False; got {method.resume!r}.")
    if method.resume and method.state is None:
        raise InputError(
            "resume=True needs the file to go on from: name it, as in state='state.json'."
        )


def _check_momentum(method: GradientDescent) -> None:
    optimizer = optimizer_of(method.optimizer)
    if optimizer.name != "sgd" and (method.momentum or method.nesterov):
        raise InputError(
            f"momentum and nesterov belong to the optimizer 'sgd'; got {method.momentum!r} "
            f"with optimizer={optimizer.name!r}. Leave them out, or use optimizer='sgd'."
        )


def _check_shuffle(method: GradientDescent) -> None:
    shuffle: Any = method.shuffle
    if not isinstance(shuffle, bool) and shuffle not in SHUFFLES:
        raise InputError(
            "shuffle must be True, False, 'memory', 'disk', 'buffer' or 'none'; "
            f"got {shuffle!r}.{nearest(str(shuffle), SHUFFLES)}"
        )
    if not _whole(method.memory) or method.memory < 1024:
        raise InputError(
            f"memory must be a whole number of bytes, at least 1024; got {method.memory!r}. "
            f"Leave it out for {MEMORY:,}."
        )


def _averaging(method: GradientDescent) -> bool | float:
    given: Any = method.averaging
    if isinstance(given, bool):
        return given
    if not _real(given) or not 0.0 <= given < method.epochs:
        raise InputError(
            "averaging must be True (over the second half of the epochs), False, or the epoch to "
            f"begin at, from 0 to less than epochs={method.epochs}; got {given!r}."
        )
    return float(given)


def _share(given: Any) -> bool | float:
    if isinstance(given, bool):
        return _HELD_OUT if given else False
    if not _real(given) or not 0.0 < given < 1.0:
        hint = ""
        if _real(given) and 1.0 <= given < 100.0:
            hint = f" Did you mean {given / 100:g}?"
        raise InputError(
            f"early_stopping is the share of rows to hold out, in (0, 1), or True for {_HELD_OUT}; "
            f"got {given!r}.{hint}"
        )
    return float(given)


def _real(value: Any) -> bool:
    return not _flag(value) and isinstance(value, Real) and value == value


def _whole(value: Any) -> bool:
    return not _flag(value) and isinstance(value, Integral)


def _flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)
