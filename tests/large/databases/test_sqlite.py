"""Promise: SQLite's columns, which have no types, are read as what they hold, without a guess."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import gausswork as gw
from gausswork.errors import DatabaseError, InputError, QueryError
from tests.large.databases.test_postgresql import same

ROWS = 70_001  # ADBC takes the types of columns from the first 65,536 rows


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., str]:
    """Make a database of one table ``t``; return its address."""

    def make(rows: Sequence[Sequence[Any]], columns: str) -> str:
        path = tmp_path / "lab.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"create table t ({columns})")
            marks = ",".join("?" * len(columns.split(",")))
            connection.executemany(f"insert into t values ({marks})", rows)
            connection.commit()
        return f"sqlite:///{path}"

    return make


def test_the_bits_are_those_of_the_same_rows_in_parquet(
    database: Callable[..., str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    columns: dict[str, list[Any]] = {
        "k": list(range(ROWS)),
        # whole numbers until late, gaps until late, words of any kind
        "late": [
            float(v) if k > 69_000 else int(v * 9) for k, v in enumerate(rng.normal(size=ROWS))
        ],
        "gap": [None if k < 69_000 else float(v) for k, v in enumerate(rng.normal(size=ROWS))],
        "word": [None if k < 66_000 else ("", "ä.b", "'q'")[k % 3] for k in range(ROWS)],
        "y": rng.normal(size=ROWS).tolist(),
    }
    address = database(list(zip(*columns.values(), strict=True)), ",".join(columns))
    path = tmp_path / "rows.parquet"
    columns["late"] = [float(value) for value in columns["late"]]
    parquet.write_table(pa.table(columns), path)
    query = gw.Query("select * from t order by k", address)
    for features in ("late", "gap,late", "word", "word,gap,late,k"):
        same(gw.fit(query, "y", features=features), gw.fit(path, "y", features=features))
    assert gw.fit(query, "y", features="word").tally.missing == {"word": 66_000}


def test_numbers_mixed_with_words_are_refused_with_the_word(database: Callable[..., str]) -> None:
    address = database(
        [(k, "n/a" if k == 7 else k * 0.5, b"x", k % 3) for k in range(9)], "k,a,b,y"
    )
    with pytest.raises(InputError, match=r"text such as 'n/a'.*nullif\(\"a\", 'n/a'\)"):
        gw.fit(gw.Query("select * from t", address), "y", features="a")
    with pytest.raises(InputError, match="binary data"):
        gw.fit(gw.Query("select * from t", address), "y", features="b")
    mended = "select k, cast(nullif(a, 'n/a') as real) as a, y from t order by k"
    assert gw.fit(gw.Query(mended, address), "y").tally.missing == {"a": 1}


def test_whole_numbers_of_any_size(database: Callable[..., str]) -> None:
    rows = [(2**62 + k, k if k else -(2**60) - 1, 0.5 * k, k % 3) for k in range(9)]
    address = database(rows, "big,wide,x,y")
    query = gw.Query(
        "select big, case when x > 1 then 0.5 else wide end as both, y from t", address
    )
    fit = gw.fit(query, "y", features="big")
    assert "integers-rounded" in {f.code for f in fit.findings}
    mixed = gw.fit(query, "y", features="both")
    said = next(f for f in mixed.findings if f.code == "integers-rounded")
    assert said.evidence["example"] == str(-(2**60) - 1)


def test_infinity_is_refused_and_is_no_gap(database: Callable[..., str]) -> None:
    address = database([(k, float("inf") if k == 5 else k * 0.5) for k in range(9)], "y,x")
    with pytest.raises(InputError, match=r"'x'.*inf"):
        gw.fit(gw.Query("select * from t", address), "y")


def test_what_cannot_be_read_is_said(database: Callable[..., str], tmp_path: Path) -> None:
    address = database([(k, k % 3, None) for k in range(9)], "x,y,void")
    with pytest.raises(QueryError) as error:
        gw.fit(gw.Query("select x, y,\n frm from t", address), "y")
    line, caret = str(error.value).split("\n")[1:]
    assert line[caret.index("^") :].startswith("frm")
    for sql, said in {
        "select z, y from t": "no such column: z",
        "select x, y from nope": "no such table: nope",
        "select x, y from t where x > 99": "gives no rows",
        "with a as (select 1) delete from t": "syntax error",
        "select load_extension('x') as x, y from t": "not authorized",
        "select abs(-9223372036854775807 - 1) as x, y from t": "overflow",
    }.items():
        with pytest.raises(InputError, match=said):
            gw.fit(gw.Query(sql, address), "y")
    with pytest.raises(InputError, match="'void' has no value in any row"):
        gw.fit(gw.Query("select * from t", address), "y", features="void")
    broken = tmp_path / "broken.db"
    whole = (tmp_path / "lab.db").read_bytes()
    broken.write_bytes(whole[:1000] + b"\xff" * (len(whole) - 1000))
    with pytest.raises(DatabaseError, match=r"malformed|not a database|corrupt"):
        gw.fit(gw.Query("select * from t", f"sqlite:///{broken}"), "y")
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (9,)


def test_a_fit_sees_one_state_and_a_later_pass_says_what_changed(
    database: Callable[..., str], tmp_path: Path
) -> None:
    rows = [(k, "ab"[k % 2], k**0.5, float(k % 7)) for k in range(2000)]
    address = database(rows, "k,word,x,y")
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection:
        connection.execute("pragma journal_mode = wal")  # writers need not wait for readers

        def write(rows: int, done: int | None, total: int | None) -> None:
            connection.execute("insert or replace into t values (0, 'a', 1e9, 1e9)")
            connection.commit()

        query = gw.Query("select * from t order by k", address)
        before = gw.fit(query, "y")
        during = gw.fit(query, "y", progress=write)
        same(during, before)
        with pytest.raises(InputError, match="data has changed"):
            during.check()


def test_a_database_that_is_being_written_is_waited_for_then_left(
    database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gausswork.data.databases.sqlite._PATIENCE", 20)
    address = database([(k, k % 3) for k in range(9)], "x,y")
    holding = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('begin exclusive')"
    with subprocess.Popen(
        [sys.executable, "-c", f"{holding}; print('held', flush=True); sys.stdin.read()",
         tmp_path / "lab.db"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as writer:  # fmt: skip
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"held\n"
        with pytest.raises(DatabaseError, match=r"locked\. Another program is writing"):
            gw.fit(gw.Query("select * from t", address), "y")
        writer.communicate()
    assert gw.fit(gw.Query("select * from t", address), "y").rows == 9


def test_whole_numbers_that_turn_into_decimals_are_still_numbers(
    database: Callable[..., str], tmp_path: Path
) -> None:
    """A change of the stored type alone is no change of the data."""
    address = database([(k, float(k % 3)) for k in range(9)], "x,y")
    fit = gw.fit(gw.Query("select * from t order by x", address), "y")
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection:
        connection.execute("update t set x = cast(x as real) where x > 4")
        connection.commit()
    fit.check()
