"""What runs on the workers. Every function says where it failed; the client cannot know."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import gausswork
from gausswork.data.arrays import run
from gausswork.data.distributed.blocks import Cut
from gausswork.data.distributed.readers import (
    Count,
    Piece,
    Reader,
    Rows,
    named,
    open_part,
    place_in,
    require_names,
    whole_at_once,
)
from gausswork.data.forest import Forest, Node
from gausswork.data.kinds import Field, Kind
from gausswork.data.levels import Levels, collect_levels
from gausswork.data.sources import Batch
from gausswork.errors import ClusterError, GaussworkError


class Loaded(NamedTuple):
    """A partition that was read: its rows, and what was found in it."""

    piece: Piece
    found: Count


class Sums(NamedTuple):
    """Sums of neighbouring blocks on their way between machines, and what was read for them.

    Attributes
    ----------
    counts : of the partitions read, in order; none where others have counted them.
    start, stop, nodes : of a forest, without what adds.
    """

    counts: tuple[Count, ...]
    start: int
    stop: int
    nodes: tuple[Node[Any], ...]


class Summed(NamedTuple):
    """What becomes of a stretch of partitions.

    Attributes
    ----------
    sums : of the blocks that lie in it.
    head, tail : the rows at its ends, of blocks that reach beyond; None where the partitions have
        not as many rows as was thought.
    """

    sums: Sums
    head: Rows | None
    tail: Rows | None


@dataclass(frozen=True, slots=True)
class Job:
    """A sum over blocks.

    Attributes
    ----------
    work : the sum of one block.
    add : adds two of them.
    rows : of a block.
    whole : what the partitions are part of, for messages.
    """

    work: Callable[[Batch], Any]
    add: Callable[[Any, Any], Any]
    rows: int
    whole: str


def version() -> str:
    """Return what must be the same on all machines for the same bits."""
    wanted = os.environ.get("GAUSSWORK_KERNELS", "")
    built = importlib.util.find_spec("gausswork._native._kernels") is not None
    kernels = wanted or ("compiled" if built else "numpy")
    python = ".".join(map(str, sys.version_info[:2]))  # functions travel as its bytecode
    return f"gausswork {gausswork.__version__} with {kernels} kernels on Python {python}"


@cache
def processor() -> str:
    """Return the instruction set that the compiled kernels use here."""
    try:
        from gausswork._native import _kernels
    except ImportError:
        return "numpy"
    return str(_kernels.instruction_sets()[-1])


def load(number: int, whole: str, wanted: str, reader: Reader, raw: Any) -> Loaded:
    """Read and check one partition."""
    if version() != wanted:
        raise ClusterError(
            f"{_worker()} has {version()}, and this program has {wanted}. Install the same on all "
            "machines, so that they give the same bits."
        )
    with failing_at(named(number, whole)):
        piece, count = reader.load(raw, number)
        return Loaded(piece, replace(count, processor=processor()))


def count_of(loaded: Loaded) -> Count:
    """Return what was found in a partition."""
    return loaded.found


def counts_of(loaded: Sequence[Loaded]) -> list[Count]:
    """Return what was found in some partitions."""
    return [one.found for one in loaded]


def rows_of(whole: str, reader: Reader, loaded: Sequence[Loaded]) -> Rows:
    """Return all rows of some partitions."""
    return together([slice_of(0, one.piece.rows, whole, reader, one) for one in loaded])


def slice_of(start: int, stop: int, whole: str, reader: Reader, loaded: Loaded) -> Rows:
    """Return some rows of a partition."""
    piece = loaded.piece
    with failing_at(named(piece.number, whole)):
        return _own(reader.rows_of(piece, start, stop), piece)


def _own(rows: Rows, piece: Piece) -> Rows:
    """Copy rows that are a small part of a piece, which they would keep in memory whole."""
    if not rows or 2 * len(rows[-1]) >= piece.rows:
        return rows
    return [np.array(values) if values.base is not None else values for values in rows]


def sum_stretch(
    cut: Cut,
    first: int,
    lengths: Sequence[int],
    wanted: str,
    job: Job,
    reader: Reader,
    parts: Sequence[Any],
) -> Summed:
    """Read neighbouring partitions one after the other and sum the blocks that lie in them.

    Parameters
    ----------
    cut : how their rows fall into blocks.
    first : number of the first of them.
    lengths : the rows that each should have.
    wanted : version of the caller.
    parts : the partitions, some perhaps loaded before.
    """
    counts: list[Count] = []
    forest: Forest[Any] = Forest(job.add, cut.first)
    head, held = _Gathered(cut.head), _Gathered(job.rows)
    agreed = True
    for number, (part, length) in enumerate(zip(parts, lengths, strict=True), first):
        loaded = part if isinstance(part, Loaded) else load(number, job.whole, wanted, reader, part)
        counts.append(loaded.found)
        agreed = agreed and loaded.found.kept == length
        if not agreed:  # blocks begin elsewhere; only the counts are of use
            continue
        piece, at = loaded.piece, 0
        with failing_at(named(number, job.whole)):
            if head.lacks:
                at = min(head.lacks, length)
                head.add(reader.rows_of(piece, 0, at))
            while at < length:
                stop = min(at + held.lacks, length)
                rows = reader.rows_of(piece, at, stop)
                if stop - at < job.rows:
                    held.add(rows)
                    rows = held.rows
                if stop - at == job.rows or not held.lacks:
                    forest.append(job.work(reader.batch(rows)))
                    held.clear()
                at = stop
        del loaded, piece  # while the next one is read
    if held.rows and agreed and not cut.tail:  # the last block of all
        forest.append(job.work(reader.batch(held.rows)))
        held.clear()
    sums = Sums(tuple(counts), cut.first, cut.first + cut.blocks, forest.nodes)
    return Summed(sums, head.rows, held.rows) if agreed else Summed(sums, None, None)


class _Gathered:
    """Rows of several pieces, brought together in one place that is used again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._place: Rows = []

    @property
    def lacks(self) -> int:
        """How many rows there is room for."""
        return self._most - self._held

    @property
    def rows(self) -> Rows:
        """Those that are there."""
        return [values[: self._held] for values in self._place] if self._held else []

    def add(self, rows: Rows) -> None:
        """Add some more, at most as many as there is room for."""
        if not self._held and [one.dtype for one in self._place] != [one.dtype for one in rows]:
            self._place = [np.empty((self._most, *one.shape[1:]), one.dtype) for one in rows]
        here = slice(self._held, self._held + len(rows[-1]))
        for number, values in enumerate(rows):
            place = self._place[number]
            kind = np.result_type(place, values)
            if place.dtype != kind:  # partitions may have narrower and wider numbers
                self._place[number] = place = place.astype(kind)
            place[here] = values
        self._held = here.stop

    def clear(self) -> None:
        """Make room for others."""
        self._held = 0


