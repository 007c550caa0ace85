"""The rooms of the lab, one module each, imported when first asked for."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from gausswork.errors import InputError

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables

# In the order of the navigation.
NAMES = ("regression", "descent", "bell", "limit", "random", "start", "data")
STATIC = Path(__file__).parents[1] / "static"


class Room(Protocol):
    """What a module in this folder offers; see CONTRIBUTING.md, "The lab".

    ``START`` is the state that a new visitor sees. ``read`` checks a state that somebody sent and
    returns it as a frozen dataclass. Two functions are there only where a room needs them:
    ``train(state, tables, cancelled)`` yields parts of long work, and ``save(state, tables)``
    returns the name and the text of a file to download.
    """

    START: Mapping[str, Any]

    def read(self, state: Mapping[str, Any]) -> Any:
        """Return the checked state, or raise InputError naming what is wrong with it."""
        ...

    def answer(self, state: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
        """Return what is to be drawn; ``shown`` holds the numbers on the screen."""
        ...

    def script(self, state: Mapping[str, Any], tables: Tables) -> str:
        """Return Python that computes the numbers on the screen."""
        ...


def available() -> tuple[str, ...]:
    """Return the names of the rooms that are installed, in the order of the navigation."""
    return tuple(
        name
        for name in NAMES
        if importlib.util.find_spec(f"{__name__}.{name}") is not None
        and (STATIC / "rooms" / f"{name}.js").is_file()
    )


def room(name: str) -> Room:
    """Return the module of a room.

    Raises
    ------
    InputError
        There is no such room.
    """
    if name not in NAMES or importlib.util.find_spec(f"{__name__}.{name}") is None:
        raise InputError(f"there is no room {name[:40]!r}. The rooms are {', '.join(available())}.")
    return cast(Room, importlib.import_module(f"{__name__}.{name}"))
