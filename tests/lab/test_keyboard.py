"""Promise: the keyboard alone does everything: tools of every room, and a file of one's own.

What belongs to one room, such as its points and sliders, is pressed in the tests of that room.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gausswork.lab import rooms

from .conftest import Watched

GALTON = Path(__file__).parents[2] / "examples" / "galton-families.csv"
NAMED = """() => { const one = document.activeElement;
  return one.getAttribute("aria-label") ?? one.textContent.trim(); }"""


def tab_to(page: Any, name: str, *, most: int = 90) -> None:
    """Press Tab until a thing of this name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(NAMED) == name:
            return
    raise AssertionError(f"Tab does not reach {name!r}")


@pytest.mark.parametrize("room", rooms.NAMES)
def test_tools_of_a_room_by_keyboard(lab: Watched, room: str) -> None:
    page = lab.open(room)
    page.locator("main").focus()
    tab_to(page, "Reset")
    tab_to(page, "Share")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.evaluate(NAMED) == "Share"  # the focus is where it was
    tab_to(page, "Show Python")
    page.keyboard.press("Enter")
    page.wait_for_selector('.python[data-busy="false"] pre')
    tab_to(page, "Copy")
    tab_to(page, "Save .py")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == f"gausswork_{room}.py"
    tab_to(page, "Close Python")
    page.keyboard.press("Enter")
    page.wait_for_selector(".python", state="detached")
    assert page.evaluate(NAMED) == "Show Python"


@pytest.mark.parametrize("room", ["regression", "descent", "data"])
def test_a_file_is_given_and_taken_back_by_keyboard(lab: Watched, room: str) -> None:
    # heard from the beginning: a dialog that opens before anybody listens is lost
    lab.page.on("filechooser", lambda _: None)
    page = lab.open(room)
    before = lab.shown(room)
    page.locator("main").focus()
    tab_to(page, "Open a CSV or Parquet file …" if room == "data" else "Open a CSV file …")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    own = b"size,price\n1,2.5\n2,4\n3,6.5\n4,8\n5,11\n"
    given = {"name": "own.csv", "mimeType": "text/csv", "buffer": own}
    chooser.value.set_files(given)
    page.locator("option:checked", has_text="own.csv").wait_for(state="attached")
    assert lab.shown(room) != before
    page.locator("main").focus()
    for _ in range(5):  # a file may take more than one step: the table, then its columns
        page.keyboard.press("Control+z")
        if lab.shown(room) == before:
            break
    assert lab.shown(room) == before
