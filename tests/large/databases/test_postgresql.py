"""Promise: a query on PostgreSQL is fitted like the same rows from a file, and fails in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import gausswork as gw
from tests.large.databases.server import Server

ROWS = 70_001  # more than a block, and not a whole number of them


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """Columns of every size of number, words and gaps."""
    rng = np.random.default_rng(8)
    n = ROWS
    double = rng.normal(size=n)
    gaps = rng.random(n) < 0.01
    words = np.array(["red", "green", "blue"])[rng.integers(0, 3, n)]
    return pa.table(
        {
            "k": pa.array(np.arange(n), pa.int64()),
            "small": pa.array(rng.integers(-32768, 32767, n), pa.int16()),
            "whole": pa.array(rng.integers(-(2**31), 2**31 - 1, n), pa.int32()),
            "large": pa.array(rng.integers(-(2**53), 2**53, n), pa.int64()),
            "single": pa.array(rng.normal(size=n), pa.float32()),
            "double": pa.array(double, pa.float64(), mask=gaps),
            "flag": pa.array(rng.random(n) < 0.4),
            "word": pa.array(words, pa.string(), mask=rng.random(n) < 0.02),
            "y": pa.array(3 * double + (words == "red") + rng.normal(size=n), pa.float64()),
        }
    )


@pytest.fixture(scope="module")
def loaded(server: Server, rows: pa.Table) -> str:
    """The name of a table that holds them."""
    with server.connected() as cursor:
        cursor.adbc_ingest("rows", rows, mode="create")
    return "rows"


@pytest.fixture(scope="module")
def on_disk(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of them."""
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    parquet.write_table(rows, path)
    return path


def same(one: gw.Fit, other: gw.Fit) -> None:
    """Both fits agree in every bit."""
    assert one.names == other.names
    assert one.rows == other.rows
    assert one.tally == other.tally
    assert np.array_equal(one.coefficients, other.coefficients)
    assert np.array_equal(one.standard_errors, other.standard_errors)
    assert one.r_squared == other.r_squared


def test_an_ordered_query_gives_the_bits_of_the_same_rows_in_parquet(
    postgresql: Server, loaded: str, on_disk: Path
) -> None:
    query = gw.Query(f"select * from {loaded} order by k", postgresql.address)
    same(gw.fit(query, "y"), gw.fit(on_disk, "y"))
    formula = "y ~ double * C(word) + log(abs(large) + 1)"
    formula = "y ~ double * C(word) + poly(single, 2)"
    same(gw.fit(query, formula), gw.fit(on_disk, formula))
    assert gw.fit(query, "y").source is not None


def test_columns_that_are_not_asked_for_are_not_fetched(postgresql: Server, loaded: str) -> None:
    """A column that no row of could be delivered does no harm."""
    sql = f"select y, double, row(1, k) as odd from {loaded}"
    assert gw.fit(gw.Query(sql, postgresql.address), "y", features="double").rank == 2
