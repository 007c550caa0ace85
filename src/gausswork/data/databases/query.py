"""A query as data: what to read, and where from. A value; nothing is opened before it is read."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gausswork.data.databases.address import Address, veiled
from gausswork.errors import InputError

_SHOWN = 200  # characters of the SQL in a repr


@dataclass(frozen=True, slots=True, repr=False)
class Query:
    """The rows that a database gives for a query, to be fitted, checked or predicted.

    The query is run anew for each pass over the rows: within one fit inside one snapshot of the
    database where it offers one. It is run in a transaction that can only read.

    Attributes
    ----------
    sql : one statement that reads: SELECT, WITH, VALUES or TABLE. The order of rows is the
        database's own unless it ends in ORDER BY.
    database : ``"postgresql://user@host/name"``, ``"sqlite:///file.db"``,
        ``"duckdb:///file.duckdb"``, or ``"env:NAME"`` for an environment variable that holds one of
        these; None for DuckDB over local files, as in ``select * from 'heights.parquet'``.
        Passwords are best left out: PGPASSWORD, ``~/.pgpass`` and ``service=`` serve.

    Raises
    ------
    InputError
        The SQL is empty, several statements or not one that reads; the address is none of these.

    Examples
    --------
    >>> import gausswork as gw
    >>> gw.fit(gw.Query("select range as x, 2 * range + 1 as y from range(5)"), "y").intercept
    1.0
    """

    sql: str
    database: str | None = None

    def __post_init__(self) -> None:
        from gausswork.data.databases.statements import the_statement

        if self.database is not None and not isinstance(self.database, str | os.PathLike):
            raise InputError(
                f"database must be an address such as 'postgresql://host/name', 'sqlite:///file.db'"
                f" or 'duckdb:///file.duckdb'; got a {type(self.database).__name__}. An open "
                "connection cannot be used, since second passes open one of their own."
            )
        address = self.address
        # DuckDB reads its own dialect, in which a query may also begin with FROM
        the_statement(self.sql, address.scheme)

    @property
    def ordered(self) -> bool:
        """Whether the query says in which order its rows come."""
        from gausswork.data.databases.statements import the_statement

        return the_statement(self.sql, self.address.scheme).ordered

    @property
    def address(self) -> Address:
        """Where the database is."""
        return Address.of(None if self.database is None else os.fspath(self.database))

    def __repr__(self) -> str:
        sql = veiled(" ".join(self.sql.split()))
        sql = sql if len(sql) <= _SHOWN else f"{sql[:_SHOWN]}…"
        where = "" if self.database is None else f", database={self.address.shown!r}"
        return f"Query({sql!r}{where})"
