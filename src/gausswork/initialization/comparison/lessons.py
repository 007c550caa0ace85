"""What networks are trained on in a comparison: rows, targets, their split and their order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork import sampling
from gausswork.errors import InputError, NotFiniteError, require
from gausswork.initialization.activations import nearest
from gausswork.initialization.slots import torch

Rows = npt.NDArray[np.int64]

MOST_JUDGED = 2_000  # rows of a part that a curve is measured on
_DATA_SETS = ("digits",)
_MOST_CLASSES = 1_000


@dataclass(frozen=True, slots=True)
class Lessons:
    """Data ready for training.

    Attributes
    ----------
    x, y : all rows as tensors; y (rows,) of class numbers, or (rows, targets) of numbers.
    kind : ``"classification"`` or ``"regression"``.
    outputs : how many numbers a network has to give: classes, or targets.
    train, held : numbers of the rows to learn from, and of those held out, in random order.
    batch_size, seed : of the batches, and of split and order.
    """

    x: Any
    y: Any
    kind: str
    outputs: int
    train: Rows
    held: Rows
    batch_size: int
    seed: int

    @property
    def steps(self) -> int:
        """How many whole batches an epoch has."""
        return len(self.train) // self.batch_size

    def batches(self, epoch: int) -> Rows:
        """Return the rows of an epoch, (steps, batch size); a rest waits for another epoch."""
        order = order_of(self.train, epoch, self.seed)
        return order[: self.steps * self.batch_size].reshape(self.steps, self.batch_size)

    def judged(self, part: Rows) -> tuple[Any, Any]:
        """Return the rows of a part that curves are measured on."""
        chosen = torch().from_numpy(part[:MOST_JUDGED]).to(self.x.device)
        return self.x[chosen], self.y[chosen]

    def guess(self, part: Rows) -> tuple[float, float]:
        """Return loss and accuracy of the best answer that does not look at the inputs."""
        y = self.judged(part)[1]
        if self.kind == "regression":
            return float(y.double().var(0, unbiased=False).mean()), 0.0
        counts = torch().bincount(y, minlength=self.outputs).double()
        share = counts[counts > 0] / counts.sum()
        return float(-(share * share.log()).sum()), float(share.max())


def order_of(train: Rows, epoch: int, seed: int) -> Rows:
    """Return the training rows in the order of an epoch, counted from 0."""
    order = np.asarray(sampling.permutation(len(train), seed=seed, stream=f"epoch {epoch}"))
    chosen: Rows = train[order]
    return chosen


def prepare(
    data: Any,
    *,
    batch_size: int,
    held_out: float,
    standardize: bool | None,
    loss: Any,
    seed: int,
    outputs: int | None,
) -> Lessons:
    """Read, check and split the data.

    Parameters
    ----------
    outputs : how many numbers the model gives; None if it is to be built for the data.

    Raises
    ------
    InputError
        The data are not known or not a pair, have too few rows, NaN, or lengths that differ.
    """
    if isinstance(data, str):
        x, y = _named(data)
        standardize = True if standardize is None else standardize
    elif isinstance(data, (tuple, list)) and len(data) == 2:
        x, y = data
    else:
        raise InputError(
            "data must be a pair (X, y) of inputs and targets, or 'digits'; got "
            f"{type(data).__name__}."
        )
    x, y = _array(x, "X"), _array(y, "y")
    if x.ndim < 2:
        raise InputError(
            f"data: X must have an axis of rows and one of features; got shape {x.shape}. A single "
            "column is X[:, None]."
        )
    if len(x) != len(y):
        raise InputError(f"data: X has {len(x):,} rows and y has {len(y):,}; they must be as many.")
    if y.ndim == 2 and y.shape[1] == 1 and y.dtype.kind not in "fc":
        y = y[:, 0]
    _finite(x, "X")
    _finite(y, "y")
    kind, y, count = _targets(y, loss, outputs)
    train, held = _split(len(x), held_out, seed)
    if batch_size > len(train):
        raise InputError(
            f"batch_size is {batch_size:,}, and there are only {len(train):,} rows to train on"
            f"{f' ({len(held):,} are held out)' if len(held) else ''}: give at least one batch of "
            f"rows, or batch_size={max(1, min(len(train), 32))}."
        )
    if standardize:
        x = _standard(x, train)
        y = _standard(y, train) if kind == "regression" else y
    th = torch()
    return Lessons(th.from_numpy(x), th.from_numpy(y), kind, count, train, held, batch_size, seed)


def _named(name: str) -> tuple[Any, Any]:
    if name != "digits":
        raise InputError(
            f"data {name!r} is not known.{nearest(name, _DATA_SETS)} Known by name: digits; any "
            "others as a pair (X, y)."
        )
    module = require(
        "sklearn.datasets",
        purpose="The digits, which are learned where no data are given,",
        extra="sklearn",
    )
    x, y = module.load_digits(return_X_y=True)
    return x, y


def _array(values: Any, name: str) -> Any:
    """Return data as a fresh NumPy array."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    found = np.array(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if found.dtype.kind == "O":
        try:
            found = found.astype(np.float64) if name == "X" else found.astype(str)
        except (TypeError, ValueError):
            raise InputError(
                f"data: {name} holds objects that are no numbers. Encode text as numbers first."
            ) from None
    if found.dtype.kind not in ("biuf" if name == "X" else "biufUS"):
        raise InputError(f"data: {name} must hold numbers; got {found.dtype}.")
    return found


