"""One pass over the rows that ends in a sum: by threads here, or where a cluster has its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from gausswork.data.forest import Forest
from gausswork.data.sources import Batch, Place, Source
from gausswork.leastsquares.ordered import in_order

T = TypeVar("T")


def blocks_of(source: Source, rows: int) -> Iterator[Batch]:
    """Return the blocks of a source as its kernels take them.

    Rows that lie on a device come as its arrays, in blocks of a size that suits it; all others
    ``rows`` at a time.
    """
    if getattr(source, "library", None) is None:
        return source.batches(rows)
    blocks: Iterator[Batch] = source.batches_there()  # type: ignore[attr-defined]
    return blocks


def block_sum(
    source: Source,
    work: Callable[[Batch], T],
    add: Callable[[T, T], T],
    *,
    blocks: Iterator[Batch],
    rows: int,
    workers: Callable[[int], int],
    progress: Callable[[int], None] | None = None,
    begun: Forest[T] | None = None,
    done: int = 0,
    note: Callable[[Forest[T], int, Place | None], None] | None = None,
) -> T:
    """Sum over the blocks of a source in the fixed tree of :class:`gausswork.data.forest.Forest`.

    Parameters
    ----------
    work : the sum of one block; independent of all others, and of the machine.
    add : adds two of them.
    blocks : all of them, at least one; not looked at where the source has a ``block_sum`` of its
        own.
    rows : how many rows a block has.
    workers : says for the number of rows in the first block how many threads to use at most.
    progress : called with the number of rows done.
    begun, done : the sums of the blocks before these, where an earlier pass has come so far, and
        how many rows they have.
    note : called after each block with the sums so far, the rows done, and the place of the block.
    """
    elsewhere = getattr(source, "block_sum", None)
    if elsewhere is not None:
        total: T = elsewhere(work, add, rows, progress)
        return total
    forest: Forest[T] = Forest(add) if begun is None else begun

    def counted(batch: Batch) -> tuple[int, Place | None, T]:
        return len(batch), batch.place, work(batch)

    opening = next(blocks, None)
    if opening is None:  # the earlier pass was interrupted behind its last block
        return forest.total()
    value: Any
    for count, place, value in in_order(counted, opening, blocks, workers(len(opening))):
        forest.append(value)
        done += count
        if note is not None:
            note(forest, done, place)
        if progress is not None:
            progress(done)
    return forest.total()
