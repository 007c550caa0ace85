"""The rows of a source in another order every epoch, with bounded memory.

Three ways, and each says which it is:

- in memory: every epoch takes a new permutation of all rows;
- on disk: where the rows exceed the memory allowed, one pass deals each row to a bucket at random;
  an epoch takes the buckets in random order and the rows of each in random order. One epoch alone
  is a uniformly random order of all rows (Rao 1961, Sandelius 1962); rows that share a bucket stay
  neighbours in later epochs;
- in a buffer: nothing is written; rows are shuffled within runs of consecutive rows only.

Orders depend on the seed and the epoch alone, so a descent that goes on after an interruption meets
the same rows.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork import sampling
from gausswork.data.arrays import ArraySource
from gausswork.data.sources import Batch, Source, Tally, weighting_of
from gausswork.errors import InputError
from gausswork.leastsquares.kernels import columns_of
from gausswork.leastsquares.stochastic.steps import Array, Order, Table

Flags: TypeAlias = npt.NDArray[np.bool_]

BLOCK = 65_536  # rows read at a time; held-out rows are drawn block by block
_MOST_BUCKETS = 512  # files open at a time


def permutation(seed: int, epoch: int, count: int) -> Order:
    """Return the order of so many rows in an epoch: a function of its arguments alone."""
    return _drawn(seed, f"epoch {epoch}", count)


def _drawn(seed: int, stream: str, count: int) -> Order:
    order: Order = sampling.permutation(count, seed=seed, stream=stream)
    return order


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rows kept apart to judge by: a fixed share of every block, drawn by the seed.

    Attributes
    ----------
    share : in (0, 1).
    rows : rows in all.
    """

    share: float
    seed: int
    rows: int

    @property
    def count(self) -> int:
        """How many rows are held out."""
        return self._until(self.rows)

    def _until(self, row: int) -> int:
        return math.floor(self.share * row + 0.5)

    def flags(self, block: int) -> Flags:
        """Mark the held-out rows of a block of ``BLOCK`` rows."""
        start, stop = block * BLOCK, min((block + 1) * BLOCK, self.rows)
        if stop <= start:
            return np.zeros(0, dtype=np.bool_)
        out = np.zeros(stop - start, dtype=np.bool_)
        chosen = _drawn(self.seed, f"held out {block}", stop - start)
        out[chosen[: self._until(stop) - self._until(start)]] = True
        return out


class Part:
    """The rows of a source that are held out, or all others."""

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None

    def __init__(self, source: Source, held_out: HeldOut, *, inside: bool) -> None:
        self._source = source
        self._held_out = held_out
        self._inside = inside
        self.names = source.names
        self.target = source.target
        self.weighting = weighting_of(source)
        self.tally = Tally(read=0, dropped=0, missing={})

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield the rows of this part in order, ``rows`` at a time."""
        waiting: list[Batch] = []
        held = 0
        for number, batch in enumerate(self._source.batches(BLOCK)):
            flags = self._held_out.flags(number)
            if len(flags) != len(batch):
                raise changed()
            part = taken(batch, np.flatnonzero(flags == self._inside))
            while held + len(part) >= rows:
                cut = rows - held
                waiting.append(taken(part, slice(0, cut)))
                yield joined(waiting)
                part, waiting, held = taken(part, slice(cut, None)), [], 0
            waiting.append(part)
            held += len(part)
        if held:
            yield joined(waiting)
        self.tally = self._source.tally


def taken(batch: Batch, rows: Any) -> Batch:
    """Return some rows of a batch."""
    x = tuple(c[rows] for c in batch.x) if isinstance(batch.x, tuple) else batch.x[rows]
    return Batch(x, batch.y[rows], None if batch.weight is None else batch.weight[rows])


def joined(batches: list[Batch]) -> Batch:
    """Return the rows of several batches as one, as a matrix."""
    if len(batches) == 1:
        return batches[0]
    x = np.concatenate([columns_of(batch.x, slice(None)) for batch in batches])
    y = np.concatenate([batch.y for batch in batches])
    weights = [batch.weight for batch in batches if batch.weight is not None]
    return Batch(x, y, np.concatenate(weights) if weights else None)


def changed() -> InputError:
    """Build the error for a source whose rows are others than they were."""
    return InputError(
        "the source does not give the rows that it gave before. Mini-batches read it many times: "
        "leave the data alone until the fit is done, or copy it first."
    )


class Rows(Protocol):
    """Rows to train on."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    @property
    def shuffle(self) -> str:
        """How they are shuffled, in words."""
        ...

    def epoch(self, epoch: int, skip: int) -> Iterator[tuple[Table, Order]]:
        """Yield tables and the order of their rows; together the order of an epoch.

        Parameters
        ----------
        skip : rows at the beginning to leave out, a whole number of batches.

        Every order is a whole number of batches, except the last.
        """
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """All rows in memory, taken by a new permutation each epoch, or in order."""

    table: Table
    chosen: Order | None
    seed: int
    shuffled: bool

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.table.y) if self.chosen is None else len(self.chosen)

    @property
    def shuffle(self) -> str:
        """How they are shuffled, in words."""
        return "all rows anew each epoch" if self.shuffled else "none: the rows in their order"

    def epoch(self, epoch: int, skip: int) -> Iterator[tuple[Table, Order]]:
        """Yield the table once."""
        order = permutation(self.seed, epoch, self.count) if self.shuffled else None
        if self.chosen is not None:
            order = self.chosen if order is None else self.chosen[order]
        elif order is None:
            order = np.arange(self.count)
        yield self.table, order[skip:]


