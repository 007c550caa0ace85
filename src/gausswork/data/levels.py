"""The levels of categories: found in one pass over the text columns, before any arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from gausswork.data.encode import codes_and_levels
from gausswork.data.kinds import Field, Kind
from gausswork.data.tables import Column, Table
from gausswork.findings import Finding, Severity

Progress: TypeAlias = Callable[[int, int | None, int | None], None]


@dataclass(slots=True)
class Levels:
    """What a pass has seen in one text column.

    Attributes
    ----------
    seen : the different values, in the order of their first appearance, up to the limit, each
        with the number of its rows.
    order : the order that whoever made the data gave to the levels, if they did.
    values : how many rows have a value.
    too_many : whether there are more different values than the limit; then the pass stopped
        looking at this column.
    """

    seen: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    values: int = 0
    too_many: bool = False

    def sorted(self) -> tuple[str, ...]:
        """Return the levels in the order given with the data, otherwise by their text."""
        ordered = [level for level in self.order if level in self.seen]
        rest = sorted(level for level in self.seen if level not in set(self.order))
        return (*ordered, *rest)


def collect_levels(
    table: Table,
    fields: Mapping[str, Field],
    *,
    most: int,
    progress: Progress | None = None,
) -> dict[str, Levels]:
    """Read the columns in ``fields`` once and return the levels of each.

    A column with more than ``most`` levels is given up; when all are, the pass ends.
    """
    elsewhere = getattr(table, "collect_levels", None)
    if elsewhere is not None:
        on_workers: dict[str, Levels] = elsewhere(fields, most=most, progress=progress)
        return on_workers
    found = {name: Levels() for name in fields}
    rows = 0
    portions = table.read(dict.fromkeys(fields, Kind.TEXT))
    for portion in portions:
        for (name, levels), column in zip(found.items(), portion.columns, strict=True):
            if not levels.too_many:
                add_levels(levels, column, most, ordered=fields[name].ordered)
        rows += portion.rows
        if progress is not None:
            progress(rows, table.bytes_done, table.bytes_total)
        if all(levels.too_many for levels in found.values()):
            _close(portions)
            break
    return found


def alike(name: str, levels: Sequence[str]) -> Iterator[Finding]:
    """Say which levels differ only in blanks or capitals: mostly the same thing, typed twice."""
    first: dict[str, str] = {}
    for level in levels:
        plain = " ".join(level.split()).casefold()
        if plain in first:
            yield Finding(
                "levels-alike",
                Severity.CAUTION,
                f"{name!r} has the levels {first[plain]!r} and {level!r}, which differ only in "
                "blanks or capitals; they count as different.",
                "If they mean the same, write them the same way.",
                {"column": name, "levels": [first[plain], level]},
            )
            return
        first[plain] = level


def add_levels(
    levels: Levels, column: Column, most: float = math.inf, *, ordered: bool = False
) -> None:
    """Count the levels of a run of values, up to ``most`` different ones."""
    codes, names = codes_and_levels(column)
    counts = np.bincount(codes + 1, minlength=len(names) + 1)[1:]
    used = np.flatnonzero(counts[: len(names)])
    if ordered and not levels.order:
        levels.order = [name for name in names if name is not None]
    for number in used.tolist():
        name = names[number]
        if name is None:
            continue
        levels.values += int(counts[number])
        levels.seen[name] = levels.seen.get(name, 0) + int(counts[number])
        if len(levels.seen) > most:
            levels.too_many = True
            return


def _close(portions: Iterable[object]) -> None:
    close = getattr(portions, "close", None)
    if close is not None:
        close()  # threads and files at once, not when the garbage collector comes round
