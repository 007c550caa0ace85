"""Promise: an address is read as its writer meant it, and shows nothing that is secret."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import gausswork as gw
from gausswork.data.databases.address import Address, veiled
from gausswork.errors import InputError

SECRET = "hunter2/@:é%"
QUOTED = "hunter2%2F%40%3A%C3%A9%25"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"postgresql://me:{QUOTED}@db.example:5433/shop", "postgresql://db.example:5433/shop"),
        (f"postgres://me:{QUOTED}@db.example/shop", "postgresql://db.example/shop"),
        (f"postgresql+psycopg://db.example/shop?password={QUOTED}", "postgresql://db.example/shop"),
        (
            f"postgresql://me:{QUOTED}@[::1]:5433/shop?sslmode=require",
            "postgresql://[::1]:5433/shop",
        ),
        ("postgresql://one:1,two:2/shop", "postgresql://one:1,two:2/shop"),
        ("postgresql:///?service=shop", "postgresql://shop"),
        ("postgresql://", "postgresql://"),
    ],
)
def test_what_is_shown_of_an_address_is_host_and_name(text: str, shown: str) -> None:
    address = Address.of(text)
    assert address.shown == shown
    for said in (repr(address), address.place, repr(gw.Query("select 1", text))):
        assert "hunter2" not in said
        assert "me:" not in said
    if "hunter2" in text:
        assert address.uri.count(QUOTED) == 1
        assert SECRET not in address.clean(f"no good: {SECRET} and {QUOTED}.")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hunter2/x@db/shop",
        "postgresql://me:hunter2#x@db/shop",
        "postgresql://me:hunter2?x@db/shop",
        "postgresql://db:hunter2/shop",
        "mysql://me:hunter2@db/shop",
        "hunter2",
        "hunter2@db/shop",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(text: str) -> None:
    with pytest.raises(InputError) as error:
        Address.of(text)
    assert "hunter2" not in str(error.value)
    assert "postgresql://" in str(error.value) or "PGPASSWORD" in str(error.value)


def test_an_at_sign_in_a_password_is_the_passwords() -> None:
    assert Address.of("postgresql://me:a@b@db/shop").uri.startswith("postgresql://me:a%40b@db/shop")


def test_what_looks_like_a_password_is_hidden_wherever_it_stands() -> None:
    assert veiled("see postgresql://me:pw@h/d now") == "see postgresql://•••@h/d now"
    assert veiled("dblink('host=h password=pw x')") == "dblink('host=h password=••• x')"
    assert "pw" not in veiled("identified with password = 'pw'")
    assert veiled("https://example.org/a:b") == "https://example.org/a:b"
    assert veiled("password authentication failed") == "password authentication failed"


def test_an_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP", f"postgresql://me:{QUOTED}@db/shop")
    assert Address.of("env:SHOP").shown == "postgresql://db/shop"
    with pytest.raises(InputError, match="'NOWHERE' holds no address"):
        Address.of("env:NOWHERE")


def test_files_are_found_as_their_slashes_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop ?#%.db")) as connection:
        connection.execute("create table t (x)")
    (tmp_path / "text.db").write_text("x,y\n1,2\n")
    assert Address.of("sqlite:///shop%20%3F%23%25.db").path == Path("shop ?#%.db")
    assert Address.of(f"sqlite:///{tmp_path}/shop%20%3F%23%25.db").place == "shop ?#%.db"
    assert gw.Query("select 1 as y", "sqlite:///shop%20%3F%23%25.db").address.path is not None
    for text, said in {
        "sqlite:///none.db": "there is no file 'none.db'",
        f"sqlite://{tmp_path}/none.db": "there is no file",
        "sqlite://shop.db": "lacks a slash: write sqlite:///shop.db",
        "sqlite:///:memory:": "in memory is empty",
        "sqlite:///text.db": "text.db is not an SQLite database",
        "sqlite:///.": "is a folder",
        "duckdb:///none.duckdb": "there is no file",
        "shop ?#%.db": "Write sqlite:///shop",
    }.items():
        with pytest.raises(InputError, match=said.replace("?", r"\?")):
            Address.of(text)


def test_an_address_in_the_place_of_a_file_is_refused_without_its_password() -> None:
    with pytest.raises(InputError, match="not a file") as error:
        gw.fit("postgresql://me:hunter2@db/shop", "y")
    assert "hunter2" not in str(error.value)
