"""Promise: --sql and --db stand where files do, and the command line shows no password."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import gausswork as gw
from gausswork.cli import main
from tests.large.databases.server import PASSWORD, Server


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the same rows in SQLite and Parquet, in which the test runs."""
    rng = np.random.default_rng(4)
    n = 66_000
    x = rng.normal(size=n)
    words = np.array(["red", "blue"])[rng.integers(0, 2, n)]
    columns = {"k": range(n), "x": x, "word": words, "y": 2 * x + (words == "red")}
    columns["y"] = columns["y"] + rng.normal(size=n)
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    parquet.write_table(table, tmp_path / "rows.parquet")
    with closing(sqlite3.connect(tmp_path / "rows.db")) as connection:
        connection.execute("create table t (k, x, word, y)")
        rows = [tuple(row.values()) for row in table.to_pylist()]
        connection.executemany("insert into t values (?, ?, ?, ?)", rows)
        connection.commit()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_query_is_fitted_saved_predicted_and_checked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--sql", "select * from t order by k", "--db", "sqlite:///rows.db"]
    assert main(["fit", *where, "y ~ x + word", "--json", "--save", "model.json", "--quiet"]) == 0
    shown = json.loads(capsys.readouterr().out)
    fit = gw.fit("rows.parquet", "y ~ x + word")
    assert [term["estimate"] for term in shown["terms"]] == fit.coefficients.tolist()
    # by another way: the file in the place of the table, and unordered rows
    for ordered in ("order by k", "order by -k"):
        sql = f"select * from (select * from t {ordered})"
        asked = ["predict", "model.json", "--sql", sql, "--db", "sqlite:///rows.db"]
        assert main([*asked, "-o", "out.parquet", "--interval", "0.9"]) == 0
        out = parquet.read_table("out.parquet").sort_by("k")
        expected = fit.predict("rows.parquet", interval=0.9)
        assert out.column_names == ["k", "x", "word", "y", "prediction", "lower", "upper"]
        assert np.array_equal(out["prediction"], expected.value)
        assert np.array_equal(out["upper"], expected.upper)
    capsys.readouterr()
    assert main(["check", "--sql", "select * from 'rows.parquet'", "--json"]) == 0
    looked = json.loads(capsys.readouterr().out)
    assert looked["source"] == "the query on local files"
    assert [column["name"] for column in looked["columns"]] == ["k", "x", "y"]
    assert looked["columns"][1]["count"] == 66_000


def test_sql_over_files_needs_no_address(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "select x, y from 'rows.parquet' where word = 'red' order by k"
    assert main(["fit", "--sql", sql, "--target", "y", "--features", "x"]) == 0
    out, err = capsys.readouterr()
    assert "rows of the query on local files" in out
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "--target", "y"], "DATA, or --sql"),
        (["fit", "--db", "sqlite:///rows.db", "--target", "y"], "DATA, or --sql"),
        (["fit", "rows.parquet", "--db", "sqlite:///rows.db", "--target", "y"], "--db needs --sql"),
        (["fit", "rows.parquet", "--sql", "select 1", "--target", "y"], "leave the file"),
        (["fit", "--sql", "select 1"], "name the column to explain"),
        (["fit", "--sql", "", "--target", "y"], "the SQL is empty"),
        (["fit", "--sql", "drop table t", "--target", "y"], "begins with DROP"),
        (["fit", "--sql", "select 1 as x", "--db", "no.db", "--target", "y"], "not the address"),
        (
            ["fit", "--sql", "select 1 as x", "--db", "rows.db", "--target", "y"],
            "sqlite:///rows.db",
        ),
        (["fit", "--sql", "select 1 as x", "--db", "env:NOT_SET", "--target", "y"], "NOT_SET"),
        (["predict", "model.json"], "DATA, or --sql"),
        (["check"], "DATA, or --sql"),
    ],
)
def test_wrong_usage_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_wrong_sql_is_drawn_under_the_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "select x, y\nfrom t where z = 1"
    assert main(["fit", "--sql", sql, "--db", "sqlite:///rows.db", "--target", "y"]) == 2
    said, line, caret = capsys.readouterr().err.rstrip("\n").split("\n")
    assert "no such column: z" in said
    assert line[caret.index("^")] == "z"


def test_the_password_of_an_address_is_never_printed(
    server: Server,
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    address = server.address_with_password
    sql = "select g as x, sin(g) as y from generate_series(1, 50) g order by g"
    wrong = address.replace("s3cret", "t0psecret")
    for arguments, code in (
        (["--db", address, "--json", "--save", "m.json", "--report", "r.html"], 0),
        ([f"--db={address}", "--show-work", "--check", "--report", "q.html"], 0),
        (["--db", wrong], 2),
        ([f"--dbb={wrong}"], 2),
        (["--db", wrong.replace("@127", "127")], 2),
        (["--db", wrong.replace("postgresql", "oracle")], 2),
        (["--db", wrong.replace("postgresql://", "postgresql:/")], 2),
        ([wrong, "--db", wrong], 2),
    ):
        assert main(["fit", "--sql", sql, "--target", "y", *arguments]) == code, arguments
    assert main(["fit", wrong, "--target", "y"]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("can be seen by others") == 3
    texts = [*printed, *capsys.readouterr(), *(p.read_text() for p in here.glob("*.[jh]*"))]
    assert "r.html" in [path.name for path in here.iterdir()]
    for text in texts:
        for secret in (PASSWORD, "s3cret", "t0psecret", "lab:"):
            assert secret not in text
    report = (here / "r.html").read_text()
    assert f"--db postgresql://127.0.0.1:{server.port}/postgres" in report
