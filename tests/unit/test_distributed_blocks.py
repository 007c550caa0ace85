"""Promise: however rows are divided, every block is summed once, from its own rows."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from gausswork.data.distributed.blocks import Across, Cut, cuts
from gausswork.data.distributed.sums import stretches


@pytest.mark.parametrize("seed", range(300))
def test_blocks_are_the_same_for_any_stretches(seed: int) -> None:
    chosen = random.Random(seed)
    lengths = [chosen.choice([0, 0, 1, 2, 3, 5, 8, 20]) for _ in range(chosen.randint(1, 9))]
    rows = chosen.randint(1, 7)
    found, across = cuts(lengths, rows)
    blocks: dict[int, list[tuple[int, list[int]]]] = {}
    start = 0
    for number, (length, cut) in enumerate(zip(lengths, found, strict=True)):
        here = list(range(start, start + length))
        head, inside = here[: cut.head], here[cut.head : length - cut.tail]
        tail = here[length - cut.tail :]
        assert (cut.blocks - 1) * rows < len(inside) <= cut.blocks * rows
        for piece in (head, tail):
            if piece:
                blocks.setdefault(piece[0] // rows, []).append((number, piece))
        for block in range(cut.blocks):
            piece = inside[block * rows : (block + 1) * rows]
            blocks.setdefault(cut.first + block, []).append((number, piece))
        start += length
    everything = list(range(start))
    lying = {each.block: each.stretches for each in across}
    assert sorted(blocks) == list(range(-(-start // rows)))
    for block, pieces in blocks.items():
        joined = [row for _, piece in pieces for row in piece]
        assert joined == everything[block * rows : (block + 1) * rows]
        stretches = tuple(number for number, _ in pieces)
        assert lying.get(block, stretches[:1]) == stretches
    # as they are sorted to be joined, each span of blocks begins where the one before ends
    spans = sorted([(c.first, c.first + c.blocks) for c in found] + [(b, b + 1) for b in lying])
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_nothing_follows_a_last_block_that_is_not_full() -> None:
    found, across = cuts([25, 0, 0], 10)  # the last partitions of a filtered table have no rows
    assert found == [Cut(0, 0, 3, 0), Cut(0, 3, 0, 0), Cut(0, 3, 0, 0)]
    assert across == []


def test_an_example() -> None:
    found, across = cuts([5, 2, 9], 4)
    assert found == [Cut(0, 0, 1, 1), Cut(2, 1, 0, 0), Cut(1, 2, 2, 0)]
    assert across == [Across(1, (0, 1, 2))]


def test_stretches_are_what_one_worker_has() -> None:
    places = ["a", "a", "b", "b", "b", None, None, "a"]
    lies = [True] * 5 + [False] * 2 + [True]
    found = stretches([10] * 8, 5, 1, lies.__getitem__, places)
    assert found == [range(2), range(2, 4), range(4, 6), range(6, 7), range(7, 8)]
    small = stretches([1] * 8, 5, 1, lies.__getitem__, places)  # fewer than a block: never mind
    assert small == [range(8)]
    nowhere = stretches([10] * 3, 5, 1, lambda number: True, [None] * 3)
    assert nowhere == [range(1), range(1, 2), range(2, 3)]
