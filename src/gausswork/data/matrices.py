"""Arrays and lists: checked and given a shape, copied only where numbers must be converted."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.columns import is_masked, masked_to_nan, series_column
from gausswork.data.devices import is_foreign
from gausswork.data.tables import as_floats
from gausswork.errors import InputError

_NUMERIC = "fiub"
_TIME_REMEDY = "Turn times into numbers first: (t - t[0]) / numpy.timedelta64(1, 'D') gives days."
_TEXT_REMEDY = "Convert it with x.astype(float), or pass a data frame: text becomes categories."
_OTHER = {
    "c": ("complex numbers", "Pass the real and the imaginary part as columns of their own."),
    "M": ("dates", _TIME_REMEDY),
    "m": ("durations", _TIME_REMEDY),
    "U": ("text", _TEXT_REMEDY),
    "S": ("bytes", "Convert it with x.astype(float)."),
    "V": ("records", "Pass a data frame, or a structured array with named fields."),
    "T": ("text", _TEXT_REMEDY),
}


@lru_cache(maxsize=64)
def default_names(p: int) -> tuple[str, ...]:
    """Names for the columns of an array: ``("x1", "x2", …)``."""
    return tuple(f"x{number}" for number in range(1, p + 1))


def as_matrix(data: Any, *, allow_empty: bool = False) -> npt.NDArray[Any]:
    """Turn predictors into an (n, p) array of a numeric dtype; a vector is one column.

    A view wherever the data already is a numeric array: no value is looked at.
    """
    array = _numeric(data, "X")
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        shape = "a single number" if array.ndim == 0 else f"of shape {array.shape}"
        raise InputError(f"X must be rows by columns, (n, p); it is {shape}. Use X.reshape(n, p).")
    if not len(array) and not allow_empty:
        raise InputError(f"X has no rows (shape {array.shape}), so there is nothing to fit.")
    return array


def as_vector(y: Any, *, rows: int, shape: tuple[int, ...], name: str = "y") -> npt.NDArray[Any]:
    """Turn the target, or weights, into an (n,) array of a numeric dtype, NaN for no value.

    Parameters
    ----------
    y : the target, an array or one column of a frame of any library.
    rows : how many values it must have.
    shape : shape of the predictors, for the message.
    name : of the argument, for the message.
    """
    module = type(y).__module__.partition(".")[0]
    if module in ("pandas", "polars", "pyarrow", "narwhals"):
        if hasattr(y, "columns") and len(y.columns) == 1:
            y = y[next(iter(y.columns))]
        column = series_column(y, place=name)
        if not isinstance(column, np.ndarray):
            column = _floats_of_chunks(column)
        y = column
    array = _numeric(y, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"{name} must be one column of values, shape (n,); its shape is {array.shape}. "
            f"{'One target at a time: pass' if name == 'y' else 'Pass'} {name}[:, 0]."
        )
    if len(array) != rows:
        hint = " Did you mean X.T?" if len(shape) == 2 and shape[1] == len(array) else ""
        has = f"{name} has {len(array)} value{'' if len(array) == 1 else 's'}"
        some = f"{rows} row{'' if rows == 1 else 's'}"
        raise InputError(f"X has {some} and {has}; they must agree.{hint}")
    return array


def _numeric(data: Any, name: str) -> npt.NDArray[Any]:
    if is_masked(data):
        return masked_to_nan(data)
    array = _array(data, name)
    if array.dtype.kind in _NUMERIC:
        return array
    if array.dtype.kind == "O":
        from gausswork.data.objects import numbers_of_objects

        return numbers_of_objects(array, place=name)
    holds, remedy = _OTHER.get(array.dtype.kind, (f"values of dtype {array.dtype}", ""))
    raise InputError(f"{name} must hold real numbers; it holds {holds} ({array.dtype}). {remedy}")


def _array(data: Any, name: str) -> npt.NDArray[Any]:
    if is_foreign(data):
        from gausswork.data.devices.opening import host_view

        return host_view(data, name)
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise InputError(
            f"{name} is a sparse matrix, which is not read here. If it fits into memory, pass "
            f"{name}.toarray()."
        )
    try:
        array = np.asarray(data)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{name} cannot be made into an array: {_unequal(data) or error}"
        ) from None
    if array.dtype.kind == "O" and array.ndim == 0:
        raise InputError(
            f"{'data' if name == 'X' else name} of type {type(data).__name__} is not known here. "
            "Pass an array, a pandas, polars or Arrow frame, a dict of columns, or the path of a "
            "CSV or Parquet file."
        )
    if array.dtype.kind in "US" and not hasattr(data, "dtype"):
        # a list that mixes numbers and text became all text: look at the objects themselves
        return np.asarray(data, dtype=object)
    return array


def _unequal(data: Any) -> str:
    """Say which row of a nested list has another length than the first; empty if none has."""
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in data]
    for number, length in enumerate(lengths):
        if length != lengths[0]:
            return f"row 0 has {lengths[0]} values and row {number} has {length}."
    return ""


def _floats_of_chunks(column: Any) -> npt.NDArray[Any]:
    from gausswork.data.kinds import Kind, field_of

    field = field_of("y", column.type)
    if field.kind not in (Kind.NUMBER, Kind.FLAG):
        raise InputError(
            f"y must hold real numbers; it holds {field.holds}. "
            f"{field.remedy or 'Convert it to numbers first.'}"
        )
    chunks = [as_floats(chunk) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.empty(0)
