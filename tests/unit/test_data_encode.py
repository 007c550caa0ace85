"""Blocks of exact length from pieces of any length, so that sums are the same for any reader."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gausswork.data import open_data
from gausswork.data.encode import reblock
from gausswork.data.tables import as_floats

from .data_rows import bits_of, rows_of

LENGTHS = st.lists(st.integers(0, 9), max_size=12)


@given(LENGTHS, st.integers(1, 25))
def test_blocks_have_the_length_asked_for(lengths: list[int], rows: int) -> None:
    """Promise: however pieces are cut, blocks are full but the last, and nothing is lost."""
    total = sum(lengths)
    cuts = np.cumsum(lengths)[:-1] if lengths else []
    values = np.arange(float(total))
    pieces = [[part, part.astype(np.int32)] for part in np.split(values, cuts)]
    blocks = list(reblock(pieces, rows))
    assert [len(block[0]) for block in blocks] == [rows] * (total // rows) + [total % rows] * (
        total % rows > 0
    )
    joined = np.concatenate([block[0] for block in blocks]) if blocks else np.empty(0)
    assert np.array_equal(joined, values)
    assert all(np.array_equal(*block) for block in blocks)


def test_blocks_within_a_piece_are_views() -> None:
    """Promise: only blocks that straddle two pieces are copied."""
    piece = np.arange(10.0)
    blocks = [block[0] for block in reblock([[piece], [np.arange(10.0)]], 4)]
    assert [np.shares_memory(block, piece) for block in blocks] == [True, True, False, False, False]


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    n = draw(st.integers(3, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gaps = draw(st.sampled_from([0.0, 0.1, 0.7]))

    def column(values: list, kind: str) -> pa.Array:
        return pa.array([None if rng.random() < gaps else value for value in values], kind)

    return pa.table({
        "a": column(rng.normal(size=n).tolist(), "double"),
        "g": pa.array(rng.choice(["u", "v", "w"], size=n).tolist()),
        "n": pa.array([float("nan") if rng.random() < gaps else 1.0 for _ in range(n)]),
        "f": column((rng.random(n) < 0.5).tolist(), "bool"),
        "y": np.r_[1.0, rng.normal(size=n - 1)],
    })  # fmt: skip


@given(tables(), st.data())
def test_dropping_and_coding_commute_with_cutting(table: pa.Table, data: st.DataObject) -> None:
    """Promise: chunks of any size, batches of any size: the complete rows of the table, coded."""
    # the first row is complete, so that something is left
    first = pa.table({"a": [0.5], "g": ["u"], "n": [1.0], "f": [True], "y": [0.25]})
    table = pa.concat_tables([first, table])
    expected = [
        [row["a"], row["n"], float(row["f"]), row["y"]]
        for row in table.to_pylist()
        if None not in row.values() and row["n"] == row["n"]
    ]
    chunk, rows = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    cut = pa.Table.from_batches(table.to_batches(max_chunksize=chunk))
    opened = open_data(cut, "y", features=["a", "n", "f", "g"])
    found = rows_of(opened.source, rows)
    assert found[:, [0, 1, 2, -1]].tolist() == expected
    assert bits_of(opened.source, rows) == bits_of(
        open_data(table, "y", features="a,n,f,g").source, rows
    )
    lengths = [len(batch) for batch in opened.source.batches(rows)]
    assert set(lengths[:-1]) <= {rows}
    tally = opened.source.tally
    assert tally.read - tally.dropped == len(expected)
    assert tally.missing.get("a", 0) == table["a"].null_count


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=7,
                            min_value=-10**12, max_value=10**12), min_size=1))  # fmt: skip
def test_decimals_are_rounded_correctly(values: list) -> None:
    """Promise: decimals give the nearest float64, as their text would."""
    found = as_floats(pa.array(values, pa.decimal128(30, 7)))
    assert found.tolist() == [float(value) for value in values]
