"""Object arrays: Python numbers become float64; whatever else is in them is named."""

from __future__ import annotations

import decimal
import fractions
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError

_NUMBERS = (int, float, bool, np.number, np.bool_, decimal.Decimal, fractions.Fraction)


class MixedTypesError(InputError):
    """An object array holds something that is no real number.

    Attributes
    ----------
    detail : which element, in words.
    remedy : what to do about it.
    """

    def __init__(self, place: str, detail: str, remedy: str) -> None:
        super().__init__(f"{place} must hold real numbers; {detail}. {remedy}")
        self.detail = detail
        self.remedy = remedy


def numbers_of_objects(values: npt.NDArray[Any], *, place: str) -> npt.NDArray[np.float64]:
    """Turn an object array of any shape into float64, NaN for None and other empty marks.

    Raises
    ------
    MixedTypesError
        An element is no real number; the message names its row, its column and its value.
    """
    # the types first: astype(float) would read the text "1.5" as a number without a word
    for kind in set(map(type, values.flat)):
        if not issubclass(kind, _NUMBERS) or issubclass(kind, np.complexfloating):
            _refuse_first(values, kind, place)
    try:
        return np.array([_number(value) for value in values.flat], dtype=np.float64).reshape(
            values.shape
        )
    except OverflowError:
        raise InputError(
            f"{place} holds an integer beyond the range of float64 (1.8e308). "
            "Divide the column by a power of ten first."
        ) from None


def is_empty_mark(value: object) -> bool:
    """Whether a value stands for "none": None, pandas.NA or pandas.NaT."""
    # by name: pandas must not be imported for the sake of data that has none of it
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _number(value: Any) -> float:
    return float("nan") if is_empty_mark(value) else float(value)


def _refuse_first(values: npt.NDArray[Any], kind: type, place: str) -> None:
    """Refuse the first element of a type, unless the type is an empty mark."""
    for index, value in np.ndenumerate(values):
        if type(value) is not kind:
            continue
        if is_empty_mark(value):
            return
        column = f", column {index[1]}" if len(index) > 1 else ""
        remedy = (
            "Convert text that spells numbers with float() first; text that names groups "
            "belongs in a data frame column of its own."
            if isinstance(value, str | bytes)
            else "Every element must be a real number, or None where there is no value."
        )
        detail = f"row {index[0]}{column} (counted from 0) is {value!r}, of type {kind.__name__}"
        raise MixedTypesError(place, detail, remedy)
