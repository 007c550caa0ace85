"""What the types of databases are good for, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gausswork.data.databases.sessions import Described
from gausswork.data.kinds import Field, Kind, field_of
from gausswork.errors import DatabaseError

# PostgreSQL's types that Arrow's do not tell apart, or tell otherwise: what they hold, and the
# SQL that makes numbers of them.
_POSTGRESQL = {
    "json": ("JSON documents", "Take numbers out in the query, as in (column->>'price')::float8."),
    "jsonb": ("JSON documents", "Take numbers out in the query, as in (column->>'price')::float8."),
    "bytea": ("binary data", "Leave it out, or turn it into numbers in the query."),
    "money": ("amounts of money", "Turn them into numbers in the query: column::numeric."),
    "oid": ("internal identifiers", "Turn them into numbers in the query: column::int8."),
    "uuid": ("identifiers (uuid)", "Leave them out, or group by them in the query."),
    "interval": (
        "durations",
        "Turn them into numbers in the query: extract(epoch from column).",
    ),
    "xml": ("XML documents", "Take numbers out in the query, as in (xpath(…))[1]::text::float8."),
}
_TIMES = ("date", "timestamp", "timestamptz", "time", "timetz")


def postgresql_column(field: Any) -> Described:
    """Describe a column by the Arrow field that ADBC gives it, and PostgreSQL's type in that."""
    kind = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
    if not kind:  # money would pass for whole numbers, and dates for days
        raise DatabaseError(
            "the package adbc-driver-postgresql does not say which types columns have. "
            "Install version 1.13 or later: pip install 'gausswork[databases]'."
        )
    if kind == "numeric":
        number = Field(field.name, Kind.NUMBER, "decimal numbers")
        return Described(number, kind, of_decimal_text, decimals=True)
    if kind in _POSTGRESQL:
        holds, remedy = _POSTGRESQL[kind]
        convert = of_uuid if kind == "uuid" else None  # to stand beside predictions
        return Described(Field(field.name, Kind.UNUSABLE, holds, remedy), kind, convert)
    if kind in _TIMES:
        found = field_of(field.name, field.type)
        holds = found.holds if kind != "timetz" else "times of day"
        remedy = "Turn it into a number in the query, as in extract(epoch from column) / 86400."
        return Described(Field(field.name, Kind.UNUSABLE, holds, remedy), kind)
    if kind.startswith("_"):
        remedy = "Take single numbers out in the query, as in column[1]."
        return Described(Field(field.name, Kind.UNUSABLE, f"arrays ({kind[1:]}[])", remedy), kind)
    import pyarrow as pa

    if isinstance(field.type, pa.BaseExtensionType) or (
        field.metadata and b"ARROW:extension:name" in field.metadata
    ):
        remedy = "Turn them into numbers or text in the query, as in column::text."
        holds = "values of a type of its own" if "unnamed" in kind else f"values of type {kind}"
        return Described(Field(field.name, Kind.UNUSABLE, holds, remedy), kind)
    return Described(_in_query(field_of(field.name, field.type)), kind)


def duckdb_column(name: str, arrow_type: Any, called: str) -> Described:
    """Describe a column by its Arrow type, and what DuckDB calls it."""
    if called == "JSON":
        remedy = "Take numbers out in the query, as in (column->>'price')::double."
        return Described(Field(name, Kind.UNUSABLE, "JSON documents", remedy), called)
    found = field_of(name, arrow_type)
    if found.kind is Kind.UNUSABLE and called.startswith(("DATE", "TIME")):
        remedy = "Turn it into a number in the query, as in epoch(column) / 86400."
        return Described(replace(found, remedy=remedy), called)
    if called == "BLOB":
        found = replace(found, holds="binary data")
    elif called == "BIT":
        found = replace(found, holds="strings of bits")
    elif called == "INTERVAL":
        remedy = "Turn them into numbers in the query: epoch(column)."
        return Described(replace(found, holds="durations", remedy=remedy), called)
    elif called.endswith("]"):
        remedy = "Take single numbers out in the query, as in column[1]."
        return Described(replace(found, holds=f"arrays ({called})", remedy=remedy), called)
    if found.holds == "decimal numbers":
        return Described(found, called, plain_decimals, decimals=True)
    return Described(_in_query(found), called)


def of_decimal_text(array: Any) -> Any:
    """Turn decimals that came as text into float64, correctly rounded; their own NaN is a gap."""
    import pyarrow as pa

    text = getattr(array, "storage", array)
    return text.cast(pa.float64())


def of_uuid(array: Any) -> Any:
    """Turn identifiers of 16 bytes into their usual text."""
    import uuid

    import pyarrow as pa

    values = getattr(array, "storage", array).to_pylist()
    texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in values]
    return pa.array(texts, pa.string())


def plain_decimals(array: Any) -> Any:
    """Turn Arrow decimals into float64 through text: Arrow's own conversion is off by an ulp."""
    import pyarrow as pa

    return array.cast(pa.string()).cast(pa.float64())


def of_marked_numbers(array: Any) -> Any:
    """Make gaps of the infinities that stand for NULL in a column of SQLite without infinities."""
    import pyarrow as pa
    from pyarrow import compute

    null = pa.nulls(1, pa.float64())[0]
    return compute.if_else(compute.is_inf(array), null, array)


def of_marked_text(array: Any) -> Any:
    """Take the dot from every text of a column of SQLite, where nothing at all stands for NULL."""
    import pyarrow as pa
    from pyarrow import compute

    codes = array.dictionary_encode()
    marked = codes.dictionary
    null = pa.nulls(1, pa.string())[0]
    empty = compute.equal(compute.binary_length(marked), 0)
    levels = compute.if_else(empty, null, compute.utf8_slice_codeunits(marked, 1))
    return levels.take(codes.indices)


def _in_query(field: Field) -> Field:
    """Let the remedy for an unusable column speak of the query."""
    if field.kind is not Kind.UNUSABLE:
        return field
    return replace(field, remedy="Turn it into numbers or text in the query.")
