"""Promise: every epoch takes every row once, in an order that seed and epoch alone decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gausswork import sampling
from gausswork.data import open_data
from gausswork.errors import InputError
from gausswork.leastsquares.stochastic import rows as stochastic_rows
from gausswork.leastsquares.stochastic.rows import BLOCK, HeldOut, Part, open_rows, permutation

_WAYS = ("memory", "disk", "buffer", "none")


def source_of(rows: int, *, table: bool = False) -> Any:
    """Return a source whose target is the number of the row."""
    x, y = np.arange(2.0 * rows).reshape(rows, 2), np.arange(float(rows))
    data = {"a": x[:, 0], "b": x[:, 1], "y": y}
    return (open_data(data, "y") if table else open_data(x, y)).source


def taken(source: Any, rows: int, way: str, epoch: int, **options: Any) -> list[int]:
    """Return the numbers of the rows in the order of an epoch."""
    batch = options.pop("batch", 7)
    skip = options.pop("skip", 0)
    given = {"seed": 3, "memory": 2048, "held_out": None, "mean_weight": None, **options}
    if way == "memory":
        given["memory"] = 2**20
    found: list[int] = []
    with open_rows(source, rows, batch=batch, shuffle=way, **given) as opened:
        for table, order in opened.epoch(epoch, skip):
            assert len(order) % batch == 0 or len(found) + len(order) + skip == opened.count
            numbers = table.y[order]
            np.testing.assert_array_equal(table.x[order, 0], 2.0 * numbers)  # rows stay together
            found += numbers.astype(int).tolist()
    return found


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("rows", [1, 7, 500])
def test_an_epoch_takes_every_row_once(way: str, table: bool, rows: int) -> None:
    source = source_of(rows, table=table)
    batch = min(7, rows)
    first = taken(source, rows, way, 0, batch=batch)
    assert sorted(first) == list(range(rows))
    assert taken(source, rows, way, 0, batch=batch) == first
    if rows == 500 and way != "none":
        assert taken(source, rows, way, 1) != first
        assert taken(source, rows, way, 0, seed=4) != first
    if way == "none":
        assert first == list(range(rows))


@pytest.mark.parametrize("way", _WAYS)
def test_what_is_skipped_is_the_beginning(way: str) -> None:
    source = source_of(500, table=True)
    whole = taken(source, 500, way, 2)
    for skip in (7, 140, 497):
        assert taken(source, 500, way, 2, skip=skip) == whole[skip:]


def test_the_order_in_memory_can_be_drawn_by_anybody() -> None:
    expected = sampling.permutation(500, seed=3, stream="epoch 5")
    assert taken(source_of(500), 500, "memory", 5) == expected.tolist()
    assert permutation(3, 5, 500).tolist() == expected.tolist()


@pytest.mark.parametrize("way", ["memory", "disk"])
def test_sorted_rows_are_spread_over_an_epoch(way: str) -> None:
    """Each third of an epoch has rows of every third of the data, as often as chance has it."""
    order = np.array(taken(source_of(3000, table=True), 3000, way, 0, memory=4096))
    counts = np.array(
        [[np.sum(part // 1000 == k) for k in range(3)] for part in order.reshape(3, -1)]
    )
    # hypergeometric, standard deviation 12.2; six of them once in a billion
    assert np.abs(counts - 1000 / 3).max() < 6 * 12.2


def test_held_out_rows_are_a_fixed_share_of_every_block() -> None:
    rows = 2 * BLOCK + 1001
    held = HeldOut(0.3, 1, rows)
    flags = [held.flags(block) for block in range(3)]
    assert [len(f) for f in flags] == [BLOCK, BLOCK, 1001]
    assert sum(int(f.sum()) for f in flags) == held.count == round(0.3 * rows)
    assert all(abs(f.mean() - 0.3) < 1e-3 for f in flags)


@pytest.mark.parametrize("way", _WAYS)
def test_parts_are_complements_and_only_one_is_trained_on(way: str) -> None:
    source = source_of(500, table=True)
    held = HeldOut(0.2, 9, 500)
    parts = [
        [int(v) for batch in Part(source, held, inside=inside).batches(33) for v in batch.y]
        for inside in (True, False)
    ]
    assert len(parts[0]) == 100
    assert sorted(parts[0] + parts[1]) == list(range(500))
    assert sorted(taken(source, 500, way, 0, held_out=held)) == parts[1]


def test_batches_of_a_part_have_the_rows_asked_for() -> None:
    part = Part(source_of(500), HeldOut(0.2, 9, 500), inside=False)
    assert [len(batch) for batch in part.batches(90)] == [90, 90, 90, 90, 40]


def test_rows_that_have_changed_are_noticed() -> None:
    for way in ("memory", "disk", "buffer"):
        for claimed in (499, 501):
            with pytest.raises(InputError, match="does not give the rows that it gave before"):
                taken(source_of(500, table=True), claimed, way, 0)


def test_rows_that_cannot_be_held_are_refused() -> None:
    source = source_of(500, table=True)
    with pytest.raises(InputError, match="shuffle='memory' needs 12,000 bytes"), open_rows(
        source, 500, batch=7, seed=0, shuffle="memory", memory=2048, held_out=None,
        mean_weight=None,
    ):  # fmt: skip
        pass


def test_a_full_disk_is_said_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 10_000

    monkeypatch.setattr(stochastic_rows.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(InputError, match=r"needs 12,000 bytes.*Set TMPDIR"):
        taken(source_of(500, table=True), 500, "disk", 0)


def test_buckets_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stochastic_rows.tempfile, "tempdir", str(tmp_path))
    with open_rows(
        source_of(500, table=True), 500, batch=7, seed=0, shuffle="disk", memory=2048,
        held_out=None, mean_weight=None,
    ) as opened:  # fmt: skip
        assert "buckets" in opened.shuffle
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
