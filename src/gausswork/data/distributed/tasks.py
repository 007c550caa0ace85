"""What runs on the workers. Every function says where it failed; the client cannot know."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import gausswork
from gausswork.data.arrays import run
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


class Partial(NamedTuple):
    """A forest on its way between machines, without what adds."""

    start: int
    stop: int
    nodes: tuple[Node[Any], ...]


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
    return f"gausswork {gausswork.__version__} with {kernels} kernels"


@cache
def processor() -> str:
    """Return the instruction set that the compiled kernels use here."""
    try:
        from gausswork._native import _kernels
    except ImportError:
        return "numpy"
    return str(_kernels.instruction_sets()[-1])


def load(number: int, whole: str, wanted: str, reader: Reader, raw: Any) -> tuple[Piece, Count]:
    """Read and check one partition."""
    if version() != wanted:
        raise ClusterError(
            f"{_worker()} has {version()}, and this program has {wanted}. Install the same on all "
            "machines, so that they give the same bits."
        )
    with failing_at(named(number, whole)):
        piece, count = reader.load(raw, number)
        return piece, replace(count, processor=processor())


def count_of(loaded: tuple[Piece, Count]) -> Count:
    """Return what was found in a partition."""
    return loaded[1]


def counts_of(loaded: Sequence[tuple[Piece, Count]]) -> list[Count]:
    """Return what was found in some partitions."""
    return [count for _, count in loaded]


def rows_of(whole: str, reader: Reader, loaded: Sequence[tuple[Piece, Count]]) -> Rows:
    """Return all rows of some partitions."""
    return together([slice_of(0, one[0].rows, whole, reader, one) for one in loaded])


def slice_of(
    start: int, stop: int, whole: str, reader: Reader, loaded: tuple[Piece, Count]
) -> Rows:
    """Return some rows of a partition, in memory of their own."""
    piece = loaded[0]
    with failing_at(named(piece.number, whole)):
        rows = reader.rows_of(piece, start, stop)
        # a view would keep, and carry along, the whole partition
        return [np.array(values) if values.base is not None else values for values in rows]


def sum_inside(
    start: int, first: int, blocks: int, job: Job, reader: Reader, loaded: tuple[Piece, Count]
) -> Partial:
    """Sum the whole blocks within a partition."""
    piece = loaded[0]
    forest: Forest[Any] = Forest(job.add, first)
    with failing_at(named(piece.number, job.whole)):
        for block in range(blocks):
            begin = start + block * job.rows
            rows = reader.rows_of(piece, begin, begin + job.rows)
            forest.append(job.work(reader.batch(rows)))
    return Partial(forest.start, forest.stop, forest.nodes)


def sum_across(
    block: int, first: int, last: int, job: Job, reader: Reader, slices: Sequence[Rows]
) -> Partial:
    """Sum one block that is made of slices of the partitions ``first`` to ``last``."""
    where = named(first, job.whole) if first == last else f"partitions {first} to {last}"
    with failing_at(where):
        forest: Forest[Any] = Forest(job.add, block)
        forest.append(job.work(reader.batch(together(slices))))
    return Partial(forest.start, forest.stop, forest.nodes)


def together(slices: Sequence[Rows]) -> Rows:
    """Join slices, one after the other."""
    if len(slices) == 1:
        return slices[0]
    return [np.concatenate(parts) for parts in zip(*slices, strict=True)]


def join(job: Job, parts: Sequence[Partial]) -> Partial:
    """Join neighbouring sums."""
    first = parts[0]
    forest: Forest[Any] = Forest(job.add, first.start, first.stop, first.nodes)
    for part in parts[1:]:
        forest.extend(Forest(job.add, part.start, part.stop, part.nodes))
    return Partial(forest.start, forest.stop, forest.nodes)


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
