"""Mini-batch descents as plain data: their path cannot be walked again without the rows."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import plain
from gausswork.errors import ModelFileError
from gausswork.findings import Finding
from gausswork.leastsquares.descent.history import Descent, Outcome
from gausswork.leastsquares.stochastic.result import MiniBatch
from gausswork.leastsquares.stochastic.state import packed, unpacked

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.method import GradientDescent
    from gausswork.leastsquares.solution import Solution

_ARRAYS = ("path", "loss", "coefficients", "exact", "digits", "held_out_loss")
_OF_BATCHES = ("rate", "gradient_norm")


def encode(descent: Descent) -> dict[str, Any]:
    """Return a mini-batch descent as plain data; arrays keep every bit."""
    batches = descent.mini_batch
    assert batches is not None
    arrays = {name: getattr(descent, name) for name in _ARRAYS}
    numbers = {field.name: getattr(batches, field.name) for field in fields(batches)}
    arrays |= {name: numbers.pop(name) for name in _OF_BATCHES}
    return {
        "learning_rate": descent.learning_rate,
        "momentum": descent.momentum,
        "epochs": descent.epochs,
        "outcome": str(descent.outcome),
        "reason": descent.reason,
        "findings": [plain.plain(finding.to_dict()) for finding in descent.findings],
        "mini_batch": plain.plain(numbers),
        "arrays": {
            name: packed(np.ravel(values)) for name, values in arrays.items() if values is not None
        },
    }


def decode(data: Any, method: GradientDescent, exact: Solution) -> Descent:
    """Rebuild a descent from the plain data of :func:`encode`.

    Raises
    ------
    ModelFileError
        Something is missing, of the wrong size, or not finite.
    """
    try:
        names = (("intercept",) if exact.intercept else ()) + exact.moments.names
        arrays = {name: unpacked(text) for name, text in data["arrays"].items()}
        epochs, k = int(data["epochs"]), len(names)
        for name in ("loss", "rate", "gradient_norm", "held_out_loss"):
            if name in arrays and len(arrays[name]) != epochs + 1:
                raise ValueError(f"{name} has another length than the history")
        for name in ("coefficients", "exact", "digits"):
            if len(arrays[name]) != k:
                raise ValueError(f"{name} has another length than there are terms")
        path = arrays["path"].reshape(epochs + 1, k)
        for name, values in arrays.items():
            if name != "exact" and not np.isfinite(values).all():
                raise ValueError(f"{name} is not finite")
        batches = dict(data["mini_batch"])
        if batches["distance"] is None:
            batches["distance"] = math.inf
        mini_batch = MiniBatch(
            **batches, rate=arrays["rate"], gradient_norm=arrays["gradient_norm"]
        )
        _check(mini_batch, epochs)
        return Descent(
            names=names,
            method=method,
            learning_rate=float(data["learning_rate"]),
            momentum=float(data["momentum"]),
            epochs=epochs,
            outcome=Outcome(data["outcome"]),
            reason=str(data["reason"]),
            recorded=np.arange(epochs + 1),
            path=path,
            loss=arrays["loss"],
            coefficients=arrays["coefficients"],
            exact=arrays["exact"],
            digits=arrays["digits"],
            findings=tuple(Finding.from_dict(item) for item in data["findings"]),
            held_out_loss=arrays.get("held_out_loss"),
            least_squares=exact,
            mini_batch=mini_batch,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelFileError(f"the descent cannot be read ({error}).") from error


def _check(batches: MiniBatch, epochs: int) -> None:
    for name in ("batch_size", "rows", "steps", "held_out_rows"):
        if type(getattr(batches, name)) is not int or getattr(batches, name) < 0:
            raise ValueError(f"{name} is not a number of rows or steps")
    best = batches.best_epoch
    if best is not None and (type(best) is not int or not 0 <= best <= epochs):
        raise ValueError("the best epoch is not in the history")
    for name in ("optimizer", "schedule", "shuffle"):
        if not isinstance(getattr(batches, name), str):
            raise TypeError(f"{name} is not text")
    if not isinstance(batches.distance, float | int) or not batches.distance >= 0.0:
        raise ValueError("the distance is no number")
