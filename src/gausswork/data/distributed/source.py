"""Rows on a cluster as a source: summed where they lie, brought here where the rows are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import check_missing, check_rows, nothing_left
from gausswork.data.distributed.cluster import Cluster
from gausswork.data.distributed.partitions import Partitions
from gausswork.data.distributed.readers import ArrayReader, FrameReader, Rows
from gausswork.data.distributed.tasks import together
from gausswork.data.encode import rounded_integers
from gausswork.data.kinds import Field
from gausswork.data.recipe import Recipe
from gausswork.data.sources import Batch, Tally
from gausswork.data.tables import Table
from gausswork.findings import Finding, Severity

T = TypeVar("T")


class ClusterSource:
    """Partitions read through a recipe; rows with gaps are dropped or refused on the workers.

    Attributes
    ----------
    cluster : the partitions and their reader.
    names, target, replayable, tally : as in :class:`~gausswork.data.sources.Source`.
    recipe : how columns become predictors.
    table : where the rows come from, with all columns; None for arrays.
    findings : what the passes have noticed, such as integers that had to be rounded.
    weighting, low_of, powers : as in :class:`~gausswork.data.encode.EncodedSource`.
    """

    replayable = True

    def __init__(
        self,
        partitions: Partitions,
        reader: FrameReader | ArrayReader,
        recipe: Recipe,
        table: Table | None = None,
    ) -> None:
        check_missing(reader.missing)
        self.cluster = Cluster(partitions, reader)
        self.recipe = recipe
        self.table = table
        self.bytes_total: int | None = None if table is None else table.bytes_total
        self.bytes_done: int | None = None
        self.names = recipe.names
        self.target = recipe.target
        self.weighting = recipe.weights.kind if recipe.weights else None
        self.low_of, self.powers = (
            ((), ()) if recipe.formula is None else (recipe.formula.low_of, recipe.formula.powers)
        )

    @property
    def rows(self) -> int | None:
        """Rows of all partitions, those with gaps included, or None while that is not known."""
        if self.cluster.counts is not None:
            return sum(count.read for count in self.cluster.counts)
        lengths = self.cluster.partitions.lengths
        return None if lengths is None else sum(lengths)

    @property
    def tally(self) -> Tally:
        """Counts of the first complete pass."""
        counts = self.cluster.counts or ()
        missing: dict[str, int] = {}
        for count in counts:
            for name, gaps in count.missing.items():
                missing[name] = missing.get(name, 0) + gaps
        read = sum(count.read for count in counts)
        return Tally(read, read - sum(count.kept for count in counts), missing)

    @property
    def dropped_rows(self) -> npt.NDArray[np.intp]:
        """Numbers of the rows with a gap, ascending, counted from 0."""
        found, start = [np.empty(0, dtype=np.intp)], 0
        for count in self.cluster.counts or ():
            found.append(start + count.dropped)
            start += count.read
        return np.concatenate(found)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the passes have noticed."""
        rounded: dict[str, int] = {}
        for count in self.cluster.counts or ():
            for name, example in count.rounded.items():
                rounded.setdefault(name, example)
        noticed = [rounded_integers(name, rounded[name]) for name in rounded]
        kinds = sorted({c.processor for c in self.cluster.counts or () if c.processor})
        return (*noticed, *([mixed_processors(kinds)] if len(kinds) > 1 else []))

    def block_sum(
        self,
        work: Callable[[Batch], T],
        add: Callable[[T, T], T],
        rows: int,
        progress: Callable[[int], None] | None = None,
    ) -> T:
        """Sum over blocks on the workers; see :mod:`gausswork.leastsquares.passes`."""

        def counted(done: int) -> None:
            if self.bytes_total is not None and self.rows:
                self.bytes_done = int(self.bytes_total * min(1.0, done / self.rows))
            if progress is not None:
                progress(done)

        return self.cluster.block_sum(work, add, rows, counted)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Bring all complete rows here, in order, ``rows`` at a time."""
        check_rows(rows)
        held: list[Rows] = []
        held_rows, some = 0, False
        for piece in self.cluster.stream(rows):
            start, length = 0, len(piece[-1])
            some = some or length > 0
            while start < length:
                take = min(rows - held_rows, length - start)
                held.append([values[start : start + take] for values in piece])
                start, held_rows = start + take, held_rows + take
                if held_rows == rows:
                    yield self.cluster.reader.batch(together(held))
                    held, held_rows = [], 0
        if held:
            yield self.cluster.reader.batch(together(held))
        if not some:
            raise nothing_left(self.tally)


def mixed_processors(kinds: Sequence[str]) -> Finding:
    """Say that the same sums may come out otherwise in their last bit."""
    return Finding(
        "mixed-processors",
        Severity.NOTE,
        f"The workers have processors of different kinds ({', '.join(kinds)}), whose sums may "
        "differ in the last bit; which worker sums which rows may change from fit to fit.",
        "The digits stay certified. For the same bits in every fit use workers of one kind.",
        {"processors": list(kinds)},
    )


def frame_source(
    partitions: Partitions,
    recipe: Recipe,
    missing: str,
    table: Table,
    fields: Mapping[str, Field] | None,
) -> ClusterSource:
    """Return the source of partitions that are frames; see :class:`FrameReader`."""
    reader = FrameReader(recipe, missing, partitions.whole, fields)
    return ClusterSource(partitions, reader, recipe, table)
