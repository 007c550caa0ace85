"""Weights of rows: the two kinds that are kept apart, and what cannot be a weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError, ModelFileError

ANALYTIC = "analytic"
FREQUENCY = "frequency"
KINDS = (ANALYTIC, FREQUENCY)

ARGUMENTS = {ANALYTIC: "weights", FREQUENCY: "frequencies"}

# Squares of the data, scaled near one, times weights: neither they nor their errors leave float64.
_SMALLEST, _LARGEST = 1e-100, 1e100


@dataclass(frozen=True, slots=True)
class Weights:
    """Which column weighs the rows, and in what sense.

    Attributes
    ----------
    name : of the column; ``"weights"`` or ``"frequencies"`` for values without a name.
    kind : ``"analytic"``: the error of a row has the variance σ²/w, such as a mean over w
        measurements; ``"frequency"``: a row stands for w equal ones.
    """

    name: str
    kind: str

    def to_dict(self) -> dict[str, str]:
        """Return plain data for JSON."""
        return {"name": self.name, "kind": self.kind}

    @classmethod
    def from_dict(cls, data: object) -> Weights | None:
        """Rebuild what :meth:`to_dict` wrote; None stands for no weights."""
        if data is None:
            return None
        if not isinstance(data, dict) or not isinstance(data.get("name"), str):
            raise ModelFileError("recipe: 'weights' must name a column.")
        if data.get("kind") not in KINDS:
            raise ModelFileError(f"recipe: weights of an unknown kind {data.get('kind')!r}.")
        return cls(data["name"], data["kind"])


def check_weights(
    values: npt.NDArray[np.floating],
    kind: str,
    *,
    name: str | None = None,
    where: Callable[[int], str] | None = None,
) -> None:
    """Refuse weights that are missing, negative or infinite, and frequencies that are not whole.

    Parameters
    ----------
    values : (m,) weights of some rows.
    name : of their column, for the message.
    where : turns the number of a row into a place that a person can find.

    Raises
    ------
    InputError
        A value cannot be a weight; the message says which, where, and what to do.
    """
    if not len(values):
        return
    values = values.astype(np.float64, copy=False)  # float32 has no room for the limits
    low, high = float(values.min()), float(values.max())
    if kind == FREQUENCY:
        if low >= 0.0 and high < 2.0**53 and (values == np.rint(values)).all():
            return
    elif low >= 0.0 and high <= _LARGEST:
        least = low or float(values[values > 0.0].min(initial=_LARGEST))
        if least >= _SMALLEST:
            return
    wrong = ~(values >= 0.0) | np.isinf(values)
    if kind == FREQUENCY:
        wrong |= (values != np.rint(values)) | (values >= 2.0**53)
    else:
        wrong |= (values > _LARGEST) | ((values > 0.0) & (values < _SMALLEST))
    row = int(np.argmax(wrong))
    column = f"the column of {ARGUMENTS[kind]}" + (f" {name!r}" if name else "")
    place = f" at {where(row)}" if where is not None else ""
    raise InputError(f"{column} {_complaint(float(values[row]), kind, place)}")


def _complaint(value: float, kind: str, place: str) -> str:
    if np.isnan(value):
        return (
            f"has no value{place}, and a row cannot be used without one. Fill it in, or write 0 "
            "to leave the row out."
        )
    holds = f"holds {value:.12g}{place}"
    if value < 0.0:
        remedy = "Correct it, or write 0 to leave the row out."
        return (
            f"{holds}; a {'frequency' if kind == FREQUENCY else 'weight'} is at least 0. {remedy}"
        )
    if kind == FREQUENCY and value != np.rint(value):
        return (
            f"{holds}; a frequency counts equal rows and must be whole. If it says how precise a "
            "row is, pass the column as weights=."
        )
    power = max(-300, int(np.log10(value))) if 0.0 < value < np.inf else 0
    if kind == ANALYTIC and power:
        return (
            f"{holds}; weights must lie between {_SMALLEST:g} and {_LARGEST:g}. Multiply all of "
            f"them by 1e{-power}: only their ratios matter to coefficients and standard errors."
        )
    return f"{holds}; it must be finite{' and below 2^53' if kind == FREQUENCY else ''}."
