"""Promise: SQL over local files and DuckDB's own files gives the bits of the rows themselves."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import gausswork as gw
from gausswork.cli import main
from gausswork.errors import DatabaseError, InputError, MissingPackageError, QueryError
from tests.large.databases.test_postgresql import same

ROWS = 150_001


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Parquet file, in which the test runs."""
    rng = np.random.default_rng(2)
    table = pa.table(
        {
            "k": np.arange(ROWS),
            "x": rng.normal(size=ROWS),
            "single": rng.normal(size=ROWS).astype(np.float32),
            "tiny": rng.integers(0, 200, ROWS).astype(np.uint8),
            "flag": rng.random(ROWS) < 0.5,
            "word": np.array(["a", "b", "c"])[rng.integers(0, 3, ROWS)],
            "y": pa.array(rng.normal(size=ROWS), mask=rng.random(ROWS) < 0.01),
        }
    )
    parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=40_000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_query_over_a_file_gives_the_bits_of_the_file(here: Path) -> None:
    plain = gw.fit("rows.parquet", "y")
    same(gw.fit(gw.Query("select * from 'rows.parquet' order by k"), "y"), plain)
    formula = "y ~ x * word + log(tiny + 1)"
    query = gw.Query("from 'rows.parquet' order by k", "duckdb://")
    same(gw.fit(query, formula), gw.fit("rows.parquet", formula))
    fit = gw.fit(query, "y")
    assert fit.check().to_dict() == plain.check().to_dict()
    assert fit.description == "the query on local files"


def test_a_database_file_is_opened_to_be_read(here: Path) -> None:
    with duckdb.connect("lab.duckdb") as connection:
        connection.execute("create table t as select * from 'rows.parquet'")
    before = (here / "lab.duckdb").read_bytes()
    same(
        gw.fit(gw.Query("select * from t order by k", "duckdb:///lab.duckdb"), "y"),
        gw.fit("rows.parquet", "y"),
    )
    assert (here / "lab.duckdb").read_bytes() == before
    with duckdb.connect("lab.duckdb"), pytest.raises(DatabaseError, match="cannot be opened"):
        gw.fit(gw.Query("select * from t", "duckdb:///lab.duckdb"), "y")
    (here / "no.duckdb").write_bytes(b"x" * 9000)
    with pytest.raises(DatabaseError, match=r"no\.duckdb cannot be opened"):
        gw.fit(gw.Query("select * from t", "duckdb:///no.duckdb"), "y")


def test_every_type_is_a_number_a_category_or_refused_in_words(here: Path) -> None:
    columns = {
        "range::tinyint": "", "range::usmallint": "", "range::hugeint": "",
        "range::decimal(18, 3)": "", "range::float": "", "(range % 2)::bool": "",
        "(['p', 'q'])[1 + range % 2]": "", "(['p', 'q'])[1 + range % 2]::enum('p', 'q')": "",
        "[range]": "arrays", "{'a': range}": "nested values", "map {1: range}": "nested values",
        "'x'::blob": "binary data", "'101'::bit": "strings of bits", "date '2024-02-29'": "dates",
        "timestamp '2024-02-29'": "timestamps", "now()": "timestamps", "time '10:00'": "times",
        "interval 1 day": "durations", "json_object('a', range)": "JSON documents",
    }  # fmt: skip
    for column, holds in columns.items():
        query = gw.Query(f"select {column} as c, range % 5 as y from range(40)")
        if not holds:
            assert len(gw.fit(query, "y", features="c").names) == 2, column
            continue
        with pytest.raises(InputError, match=holds):
            gw.fit(query, "y", features="c")


