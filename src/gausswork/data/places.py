"""The places that a pass over files comes by, for another pass to go on from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gausswork.data.sources import Place, Tally
from gausswork.data.tables import Mark


class Way:
    """Takes note of the portions of a pass, and says where behind each batch another can go on.

    Parameters
    ----------
    begin : where this pass begins; None for the beginning of the data.
    tally, rounded : what the pass counts, by reference.
    """

    def __init__(self, begin: Place | None, tally: Tally, rounded: Mapping[str, int]) -> None:
        self.mark: Mark | None = None if begin is None else begin.mark
        self._tally, self._rounded = tally, rounded
        self._seen = 0  # complete rows that have been read, and that have been taken in batches
        self._taken = 0 if begin is None else begin.skip
        self._portions: deque[tuple[int, Place]] = deque()

    def at(self, mark: Mark) -> None:
        """Take note of a portion before it is counted."""
        tally = self._tally
        place = Place(mark, 0, tally.read, tally.dropped, dict(tally.missing), dict(self._rounded))
        self._portions.append((self._seen, place))

    def seen(self, rows: int) -> None:
        """Count the complete rows of that portion."""
        self._seen += rows

    def after(self, rows: int) -> Place:
        """Return the place behind the next so many complete rows."""
        self._taken += rows
        while len(self._portions) > 1 and self._portions[1][0] <= self._taken:
            self._portions.popleft()
        before, place = self._portions[0]
        return replace(place, skip=self._taken - before)


def without_first(pieces: Iterable[list[Any]], rows: int) -> Iterator[list[Any]]:
    """Leave out the first rows of pieces."""
    for piece in pieces:
        here = min(rows, len(piece[-1]))
        rows -= here
        yield [values[here:] for values in piece] if here else piece
