"""DuckDB in this process: over local files, or one of its own database files opened to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gausswork.data.databases.address import Address
from gausswork.data.databases.csv_in_sql import judged_by_all_rows
from gausswork.data.databases.described import duckdb_column
from gausswork.data.databases.readahead import read_ahead
from gausswork.data.databases.sessions import Described, broken, refused, tidy
from gausswork.data.databases.statements import Statement
from gausswork.data.kinds import Kind
from gausswork.data.tables import PORTION_ROWS
from gausswork.errors import DatabaseError, InputError, require

_SETTINGS = {
    "autoinstall_known_extensions": "false",  # nothing is downloaded
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # names are of tables and files, not of variables
}


_SEEN = 20  # values by which a decimal comma is recognised
_NUMBER = re.compile(r"[-+]?\d*,?\d+([eE][-+]?\d+)?")
_QUOTED_CSV = re.compile(r"'[^']+\.(?:csv|tsv|txt)(?:\.gz|\.zst)?'", re.IGNORECASE)


class DuckdbSession:
    """One connection in this process."""

    def __init__(self, address: Address, statement: Statement) -> None:
        self._address = address
        self._statement = statement
        self._duckdb = require("duckdb", purpose="Queries of local files", extra="databases")
        where = ":memory:" if address.path is None else str(address.path)
        try:
            self._connection = self._duckdb.connect(
                where, read_only=address.path is not None, config=_SETTINGS
            )
        except self._duckdb.Error as error:
            raise DatabaseError(_cannot_open(address, str(error))) from None
        try:
            self._require_select()
            self._bound(statement.text)
            self._sql = self._judged()
            relation = self._bound(self._sql)
            schema = _reader(relation.limit(0), 1).schema
        except self._duckdb.Error as error:
            self.close()
            raise self._refused(error) from None
        except BaseException:
            self.close()
            raise
        self._schema = schema
        self._called = dict(zip(schema.names, map(str, relation.types), strict=True))
        self.names = tuple(relation.columns)  # the schema calls a second 'a' 'a_1'; the rows do not

    def described(self, names: Sequence[str]) -> dict[str, Described]:
        """Say what columns hold."""
        found = {
            name: duckdb_column(name, self._schema.field(name).type, self._called[name])
            for name in names
        }
        for name, column in found.items():
            if column.field.kind is Kind.TEXT and (remedy := self._decimal_comma(name)):
                found[name] = replace(column, field=replace(column.field, remedy=remedy))
        return found

    def _decimal_comma(self, name: str) -> str:
        """Say how to read a text column of a CSV file whose values have a decimal comma."""
        text = self._statement.text
        file = _QUOTED_CSV.search(text)
        if file is None or "decimal_separator" in text:
            return ""
        column = '"' + name.replace('"', '""') + '"'
        try:
            rows = self._connection.sql(
                f"select {column} from {file[0]} where {column} is not null limit {_SEEN}"
            ).fetchall()
        except self._duckdb.Error:
            return ""  # a hint is not worth an error
        values = [str(row[0]).strip() for row in rows]
        if not values or not all(map(_NUMBER.fullmatch, values)):
            return ""
        example = next((value for value in values if "," in value), None)
        if example is None:
            return ""
        return (
            f"Its values are numbers with a decimal comma, such as {example}: write read_csv("
            f"{file[0]}, delim=';', decimal_separator=',') for {file[0]} in the query."
        )

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Run the query and yield its record batches."""
        from pyarrow import ArrowException

        pruned = len(set(names)) < len(self.names) and not self._statement.ordered
        rows = 0
        try:
            sql = Statement(self._sql, False).only(tuple(names)) if pruned else self._sql
            reader = _reader(self._connection.sql(sql), PORTION_ROWS)
            for batch in read_ahead(iter(reader), cancel=self._connection.interrupt):
                rows += len(batch)
                yield batch if pruned else batch.select(list(names))
            reader.close()
        except (self._duckdb.Error, ArrowException, OSError) as error:
            raise broken(self._address, _said(str(error)), rows) from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _require_select(self) -> None:
        """Refuse what DuckDB's own parser does not take for one query that reads."""
        try:
            parsed = self._connection.extract_statements(self._statement.text)
        except self._duckdb.Error as error:
            raise self._refused(error) from None
        kinds = [statement.type.name for statement in parsed]
        if kinds != ["SELECT"]:
            raise InputError(
                "only queries that read are run, one at a time; DuckDB takes this one for "
                f"{', '.join(kinds)}. Begin it with SELECT, WITH or FROM."
            )

    def _bound(self, sql: str) -> Any:
        try:
            return self._connection.sql(sql)
        except self._duckdb.Error as error:
            raise self._refused(error) from None

    def _judged(self) -> str:
        try:
            return judged_by_all_rows(self._connection, self._statement.text)
        except self._duckdb.Error as error:
            raise self._refused(error) from None

    def _refused(self, error: BaseException) -> DatabaseError:
        text, sql = str(error), self._statement.text
        message = _said(text)
        if "requires the extension" in text:
            return DatabaseError(
                f"DuckDB would have to download an extension for this query, which is not done: "
                f"{tidy(self._address.clean(message))}. Download the file first and name its path."
            )
        missing = re.match(r"Table with name (\S+) does not exist", message)
        if missing and self._address.path is None:
            return DatabaseError(
                f"there is no table {self._address.clean(missing[1])!r}: without --db a query "
                "reads local files. Name them in quotes, as in select * from 'part-*.parquet', or "
                "the database that has the table, as in --db duckdb:///shop.duckdb (in Python "
                "gw.Query(sql, address))."
            )
        if (damaged := _BAD_FILE.search(message)) is not None:
            said = tidy(self._address.clean(re.split(r"[\n.] ?(?=[A-Z\n])", message)[0]))
            return DatabaseError(
                f"{said}. The file is at fault, not the SQL: gausswork fit {damaged[1]} says where."
            )
        return refused(self._address, message, sql, _position(text, sql))


