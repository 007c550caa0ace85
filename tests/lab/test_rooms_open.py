"""Promise: each of the seven rooms opens in Chromium and shows its numbers.

Quick enough to be run before anything lands; what the rooms do is tested by their own files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gausswork.lab import rooms

from .conftest import Watched

SEVEN = ("regression", "descent", "bell", "limit", "random", "start", "data")


def test_the_rooms_are_seven() -> None:
    assert rooms.available() == SEVEN


def test_every_room_opens_once(watch: Callable[..., Watched]) -> None:
    """An error in the console or the page, or a request off loopback, fails in the fixture."""
    seen = watch()
    for room in SEVEN:
        page = seen.open(room)
        assert seen.shown(room), room
        assert page.locator("main .problem-box").count() == 0, room
        assert page.locator("main svg[data-frame]").count(), room
        wide: Any = page.evaluate(
            "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, room
