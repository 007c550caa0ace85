"""Some of the columns of a source, as a source of its own: what a fit of fewer terms reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np

from gausswork.data.sources import Batch, Source, Tally


class ColumnView:
    """A source with some of the predictors of another one, in any order.

    Attributes
    ----------
    whole : the other source.
    columns : numbers of its predictors.
    names, target, weighting, low_of, powers : as in :class:`~gausswork.data.sources.Source`.
    """

    def __init__(self, whole: Source, columns: Sequence[int]) -> None:
        self.whole = whole
        self.columns = tuple(columns)
        self.names = tuple(whole.names[j] for j in self.columns)
        self.target = whole.target
        self.weighting = getattr(whole, "weighting", None)
        place = {j: k for k, j in enumerate(self.columns)}
        lows = tuple(getattr(whole, "low_of", ()))
        self._lows = tuple(k for k, parent in enumerate(lows) if parent in place)
        self.low_of = tuple(place[lows[k]] for k in self._lows)
        self.powers = tuple(place[j] for j in getattr(whole, "powers", ()) if j in place)

    def apart(self) -> ColumnView:
        """Return the same rows for a pass beside others; see :meth:`EncodedSource.apart`."""
        found = copy(self)
        found.whole = getattr(self.whole, "apart", lambda: self.whole)()
        return found

    @property
    def replayable(self) -> bool:
        """Whether :meth:`batches` may be called more than once."""
        return self.whole.replayable

    @property
    def tally(self) -> Tally:
        """Counts of the latest complete pass."""
        return self.whole.tally

    @property
    def table(self) -> Any:
        """Where the rows come from, with all columns that it has; None where unknown."""
        return getattr(self.whole, "table", None)

    @property
    def dropped_rows(self) -> Any:
        """Numbers of the rows with a gap that the latest pass has met so far."""
        return getattr(self.whole, "dropped_rows", ())

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield all rows in order, ``rows`` at a time."""
        at = list(self.columns)
        for batch in self.whole.batches(rows):
            x: Any
            if isinstance(batch.x, tuple):
                x = tuple(batch.x[j] for j in at) or np.empty((len(batch), 0))
            else:
                x = batch.x[:, at]
            low = tuple(batch.low[k] for k in self._lows)
            yield Batch(x, batch.y, batch.weight, low)
