"""Rows that lie on a device as a source: summed there, brought here where rows are wanted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import (
    check_missing,
    check_rows,
    infinite_value,
    missing_value,
    nothing_left,
)
from gausswork.data.devices.library import PORTIONS, Library, There, dtype_of, within_memory
from gausswork.data.sources import Batch, Tally
from gausswork.data.tables import floats_of_array, row_from_zero

# A block has several portions of elements, and is a small share of the data with its temporaries.
_BLOCKS = 64
_MOST_ROWS = 1 << 20  # the more rows, the fewer bits of a slice add up exactly


class DeviceSource:
    """A matrix of predictors and a vector for the target that lie with another array library.

    Attributes
    ----------
    library : their library, on their device.
    x : (n, p) array of any real dtype.
    y : (n,) array of any real dtype.
    weight : (n,) weights of the rows, or None.
    further : (n, m) columns to the right of x, such as further targets; None for none.
    names, target, missing, weighting : as in :class:`~gausswork.data.arrays.ArraySource`.
    rows : how many are used.
    tally : how many there are, and were left out.
    """

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None

    def __init__(
        self,
        library: Library,
        x: There,
        y: There,
        names: tuple[str, ...],
        target: str,
        missing: str = "drop",
        weight: There | None = None,
        weighting: str | None = None,
        further: There | None = None,
    ) -> None:
        check_missing(missing)
        self.library = library
        self.x = x
        self.y = y
        self.weight = weight
        self.further = further
        self.names = names
        self.target = target
        self.missing = missing
        self.weighting = weighting if weight is not None else None
        self.rows = int(y.shape[0])
        self.tally = Tally(read=self.rows, dropped=0, missing={})
        # numbers of the rows without a gap, and of the others, once they have been looked for
        self._kept: There | None = None
        self._gone: There | None = None

    def block(self, start: int, stop: int) -> Batch:
        """Return the used rows ``start`` to ``stop``, where they lie."""
        weight = None if self.weight is None else self._rows(self.weight, start, stop)
        x, y = self._rows(self.x, start, stop), self._rows(self.y, start, stop)
        if self.further is not None:
            both = (x, self._rows(self.further, start, stop))
            x = self.library.join([self.library.float64(part) for part in both], 1)
        return Batch(x, y, weight)

    def _rows(self, array: There, start: int, stop: int) -> There:
        if self._kept is not None:
            return self.library.take(array, self._kept[start:stop])
        return array[start:stop, ...]

    def batches_there(self) -> Iterator[Batch]:
        """Yield all rows in order as arrays of their library, in blocks that keep it busy."""
        q = len(self.names) + 1
        least = self.library.portion
        elements = min(max(least, self.rows * q // _BLOCKS), PORTIONS * least)
        rows = min(max(1024, elements // q // 1024 * 1024), _MOST_ROWS)
        for start in range(0, self.rows, rows):
            yield self.block(start, min(start + rows, self.rows))

    def batches(self, rows: int) -> Iterator[Batch]:
        """Bring all rows to the host, in order, ``rows`` at a time."""
        check_rows(rows)
        for start in range(0, self.rows, rows):
            there = self.block(start, min(start + rows, self.rows))
            weight = None if there.weight is None else self._brought(there.weight)
            yield Batch(self._brought(there.x), self._brought(there.y), weight)

    def _brought(self, array: There) -> npt.NDArray[np.floating]:
        if dtype_of(array) in ("float64", "float32"):
            return floats_of_array(self.library.fetch(array))
        return self.library.host(array)

    def without_missing(self, *, missing: str | None = None) -> DeviceSource:
        """Look at every value, there: leave out or refuse rows with NaN, refuse infinities."""
        if self._kept is not None:
            return self
        found = DeviceSource(
            self.library, self.x, self.y, self.names, self.target, missing or self.missing,
            self.weight, self.weighting, self.further,
        )  # fmt: skip
        with within_memory(self.library):
            found._leave_out()
        return found

    def _leave_out(self) -> None:
        library, counts = self.library, np.zeros(len(self.names) + 1)
        complete, start = [], 0
        for batch in self.batches_there():
            x, y = library.float64(batch.x), library.float64(batch.y)
            z = library.join([x, library.column(y)], 1)
            finite = library.isfinite(z)
            gaps = library.float64(z != z)
            wrong = library.float64(~finite)
            sums = [library.reshape(library.sum(each, 0), (1, -1)) for each in (gaps, wrong)]
            of_gaps, of_wrong = library.host(library.join(sums, 0))
            if (of_wrong > (of_gaps if self.missing == "drop" else 0.0)).any():
                self._refuse(wrong - gaps if self.missing == "drop" else wrong, z, start)
            counts += of_gaps
            complete.append(library.min(library.float64(finite), 1))
            start += len(batch)
        whole = library.join(complete, 0) > 0.5
        kept, self._gone = library.nonzero(whole), library.nonzero(~whole)
        names = (*self.names, self.target)
        missing = {name: int(n) for name, n in zip(names, counts, strict=True) if n}
        self._kept = kept
        self.rows = int(kept.shape[0])
        self.tally = Tally(start, start - self.rows, missing)
        if not self.rows:
            raise nothing_left(self.tally)

    def _refuse(self, wrong: There, z: There, start: int) -> None:
        """Name the first value that cannot be used; ``wrong`` is 1 at all of them."""
        library = self.library
        row = int(library.fetch(library.nonzero(library.max(wrong, 1) > 0.5)[:1])[0])
        values = library.host(z[row, :])
        column = int(np.flatnonzero(library.host(wrong[row, :]))[0])
        name, place = (*self.names, self.target)[column], row_from_zero(start)(row)
        if np.isnan(values[column]):
            raise missing_value(name, place)
        raise infinite_value(name, float(values[column]), place)

    @property
    def dropped_rows(self) -> npt.NDArray[np.intp]:
        """Numbers of the rows with a gap, ascending, counted from 0."""
        if self._gone is None:
            return np.empty(0, dtype=np.intp)
        return np.asarray(self.library.fetch(self._gone), dtype=np.intp)