def sums_of(summed: Summed) -> Sums:
    """Return the sums alone."""
    return summed.sums


def head_of(summed: Summed) -> Rows | None:
    """Return the rows before the first whole block."""
    return summed.head


def sum_across(
    first: int, last: int, job: Job, reader: Reader, some: Sequence[Summed], head: Rows | None
) -> Sums:
    """Return the sums of a stretch and of the block at its end, which reaches beyond.

    Parameters
    ----------
    first, last : the partitions in which that block begins and ends.
    some : the stretch, and those that lie in the block as a whole.
    head : what the next one has of the block.
    """
    begun, *inside = (summed.sums for summed in some)
    counts = tuple(count for sums in (begun, *inside) for count in sums.counts)
    forest: Forest[Any] = Forest(job.add, begun.start, begun.stop, begun.nodes)
    slices = [some[0].tail, *(summed.head for summed in some[1:]), head]
    there = [rows for rows in slices if rows is not None]
    if len(there) == len(slices):
        with failing_at(f"partitions {first} to {last} (counted from 0) of the {job.whole}"):
            forest.append(job.work(reader.batch(together([rows for rows in there if rows]))))
    return Sums(counts, begun.start, begun.stop + 1, forest.nodes)


def together(slices: Sequence[Rows]) -> Rows:
    """Join slices, one after the other."""
    if len(slices) == 1:
        return slices[0]
    return [np.concatenate(parts) for parts in zip(*slices, strict=True)]


def join(add: Callable[[Any, Any], Any], parts: Sequence[Sums]) -> Sums:
    """Join neighbouring sums."""
    first = parts[0]
    forest: Forest[Any] = Forest(add, first.start, first.stop, first.nodes)
    for part in parts[1:]:
        forest.extend(Forest(add, part.start, part.stop, part.nodes))
    counts = tuple(count for part in parts for count in part.counts)
    return Sums(counts, forest.start, forest.stop, forest.nodes)


def join_some(job: Job, parts: Sequence[Sums]) -> Sums:
    """Join neighbouring sums on a worker."""
    return join(job.add, parts)


class Described(NamedTuple):
    """What a partition looks like.

    Attributes
    ----------
    rows : how many it has.
    names : its columns.
    fields : what those asked for hold.
    """

    rows: int | None
    names: tuple[str, ...]
    fields: Mapping[str, Field]


def describe(names: tuple[str, ...] | None, number: int, whole: str, raw: Any) -> Described:
    """Describe the columns asked for, or all, as far as the partition has them."""
    with failing_at(named(number, whole)):
        table = open_part(raw, number, whole)
        wanted = table.names if names is None else [n for n in names if n in table.names]
        return Described(table.rows, table.names, table.fields(wanted))


def levels_in(
    fields: Mapping[str, Field], most: int, number: int, whole: str, raw: Any
) -> dict[str, Levels]:
    """Collect the levels of one partition."""
    with failing_at(named(number, whole)):
        table = open_part(raw, number, whole)
        if table.rows == 0:
            return {name: Levels() for name in fields}
        require_names(table, list(fields), number, whole)
        table = whole_at_once(table, place_in(number, whole))
        return collect_levels(table, fields, most=most)


def columns_of(kinds: Mapping[str, Kind], number: int, whole: str, raw: Any) -> list[Any]:
    """Return columns of a partition, gaps and all."""
    with failing_at(named(number, whole)):
        table = open_part(raw, number, whole)
        if table.rows == 0:
            return []
        require_names(table, list(kinds), number, whole)
        table = whole_at_once(table, place_in(number, whole))
        return [
            [run(column, 0, portion.rows) for column in portion.columns]
            for portion in table.read(kinds)
        ]


@contextmanager
def failing_at(where: str) -> Iterator[None]:
    """Say of any failure that is not yet explained where it happened."""
    try:
        yield
    except GaussworkError:
        raise
    except MemoryError as error:
        raise ClusterError(
            f"{_worker()} ran out of memory in {where}. Use smaller partitions, or workers with "
            "more memory."
        ) from error
    except Exception as error:
        raise ClusterError(f"{where} failed: {type(error).__name__}: {error}") from error


def _worker() -> str:
    from distributed import get_worker

    try:
        return f"the worker {get_worker().address}"
    except ValueError:
        return "the worker"
