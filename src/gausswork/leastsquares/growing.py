"""Sums that make room for levels: categories are counted in the pass that sums them.

The levels that the first rows hold are promised to the pass
(:mod:`gausswork.data.firstlook`). A level that comes by later has been absent from all blocks
before, where its column is zero, and so are its sums: they are put beside the others, to the last
bit what a pass that had known it would have summed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.encode import EncodedSource
from gausswork.data.files import is_path
from gausswork.data.firstlook import FirstLook, NeedsLevelsError, NewLevelError
from gausswork.data.forest import Node
from gausswork.data.opened import OpenedData
from gausswork.data.opening import as_table
from gausswork.data.recipe import Recipe
from gausswork.leastsquares.backend import NUMPY, default_backend
from gausswork.leastsquares.checkpoint import Checkpoint, Part, Saved, known_levels
from gausswork.leastsquares.kernels import Sums
from gausswork.leastsquares.moments import block_rows
from gausswork.leastsquares.solution import Solution

Open = Callable[[Any], OpenedData]


def first_look(data: Any, state: Any, resume: bool) -> Any:
    """Return files as a table that promises levels; anything else as it is."""
    if not is_path(data):
        return data
    table: Any = as_table(data)
    if not hasattr(type(table), "identity"):
        return data
    known = known_levels(state) if resume else None
    try:
        return FirstLook(table, known)
    except (KeyError, TypeError, ValueError, AttributeError):  # not what a fit writes
        return FirstLook(table)


def opened_by(open_it: Open, look: Any) -> OpenedData:
    """Open data; where a plan wants the rows before all levels are known, they are read first."""
    try:
        opened = open_it(look)
    except NeedsLevelsError:
        look.read_for_levels()
        opened = open_it(look)
    if isinstance(look, FirstLook):
        look.planned = True
    return opened


def solved_growing(
    look: FirstLook,
    opened: OpenedData,
    open_it: Open,
    checkpoint: Checkpoint | None,
    solve: Callable[[EncodedSource, Checkpoint], Solution],
) -> tuple[OpenedData, Solution, Checkpoint]:
    """Solve while levels are added to the question; return it as it was in the end.

    Parameters
    ----------
    opened : the question with the levels promised so far.
    open_it : opens the table anew, with what it knows by then.
    checkpoint : of the user's, if any.
    solve : the passes over the rows of a source.
    """
    path = None if checkpoint is None else checkpoint.path
    always = checkpoint is not None and checkpoint.always
    source: Any = opened.source
    held = checkpoint if checkpoint is not None else Checkpoint(None, source, always=False)
    while True:
        try:
            solution = solve(source, held)
        except NewLevelError:
            saved, before = held.latest, opened.recipe
            look.look_further(None if saved is None else saved.place.mark)
            opened = opened_by(open_it, look)
            if saved is not None and before is not None and opened.recipe is not None:
                saved = widened(saved, before, opened.recipe)
                if saved is None:  # nothing can be kept: no second surprise
                    look.read_for_levels()
                    opened = opened_by(open_it, look)
            source = opened.source
            held = Checkpoint(path, source, always=always, begun=saved)
            continue
        final = opened_by(open_it, look)  # with counts of all rows
        if final.recipe == opened.recipe:
            break
        look.read_for_levels()  # a folder without rows had promised a level
        opened = opened_by(open_it, look)
        source = opened.source
        held = Checkpoint(path, source, always=always)
    source.table = look.table
    return replace(final, source=source), solution, held


def widened(saved: Saved, before: Recipe, now: Recipe) -> Saved | None:
    """Return a state with room for the columns of new levels; None where that cannot be.

    Parameters
    ----------
    before, now : how the rows were read, and how they will be.
    """
    if default_backend() is NUMPY or saved.asked is not None:
        return None  # BLAS may sum in another order where there are more columns
    if block_rows(len(before.names)) != block_rows(len(now.names)):
        return None
    if before.references != now.references or (before.formula is None) != (now.formula is None):
        return None
    if now.formula is not None and (now.formula.low_of or now.formula.powers):
        return None
    places = _places(before.names, now.names)
    if places is None:
        return None
    at = np.array([*places, len(now.names)], dtype=np.intp)
    q = len(now.names) + 1

    def part(value: Part) -> Part:
        rows, weights, sums = value
        return rows, weights, Sums(
            _vector(sums.first_high, at, q), _vector(sums.first_low, at, q),
            _matrix(sums.second_high, at, q), _matrix(sums.second_low, at, q),
        )  # fmt: skip

    return replace(
        saved,
        exponents=_vector(saved.exponents, at, q),
        shift=_vector(saved.shift, at, q),
        nodes=tuple(
            Node(node.level, node.first, node.width, part(node.value)) for node in saved.nodes
        ),
    )


def _places(before: Sequence[str], now: Sequence[str]) -> list[int] | None:
    """Return where the earlier columns stand among the later ones, in the same order."""
    where = {name: place for place, name in enumerate(now)}
    places = [where.get(name, -1) for name in before]
    return None if -1 in places or places != sorted(places) else places


def _vector(values: npt.NDArray[Any], at: npt.NDArray[np.intp], q: int) -> npt.NDArray[Any]:
    wide = np.zeros(q, dtype=values.dtype)
    wide[at] = values
    return wide


def _matrix(values: npt.NDArray[Any], at: npt.NDArray[np.intp], q: int) -> npt.NDArray[Any]:
    wide = np.zeros((q, q), dtype=values.dtype)
    wide[np.ix_(at, at)] = values
    return wide
