"""SQL as far as it must be understood: how many statements, whether they read, whether in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from gausswork.errors import InputError

# What a statement that reads begins with; DuckDB's dialect has more.
_READS = {
    "postgresql": ("select", "with", "values", "table"),
    "sqlite": ("select", "with", "values"),
    "duckdb": ("select", "with", "values", "table", "from", "describe", "summarize"),
}

# Pieces in which words mean nothing: text, names, comments.
_OPAQUE = r"""
    (?P<comment> --[^\n]* )
  | (?P<block> /\* )
  | (?P<dollar> (?<!\w)\$(?:[A-Za-z_][A-Za-z_0-9]*)?\$ )
  | (?P<escaped> (?<![A-Za-z_0-9])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) )
  | (?P<text> '(?:[^']|'')*(?:'|\Z) )
  | (?P<name> "(?:[^"]|"")*(?:"|\Z) )
  | (?P<word> [^\W\d]\w* )
  | (?P<mark> [();] )
"""
_TOKEN = re.compile(_OPAQUE, re.VERBOSE | re.DOTALL)
_TOKEN_SQLITE = re.compile(
    r"(?P<name2> `(?:[^`]|``)*(?:`|\Z) | \[[^\]]*(?:\]|\Z) ) |" + _OPAQUE, re.VERBOSE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that reads.

    Attributes
    ----------
    text : the SQL as it was written, without the semicolon behind it.
    ordered : whether it says in which order its rows come: ORDER BY outside all brackets.
    """

    text: str
    ordered: bool

    def only(self, names: tuple[str, ...]) -> str:
        """Return a query for some of its columns, in no promised order."""
        return f'SELECT {", ".join(map(quoted, names))} FROM (\n{self.text}\n) AS "q"'


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def the_statement(sql: str, dialect: str) -> Statement:
    """Return the one statement of a text.

    Parameters
    ----------
    sql : what a user has written; a semicolon at its end is allowed, and comments.
    dialect : ``"postgresql"``, ``"sqlite"`` or ``"duckdb"``.

    Raises
    ------
    InputError
        There is no statement, there are several, or it does not read.
    """
    if not isinstance(sql, str):
        raise InputError(f"sql must be a text; got a {type(sql).__name__}.")
    if "\0" in sql:
        raise InputError("the SQL holds a NUL character. Take it out.")
    found = list(_statements(sql, dialect))
    if not found:
        raise InputError(
            "the SQL is empty. Give a query, as in 'select a, b, y from measurements'."
        )
    if len(found) > 1:
        raise InputError(
            f"the SQL holds {len(found)} statements, and one is read. Pass the one that selects."
        )
    start, end, words = found[0]
    reads = _READS[dialect]
    first = words[0] if words else ""
    if first not in reads:
        begins_with = [word.upper() for word in reads[:3]]
        begins = f"with {first.upper()}" if first else "otherwise"
        raise InputError(
            f"only queries that read are run, and this one begins {begins}. "
            f"Begin it with {', '.join(begins_with[:-1])} or {begins_with[-1]}."
        )
    outside = [word for word in words if word]
    ordered = any(a == "order" and b == "by" for a, b in pairwise(outside))
    # A comment of one line at the end swallows nothing: whoever adds to the text begins a new line.
    return Statement(sql[start:end], ordered)


def _statements(sql: str, dialect: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield (start, end, words outside brackets, the very first word too) of each statement."""
    words: list[str] = []
    depth, start, first, last = 0, 0, True, 0
    opening = 0  # brackets before anything else: (select …) order by …
    for kind, text, _, end in _tokens(sql, dialect):
        if kind in ("comment", "block"):
            continue
        if text == ";" and depth == 0:
            if not first:
                yield start, last, words
            words, start, first, opening = [], end, True, 0
            continue
        last = end
        if text == "(":
            depth += 1
            opening += first
        elif text == ")":
            depth -= 1
        elif kind == "word":
            if first or depth == 0:
                words.append(text.lower())
            first = False
        else:
            if first:
                words.append("")
            first = False
    if not first or opening:
        yield start, last, words


def _tokens(sql: str, dialect: str) -> Iterator[tuple[str, str, int, int]]:
    pattern = _TOKEN_SQLITE if dialect == "sqlite" else _TOKEN
    at = 0
    while True:
        found = pattern.search(sql, at)
        rest = sql[at : found.start()] if found else sql[at:]
        if rest.strip():
            gap = at + len(rest) - len(rest.lstrip())
            yield "other", "", gap, at + len(rest.rstrip())
        if found is None:
            return
        kind, end = str(found.lastgroup), found.end()
        if kind == "block":
            end = _end_of_comment(sql, found.end(), nested=dialect == "postgresql")
        elif kind == "dollar":
            if dialect == "sqlite":
                end = found.end()
            else:
                close = sql.find(found[0], found.end())
                end = len(sql) if close < 0 else close + len(found[0])
        yield kind, found[0], found.start(), end
        at = end


def _end_of_comment(sql: str, at: int, *, nested: bool) -> int:
    depth = 1
    for mark in re.finditer(r"/\*|\*/", sql[at:]):
        if mark[0] == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if depth == 0:
            return at + mark.end()
    return len(sql)
