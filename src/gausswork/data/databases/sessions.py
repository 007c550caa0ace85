"""What every database offers the reader of its rows: one connection, seen at one moment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gausswork.data.databases.address import Address
from gausswork.data.databases.statements import Statement
from gausswork.data.kinds import Field
from gausswork.errors import DatabaseError, QueryError

_SHOWN = 100  # characters of a line of SQL under a message


@dataclass(frozen=True, slots=True)
class Described:
    """A column of the answer to a query.

    Attributes
    ----------
    field : what it is good for.
    type : its type as the database calls it.
    convert : makes an Arrow array of the values of what the driver delivers; None where it is one.
    beyond : an integer that float64 has no room for, where only the database could tell.
    decimals : whether ``convert`` rounds decimal numbers.
    """

    field: Field
    type: str
    convert: Callable[[Any], Any] | None = None
    beyond: int | None = None
    decimals: bool = False


class Session(Protocol):
    """A connection that can only read, in a snapshot where the database offers one."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the answer."""
        ...

    def described(self, names: Sequence[str]) -> dict[str, Described]:
        """Say what columns hold."""
        ...

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Run the query; yield record batches of these columns in this order."""
        ...

    def close(self) -> None:
        """Close the connection; nothing of it is left behind."""
        ...


def open_session(address: Address, statement: Statement) -> Session:
    """Connect to a database and let it look at a query.

    Raises
    ------
    DatabaseError
        The database cannot be reached, or refuses the query.
    MissingPackageError
        The package that speaks with this database is not installed.
    """
    if address.scheme == "postgresql":
        from gausswork.data.databases.postgresql import PostgresqlSession

        return PostgresqlSession(address, statement)
    if address.scheme == "sqlite":
        from gausswork.data.databases.sqlite import SqliteSession

        return SqliteSession(address, statement)
    from gausswork.data.databases.embedded import DuckdbSession

    return DuckdbSession(address, statement)


def refused(address: Address, message: str, sql: str, position: int | None) -> DatabaseError:
    """Build the error for a query that a database does not accept.

    Parameters
    ----------
    message : what the database says.
    position : the character of ``sql`` that it points at, from 0; None where it does not say.
    """
    message = tidy(address.clean(message))
    what = f"{address.place} refuses the query: {message}"
    if position is None or not 0 <= position <= len(sql):
        stop = "" if what.endswith("?") else "."
        return DatabaseError(f"{what}{stop} Correct the SQL.")
    before = sql[:position]
    number, column = before.count("\n") + 1, position - (before.rfind("\n") + 1)
    line = sql.split("\n")[number - 1].rstrip()
    start = max(0, column - _SHOWN // 2)
    piece = re.sub(r"\s", " ", line[start : start + _SHOWN])
    clean = address.clean(piece)
    place = f"line {number}, character {column + 1}" if "\n" in sql else f"character {column + 1}"
    if clean != piece:  # the caret would point elsewhere
        return DatabaseError(f"{what} ({place} of the SQL). Correct it.")
    caret = " " * (column - start) + "^"
    return QueryError(f"{what}. Correct the SQL at {place}:\n  {piece}\n  {caret}")


def tidy(message: str) -> str:
    """Return the message of a database as part of a sentence: one line, no full stop."""
    return " ".join(message.split()).rstrip(". ")


def broken(address: Address, message: str, rows: int) -> DatabaseError:
    """Build the error for an answer that has ended before its time."""
    said = tidy(address.clean(message))
    after = f"after {rows:,} rows" if rows else "before the first row"
    return DatabaseError(
        f"{address.place} stopped {after}: {said}. Nothing was computed from a part of the rows. "
        "Correct the query if it is to blame, otherwise run it again."
    )