def _finite(values: Any, name: str) -> None:
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    bad = ~np.isfinite(values.reshape(len(values), -1))
    rows = bad.any(axis=1)
    count = int(bad.sum())
    raise NotFiniteError(
        f"data: {name} holds {count:,} NaN or infinite value{'s' if count != 1 else ''}, the first "
        f"in row {int(rows.argmax())}: every network would come to nothing. Fill or drop them."
    )


def _targets(y: Any, loss: Any, outputs: int | None) -> tuple[str, Any, int]:
    """Return what is learned, the targets as it needs them, and how many outputs that takes."""
    classes = y.dtype.kind in "biuUS"
    if loss == "mse" and y.dtype.kind in "biu":
        classes = False
    if loss == "cross_entropy" and not classes:
        whole = y.ndim == 1 and bool((y == np.round(y)).all())
        if not whole:
            raise InputError(
                "loss 'cross_entropy' needs y to be classes: whole numbers or names; got "
                f"{y.dtype} of shape {y.shape}. For numbers there is loss='mse'."
            )
        y, classes = y.astype(np.int64), True
    if not classes:
        y = y.astype(np.float64)
        y = y[:, None] if y.ndim == 1 else y
        return "regression", y, int(math.prod(y.shape[1:]))
    if y.ndim != 1:
        raise InputError(
            f"data: y holds classes and must have one axis, a class a row; got shape {y.shape}. "
            "Of one-hot rows take y.argmax(1)."
        )
    known, numbers = np.unique(y, return_inverse=True)
    if len(known) < 2:
        raise InputError("data: y holds one class only: there is nothing to tell apart.")
    if len(known) > min(_MOST_CLASSES, max(2, len(y) // 2)):
        raise InputError(
            f"data: y is of whole numbers, which are classes, and has {len(known):,} of them in "
            f"{len(y):,} rows. If they are amounts, pass y.astype(float)."
        )
    as_given = outputs is not None and y.dtype.kind in "iu"
    if as_given and int(y.min()) >= 0 and int(y.max()) < (outputs or 0):
        return "classification", y.astype(np.int64), int(outputs or 0)
    return "classification", numbers.astype(np.int64), len(known)


def _split(count: int, held_out: float, seed: int) -> tuple[Rows, Rows]:
    bad = isinstance(held_out, bool) or not isinstance(held_out, (int, float))
    if bad or not 0.0 <= held_out < 1.0:
        raise InputError(
            f"held_out is a share of the rows and must lie in [0, 1); got {held_out!r}. A quarter "
            "is 0.25."
        )
    order = np.asarray(sampling.permutation(count, seed=seed, stream="split")).astype(np.int64)
    kept = count - round(held_out * count)
    return order[:kept], order[kept:]


def _standard(values: Any, train: Rows) -> Any:
    """Return numbers with mean 0 and sd 1 in every column of the training rows."""
    wide = values.astype(np.float64)
    mean, sd = wide[train].mean(axis=0), wide[train].std(axis=0)
    return (wide - mean) / np.where(sd > 0.0, sd, 1.0)
