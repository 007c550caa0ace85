"""Promise: a query on PostgreSQL is fitted like the same rows from a file, and fails in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import gausswork as gw
from gausswork.cli import main
from gausswork.data.snapshots import snapshot
from gausswork.errors import DatabaseError, InputError, QueryError
from tests.large.databases.server import PASSWORD, Server

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


def codes(fit: gw.Fit) -> set[str]:
    """The codes of the findings of a fit."""
    return {finding.code for finding in fit.findings}


def test_an_ordered_query_gives_the_bits_of_the_same_rows_in_parquet(
    postgresql: Server, loaded: str, on_disk: Path
) -> None:
    query = gw.Query(f"select * from {loaded} order by k", postgresql.address)
    fit = gw.fit(query, "y")
    same(fit, gw.fit(on_disk, "y"))
    assert "rows-unordered" not in codes(fit)
    formula = "y ~ double * C(word) + poly(single, 2)"
    same(gw.fit(query, formula), gw.fit(on_disk, formula))
    robust = fit.robust("HC3").standard_errors
    assert np.array_equal(robust, gw.fit(on_disk, "y").robust("HC3").standard_errors)
    assert fit.check().to_dict() == gw.fit(on_disk, "y").check().to_dict()
    many = gw.fit_many(query, ["y", "single"], features="double,flag")
    same(many["single"], gw.fit_many(on_disk, ["y", "single"], features="double,flag")["single"])


def test_a_query_without_order_says_so_and_agrees_as_far_as_digits_are_trusted(
    postgresql: Server, loaded: str, on_disk: Path
) -> None:
    query = gw.Query(f"select * from {loaded} order by k", postgresql.address)
    ordered = gw.fit(query, "y", features="double,flag,small")
    shuffled = gw.Query(f"select * from (select * from {loaded} order by -k) q", query.database)
    fit = gw.fit(shuffled, "y", features="double,flag,small")
    assert "rows-unordered" in codes(fit)
    # two answers right to the trusted digits differ by no more than twice their bound
    bound = 2 * 10.0 ** -np.minimum(fit.trusted_digits, ordered.trusted_digits)
    off = np.abs(fit.coefficients / ordered.coefficients - 1)
    assert (off <= bound).all()


def test_numeric_is_read_to_the_nearest_double(postgresql: Server, tmp_path: Path) -> None:
    """PostgreSQL's decimals come as text; Parquet's are the oracle."""
    rng = np.random.default_rng(3)
    cents = rng.integers(-(10**9), 10**9, 500)
    prices = pa.array([f"{c / 100:.2f}" for c in cents]).cast(pa.decimal128(20, 2))
    table = pa.table({"k": np.arange(500), "price": prices, "y": rng.normal(size=500)})
    parquet.write_table(table, tmp_path / "prices.parquet")
    values = ",".join(f"({k}, {p}, {y!r}::float8)" for k, p, y in zip(
        range(500), prices.to_pylist(), table["y"].to_pylist(), strict=True))  # fmt: skip
    sql = f"select k, price::numeric, y from (values {values}) v(k, price, y) order by k"
    fit = gw.fit(gw.Query(sql, postgresql.address), "y")
    same(fit, gw.fit(tmp_path / "prices.parquet", "y"))
    assert "decimals-rounded" not in codes(fit)


def test_what_numeric_and_bigint_hold_beyond_a_double_is_said(postgresql: Server) -> None:
    sql = """
        select g as y, g + 12345678901234567890.125::numeric as wide, g + (2::int8 ^ 60) as x,
               2::int8 ^ 0 * 9007199254740993 as unused, 9007199254740993 + g % 7 as id
        from generate_series(1, 50) g order by g"""
    fit = gw.fit(gw.Query(sql, postgresql.address), "y", features="wide,id")
    said = {finding.code: str(finding) for finding in fit.findings}
    assert "12345678901234567891.125" in said["decimals-rounded"]
    assert "'id'" in said["integers-rounded"]


def test_nan_and_null_are_missing_and_infinity_is_refused(postgresql: Server) -> None:
    sql = """
        select g::float8 as y, case when g % 10 = 0 then 'nan'::numeric when g % 10 = 1 then null
               else g end as a, case when g % 10 = 2 then 'nan'::float8 else sqrt(g) end as b
        from generate_series(1, 100) g order by g"""
    fit = gw.fit(gw.Query(sql, postgresql.address), "y")
    assert (fit.rows, fit.tally.missing) == (70, {"a": 20, "b": 10})
    with pytest.raises(InputError, match="column 'a' has no value at row 0"):
        gw.fit(gw.Query(sql, postgresql.address), "y", missing="error")
    for infinite in ("'inf'::float8", "1e400::numeric", "'-Infinity'::numeric"):
        sql = f"select {infinite} as x, g as y from generate_series(1, 9) g"
        with pytest.raises(InputError, match=r"'x'.*inf"):
            gw.fit(gw.Query(sql, postgresql.address), "y")


@pytest.mark.parametrize(
    ("expression", "holds", "remedy"),
    [
        ("array[1, 2]", "arrays", "column[1]"),
        ("'{\"a\": 1}'::json", "JSON documents", "->>"),
        ("'{\"a\": 1}'::jsonb", "JSON documents", "->>"),
        ("'\\x00ff'::bytea", "binary data", "turn it into numbers"),
        ("'12.50'::money", "amounts of money", "column::numeric"),
        ("5::oid", "internal identifiers", "column::int8"),
        ("gen_random_uuid()", "identifiers (uuid)", "group by"),
        ("interval '1 day'", "durations", "extract(epoch"),
        ("date '2024-02-29'", "dates", "extract(epoch"),
        ("now()", "timestamps", "extract(epoch"),
        ("now()::timestamp", "timestamps", "extract(epoch"),
        ("now()::time", "times of day", "extract(epoch"),
        ("now()::timetz", "times of day", "extract(epoch"),
        ("'10.0.0.1'::inet", "values of type inet", "column::text"),
        ("point(1, 2)", "values of type point", "column::text"),
        ("'<a/>'::xml", "XML documents", "xpath"),
        ("int4range(1, 3)", "values of a type of its own", "column::text"),
        ("row(1, 2)", "nested values", "numbers or text"),
    ],
)
def test_types_that_are_no_numbers_are_refused_in_words(
    postgresql: Server, expression: str, holds: str, remedy: str
) -> None:
    sql = f"select {expression} as odd, g::float8 as x, g % 3 as y from generate_series(1, 9) g"
    query = gw.Query(sql, postgresql.address)
    with pytest.raises(InputError, match="'odd' cannot be a feature") as error:
        gw.fit(query, "y", features="odd")
    assert holds in str(error.value)
    assert remedy in str(error.value)
    left_out = next(f for f in gw.fit(query, "y").findings if f.code == "features-chosen")
    assert holds in str(left_out)


def test_words_of_every_kind_are_categories(postgresql: Server) -> None:
    postgresql.run("drop type if exists mood", "create type mood as enum ('sad', 'glad')")
    for expression in (
        "(array['sad', 'glad'])[1 + g % 2]",
        "(array['sad', 'glad'])[1 + g % 2]::varchar(9)",
        "(array['sad', 'glad'])[1 + g % 2]::char(4)",
        "(array['sad', 'glad'])[1 + g % 2]::mood",
        "(array['sad', 'glad'])[1 + g % 2]::name",
    ):
        sql = f"select {expression} as word, g as y from generate_series(1, 99) g order by g"
        fit = gw.fit(gw.Query(sql, postgresql.address), "y")
        assert len(fit.names) == 2, expression
        assert fit.names[1].startswith("word["), expression


def test_an_answer_without_rows_is_refused(postgresql: Server, loaded: str) -> None:
    for features in (None, "double", "word", []):
        with pytest.raises(InputError, match="gives no rows"):
            gw.fit(
                gw.Query(f"select * from {loaded} where k < 0", postgresql.address),
                "y", features=features,
            )  # fmt: skip


def test_wrong_sql_shows_the_place_that_the_database_names(postgresql: Server) -> None:
    with pytest.raises(QueryError) as error:
        gw.fit(gw.Query("select a,\n  b fro\tm nope", postgresql.address), "y")
    message, line, caret = str(error.value).split("\n")
    assert "line 2, character 9" in message
    assert "Query was" not in message
    assert line[caret.index("^")] == "m"
    with pytest.raises(DatabaseError, match='relation "nope" does not exist'):
        gw.fit(gw.Query("select * from nope", postgresql.address), "y")
    with pytest.raises(DatabaseError, match='column "ä" does not exist'):
        gw.fit(gw.Query("select 'ü', ä from pg_class", postgresql.address), "y")
    with pytest.raises(InputError, match="several columns with the same name"):
        gw.fit(gw.Query("select 1 as a, 2 as a, 3 as y", postgresql.address), "y")
    with pytest.raises(InputError, match=r"no column 'Y'\. Did you mean 'y'"):
        gw.fit(gw.Query("select 1 as a, 2 as Y", postgresql.address), "Y")


@pytest.mark.parametrize(
    "sql",
    [
        "with gone as (delete from kept returning *) select * from gone",
        "select * into copied from kept",
        "select nextval('counter') as y, x from kept",
        "select set_config('transaction_read_only', 'off', false) as y, x from kept",
        "select x, x as y from kept for update",
    ],
)
def test_nothing_can_be_written(postgresql: Server, sql: str) -> None:
    postgresql.run(
        "drop table if exists kept, copied", "drop sequence if exists counter",
        "create sequence counter", "create table kept as select 1.5::float8 as x",
    )  # fmt: skip
    with pytest.raises(DatabaseError, match=r"read-only|read-write|no columns"):
        gw.fit(gw.Query(sql, postgresql.address), "x", features=[])
    with postgresql.connected() as cursor:
        cursor.execute("select count(*), to_regclass('copied') is null from kept")
        assert cursor.fetchone() == (1, True)


def test_what_a_function_does_in_passing_is_rolled_back(postgresql: Server) -> None:
    """Some functions write even where a transaction may not; none of it is committed."""
    sql = "select lo_create(0)::int8 as x, g as y from generate_series(1, 3) g"
    gw.fit(gw.Query(sql, postgresql.address), "y", features=[])
    with postgresql.connected() as cursor:
        cursor.execute("select count(*) from pg_largeobject_metadata")
        assert cursor.fetchone() == (0,)


def test_an_error_midway_is_no_answer(postgresql: Server) -> None:
    sql = "select g as y, 1 / (90000 - g) as x from generate_series(1, 100000) g"
    with pytest.raises(DatabaseError, match="division by zero"):
        gw.fit(gw.Query(sql, postgresql.address), "y")


def test_a_connection_that_is_lost_midway_is_no_answer(postgresql: Server) -> None:
    """Rows flow, then wait; then the server ends the session."""
    sql = """select g::float8 as y, sqrt(g) as x from generate_series(1, 900000) g
             where g < 899000 or pg_sleep(0.05) is not null"""

    def kill(rows: int, done: int | None, total: int | None) -> None:
        postgresql.run(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'gausswork'"
        )

    with pytest.raises(DatabaseError, match=r"stopped after [\d,]+ rows: (terminating|server cl)"):
        gw.fit(gw.Query(sql, postgresql.address), "y", progress=kill)


def test_no_connection_is_left_behind(postgresql: Server, loaded: str) -> None:
    fit = gw.fit(gw.Query(f"select * from {loaded}", postgresql.address), "y")
    fit.check()
    with pytest.raises(InputError):
        gw.fit(gw.Query(f"select * from {loaded}", postgresql.address), "nothing")
    count = "select count(*) from pg_stat_activity where application_name = 'gausswork'"
    with postgresql.connected() as cursor:
        for _ in range(100):  # the server takes a moment to notice
            cursor.execute(count)
            if cursor.fetchone() == (0,):
                return
    raise AssertionError("a connection is still there")


def test_all_passes_of_a_fit_see_one_snapshot(postgresql: Server) -> None:
    """Another program writes between two passes; the fit does not see it, a later pass does."""
    postgresql.run(
        "drop table if exists live",
        "create table live as select g as k, (array['a','b'])[1 + g % 2] as word, "
        "sqrt(g) as x, sin(g) as y from generate_series(1, 2000) g",
    )
    query = gw.Query("select * from live order by k", postgresql.address)
    before = gw.fit(query, "y")
    written = []

    def write(rows: int, done: int | None, total: int | None) -> None:
        if not written:  # while the levels are collected: the first of two passes
            written.append(rows)
            postgresql.run("insert into live values (0, 'a', 1e9, 1e9)")

    during = gw.fit(query, "y", progress=write)
    assert written
    same(during, before)
    for later in (during.check, lambda: during.robust("HC3"), lambda: during.predict()):
        with pytest.raises(InputError, match=r"data has changed.*2,001"):
            later()
    postgresql.run("delete from live where k = 0")
    during.check()


def test_a_pass_that_is_given_up_keeps_the_snapshot(postgresql: Server, loaded: str) -> None:
    """A text column of too many levels ends the pass over it early."""
    sql = f"select md5(k::text) as hash, md5((k / 2)::text) as half, double, y from {loaded}"
    fit = gw.fit(gw.Query(sql, postgresql.address), "y")
    assert fit.names == ("intercept", "double")


def test_a_query_that_gives_other_rows_each_time_is_refused(postgresql: Server) -> None:
    sql = "select random() as x, random() as y, 'ab' as word from generate_series(1, 100)"
    with snapshot(gw.Query(sql, postgresql.address)) as table:
        gw.fit(table, "y", features="x", method=gw.NormalEquation(digits=3))
        with pytest.raises(InputError, match=r"other rows each\s+time \(random"):
            gw.fit(table, "y", features="x")


def test_a_wrong_password_is_told_without_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    with pytest.raises(DatabaseError, match=r"cannot be reached.*PGPASSWORD"):
        gw.fit(gw.Query("select 1 as y", server.address), "y")
    monkeypatch.setenv("PGPASSWORD", "wr0ng-one")
    with pytest.raises(DatabaseError, match="password authentication failed") as error:
        gw.fit(gw.Query("select 1 as y", server.address), "y")
    assert "wr0ng-one" not in str(error.value)
    with pytest.raises(DatabaseError, match="Check host and port"):
        gw.fit(gw.Query("select 1 as y", "postgresql://me:hunter2@127.0.0.1:1/x"), "y")


def test_passwords_come_from_the_environment_a_file_or_a_service(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    encoded = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:{server.port}:*:*:{encoded}\n", encoding="utf-8")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    sql = "select g as x, 2 * g + 1 as y from generate_series(1, 5) g order by g"
    assert gw.fit(gw.Query(sql, server.address), "y").intercept == 1.0
    services = tmp_path / "services"
    services.write_text(
        f"[lab]\nhost=127.0.0.1\nport={server.port}\nuser=lab\ndbname=postgres\n", encoding="utf-8"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    assert gw.fit(gw.Query(sql, "postgresql:///?service=lab"), "y").intercept == 1.0
    monkeypatch.setenv("GAUSSWORK_TEST_DB", server.address_with_password)
    assert gw.fit(gw.Query(sql, "env:GAUSSWORK_TEST_DB"), "y").intercept == 1.0


def test_the_password_of_an_address_is_shown_nowhere(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    sql = "select g as x, sin(g) as y from generate_series(1, 50) g"
    query = gw.Query(sql, server.address_with_password)
    fit = gw.fit(query, "y")
    fit.save(tmp_path / "model.json")
    fit.report(tmp_path / "report.html")
    fit.plot(path=tmp_path / "fit.svg")
    assert fit.source is not None
    said: list[Any] = [
        query, str(query), fit, repr(fit), fit.description, json.dumps(fit.to_dict()),
        fit._repr_html_(), fit.show_work(), fit.check(), fit.source, vars(query.address)
        if hasattr(query.address, "__dict__") else query.address,
    ]  # fmt: skip
    said += [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    for text in map(str, said):
        for form in (PASSWORD, "s3cret", server.address_with_password):
            assert form not in text


def test_words_of_a_database_in_another_encoding_are_words(postgresql: Server) -> None:
    postgresql.run(
        "drop database if exists latin",
        "create database latin template template0 encoding 'LATIN1' locale 'C'",
    )
    address = postgresql.address.replace("/postgres", "/latin")
    sql = "select (array['café', 'thé'])[1 + g % 2] as drink, g as y from generate_series(1, 9) g"
    assert gw.fit(gw.Query(sql, address), "y").names == ("intercept", "drink[thé]")


def test_predictions_stand_beside_columns_of_every_type(
    postgresql: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sql = """
        select md5(g::text)::uuid as id, date '2024-02-28' + g as day, g / 4.0 as price, g as x,
               '{"a": 1}'::jsonb as doc, case when g = 2 then null else g::float8 end as z
        from generate_series(1, 3) g order by g"""
    gw.fit({"x": [1, 2, 3, 4], "z": [1, 0, 1, 1], "y": [3, 2, 6, 8]}, "y").save("model.json")
    asked = ["--sql", sql, "--db", postgresql.address, "--quiet", "-o"]
    assert main(["predict", "model.json", *asked, "new.csv"]) == 0
    lines = Path("new.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,day,price,x,doc,z,prediction"
    assert lines[1].startswith("c4ca4238-a0b9-2382-0dcc-509a6f75849b,2024-02-29,0.25,1,")
    assert lines[2].endswith(",,")  # a gap has no prediction
    assert main(["predict", "model.json", *asked, "new.parquet"]) == 0
    written = parquet.read_table("new.parquet")
    assert written["price"].to_pylist() == [0.25, 0.5, 0.75]
    assert written["prediction"].null_count == 1
