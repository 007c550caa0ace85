"""A query as a table of named columns, read with flat memory, again as often as is needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gausswork.data.databases.query import Query
from gausswork.data.databases.sessions import Described, Session, open_session
from gausswork.data.databases.statements import the_statement
from gausswork.data.databases.witness import Witness, beyond_double
from gausswork.data.kinds import Field, Kind, require_distinct
from gausswork.data.tables import Portion, row_from_zero
from gausswork.errors import InputError
from gausswork.findings import Finding, Severity


class QueryTable:
    """The answer to a query.

    Each pass connects, runs the query and disconnects; within :meth:`held` all passes share one
    connection and, where the database has them, one snapshot. A pass that sees other rows than an
    earlier one is refused.

    Attributes
    ----------
    query : what is run.
    noticed : what the latest passes have seen in the values, such as decimals that were rounded.
    """

    replayable = True
    rows: int | None = None
    bytes_total: int | None = None
    bytes_done: int | None = None

    def __init__(self, query: Query) -> None:
        self.query = query
        self._address = query.address
        self._statement = the_statement(query.sql, self._address.scheme)
        self._held: Session | None = None
        self._depth = 0
        self._known: dict[str, Described] = {}
        self._witness = Witness()
        self._beyond: dict[str, str] = {}
        self.description = f"the query on {self._address.place}"
        self._names: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the answer; the first to ask opens the connection."""
        if self._names is None:
            with self._session() as session:
                names = session.names
            require_distinct(names, place=self.description)
            self._names = names
        return self._names

    @property
    def ordered(self) -> bool:
        """Whether the query says in which order its rows come."""
        return self._statement.ordered

    @property
    def hint(self) -> str:
        """A sentence for whoever asks for a column that is not there."""
        if self._address.scheme == "postgresql":
            return "PostgreSQL turns names without quotes into small letters."
        return ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Say what an answer without ORDER BY means for the digits."""
        if self.ordered:
            return ()
        return (
            Finding(
                "rows-unordered",
                Severity.NOTE,
                "The query leaves the order of its rows to the database. In another order the "
                "same rows give the same digits as far as they are trusted, though perhaps not "
                "the same last bit.",
                "For the same bits each time end the query in ORDER BY a column that differs in "
                "every row.",
                {"ordered": False},
            ),
        )

    @property
    def noticed(self) -> tuple[Finding, ...]:
        """Say which decimals have more digits than a double holds."""
        return tuple(
            Finding(
                "decimals-rounded",
                Severity.NOTE,
                f"Column {name!r} holds decimal numbers with more digits than float64 has room "
                f"for, such as {example}; each is rounded to the nearest double, 16 digits.",
                "If the digits beyond matter, subtract a constant in the query.",
                {"column": name, "example": example},
            )
            for name, example in self._beyond.items()
        )

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns; of SQLite, which has no types of columns, by a pass over the rows."""
        return {name: one.field for name, one in self._described(names).items()}

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        """Run the query and yield its rows as they come, only of the columns asked for.

        Raises
        ------
        DatabaseError
            The connection was lost, or the database stopped: no partial answer passes for a whole.
        InputError
            The answer is empty, or no longer what an earlier pass has seen.
        """
        names = list(kinds) or list(self.names[:1])
        witness = Witness()
        rows = 0
        with self._session() as session:
            described = self._confirmed(session, names)
            beyond = {k: one.beyond for k, one in described.items() if one.beyond is not None}
            for batch in session.batches(names):
                columns = []
                for name, column in zip(names, batch.columns, strict=True):
                    one = described[name]
                    if one.decimals and kinds.get(name) is Kind.TEXT:
                        column = _plain(column)  # as they are written
                    elif one.convert is not None:
                        if one.decimals:
                            self._look(name, column)
                        column = one.convert(column)
                    else:
                        column = _plain(column)
                    witness.see(name, column)
                    columns.append(column)
                witness.rows += len(batch)
                if len(batch):
                    where = row_from_zero(rows)
                    yield Portion(columns[: len(kinds)], len(batch), where, beyond)
                rows += len(batch)
        if not rows:
            raise InputError(
                f"{self.description} gives no rows. Look at its conditions, or at what the table "
                "holds."
            )
        self._witness.compare(witness, self.description)

    @contextlib.contextmanager
    def held(self) -> Iterator[QueryTable]:
        """Keep one connection, and its snapshot, for all passes until the end of the block."""
        self._depth += 1
        try:
            yield self
        finally:
            self._depth -= 1
            if not self._depth and self._held is not None:
                session, self._held = self._held, None
                session.close()

    @contextlib.contextmanager
    def _session(self) -> Iterator[Session]:
        if self._held is not None:
            yield self._held
            return
        session = open_session(self._address, self._statement)
        if self._depth:
            self._held = session
            yield session
            return
        try:
            yield session
        finally:
            session.close()

    def _described(self, names: Sequence[str]) -> dict[str, Described]:
        unknown = [name for name in names if name not in self._known]
        if unknown:
            with self._session() as session:
                self._known.update(session.described(unknown))
        return {name: self._known[name] for name in names}

    def _confirmed(self, session: Session, names: Sequence[str]) -> dict[str, Described]:
        """Describe columns in the session that will read them; refuse other types than before."""
        found = session.described(names)
        for name, here in found.items():
            before = self._known.setdefault(name, here)
            if before.field != here.field:
                raise InputError(
                    f"{self.description} has changed since it was first read: column {name!r} "
                    f"held {before.field.holds} ({before.type}), and holds {here.field.holds} "
                    f"({here.type}) now. Fit it anew."
                )
        return found

    def _look(self, name: str, column: Any) -> None:
        if name not in self._beyond:
            example = beyond_double(getattr(column, "storage", column))
            if example is not None:
                self._beyond[name] = example


def _plain(column: Any) -> Any:
    """Return an Arrow array without a type of its own around the values."""
    storage = getattr(column, "storage", None)
    return column if storage is None or isinstance(column, np.ndarray) else storage


def query_table(data: Any) -> QueryTable | None:
    """Return the table of a query; None where the data is none."""
    if isinstance(data, QueryTable):
        return data
    return QueryTable(data) if isinstance(data, Query) else None
