"""Which rows of which partitions make up each block: partitions lie anywhere, blocks do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Inside(NamedTuple):
    """Whole blocks that lie within one partition.

    Attributes
    ----------
    partition : its number.
    start : its row where the first block begins.
    first : number of that block.
    blocks : how many there are.
    """

    partition: int
    start: int
    first: int
    blocks: int


class Across(NamedTuple):
    """One block made of slices: of several partitions, or the short last one.

    Attributes
    ----------
    block : its number.
    slices : partition, first row and the row after the last, in order.
    """

    block: int
    slices: tuple[tuple[int, int, int], ...]


Span: TypeAlias = Inside | Across


def spans(lengths: Sequence[int], rows: int) -> list[Span]:
    """Cut consecutive partitions into blocks of so many rows, the last one shorter.

    Returns
    -------
    Every block once, in order.
    """
    found: list[Span] = []
    block, held, held_rows = 0, list[tuple[int, int, int]](), 0
    for number, length in enumerate(lengths):
        start = 0
        if held:
            start = min(rows - held_rows, length)
            if start:
                held.append((number, 0, start))
                held_rows += start
            if held_rows < rows:
                continue
            found.append(Across(block, tuple(held)))
            block, held = block + 1, []
        whole = (length - start) // rows
        if whole:
            found.append(Inside(number, start, block, whole))
            block, start = block + whole, start + whole * rows
        if start < length:
            held, held_rows = [(number, start, length)], length - start
    if held:
        found.append(Across(block, tuple(held)))
    return found
