"""CSV files in DuckDB's SQL, whose types must not be guessed from their first lines.

DuckDB judges the columns of a CSV file by its first 20,480 rows, and rounds 1.75 to 2 without a
word where the column had held whole numbers until then. A query that reads CSV is therefore
rewritten, on DuckDB's own syntax tree, so that all rows are judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

_MENTIONED = re.compile(r"\.(csv|tsv)|read_csv|sniff", re.IGNORECASE)
_CSV_FILE = re.compile(r".\.(csv|tsv)(\.gz|\.zst)?\Z", re.IGNORECASE)
_READERS = ("read_csv", "read_csv_auto")
# Who says one of these has decided on the types, or on how they are found.
_DECIDED = {"sample_size", "columns", "all_varchar", "auto_detect"}


def judged_by_all_rows(connection: Any, sql: str) -> str:
    """Return a query that reads the same CSV files with the types of all their rows.

    Parameters
    ----------
    connection : of DuckDB, to read and write its syntax tree.
    sql : one query that DuckDB accepts.
    """
    if not _MENTIONED.search(sql):
        return sql
    tree = _tree(connection, sql)
    if tree is None:  # what has no tree is no SELECT over files
        return sql
    changed = False
    for node in _nodes(tree):
        if _names_csv(node):
            file, alias = node["table_name"], node.get("alias")
            kept = {key: node[key] for key in ("sample", "column_name_alias") if key in node}
            node.clear()
            node.update(
                _reader(connection, file),
                alias=alias or PurePath(file).name.partition(".")[0],
                **kept,
            )
            changed = True
        elif _reads_csv(node):
            judging = _arguments(_reader(connection, ""))[-1]
            _arguments(node).append(judging)
            changed = True
    if not changed:
        return sql
    return _value(connection, "select json_deserialize_sql(?::json)", json.dumps(tree))


def _tree(connection: Any, sql: str) -> dict[str, Any] | None:
    tree: dict[str, Any] = json.loads(
        _value(connection, "select json_serialize_sql(?::varchar)", sql)
    )
    return None if tree.get("error") else tree


def _value(connection: Any, sql: str, argument: str) -> str:
    rows: list[tuple[str]] = connection.execute(sql, [argument]).fetchall()
    return rows[0][0]


def _reader(connection: Any, file: str) -> dict[str, Any]:
    """Return the tree of a reader that judges the types of a file by all its rows."""
    name = file.replace("'", "''")
    tree = _tree(connection, f"select * from read_csv('{name}', sample_size = -1)")
    return next(node for node in _nodes(tree) if node.get("type") == "TABLE_FUNCTION")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, list):
        for item in tree:
            yield from _nodes(item)
    elif isinstance(tree, dict):
        yield tree
        for item in list(tree.values()):
            yield from _nodes(item)


def _names_csv(node: dict[str, Any]) -> bool:
    return (
        node.get("type") == "BASE_TABLE"
        and not node.get("schema_name")
        and _CSV_FILE.search(str(node.get("table_name"))) is not None
    )


def _reads_csv(node: dict[str, Any]) -> bool:
    function = node.get("function")
    if node.get("type") != "TABLE_FUNCTION" or not isinstance(function, dict):
        return False
    named = {name for argument in _arguments(node) for name in _names_of(argument)}
    return function["function_name"] in _READERS and not named & _DECIDED


def _arguments(node: dict[str, Any]) -> list[Any]:
    """Return the arguments of a table function, as either version of DuckDB calls them."""
    function = node["function"]
    found: list[Any] = function["arguments" if "arguments" in function else "children"]
    return found


def _names_of(argument: dict[str, Any]) -> Iterator[str]:
    """Yield the name of an argument that has one, as either form of the tree writes it."""
    expression = argument.get("expression", argument)
    yield str(argument.get("name") or expression.get("alias") or "")
    left = expression.get("left")
    if expression.get("type") == "COMPARE_EQUAL" and isinstance(left, dict):
        yield from left.get("column_names", ())
