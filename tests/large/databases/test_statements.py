"""Promise: one statement that reads is told from everything else before a database sees it."""

from __future__ import annotations

import pytest

import gausswork as gw
from gausswork.data.databases.statements import the_statement
from gausswork.errors import InputError


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("select 1", "postgresql"),
        ("SELECT 1 ;  ", "postgresql"),
        ("-- a ; comment\nselect 1 -- ; more", "sqlite"),
        ("/* ; /* nested ; */ ; */ select ';' as \"a;b\"", "postgresql"),
        ("/* ; */ select 1", "sqlite"),
        ("select $$;$$, $tag$ ; $$ ; $tag$", "postgresql"),
        (r"select E'\';' ", "postgresql"),
        ("select 'it''s;'", "duckdb"),
        ("select [a;b], `c;d` from t", "sqlite"),
        ("with a as (select 1) select * from a", "duckdb"),
        ("values (1), (2)", "postgresql"),
        ("table measurements", "postgresql"),
        ("(select 1 union select 2) order by 1", "postgresql"),
        ("from 'x.parquet'", "duckdb"),
        ("select a$b$c from t", "postgresql"),
    ],
)
def test_one_statement_that_reads_is_taken(sql: str, dialect: str) -> None:
    statement = the_statement(sql, dialect)
    assert not statement.text.rstrip().endswith(";")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "is empty"),
        ("  -- nothing\n ;; ", "is empty"),
        ("select 1; select 2", "holds 2 statements"),
        ("select 1; drop table t; --", "holds 2 statements"),
        ("select '; select 2", ""),
        ("insert into t values (1)", "begins with INSERT"),
        ("DELETE FROM t", "begins with DELETE"),
        ("explain analyze delete from t", "begins with EXPLAIN"),
        ("copy t to program 'id'", "begins with COPY"),
        ("from t", "begins with FROM"),
        ("1 + 1", "begins otherwise"),
        ("select 1\0", "NUL"),
    ],
)
def test_anything_else_is_refused_in_words(sql: str, said: str) -> None:
    if not said:  # an open quote is the database's to refuse
        assert the_statement(sql, "postgresql").text == sql
        return
    with pytest.raises(InputError, match=said):
        the_statement(sql, "postgresql")


@pytest.mark.parametrize(
    ("sql", "ordered"),
    [
        ("select * from t order by k", True),
        ("select * from t ORDER\n BY k limit 5", True),
        ("select a from t union select b from u order by 1", True),
        ("select row_number() over (order by k) from t", False),
        ("select * from (select * from t order by k) q", False),
        ("select 'order by' from t -- order by k", False),
        ('select "order", by from t', False),
        ("select * from t", False),
    ],
)
def test_order_is_seen_where_it_counts(sql: str, ordered: bool) -> None:
    assert the_statement(sql, "postgresql").ordered is ordered


def test_columns_are_picked_whatever_stands_at_the_end_of_the_text() -> None:
    statement = the_statement("select * -- all\n from t; -- of it", "sqlite")
    assert statement.only(("a", 'b"c')) == (
        'SELECT "a", "b""c" FROM (\nselect * -- all\n from t\n) AS "q"'
    )


def test_a_query_is_a_value_that_refuses_nonsense_at_once() -> None:
    assert gw.Query("select 1") == gw.Query("select 1")
    assert hash(gw.Query("select 1")) == hash(gw.Query("select 1"))
    with pytest.raises(InputError, match="must be a text; got a bytes"):
        gw.Query(b"select 1")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"got a object\. An open connection"):
        gw.Query("select 1", object())  # type: ignore[arg-type]
