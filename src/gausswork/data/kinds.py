"""What a column is good for: number, yes/no flag, category, or nothing, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gausswork.errors import InputError


class Kind(StrEnum):
    """How the values of a column enter arithmetic."""

    NUMBER = "number"
    FLAG = "flag"  # true or false, coded 1 and 0
    TEXT = "text"  # a category once its levels are known
    EMPTY = "empty"  # no value seen: what it would hold is unknown
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Field:
    """One column as its reader describes it, before any row is used.

    Attributes
    ----------
    name : name of the column.
    kind : how its values enter arithmetic.
    holds : what it holds, in words: ``"timestamps"``, ``"codes with leading zeros"``.
    remedy : what makes an unusable column usable, or numbers of what looks like them; empty
        otherwise.
    ordered : whether the order of its categories was chosen by whoever made the data.
    unnamed : whether the file gives it no name (row numbers written by another program).
    whole : whether a text file spells all its numbers as whole ones.
    seen : how many values were so when it was judged: ``"all of its first 20 values are"``.
    """

    name: str
    kind: Kind
    holds: str = ""
    remedy: str = ""
    ordered: bool = False
    unnamed: bool = False
    whole: bool = False
    seen: str = ""


_TIME_REMEDY = "Turn it into a number first, such as days since the first one."


def field_of(name: str, arrow_type: Any) -> Field:
    """Describe a column by its Arrow type (``pyarrow.DataType``)."""
    from pyarrow import types

    if types.is_dictionary(arrow_type):
        inner = field_of(name, arrow_type.value_type)
        if inner.kind in (Kind.NUMBER, Kind.FLAG, Kind.TEXT):
            return Field(name, Kind.TEXT, "categories", ordered=bool(arrow_type.ordered))
        return inner
    if types.is_run_end_encoded(arrow_type):
        return field_of(name, arrow_type.value_type)
    if types.is_integer(arrow_type) or types.is_floating(arrow_type):
        return Field(name, Kind.NUMBER, "numbers")
    if types.is_decimal(arrow_type):
        return Field(name, Kind.NUMBER, "decimal numbers")
    if types.is_boolean(arrow_type):
        return Field(name, Kind.FLAG, "true or false")
    if is_text(arrow_type):
        return Field(name, Kind.TEXT, "text")
    if types.is_null(arrow_type):
        return Field(name, Kind.EMPTY, "no values")
    for holds, test in (
        ("timestamps", types.is_timestamp),
        ("dates", types.is_date),
        ("times of day", types.is_time),
        ("durations", types.is_duration),
    ):
        if test(arrow_type):
            return Field(name, Kind.UNUSABLE, holds, _TIME_REMEDY)
    if types.is_nested(arrow_type):
        return Field(
            name,
            Kind.UNUSABLE,
            f"nested values ({arrow_type})",
            "Spread it over one column per number first.",
        )
    return Field(
        name,
        Kind.UNUSABLE,
        f"values of type {arrow_type}",
        "Convert it to numbers or text first.",
    )


def is_text(arrow_type: Any) -> bool:
    """Whether an Arrow type is any of the ways to store text."""
    from pyarrow import types

    return bool(
        types.is_string(arrow_type)
        or types.is_large_string(arrow_type)
        or (hasattr(types, "is_string_view") and types.is_string_view(arrow_type))
    )


_LIST_SIGNS = 400  # of a list of names: longer ones fill the screen and are not read


def listed(names: Iterable[str], *, most: int = 8) -> str:
    """Quote names for a sentence: ``'a', 'b' and 3 more``; fewer where they are long."""
    quoted = [repr(name) for name in names]
    while most > 3 and sum(map(len, quoted[:most])) > _LIST_SIGNS:
        most -= 1
    if len(quoted) > most + 1:
        return f"{', '.join(quoted[:most])} and {len(quoted) - most} more"
    return ", ".join(quoted)


def nearest(name: str, names: Sequence[str]) -> str | None:
    """Return the name most like ``name``, capitals aside, or None when nothing is close."""
    import difflib  # only errors need it

    lowered = {other.strip().casefold(): other for other in reversed(names)}
    close = difflib.get_close_matches(name.strip().casefold(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def require_column(name: str, names: Sequence[str], *, place: str, hint: str = "") -> None:
    """Refuse a column that is not there, naming the nearest one that is."""
    if name in names:
        return
    if not names:
        raise InputError(
            f"{place} has no column {name!r}: it has no columns at all. {hint}".rstrip()
        )
    guess = nearest(name, names)
    meant = f"Did you mean {guess!r}? " if guess is not None else ""
    raise InputError(
        f"{place} has no column {name!r}. {meant}Its columns are {listed(names)}. {hint}".rstrip()
    )


def require_distinct(
    names: Sequence[str], *, place: str, error: type[InputError] = InputError
) -> None:
    """Refuse columns that share a name: which one is meant would be a guess."""
    if len(set(names)) == len(names):
        return
    twice = sorted({name for name in names if names.count(name) > 1})
    raise error(
        f"{place} has several columns with the same name: {listed(twice)}. "
        "Rename them so that each name occurs once."
    )
