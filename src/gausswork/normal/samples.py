"""One column of numbers from any library, checked: what every function of this wing reads."""

from __future__ import annotations

import decimal
import fractions
import sys
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError

Array: TypeAlias = npt.NDArray[np.float64]

_NUMBERS = (int, float, bool, np.number, np.bool_, decimal.Decimal, fractions.Fraction)
_HOLDS = {"c": "complex numbers", "M": "dates", "m": "durations", "S": "bytes", "V": "records"}


@dataclass(frozen=True, slots=True)
class Sample:
    """The finite numbers of a column.

    Attributes
    ----------
    values : (n,) finite float64 numbers in their order; possibly the caller's own memory, so
        they are never written to.
    positions : (n,) where each value stands in the column, None where nothing was left out.
    missing : how many entries had no value (NaN, None, masked).
    """

    values: Array
    positions: npt.NDArray[np.intp] | None
    missing: int

    def __len__(self) -> int:
        return len(self.values)

    def place(self, index: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return where the values of these numbers stand in the column."""
        return index if self.positions is None else self.positions[index]


def read_sample(data: Any, *, name: str = "sample", least: int = 1) -> Sample:
    """Read a column of numbers; NaN, None and masked entries are left out and counted.

    Parameters
    ----------
    data : array, list, or column of a pandas, polars or Arrow frame; one dimension, or (n, 1).
    name : what the argument is called, for messages.
    least : how many values are needed.

    Raises
    ------
    InputError
        There is something else than real numbers in it, an infinity, or too few values.
    """
    array = _vector(data, name)
    with np.errstate(over="ignore"):  # what exceeds float64 becomes infinite and is refused
        values = np.ascontiguousarray(array, dtype=np.float64)
    # One sum finds out whether there is anything to leave out, without a mask of n bytes.
    with np.errstate(invalid="ignore", over="ignore"):
        suspicious = not np.isfinite(values.sum())
    positions = None
    missing = 0
    if suspicious:
        finite = np.isfinite(values)
        infinite = np.isinf(values)
        if infinite.any():
            first = int(np.argmax(infinite))
            raise InputError(
                f"{name} holds {_count(int(infinite.sum()), 'infinite value')}, the first "
                f"({values[first]:g}) at position {first} (counted from 0). Correct "
                "them, or make them NaN to leave them out."
            )
        if not finite.all():
            positions = np.flatnonzero(finite)
            missing = len(values) - len(positions)
            values = values[positions]
    if len(values) < least:
        raise InputError(_too_few(name, len(values), missing, least))
    return Sample(values, positions, missing)


def check_seed(seed: Any) -> int:
    """Refuse what cannot start a stream of random numbers."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be a whole number, 0 or more; got {seed!r}.")
    return int(seed)


def _too_few(name: str, n: int, missing: int, least: int) -> str:
    if n == 0 and missing == 0:
        return f"{name} is empty: it needs at least {_count(least, 'number')}."
    gaps = f" beside {missing:,} missing" if missing else ""
    return f"{name} has {_count(n, 'value')}{gaps}; at least {least} are needed."


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _vector(data: Any, name: str) -> npt.NDArray[Any]:
    if isinstance(data, str | bytes):
        raise InputError(
            f"{name} must be a column of numbers; got the text {data[:60]!r}. For a column of a "
            "file use the command line: gausswork check FILE --column NAME."
        )
    ma = sys.modules.get("numpy.ma")  # whoever has a masked array has imported it
    if ma is not None and isinstance(data, ma.MaskedArray):
        if data.dtype.kind not in "fiub":
            raise InputError(f"{name} must hold real numbers; its dtype is {data.dtype}.")
        return _one_dimension(ma.filled(data.astype(np.float64), np.nan), name)
    if hasattr(data, "combine_chunks"):  # Arrow's own conversion would import pandas
        data = data.to_pylist() if data.null_count else data.to_numpy()
    if isinstance(data, dict | set | frozenset):
        raise InputError(
            f"{name} must be a column of numbers; got a {type(data).__name__}. Pass one of its "
            "columns." if isinstance(data, dict) else f"{name} is a set, which drops equal "
            "values. Pass a list or an array."
        )  # fmt: skip
    if not hasattr(data, "__len__") and hasattr(data, "__iter__"):
        data = list(data)
    try:
        array = np.asarray(data)
    except (ValueError, TypeError, RuntimeError) as error:  # the last two also of tensors
        raise InputError(f"{name} cannot be read as a column of numbers: {error}") from None
    if array.dtype.kind in "US" and not hasattr(data, "dtype"):
        array = np.asarray(data, dtype=object)  # a list that mixes text and numbers
    if array.dtype.kind in "UST":
        raise InputError(
            f"{name} must hold numbers; it holds text such as {str(array.flat[0])!r}. Convert "
            "text that spells numbers with x.astype(float)."
        )
    array = _one_dimension(array, name)
    if array.dtype.kind == "O":
        return _numbers_of_objects(array, name)
    if array.dtype.kind not in "fiub":
        holds = _HOLDS.get(array.dtype.kind, f"values of dtype {array.dtype}")
        raise InputError(f"{name} must hold real numbers; it holds {holds}.")
    return array


def _one_dimension(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if array.ndim == 0:
        raise InputError(
            f"{name} must be a column of numbers; got {array.item()!r}. Pass a list or an array."
        )
    if array.ndim == 2 and 1 in array.shape:
        return array.reshape(-1)
    if array.ndim != 1:
        raise InputError(
            f"{name} must be one column of numbers, shape (n,); its shape is {array.shape}. "
            "Pass one column at a time, as in x[:, 0]."
        )
    return array


def _numbers_of_objects(values: npt.NDArray[Any], name: str) -> Array:
    """Turn Python objects into numbers; text is named, never read as a number."""
    out = np.empty(len(values))
    for row, value in enumerate(values):
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            out[row] = np.nan
        elif isinstance(value, _NUMBERS) and not isinstance(value, np.complexfloating):
            try:
                out[row] = float(value)
            except OverflowError:
                out[row] = np.inf
        else:
            raise InputError(
                f"{name} must hold numbers; at position {row} (counted from 0) there is "
                f"{value!r}, of type {type(value).__name__}. Convert it to a number, or make it "
                "NaN to leave it out."
            )
    return out
