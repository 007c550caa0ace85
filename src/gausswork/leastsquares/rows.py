"""The rows behind a fit, read again: a few of them, to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import Source
from gausswork.errors import InputError
from gausswork.leastsquares.kernels import columns_of

if TYPE_CHECKING:
    from gausswork.data.recipe import Recipe
    from gausswork.leastsquares.fit import Fit

Array = npt.NDArray[np.float64]

_BATCH = 65_536


def source_of(fit: Fit, data: Any) -> Source:
    """Return the data of a fit as a source, the way the fit read it.

    Parameters
    ----------
    data : what was fitted: a path, a frame, a ``Source``; for arrays the pair ``(X, y)``.

    Raises
    ------
    InputError
        The data has not the columns of the fit, or categories with other levels.
    """
    from gausswork.data.opening import is_source, open_data

    if is_source(data):
        source: Source = data
    else:
        if isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], str):
            opened = open_data(data[0], fit.target, y=data[1])
        else:
            features = [column.name for column in fit.design.columns]
            opened = open_data(data, fit.target, features=features)
        if opened.recipe is not None and not _alike(opened.recipe, fit.design):
            raise InputError(
                f"{opened.description} does not have the columns and levels that the fit has seen. "
                "Give the data that was fitted."
            )
        source = opened.source
    if len(source.names) != len(fit.moments.names):
        raise InputError(
            f"the data has {len(source.names)} predictors, the fit has {len(fit.moments.names)}. "
            "Give the data that was fitted."
        )
    return source


def _alike(found: Recipe, fitted: Recipe) -> bool:
    """Whether rows of one recipe are rows of the other; arrays bring no names of their own."""
    shapes = [[(c.kind, c.levels) for c in recipe.columns] for recipe in (found, fitted)]
    return shapes[0] == shapes[1]


def first_rows(fit: Fit, data: Any, rows: int) -> tuple[Array, Array]:
    """Return the first rows that the fit used: predictors (m, p) and target (m,)."""
    xs, ys = [np.empty((0, len(fit.moments.names)))], [np.empty(0)]
    for x, y in _complete(source_of(fit, data), rows):
        xs.append(x)
        ys.append(y)
        if sum(map(len, ys)) >= rows:
            break
    return np.concatenate(xs)[:rows], np.concatenate(ys)[:rows]


def spread_rows(fit: Fit, data: Any, most: int) -> tuple[Array, Array]:
    """Return at most so many rows, evenly spread over those that the fit used."""
    step = max(1, -(-fit.rows // most))
    xs, ys, seen = [np.empty((0, len(fit.moments.names)))], [np.empty(0)], 0
    for x, y in _complete(source_of(fit, data), _BATCH):
        first = -seen % step
        xs.append(x[first::step].copy())
        ys.append(y[first::step].copy())
        seen += len(y)
    return np.concatenate(xs), np.concatenate(ys)


def _complete(source: Source, rows: int) -> Any:
    """Yield the rows with a finite value everywhere: arrays are read without a look at them."""
    for batch in source.batches(rows):
        x = columns_of(batch.x, slice(0, len(batch)))
        y = np.asarray(batch.y, dtype=np.float64)
        keep = np.isfinite(x).all(axis=1) & np.isfinite(y)
        yield (x, y) if keep.all() else (x[keep], y[keep])
