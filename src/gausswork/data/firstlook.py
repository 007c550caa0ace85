"""Levels of categories without a pass of their own: promised by a first look, held to by the sums.

The first rows of large files tell most of the levels. With these the rows are summed at once, and
each level is counted as it passes by. One that was not promised ends the pass: whoever sums makes
room for it and goes on, or begins anew once all levels are known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from gausswork.data.kinds import Field, Kind
from gausswork.data.levels import Levels, Progress, add_levels, collect_levels
from gausswork.data.tables import Mark, Portion

LOOK_ROWS = 1 << 17  # two blocks: files that are smaller are read for their levels as ever


class NewLevelError(Exception):
    """A level that was not promised has come by; never seen by users."""


class NeedsLevelsError(Exception):
    """The rows are wanted before the levels are certain; never seen by users."""


class FirstLook:
    """A table of files whose levels are promised from its first rows.

    Parameters
    ----------
    table : of files that can be read from any place.
    known : what an earlier process knew, see :meth:`known`; None to begin.

    Attributes
    ----------
    table : the same, without promises.
    planned : whether the columns have been chosen, so that what is read is summed.
    settled : whether all levels are certain: all rows have come by, or were read for them.
    """

    replayable = True

    def __init__(self, table: Any, known: Mapping[str, Any] | None = None) -> None:
        self.table = table
        self.planned = False
        self.settled = False
        self.names: tuple[str, ...] = table.names
        self._all = False  # whether the rows are read for the levels, as ever
        self._certain: dict[str, Levels] = {}  # where the first look has seen all rows
        self._ahead = LOOK_ROWS
        self._promised: dict[str, Levels] = {}
        self._watched: list[str] = []  # those of them that are summed
        self._counted: dict[str, Levels] = {}  # in the rows before the portions of _recent
        self._recent: deque[tuple[Mark | None, dict[str, Levels]]] = deque()
        if known is not None:
            self.settled = bool(known["settled"])
            for name, (promised, counted, order) in known["levels"].items():
                self._promised[str(name)] = _of_counts(promised, order)
                self._counted[str(name)] = _of_counts(counted, order)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    def identity(self) -> Any:
        """Return what tells these files from others."""
        return self.table.identity()

    def known(self) -> dict[str, Any]:
        """Return what another process needs to go on from the portions let go of, for JSON."""
        counted = {name: self._counted.get(name, Levels()) for name in self._promised}
        return {
            "settled": self.settled or self._all,
            "levels": {
                name: [dict(levels.seen), dict(counted[name].seen), list(levels.order)]
                for name, levels in self._promised.items()
            },
        }

    # ---------------------------------------------------------------- planning

    def collect_levels(
        self, fields: Mapping[str, Field], *, most: int, progress: Progress | None = None
    ) -> dict[str, Levels]:
        """Return the levels of columns: certain ones where there are, promises otherwise."""
        if not self._all and not self.settled:
            unknown = [name for name in fields if name not in self._promised]
            if unknown and not self._looked_at({name: fields[name] for name in unknown}, most):
                self._all = True
        if self._all:  # counted anew, for promises were made of some of the rows
            rest = {name: field for name, field in fields.items() if name not in self._certain}
            found = {}
            if rest:
                found = collect_levels(self.table, rest, most=most, progress=progress)
            found |= {
                name: _within(self._certain[name], most) for name in fields if name not in rest
            }
            self._promised |= found
            self._counted |= found
            return found
        known = {**self._promised, **self._counted} if self.settled else self._promised
        missing = {name: field for name, field in fields.items() if name not in known}
        if missing:  # settled by an earlier process, which asked for fewer
            known = known | collect_levels(self.table, missing, most=most, progress=progress)
        return {name: _within(known[name], most) for name in fields}

    def _looked_at(self, fields: Mapping[str, Field], most: int) -> bool:
        """Promise levels from the first rows; False where these do not suffice for a decision."""
        if any(field.kind is not Kind.TEXT or field.ordered for field in fields.values()):
            return False
        constant = getattr(self.table, "known_levels", None)
        found = {} if constant is None else constant(fields)
        if any(len(levels.seen) < 2 for levels in found.values()):
            return False
        rest = [name for name in fields if name not in found]
        looked, ended = self._look(rest, None) if rest else ({}, False)
        if ended:
            self._certain |= looked
            return False
        for levels in looked.values():
            repeated = 2 <= len(levels.seen) < levels.values
            if not repeated and len(levels.seen) <= most:
                return False  # one level, or another one in every row: the rest decides
        self._promised |= found | looked
        return True

    def _look(self, names: Sequence[str], start: Mark | None) -> tuple[dict[str, Levels], bool]:
        """Count the levels of some rows; say whether the files ended with them."""
        found, rows = {name: Levels() for name in names}, 0
        with closing(self._portions(dict.fromkeys(names, Kind.TEXT), start)) as portions:
            for portion in portions:
                for levels, column in zip(found.values(), portion.columns, strict=True):
                    add_levels(levels, column)
                rows += portion.rows
                if rows >= self._ahead:
                    return found, False
        return found, True

    def _portions(self, kinds: Mapping[str, Kind], start: Mark | None) -> Any:
        return self.table.read(kinds) if start is None else self.table.read(kinds, start)

    def read_for_levels(self) -> None:
        """Give up promises: the next question reads all rows."""
        self._all, self.planned = True, False
        self._promised.clear()
        self._counted.clear()
        self._recent.clear()

    def look_further(self, start: Mark | None) -> None:
        """Promise what further rows hold, twice as many each time."""
        self._forget_from(start)
        self._ahead *= 2
        found, _ = self._look(self._watched, start)
        for name, levels in found.items():
            for level, count in levels.seen.items():
                self._promised[name].seen.setdefault(level, count)
            self._promised[name].values += levels.values
        self.planned = False

    # ---------------------------------------------------------------- summing

    def read(self, kinds: Mapping[str, Kind], start: Mark | None = None) -> Iterator[Portion]:
        """Yield the rows in order; count their levels while these are promises."""
        portions = self._portions(kinds, start)
        if self._all or self.settled:
            return portions  # type: ignore[no-any-return]
        if not self.planned:
            portions.close()
            raise NeedsLevelsError
        return self._counting(portions, kinds, start)

    def _counting(
        self, portions: Any, kinds: Mapping[str, Kind], start: Mark | None
    ) -> Iterator[Portion]:
        self._forget_from(start)
        names = list(kinds)
        places = [names.index(name) for name in self._promised if name in kinds]
        places = [place for place in places if kinds[names[place]] is Kind.TEXT]
        self._watched = [names[place] for place in places]
        with closing(portions):
            for portion in portions:
                here: dict[str, Levels] = {}
                for place in places:
                    here[names[place]] = levels = Levels()
                    add_levels(levels, portion.columns[place])
                    if not levels.seen.keys() <= self._promised[names[place]].seen.keys():
                        raise NewLevelError
                self._recent.append((portion.mark, here))
                yield portion
        self.let_go(None)
        self.settled = True

    def let_go(self, before: Mark | None) -> None:
        """Settle the counts of the portions before one; None for all."""
        while self._recent and self._recent[0][0] != before:
            for name, levels in self._recent.popleft()[1].items():
                total = self._counted.setdefault(name, Levels())
                for level, count in levels.seen.items():
                    total.seen[level] = total.seen.get(level, 0) + count
                total.values += levels.values

    def _forget_from(self, start: Mark | None) -> None:
        """Let go of the portions before a place, and forget those that will be read again."""
        if start is None:
            self._counted.clear()
        elif any(mark == start for mark, _ in self._recent):
            self.let_go(start)
        self._recent.clear()


def _of_counts(counts: Mapping[str, Any], order: Sequence[Any]) -> Levels:
    seen = {str(level): int(count) for level, count in counts.items()}
    return Levels(seen, [str(level) for level in order], sum(seen.values()))


def _within(levels: Levels, most: int) -> Levels:
    """Return levels as a pass with this limit would."""
    return Levels(levels.seen, levels.order, levels.values, len(levels.seen) > most)