@dataclass(frozen=True, slots=True)
class Buffered:
    """Rows read in order from the source, shuffled within runs that fit in memory."""

    source: Source
    held_out: HeldOut | None
    count: int
    batch: int
    run: int
    seed: int
    shuffled: bool
    layout: Layout

    @property
    def shuffle(self) -> str:
        """How they are shuffled, in words."""
        if not self.shuffled:
            return "none: the rows in their order"
        return (
            f"within runs of {self.run:,} consecutive rows; the runs keep their order, so sorted "
            "data stays nearly sorted"
        )

    def epoch(self, epoch: int, skip: int) -> Iterator[tuple[Table, Order]]:
        """Yield one run after the other."""
        source = self.source
        if self.held_out is not None:
            source = Part(source, self.held_out, inside=False)

        def parts() -> Iterator[tuple[Array, Order]]:
            for number, batch in enumerate(source.batches(self.run)):
                order = np.arange(len(batch))
                if self.shuffled:
                    order = _drawn(self.seed, f"epoch {epoch} run {number}", len(batch))
                yield self.layout.rectangle(batch), order

        yield from whole_batches(parts(), self.layout, self.batch, skip, self.count)


class Dealt:
    """Rows dealt to buckets on disk at random; one bucket at a time is in memory."""

    def __init__(
        self, folder: Path, sizes: list[int], layout: Layout, batch: int, seed: int
    ) -> None:
        self._folder = folder
        self._sizes = sizes
        self._layout = layout
        self._batch = batch
        self._seed = seed
        self.count = sum(sizes)
        self.shuffle = (
            f"on disk: {len(sizes)} buckets of rows drawn at random, in random order each epoch, "
            "and all rows anew within each"
        )

    def epoch(self, epoch: int, skip: int) -> Iterator[tuple[Table, Order]]:
        """Yield one bucket after the other."""
        buckets = _drawn(self._seed, f"epoch {epoch} buckets", len(self._sizes))

        def parts() -> Iterator[tuple[Array, Order]]:
            for bucket in buckets:
                values = np.fromfile(self._folder / str(bucket), dtype=np.float64)
                stream = f"epoch {epoch} bucket {bucket}"
                order = _drawn(self._seed, stream, self._sizes[bucket])
                yield values.reshape(-1, self._layout.columns), order

        yield from whole_batches(parts(), self._layout, self._batch, skip, self.count)


