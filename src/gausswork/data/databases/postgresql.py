"""PostgreSQL through ADBC: COPY in binary, record batches, one read-only snapshot."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gausswork.data.databases.address import Address
from gausswork.data.databases.described import postgresql_column
from gausswork.data.databases.readahead import read_ahead
from gausswork.data.databases.sessions import Described, broken, refused, tidy
from gausswork.data.databases.statements import Statement
from gausswork.errors import DatabaseError, require

_BEGIN = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# Several scans of a large table join each other midway unless told not to: the order would change.
_IN_ORDER = "SET LOCAL synchronize_seqscans = off"
_SAID = re.compile(
    r"(?:ERROR|FATAL|PANIC):\s*(.*?)\s*(?:\n(?:DETAIL|HINT|LINE|CONTEXT|$)|\Z)", re.S
)
_HINT, _BATCH_BYTES = "adbc.postgresql.batch_size_hint_bytes", 1 << 23
_NO_PASSWORD = ("password", "authentication")


class PostgresqlSession:
    """One connection; all that it reads is the database as it was at the first statement."""

    def __init__(self, address: Address, statement: Statement) -> None:
        self._address = address
        self._statement = statement
        driver = require(
            "adbc_driver_postgresql.dbapi", purpose="PostgreSQL databases", extra="databases"
        )
        self._connection = self._connected(driver)
        try:
            self._do(_BEGIN)
            self._do(_IN_ORDER)
            self._schema = self._described_by_server()
        except BaseException:
            self.close()
            raise
        self.names = tuple(self._schema.names)
        if not self.names:  # SELECT INTO among others
            self.close()
            raise DatabaseError(
                f"{address.place} takes the query for one that gives no columns, as SELECT … INTO "
                "does. Only queries that read are run: select the columns to use."
            )

    def described(self, names: Sequence[str]) -> dict[str, Described]:
        """Say what columns hold, by the types that the server gives them."""
        return {name: postgresql_column(self._schema.field(name)) for name in names}

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Run the query and yield its record batches."""
        from adbc_driver_manager import Error
        from pyarrow import ArrowException

        pruned = len(set(names)) < len(self.names) and not self._statement.ordered
        sql = self._statement.only(tuple(names)) if pruned else self._statement.text
        # A pass that is given up must not take the snapshot with it.
        self._do("SAVEPOINT gausswork")
        rows, whole = 0, False
        cursor = self._connection.cursor()
        try:
            cursor.adbc_statement.set_options(**{_HINT: str(_BATCH_BYTES)})
            cursor.execute(sql)
            reader = cursor.fetch_record_batch()
            for batch in read_ahead(iter(reader), cancel=cursor.adbc_cancel):
                rows += len(batch)
                yield batch.select(list(names)) if not pruned else batch
            whole = True
        except Error as error:
            raise broken(self._address, _said(error), rows) from None
        except (ArrowException, OSError) as error:
            raise broken(self._address, _said(error), rows) from None
        finally:
            cursor.close()
            with contextlib.suppress(DatabaseError):  # the connection may be gone: said already
                self._do("RELEASE SAVEPOINT gausswork" if whole else "ROLLBACK TO gausswork")

    def close(self) -> None:
        """Close the connection; the server forgets the transaction."""
        self._connection.close()

    def _connected(self, driver: Any) -> Any:
        try:
            return driver.connect(self._address.uri, autocommit=True)
        except driver.Error as error:
            message = tidy(self._address.clean(_said(error).partition("\n")[0]))
            raise DatabaseError(
                f"{self._address.place} cannot be reached: {message}. {_remedy(message)}"
            ) from None

    def _do(self, sql: str) -> None:
        from adbc_driver_manager import Error

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
        except Error as error:
            raise broken(self._address, _said(error), 0) from None

    def _described_by_server(self) -> Any:
        from adbc_driver_manager import Error

        try:
            with self._connection.cursor() as cursor:
                return cursor.adbc_execute_schema(self._statement.text)
        except Error as error:
            details = _details(error)
            message = details.get("MESSAGE_PRIMARY") or _said(error)
            for more in ("MESSAGE_DETAIL", "MESSAGE_HINT"):
                if details.get(more):
                    message += f" ({details[more].rstrip('.')})"
            at = details.get("STATEMENT_POSITION", "")
            position = int(at) - 1 if at.isdigit() else None
            raise refused(self._address, message, self._statement.text, position) from None


def _details(error: Any) -> Mapping[str, str]:
    """Return what the server says of an error, by its names of the parts."""
    return {
        _text(key).removeprefix("PG_DIAG_"): _text(value)
        for key, value in getattr(error, "details", None) or ()
    }


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _said(error: BaseException) -> str:
    """Return the server's or the driver's own words, without what ADBC puts around them."""
    details = _details(error)
    if details.get("MESSAGE_PRIMARY"):
        return details["MESSAGE_PRIMARY"]
    text = str(error).split("\nQuery was:")[0]
    found = _SAID.search(text)
    if found:
        return found[1]
    text = re.sub(r"^[A-Z_]+: ", "", text)
    text = re.sub(r"^(\[libpq\] |Failed to connect: |PQgetCopyData\(\) failed: )+", "", text)
    return text.strip() or "the connection was lost"


def _remedy(message: str) -> str:
    lowered = message.lower()
    if any(word in lowered for word in _NO_PASSWORD):
        return (
            "Set the environment variable PGPASSWORD, or write the password into ~/.pgpass; the "
            "user comes from the address or PGUSER."
        )
    if "does not exist" in lowered:
        return "Correct the address, whose form is postgresql://user@host:5432/name."
    return "Check host and port, and that the server runs and accepts connections."
