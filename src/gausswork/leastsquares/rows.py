"""The rows behind a fit, read again; a pass that finds other rows than the fit saw says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import Source
from gausswork.data.weights import FREQUENCY
from gausswork.errors import InputError
from gausswork.leastsquares.kernels import columns_of

if TYPE_CHECKING:
    from gausswork.data.recipe import Recipe
    from gausswork.leastsquares.fit import Fit

Array = npt.NDArray[np.float64]

_BATCH = 65_536
_SAME = 1e-10  # relative difference of sums that rounding explains, whatever the order of adding


def source_of(fit: Fit, data: Any = None) -> Source:
    """Return the data of a fit as a source, the way the fit read it.

    Parameters
    ----------
    data : what was fitted: a path, a frame, a ``Source``; for arrays the pair ``(X, y)``. None for
        the rows that the fit itself refers to.

    Raises
    ------
    InputError
        The fit has no rows of its own and none were given; or the data has not the columns of the
        fit, or categories with other levels.
    """
    from gausswork.data.opening import as_table, is_source, open_data

    if data is None:
        if fit.source is None:
            raise InputError(
                "this fit does not have its rows: it was loaded from a file, or made from a stream "
                "that can be read only once. Pass the data that was fitted; for arrays the pair "
                "(X, y)."
            )
        # passes count, and what is counted here must not be mixed up in threads that share a fit
        apart: Callable[[], Source] | None = getattr(fit.source, "apart", None)
        return fit.source if apart is None else apart()
    if is_source(data):
        source: Source = data
    elif fit.design.formula is not None:
        from gausswork.data.predictors import require_columns
        from gausswork.data.tabular import source_by

        table = as_table(data)
        if table is None:
            raise InputError(
                f"the fit uses the formula {fit.design.formula.formula.text!r}: give the data that "
                "was fitted, with its column names."
            )
        require_columns(table, fit.design, target=True)
        return source_by(table, fit.design, "drop")[0]
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


@dataclass(slots=True)
class Witness:
    """Sums of the rows of a pass, to be compared with those of the fit.

    Attributes
    ----------
    rows : rows seen.
    counted : as far as the fit counts them: those of positive weight, or the sum of frequencies.
    sums, sizes : (p + 1,) weighted sums of the values and of their magnitudes, the target last.
    """

    rows: int
    counted: int
    sums: Array
    sizes: Array

    @classmethod
    def of(cls, fit: Fit) -> Witness:
        """Return a witness that has seen nothing yet."""
        q = len(fit.moments.shift)
        return cls(0, 0, np.zeros(q), np.zeros(q))

    def see(self, x: Array, y: Array, weight: Array | None = None, kind: str | None = None) -> None:
        """Take note of some rows, (m, p) and (m,), and of their weights if they have any.

        Parameters
        ----------
        kind : ``"analytic"`` or ``"frequency"`` weights.
        """
        self.rows += len(y)
        if weight is None:
            self.counted += len(y)
        else:
            self.counted += int(weight.sum() if kind == FREQUENCY else np.count_nonzero(weight))
        with np.errstate(over="ignore", invalid="ignore"):
            w = np.ones(len(y)) if weight is None else weight
            self.sums[:-1] += w @ x
            self.sizes[:-1] += w @ np.abs(x)
            self.sums[-1] += w @ y
            self.sizes[-1] += w @ np.abs(y)

    def compare(self, fit: Fit) -> None:
        """Refuse a complete pass over other rows than those that were fitted.

        Raises
        ------
        InputError
            Their number differs, or the sum of a column does by more than rounding explains.
        """
        if self.counted != fit.rows:
            raise changed(f"it has {self.counted:,} usable rows now, and the fit has {fit.rows:,}")
        m = fit.moments
        with np.errstate(over="ignore", invalid="ignore"):
            n = m.total_weight[0]
            fitted = ((m.first_high + n * m.shift) + m.first_low) / m.scale
            # NaN (sums beyond the largest double) compares as unchanged
            other = np.abs(fitted - self.sums) > _SAME * (self.sizes + np.abs(fitted))
        if other.any():
            j = int(np.argmax(other))
            name = [*m.names, m.target][j]
            raise changed(
                f"the values of {name!r} add up to {self.sums[j]:.10g} now, and to "
                f"{fitted[j]:.10g} in the fit"
            )


def changed(how: str) -> InputError:
    """Build the error for rows that are no longer, or never were, those of the fit."""
    return InputError(
        f"the data has changed since the fit: {how}. Fit again, or pass the data as it was fitted."
    )


def first_rows(fit: Fit, data: Any, rows: int) -> tuple[Array, Array]:
    """Return the first rows that the fit used: predictors (m, p) and target (m,)."""
    xs, ys = [np.empty((0, len(fit.moments.names)))], [np.empty(0)]
    for x, y in complete(source_of(fit, data), rows):
        xs.append(x)
        ys.append(y)
        if sum(map(len, ys)) >= rows:
            break
    return np.concatenate(xs)[:rows], np.concatenate(ys)[:rows]


def spread_rows(fit: Fit, data: Any, most: int) -> tuple[Array, Array]:
    """Return at most so many rows, evenly spread over those that the fit used.

    Raises
    ------
    InputError
        The rows that the fit refers to are no longer those that were fitted.
    """
    seen = fit.rows if fit.weighting is None else fit.tally.read - fit.tally.dropped
    step = max(1, -(-seen // most))
    xs, ys = [np.empty((0, len(fit.moments.names)))], [np.empty(0)]
    witness = Witness.of(fit)
    for x, y, weight in weighted(source_of(fit, data), _BATCH):
        first = -witness.rows % step
        xs.append(x[first::step].copy())
        ys.append(y[first::step].copy())
        witness.see(x, y, weight, fit.weighting)
    if data is None:  # data that is given may be another sample to look at
        witness.compare(fit)
    return np.concatenate(xs), np.concatenate(ys)


def original_rows(source: Source, used: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where rows that were used lie in the data, rows left out for gaps counted too.

    Parameters
    ----------
    used : numbers among the rows used, from 0, no further than the present pass has come.
    """
    dropped = np.asarray(getattr(source, "dropped_rows", ()), dtype=np.int64)
    # used row k lies at k + (dropped rows before it)
    before = dropped - np.arange(len(dropped))
    return used + np.searchsorted(before, used, side="right")


def fitted_predictors(fit: Fit) -> Iterator[Array]:
    """Yield the predictors of the rows that were fitted, (m, p) at a time."""
    witness = Witness.of(fit)
    for x, y, weight in weighted(source_of(fit), _BATCH):
        witness.see(x, y, weight, fit.weighting)
        yield x
    witness.compare(fit)


def complete(source: Source, rows: int) -> Iterator[tuple[Array, Array]]:
    """Yield the rows with a finite value everywhere: arrays are read without a look at them."""
    for x, y, _ in weighted(source, rows):
        yield x, y


def weighted(source: Source, rows: int) -> Iterator[tuple[Array, Array, Array | None]]:
    """Yield the same rows with their weights, (m,); None where the source gives none."""
    for batch in source.batches(rows):
        x = columns_of(batch.x, slice(0, len(batch)))
        y = np.asarray(batch.y, dtype=np.float64)
        w = None if batch.weight is None else np.asarray(batch.weight, dtype=np.float64)
        keep = np.isfinite(x).all(axis=1) & np.isfinite(y)
        if keep.all():
            yield x, y, w
        else:
            yield x[keep], y[keep], None if w is None else w[keep]
