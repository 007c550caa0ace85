"""Which rows of which stretch make up each block: stretches lie anywhere, blocks do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Cut(NamedTuple):
    """How the rows of a stretch fall into blocks.

    Attributes
    ----------
    head : rows at its beginning of a block that begins before.
    first : number of the first block that begins here, or would.
    blocks : how many lie here from their first row to their last.
    tail : rows at its end of a block that goes on after.
    """

    head: int
    first: int
    blocks: int
    tail: int


class Across(NamedTuple):
    """A block that lies in several stretches.

    Attributes
    ----------
    block : its number.
    stretches : the numbers of those; the first one has it as its tail, the others as their head.
    """

    block: int
    stretches: tuple[int, ...]


def cuts(lengths: Sequence[int], rows: int) -> tuple[list[Cut], list[Across]]:
    """Cut consecutive stretches into blocks of so many rows, the last one shorter.

    Returns
    -------
    How each stretch is cut, and the blocks that lie in several, in order.
    """
    total = sum(lengths)
    found: list[Cut] = []
    across: list[Across] = []
    start = 0
    open_block: list[int] = []
    for number, length in enumerate(lengths):
        stop = start + length
        head = min(-start % rows, length) if open_block else 0
        if head:
            open_block.append(number)
            if (start + head) % rows == 0 or start + head == total:
                across.append(Across(start // rows, tuple(open_block)))
                open_block = []
        blocks, tail = divmod(length - head, rows)
        if tail and stop == total:  # the last block of all, and it lies here alone
            blocks, tail = blocks + 1, 0
        if tail:
            open_block = [number]
        first = (start + head) // rows if start + head < total else -(-total // rows)
        found.append(Cut(head, first, blocks, tail))
        start = stop
    return found, across
