"""Tables of numbers as scikit-learn's conventions ask for them: checked, with their names."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError

Matrix: TypeAlias = npt.NDArray[np.floating]


class NotNumbersError(InputError, TypeError):
    """A table holds objects that are no numbers."""


def as_matrix(data: Any) -> tuple[Matrix, npt.NDArray[Any] | None]:
    """Return (n, p) float64 or float32 values and the names of the columns, if they have any.

    Raises
    ------
    InputError
        The data are no table of real numbers, hold an infinity, or are empty.
    """
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise InputError(
            "Sparse data was passed, but dense data is required: subtracting the mean would fill "
            "it anyway. Use '.toarray()' to convert it."
        )
    names = _names_of(data)
    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:
        raise InputError(f"X cannot be made into an array: {error}") from None
    if array.dtype.kind == "c":
        raise InputError("Complex data not supported: X must hold real numbers.")
    if array.dtype.kind not in "fiub":
        if array.dtype.kind != "O":
            raise InputError(f"X must hold numbers; it holds values of dtype {array.dtype}.")
        array = _numbers(array)
    if array.ndim != 2:
        got = "a scalar" if array.ndim == 0 else f"{array.ndim}D"
        raise InputError(
            f"Expected 2D array, got {got} array instead. Reshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it "
            "contains a single sample."
        )
    for axis, what in enumerate(("sample", "feature")):
        if array.shape[axis] == 0:
            raise InputError(
                f"Found array with 0 {what}(s) (shape={array.shape}) while a minimum of 1 is "
                "required."
            )
    if array.dtype != np.float32:
        array = np.asarray(array, dtype=np.float64)
    if np.isinf(array).any():
        row, column = (int(k) for k in np.argwhere(np.isinf(array))[0])
        raise InputError(
            f"Input X contains infinity, first in row {row}, column {column} (counted from 0). "
            "Correct it, or make it NaN to leave it out."
        )
    return array, names


def other_names(known: list[str], given: list[str]) -> str:
    """Say which names of columns are new, which are missing, or that they are in another order."""
    lines = ["The feature names should match those that were passed during fit."]
    unseen = sorted(set(given) - set(known))
    missing = sorted(set(known) - set(given))
    if unseen:
        lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in unseen[:5])]
    if missing:
        lines += [
            "Feature names seen at fit time, yet now missing:",
            *(f"- {name}" for name in missing[:5]),
        ]
    if not (unseen or missing):
        lines.append("Feature names must be in the same order as they were in fit.")
    return "\n".join(lines) + "\n"


def _names_of(data: Any) -> npt.NDArray[Any] | None:
    columns = getattr(data, "columns", None)
    if columns is None or isinstance(data, dict):
        return None
    names = list(columns)
    if not names or not all(isinstance(name, str) for name in names):
        return None
    return np.array(names, dtype=object)


def _numbers(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    try:
        return np.asarray(array, dtype=np.float64)
    except TypeError as error:
        raise NotNumbersError(f"X must hold numbers: {error}.") from None
    except ValueError as error:
        raise InputError(f"X must hold numbers: {error}.") from None
