"""The options --sql and --db: rows from a database in the place of files."""

from __future__ import annotations

import argparse
from typing import Any

from gausswork.cli.command import files_of, say


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options that name a query, and where to run it."""
    command.add_argument(
        "--sql",
        metavar="QUERY",
        help="read the rows of a query in the place of files; without --db by DuckDB from local "
        "files, as in \"select * from 'part-*.parquet'\"",
    )
    command.add_argument(
        "--db",
        metavar="ADDRESS",
        help="the database: postgresql://user@host/name, sqlite:///file.db, duckdb:///file.duckdb, "
        "or env:NAME for a variable that holds one; passwords come from PGPASSWORD or ~/.pgpass",
    )


def require(arguments: argparse.Namespace) -> None:
    """Refuse a command that names no data at all."""
    if not arguments.data and arguments.sql is None:
        arguments.refuse(
            "the following arguments are required: DATA, or --sql 'select …' in its place"
        )


def data_of(arguments: argparse.Namespace) -> Any:
    """Return the data as the library takes it: a query, or the files."""
    sql, database = getattr(arguments, "sql", None), getattr(arguments, "db", None)
    if sql is None:
        if database is not None:
            arguments.refuse("--db needs --sql 'select …' to say which rows")
        require(arguments)
        return files_of(arguments)
    if arguments.data:
        arguments.refuse(
            f"--sql says what to read: leave the file {arguments.data[0]!r} out, or name it in the "
            "query, as in \"select * from 'file.parquet'\""
        )
    from gausswork.data.databases.query import Query

    rows = Query(sql, database)
    typed = rows.address.secrets and not str(database).startswith("env:")
    if typed and not arguments.quiet:
        say(
            "the password in --db can be seen by others in the list of processes: PGPASSWORD, "
            "~/.pgpass and --db env:NAME keep it out of there."
        )
    return rows


def shown(arguments: argparse.Namespace) -> list[str]:
    """Return what was typed, for a report, without what is secret in the address of a database."""
    if getattr(arguments, "sql", None) is None:
        return list(arguments.typed)
    from gausswork.data.databases.address import Address, veiled

    typed = []
    for word in arguments.typed:
        option, mark, value = word.partition("=")
        if word == arguments.db:
            word = _public(word, Address)
        elif option == "--db" and mark:
            word = f"--db={_public(value, Address)}"
        typed.append(veiled(word))
    return typed


def _public(address: str, kind: Any) -> str:
    """Return an address without user, password and parameters; the name of a variable stays."""
    return address if address.startswith("env:") else str(kind.of(address).shown)