def whole_batches(
    parts: Iterator[tuple[Array, Order]], layout: Layout, batch: int, skip: int, count: int
) -> Iterator[tuple[Table, Order]]:
    """Cut parts into whole batches: rows that are left over go before those of the next part.

    Parameters
    ----------
    parts : rows as the layout has them, and their order.
    """
    left: Array | None = None
    seen = 0
    for values, drawn in parts:
        order = drawn
        if left is not None and len(left):
            order = np.concatenate([np.arange(len(left)), order + len(left)])
            values = np.concatenate([left, values])
        whole = len(order) // batch * batch
        left = values[order[whole:]]
        start = min(max(skip - seen, 0), whole)
        seen += whole
        if start < whole:
            yield layout.table(values), order[start:whole]
    seen += 0 if left is None else len(left)
    if seen != count:
        raise changed()
    if left is not None and len(left) and skip < seen:
        yield layout.table(left), np.arange(len(left))


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows lie side by side: predictors, target, and the weight where there is one.

    Attributes
    ----------
    predictors : p.
    mean_weight : what weights are divided by, so that their mean is one; None without weights.
    """

    predictors: int
    mean_weight: float | None

    @property
    def columns(self) -> int:
        """Numbers in a row."""
        return self.predictors + 1 + (self.mean_weight is not None)

    def rectangle(self, batch: Batch) -> Array:
        """Return a batch as a matrix, (m, columns)."""
        p = self.predictors
        out = np.empty((len(batch), self.columns))
        out[:, :p] = columns_of(batch.x, slice(None))
        out[:, p] = batch.y
        if self.mean_weight is not None:
            out[:, p + 1] = self.weight(batch.weight)
        return out

    def weight(self, given: Any) -> Array:
        """Return weights with mean one."""
        return np.asarray(given, dtype=np.float64) / (self.mean_weight or 1.0)

    def table(self, values: Array) -> Table:
        """Return rows of such a matrix as a table."""
        p = self.predictors
        weight = None if self.mean_weight is None else values[:, p + 1]
        return Table(values[:, :p], values[:, p], weight)


@contextlib.contextmanager
def open_rows(
    source: Source,
    rows: int,
    *,
    batch: int,
    seed: int,
    shuffle: str | None,
    memory: int,
    held_out: HeldOut | None,
    mean_weight: float | None,
) -> Iterator[Rows]:
    """Make the rows of a source ready to be taken in batches.

    Parameters
    ----------
    rows : rows of the source.
    shuffle : ``"memory"``, ``"disk"``, ``"buffer"``, ``"none"``; None for memory where
        the rows fit, else disk.
    memory : bytes that may be used for rows.
    held_out : rows to leave out.
    mean_weight : of the rows to train on, None where they have no weights.

    Raises
    ------
    InputError
        There is no room on the disk, or the source gives other rows than it gave before.
    """
    count = rows - (held_out.count if held_out else 0)
    layout = Layout(len(source.names), mean_weight)
    table, chosen = _in_place(source, layout, held_out)
    size = 8 * layout.columns
    fits = table is not None or count * size <= memory
    way = shuffle or ("memory" if fits else "disk")
    if way in ("memory", "none") and fits:
        if table is None:
            table = _packed(source, layout, count, held_out)
        yield InMemory(table, chosen, seed, way != "none")
        return
    if way == "memory":
        raise InputError(
            f"shuffle='memory' needs {count * size:,} bytes for {count:,} rows, and memory= allows "
            f"{memory:,}. Allow more, or use shuffle='disk'."
        )
    if way in ("buffer", "none"):
        run = max(batch, memory // (2 * size), 1)
        yield Buffered(source, held_out, count, batch, run, seed, way != "none", layout)
        return
    with tempfile.TemporaryDirectory(prefix="gausswork-") as name:
        yield _deal(source, layout, Path(name), count, batch, seed, memory, held_out)


def _in_place(
    source: Source, layout: Layout, held_out: HeldOut | None
) -> tuple[Table | None, Order | None]:
    """Return the caller's own arrays as a table where the values of a row lie side by side."""
    if not isinstance(source, ArraySource):
        return None, None
    x, y = source.x, source.y
    for values in (x, y):
        if values.dtype not in (np.float64, np.float32) or not values.dtype.isnative:
            return None, None
        if not values.flags.aligned:
            return None, None
    if x.shape[1] > 1 and x.strides[1] != x.itemsize:
        return None, None
    weight = None if layout.mean_weight is None else layout.weight(source.weight)
    return Table(x, y, weight), _chosen(held_out)


def _chosen(held_out: HeldOut | None) -> Order | None:
    if held_out is None:
        return None
    blocks = range(-(-held_out.rows // BLOCK))
    return np.concatenate([np.flatnonzero(~held_out.flags(b)) + b * BLOCK for b in blocks])


def _packed(source: Source, layout: Layout, count: int, held_out: HeldOut | None) -> Table:
    """Copy all rows to train on, the values of a row side by side."""
    part = source if held_out is None else Part(source, held_out, inside=False)
    values = np.empty((count, layout.columns))
    done = 0
    for batch in part.batches(BLOCK):
        if done + len(batch) > count:
            raise changed()
        values[done : done + len(batch)] = layout.rectangle(batch)
        done += len(batch)
    if done != count:
        raise changed()
    return layout.table(values)


def _deal(
    source: Source,
    layout: Layout,
    folder: Path,
    count: int,
    batch: int,
    seed: int,
    memory: int,
    held_out: HeldOut | None,
) -> Dealt:
    """Write every row to a bucket drawn at random; a bucket takes about a quarter of the memory."""
    total = count * 8 * layout.columns
    free = shutil.disk_usage(folder).free
    if total > 0.95 * free:
        raise InputError(
            f"shuffling {count:,} rows needs {total:,} bytes in {folder.parent}, which has "
            f"{free:,} left. Set TMPDIR to a larger disk, allow more memory=, or use "
            "shuffle='buffer'."
        )
    buckets = min(_MOST_BUCKETS, max(2, -(-total // max(memory // 4, 1))))
    sizes = np.zeros(buckets, dtype=np.int64)
    part = source if held_out is None else Part(source, held_out, inside=False)
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context((folder / str(k)).open("wb")) for k in range(buckets)]
        for number, rows in enumerate(part.batches(BLOCK)):
            stream = f"deal {number}"
            drawn = sampling.integers(len(rows), low=0, high=buckets, seed=seed, stream=stream)
            order = np.argsort(drawn, kind="stable")
            counts = np.bincount(drawn, minlength=buckets)
            values = layout.rectangle(rows)[order]
            starts = np.concatenate([[0], np.cumsum(counts)])
            for k in np.flatnonzero(counts):
                files[k].write(values[starts[k] : starts[k + 1]].data)
            sizes += counts
    if sizes.sum() != count:
        raise changed()
    return Dealt(folder, [int(k) for k in sizes], layout, batch, seed)
