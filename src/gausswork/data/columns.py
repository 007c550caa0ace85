"""One column of any library, or any sequence, as a NumPy vector or an Arrow array."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.devices import is_foreign
from gausswork.data.tables import Column
from gausswork.errors import InputError


def series_column(values: Any, *, place: str) -> Column:
    """Turn one column of any library, or a sequence, into a NumPy vector or a ChunkedArray."""
    module = type(values).__module__.partition(".")[0]
    if module == "narwhals" and hasattr(values, "to_native"):
        return series_column(values.to_native(), place=place)
    if module == "pandas":
        return pandas_series(values, place)
    if module == "polars":
        return polars_series(values)
    if hasattr(values, "combine_chunks"):  # pyarrow.ChunkedArray
        return values
    if is_foreign(values):
        from gausswork.data.devices.opening import host_view

        values = host_view(values, place)
    if not isinstance(values, np.ndarray) and hasattr(values, "__arrow_c_array__"):
        import pyarrow as pa

        return pa.chunked_array([pa.array(values)])
    return vector(values, place)


def pandas_series(series: Any, place: str) -> Column:
    """Turn a pandas Series into a view of its numbers, or an Arrow array."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "fiubc":
        return series.to_numpy()
    if type(dtype).__name__ == "SparseDtype":
        return np.asarray(series)
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return vector(series.to_numpy(), place)
    inner = getattr(dtype, "categories", None)
    if inner is not None and type(inner.dtype).__name__ in ("IntervalDtype", "PeriodDtype"):
        # what pandas.cut makes: Arrow knows no intervals, so the levels are their text
        import pyarrow as pa

        codes = series.cat.codes.to_numpy()
        levels = pa.array([str(level) for level in inner])
        indices = pa.array(codes, mask=codes < 0)
        return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, levels)])
    return _arrow(series, place)


def polars_series(series: Any) -> Column:
    """Turn a polars Series into a view of its numbers, or an Arrow array."""
    kind = series.dtype
    if str(kind) in ("Int128", "UInt128"):  # neither NumPy nor Arrow has them
        series = series.cast(float)
        kind = series.dtype
    if (
        kind.is_numeric()
        and not kind.is_decimal()
        and series.null_count() == 0
        and series.n_chunks() == 1
    ):
        return series.to_numpy()
    import pyarrow as pa

    try:
        # the stream keeps the chunks where they lie; Series.to_arrow would copy them together
        return pa.table(series.to_frame("values")).column(0)
    except Exception as error:
        raise InputError(f"polars type {kind} has no Arrow form: {error}") from error


def vector(values: Any, place: str) -> Column:
    """Turn a sequence into a numeric NumPy vector, or an Arrow array of whatever it holds."""
    array = values
    if is_masked(values):
        array = masked_to_nan(values)
    if not isinstance(array, np.ndarray):
        if isinstance(array, str | bytes) or not hasattr(array, "__len__"):
            raise InputError(f"{place} is {values!r}, which is not a column of values.")
        try:
            array = np.asarray(array)
        except ValueError:
            array = np.empty(len(values), dtype=object)
            array[:] = values
        if array.dtype.kind in "USO" and not hasattr(values, "dtype"):
            # a list may mix types, which NumPy turns into text: keep the objects themselves
            listed = list(values)
            array = np.empty(len(listed), dtype=object)
            array[:] = listed
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"{place} must be one-dimensional; its shape is {array.shape}.")
    if array.dtype.kind in "fiubc":
        return np.asarray(array)
    return _arrow(array, place)


def is_masked(values: object) -> bool:
    """Whether this is a masked array; ``numpy.ma`` is imported by whoever makes one, not here."""
    ma = sys.modules.get("numpy.ma")
    return ma is not None and isinstance(values, ma.MaskedArray)


def masked_to_nan(values: np.ma.MaskedArray[Any, Any]) -> npt.NDArray[Any]:
    """Turn masked elements into NaN; without any, return the data as it lies."""
    if not np.ma.is_masked(values):
        return np.asarray(values.data)
    if values.dtype.kind == "O":
        return np.asarray(values.filled(None))
    if values.dtype.kind not in "fiub":
        raise InputError(f"a masked array must hold numbers; got dtype {values.dtype}.")
    kind = np.float32 if values.dtype == np.float32 else np.float64
    return np.asarray(np.ma.filled(values.astype(kind), np.nan))


def _arrow(values: Any, place: str) -> Column:
    """Turn values into a ``pyarrow.ChunkedArray``; objects that Arrow cannot mix, into numbers."""
    import pyarrow as pa

    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        objects = np.asarray(values)
        if objects.dtype.kind != "O":
            raise InputError(f"{place} cannot be read: {error}") from error
        from gausswork.data.objects import numbers_of_objects

        return numbers_of_objects(objects, place=place)
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