def test_decimals_are_rounded_once_and_that_is_said(here: Path) -> None:
    sql = "select range as y, (range + 1234567890123456789.5)::decimal(38, 1) as d from range(9)"
    fit = gw.fit(gw.Query(sql), "y")
    assert "decimals-rounded" in {f.code for f in fit.findings}
    thirds = "select range k, (k * 79 % 1000 / 1000)::decimal(9, 3) d, k % 5 y from range(999)"
    parquet.write_table(duckdb.sql(thirds).to_arrow_table(), here / "decimals.parquet")
    same(gw.fit(gw.Query(thirds + " order by k"), "y"), gw.fit("decimals.parquet", "y"))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("copy (select 1) to 'stolen.csv'", "begins with COPY"),
        ("attach 'new.db'", "begins with ATTACH"),
        ("install httpfs", "begins with INSTALL"),
        ("with a as (select 1) insert into b select * from a", "INSERT"),
        ("select * from 'https://example.invalid/x.parquet'", "download"),
        ("select * from 'none.parquet'", "none.parquet"),
        ("select * from table_of_the_caller", "there is no table"),
        ("select x, y from 'rows.parquet' where k < 0", "gives no rows"),
        ("select 'x'::int as x, k as y from 'rows.parquet'", "Could not convert"),
    ],
)
def test_what_is_not_read_is_said(here: Path, sql: str, said: str) -> None:
    table_of_the_caller = pa.table({"x": [1.0], "y": [2.0]})
    assert table_of_the_caller.num_rows
    with pytest.raises(InputError, match=said):
        gw.fit(gw.Query(sql), "y")
    assert [path.name for path in here.iterdir()] == ["rows.parquet"]


def test_wrong_sql_shows_the_place(here: Path) -> None:
    with pytest.raises(QueryError) as error:
        gw.fit(gw.Query("select x,\n  y fro m nope"), "y")
    line, caret = str(error.value).split("\n")[1:]
    assert line[caret.index("^") :].startswith("m nope")


def test_files_that_change_between_passes_are_noticed(here: Path) -> None:
    query = gw.Query("select * from 'rows.parquet' order by k")
    fit = gw.fit(query, "y")
    table = parquet.read_table("rows.parquet")
    other = table.set_column(1, "x", pa.array(np.asarray(table["x"]) + 1e-3))
    parquet.write_table(other, "rows.parquet")
    with pytest.raises(InputError, match="data has changed"):
        fit.robust("HC3")
    parquet.write_table(table.slice(1), "rows.parquet")
    with pytest.raises(InputError, match="data has changed"):
        fit.check()
    parquet.write_table(table.set_column(1, "x", pa.array(["p"] * ROWS)), "rows.parquet")
    with pytest.raises(
        InputError, match=r"'x' held numbers \(DOUBLE\), and holds text \(VARCHAR\) now"
    ):
        fit.check()


def test_a_csv_file_is_judged_by_all_its_rows(here: Path) -> None:
    """DuckDB alone takes whole numbers for granted after 20,480 of them: 1.75 would become 2."""
    lines = [f"{k},{k % 7}\n" for k in range(30_000)]
    (here / "late.csv").write_text("a,y\n" + "".join(lines) + "1.75,3\n")
    plain = gw.fit("late.csv", "y")
    for sql in (
        "select * from 'late.csv'",
        "select late.a, y from 'late.csv' where true",
        "from read_csv('late.csv', header = true) t",
        "with t as (from 'la*.csv') select t.* from t order by 0 * a",
    ):
        same(gw.fit(gw.Query(sql), "y"), plain)
    decided = gw.Query("from read_csv('late.csv', columns = {'a': 'BIGINT', 'y': 'BIGINT'})")
    assert gw.fit(decided, "y").coefficients[1] != plain.coefficients[1]


def test_memory_stays_flat_while_rows_stream(here: Path) -> None:
    """Batches held at a time do not grow with the rows: far fewer than there are."""
    query = gw.Query("select range * 1.0::double as x, range % 3 as y from range(3000000)")
    before = pa.total_allocated_bytes()
    pa.default_memory_pool().release_unused()
    fit = gw.fit(query, "y")
    assert fit.rows == 3_000_000
    assert pa.total_allocated_bytes() - before < 5_000_000


def test_a_descent_in_mini_batches_reads_a_query(here: Path) -> None:
    method = gw.GradientDescent(batch_size=500, epochs=2, learning_rate=0.01)
    query = gw.Query("select x, single, y from 'rows.parquet' order by k")
    fit = gw.fit(query, "y", method=method)
    again = gw.fit("rows.parquet", "y", features="x,single", method=method)
    assert np.array_equal(fit.coefficients, again.coefficients)