# what DuckDB says of a file that it cannot read
_BAD_FILE = re.compile(r"(?:sniffing file|at end of file|magic bytes .*?file) [\"']([^\"']+)[\"']")


def _reader(relation: Any, rows: int) -> Any:
    """Return the Arrow reader of a relation, as this version of DuckDB calls it."""
    for name in ("to_arrow_reader", "fetch_arrow_reader", "fetch_record_batch"):
        if hasattr(type(relation), name):
            return getattr(relation, name)(rows)
    raise AssertionError("DuckDB offers no Arrow reader")


def _said(text: str) -> str:
    """Return DuckDB's own words, without its drawing of the place."""
    text = re.split(r"\n+LINE \d+:|\n+Please try installing", text)[0]
    return re.sub(r"^[\w ]+ Error: ", "", text)


def _position(text: str, sql: str) -> int | None:
    """Return the character that DuckDB's drawing points at."""
    found = re.search(r"\nLINE (\d+): (.*)\n( *)\^", text)
    lines = sql.split("\n")
    if found is None or int(found[1]) > len(lines):
        return None
    number = int(found[1]) - 1
    drawn, column = found[2], len(found[3]) - len(f"LINE {found[1]}: ")
    piece = drawn.strip(".").strip()
    start = lines[number].find(piece)
    if column < 0 or start < 0:
        return None
    column += start - drawn.find(piece)
    return sum(len(line) + 1 for line in lines[:number]) + min(column, len(lines[number]))


def _cannot_open(address: Address, message: str) -> str:
    said = tidy(_said(message))
    if "lock" in message.lower():
        remedy = "Another program has it open to write: wait until that has closed it, or copy it."
    elif "different configuration" in message:
        remedy = "This program has it open to write: close that connection first."
    else:
        remedy = "Give the file of a DuckDB database."
    return f"{address.place} cannot be opened: {said}. {remedy}"
