"""SQLite through ADBC. Its columns have no types: what they hold is asked before they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from gausswork.data.databases.address import Address
from gausswork.data.databases.described import of_marked_numbers, of_marked_text
from gausswork.data.databases.readahead import read_ahead
from gausswork.data.databases.sessions import Described, broken, refused
from gausswork.data.databases.statements import Statement, quoted
from gausswork.data.kinds import Field, Kind
from gausswork.data.tables import EXACT_INTEGERS, PORTION_ROWS
from gausswork.errors import DatabaseError, require

_PATIENCE = 5000  # milliseconds to wait for another program that is writing
_NULL = "9e999"  # infinity: what stands for NULL among numbers, see _expression


class SqliteSession:
    """One connection to the file, opened to be read, within one transaction."""

    def __init__(self, address: Address, statement: Statement) -> None:
        self._address = address
        self._statement = statement
        self._known: dict[str, tuple[Described, str]] = {}
        driver = require("adbc_driver_sqlite.dbapi", purpose="SQLite databases", extra="databases")
        assert address.path is not None  # an address of SQLite always names a file
        uri = f"file:{quote(str(address.path.resolve()))}?mode=ro"
        try:
            self._connection = driver.connect(uri, autocommit=True)
        except driver.Error as error:
            raise DatabaseError(f"{address.place} cannot be opened: {_said(error)}.") from None
        try:
            self.names = self._opened()
        except BaseException:
            self.close()
            raise

    def described(self, names: Sequence[str]) -> dict[str, Described]:
        """Say what columns hold: one pass over the rows looks at every value's own type."""
        unknown = [name for name in names if name not in self._known]
        if unknown:
            sets = ", ".join(f"group_concat(DISTINCT typeof({quoted(name)}))" for name in unknown)
            row = self._row(f"SELECT {sets} FROM (\n{self._statement.text}\n)")
            for name, kinds in zip(unknown, row, strict=True):
                found = frozenset((kinds or "null").split(",")) - {"null"}
                self._known[name] = self._column(name, found)
        return {name: self._known[name][0] for name in names}

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Run the query and yield its record batches, each value cast to the type of its column.

        ADBC takes the type of a column from the first batch and fails when a later value differs;
        a cast that leaves no NULL makes all batches alike.
        """
        from adbc_driver_manager import Error
        from pyarrow import ArrowException

        self.described(names)
        columns = ", ".join(f"{self._known[name][1]} AS {quoted(name)}" for name in names)
        sql = f"SELECT {columns} FROM (\n{self._statement.text}\n)"
        rows = 0
        with self._connection.cursor() as cursor:
            try:
                cursor.adbc_statement.set_options(
                    **{"adbc.sqlite.query.batch_rows": str(PORTION_ROWS)}
                )
                cursor.execute(sql)
                reader = cursor.fetch_record_batch()
                for batch in read_ahead(iter(reader), cancel=lambda: None):
                    rows += len(batch)
                    yield batch
            except (Error, ArrowException, OSError) as error:
                raise broken(self._address, _said(error), rows) from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _opened(self) -> tuple[str, ...]:
        from adbc_driver_manager import Error

        try:
            for statement in (
                f"PRAGMA busy_timeout = {_PATIENCE}",
                "PRAGMA query_only = ON",
                "BEGIN",  # one snapshot for all that follows
            ):
                with self._connection.cursor() as cursor:
                    cursor.execute(statement)
        except Error as error:
            raise DatabaseError(f"{self._address.place} cannot be read: {_said(error)}.") from None
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM (\n{self._statement.text}\n) LIMIT 0")
                return tuple(cursor.fetch_record_batch().schema.names)
        except (Error, OSError) as error:
            message = _said(error)
            if "locked" in message:
                raise DatabaseError(
                    f"{self._address.place} cannot be read: {message}. Another program is writing "
                    "to it: run this again when that has finished."
                ) from None
            position = _position(message, self._statement.text)
            raise refused(self._address, message, self._statement.text, position) from None

    def _row(self, sql: str) -> tuple[Any, ...]:
        from adbc_driver_manager import Error

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                row: tuple[Any, ...] = cursor.fetchone()
                return row
        except (Error, OSError) as error:
            raise broken(self._address, _said(error), 0) from None

    def _column(self, name: str, kinds: frozenset[str]) -> tuple[Described, str]:
        """Describe a column whose values have these types; and the SQL that reads it."""
        column = quoted(name)
        called = "+".join(sorted(kinds))
        if not kinds:
            return Described(Field(name, Kind.EMPTY, "no values"), called), column
        if kinds == {"integer"}:
            return Described(Field(name, Kind.NUMBER, "numbers"), called), column
        if kinds <= {"integer", "real"}:
            low, high, largest = self._row(
                f"SELECT min({column}), max({column}), max(CASE WHEN typeof({column}) = 'integer' "
                f"AND ({column} > {EXACT_INTEGERS} OR {column} < -{EXACT_INTEGERS}) THEN "
                f"CAST({column} AS TEXT) END) FROM (\n{self._statement.text}\n)"
            )
            real = f"CAST({column} AS REAL)"
            infinite = max(abs(low), abs(high)) == float("inf")
            field = Field(name, Kind.NUMBER, "numbers")
            if infinite:  # the fit refuses them, by name and row
                return Described(field, called), real
            beyond = None if largest is None else int(largest)
            return (
                Described(field, called, of_marked_numbers, beyond),
                f"CAST(coalesce({column}, {_NULL}) AS REAL)",
            )
        if kinds == {"text"}:
            field = Field(name, Kind.TEXT, "text")
            marked = f"CASE WHEN {column} IS NULL THEN '' ELSE '.' || {column} END"
            return Described(field, called, of_marked_text), marked
        holds, remedy = "binary data", "Leave it out, or turn it into numbers in the query."
        if "text" in kinds:
            sql = f"SELECT {column} FROM (\n{self._statement.text}\n) WHERE typeof({column})"
            example = self._row(f"{sql} = 'text' LIMIT 1")[0]
            holds = f"numbers in some rows and text such as {example!r} in others"
            remedy = (
                f"Make all of them numbers in the query, as in CAST(nullif({column}, "
                f"{_literal(example)}) AS REAL)."
            )
        return Described(Field(name, Kind.UNUSABLE, holds, remedy), called), column


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _said(error: BaseException) -> str:
    """Return SQLite's own words, without what ADBC puts around them."""
    text = str(error)
    found = re.search(r"Failed to (?:prepare|step) query: (.*?)(?:\nquery:|\nQuery|$)", text, re.S)
    text = found[1] if found else re.sub(r"^[A-Z_]+: (\[SQLite\] )?", "", text)
    return " ".join(text.split())


def _position(message: str, sql: str) -> int | None:
    """Return where in the SQL the piece lies that SQLite quotes; None where that is not sure."""
    found = re.search(r'near "([^"]+)"', message) or re.search(
        r"no such (?:column|table|function): (?:\w+\.)?(\w+)", message
    )
    if found is None:
        return None
    places = [m.start() for m in re.finditer(rf"(?<!\w){re.escape(found[1])}(?!\w)", sql)]
    return places[0] if len(places) == 1 else None
