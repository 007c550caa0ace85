"""Promise: sums over blocks are added in one tree, however the blocks are grouped on the way."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from gausswork.data.forest import FAN, Forest
from gausswork.errors import InputError


def joined(a: str, b: str) -> str:
    return f"({a}{b})"


def grown(values: list[str], start: int = 0) -> Forest[str]:
    forest = Forest(joined, start)
    for value in values:
        forest.append(value)
    return forest


@pytest.mark.parametrize("blocks", [1, 2, 7, 8, 9, 63, 64, 65, 100, 513, 600])
@pytest.mark.parametrize("seed", range(5))
def test_any_grouping_adds_in_the_same_tree(blocks: int, seed: int) -> None:
    rng = random.Random(seed)
    names = [f"{number} " for number in range(blocks)]
    cuts = sorted(rng.choices(range(blocks + 1), k=rng.randrange(12)))
    spans = [grown(names[a:b], a) for a, b in itertools.pairwise([0, *cuts, blocks])]
    while len(spans) > 1:  # neighbours join in any order
        at = rng.randrange(len(spans) - 1)
        spans[at].extend(spans.pop(at + 1))
    assert spans[0].total() == grown(names).total()


def test_the_tree_is_the_one_described() -> None:
    eight = "(((((((01)2)3)4)5)6)7)"
    assert grown([str(n) for n in range(8)]).total() == eight
    assert grown([*map(str, range(8)), "a", "b"]).total() == f"({eight}(ab))"
    assert FAN == 8


def test_a_forest_goes_on_from_its_nodes() -> None:
    names = [f"{number} " for number in range(77)]
    first = grown(names[:30])
    second = Forest(joined, 0, first.stop, first.nodes)
    for name in names[30:]:
        second.append(name)
    assert second.total() == grown(names).total()


def test_only_neighbours_join() -> None:
    with pytest.raises(InputError, match="end at block 2 and the others begin at block 3"):
        grown(["a", "b"]).extend(grown(["c"], 3))


def test_errors_grow_with_the_depth_of_the_tree() -> None:
    values = np.random.default_rng(5).uniform(0.5, 1.0, 100_000).astype(np.float32)
    exact = float(values.astype(np.float64).sum())
    forest: Forest[np.float32] = Forest(lambda a, b: np.float32(a + b))
    chain = np.float32(0.0)
    for value in values:
        forest.append(value)
        chain = np.float32(chain + value)
    assert abs(float(forest.total()) - exact) < 6 * FAN * 2.0**-24 * exact  # six levels of eight
    assert abs(float(chain) - exact) > 10 * abs(float(forest.total()) - exact)