def test_a_fit_of_a_query_is_pickled_and_saved_without_its_rows(here: Path) -> None:
    fit = gw.fit(gw.Query("select x, word, y from 'rows.parquet'"), "y")
    assert pickle.loads(pickle.dumps(fit)).source is None
    fit.save("model.json")
    loaded = gw.load("model.json")
    assert loaded.findings == fit.findings
    same(loaded, fit)
    ordered = gw.Query("select * from 'rows.parquet' where k < 9 order by k")
    assert np.array_equal(loaded.predict(ordered), fit.predict()[:9], equal_nan=True)


@pytest.mark.parametrize("package", ["duckdb", "adbc_driver_sqlite", "adbc_driver_postgresql"])
def test_a_package_that_is_missing_is_named(
    here: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    (here / "lab.db").write_bytes(b"SQLite format 3\0")
    where = {"adbc_driver_sqlite": "sqlite:///lab.db", "adbc_driver_postgresql": "postgresql://h/x"}
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"{package}.dbapi", raising=False)
    with pytest.raises(MissingPackageError, match=rf"{package}.*gausswork\[databases\]"):
        gw.fit(gw.Query("select 1 as y", where.get(package)), "y")


def test_clusters_need_rows_in_order(here: Path) -> None:
    """Clusters and residuals come in passes of their own: only an order brings them together."""
    ordered = gw.fit(gw.Query("select * from 'rows.parquet' order by k"), "y", features="x")
    plain = gw.fit("rows.parquet", "y", features="x").robust("cluster", clusters="word")
    found = ordered.robust("cluster", clusters="word").standard_errors
    assert np.array_equal(found, plain.standard_errors)
    unordered = gw.Query("select * from 'rows.parquet'")
    fit = gw.fit(unordered, "y", features="x")
    for clusters, data in (("word", None), ("word", unordered), (np.arange(ROWS) % 7, None)):
        with pytest.raises(InputError, match="ORDER BY"):
            fit.robust("cluster", clusters=clusters, data=data)


def test_sums_groups_and_updates_take_queries(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = gw.Query("select x, single, word, y from 'rows.parquet' where k < 90000 order by k")
    rest = gw.Query("select x, single, word, y from 'rows.parquet' where k >= 90000 order by k")
    whole = gw.fit("rows.parquet", "y", features="x,single")
    fit = gw.fit(first, "y", features="x,single").update(rest)
    assert fit.rows == whole.rows
    assert np.allclose(fit.coefficients, whole.coefficients, rtol=1e-9, atol=0)
    by_word = gw.fit_groups(gw.Query("select * from 'rows.parquet' order by k"), "y", by="word",
                            features="x")  # fmt: skip
    from_file = gw.fit_groups("rows.parquet", "y", by="word", features="x")
    for key in ("a", "b", "c"):
        same(by_word[key], from_file[key])
    gw.fit(first, "y", features="x,single").save("model.json")
    assert main(["update", "model.json", "--sql", rest.sql, "--save", "new.json"]) == 0
    assert gw.load("new.json").rows == whole.rows
    assert "further rows" in capsys.readouterr().out


def test_a_damaged_file_in_sql_is_named(tmp_path) -> None:
    """The SQL is not to blame, and the reader of files says where."""
    (tmp_path / "t.parquet").write_bytes(b"PAR1" + bytes(5000))
    path = tmp_path / "t.parquet"
    with pytest.raises(DatabaseError, match=r"The file is at fault, not the SQL.*t\.parquet"):
        gw.fit(gw.Query(f"select * from '{path}'"), "y")


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """What the answer calls alike cannot be told apart, whichever of them is meant."""
    sql = "select range as a, range * 2 as a, range % 3 as y from range(20)"
    with pytest.raises(InputError, match="several columns with the same name: 'a'"):
        gw.fit(gw.Query(sql), "y")
