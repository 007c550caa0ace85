"""Rows as bytes, so that tests can ask for the same bits rather than nearly the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data import Batch, open_data


def matrix(batch: Batch) -> npt.NDArray[np.float64]:
    """Return predictors and target of a batch side by side, (m, p + 1)."""
    columns = batch.x if isinstance(batch.x, tuple) else tuple(batch.x.T)
    return np.column_stack([*columns, batch.y]).astype(np.float64)


def rows_of(source: Any, rows: int = 1000) -> npt.NDArray[np.float64]:
    """Return all rows that a source yields, target last."""
    return np.concatenate([matrix(batch) for batch in source.batches(rows)])


def bits_of(source: Any, rows: int) -> list[bytes]:
    """Return every batch as bytes: equal lists mean equal numbers in equal blocks."""
    return [matrix(batch).tobytes() for batch in source.batches(rows)]


def opened_rows(data: Any, target: Any = "y", **options: Any) -> npt.NDArray[np.float64]:
    """Open data and return its rows, gaps dropped as the engine asks for it."""
    return rows_of(open_data(data, target, **options).source.without_missing())


def codes_of(data: Any, target: Any = "y", **options: Any) -> list[str]:
    """Return the codes of the findings of opening data."""
    return [finding.code for finding in open_data(data, target, **options).findings]
