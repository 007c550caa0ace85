"""Take the pictures of the page on the lab from the lab itself: python docs/lab_pictures.py.

Needs Chromium, Playwright and Pillow (requirements/test.txt). Each picture is a screen of 1280 by
800 with few colours, so that it stays small. Names of rooms choose some of the pictures.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from gausswork.lab import launch
from gausswork.lab.app import Lab

PLACE = Path(__file__).parent / "_static"
SIZE = {"width": 1280, "height": 800}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
_PATIENCE = 180_000  # milliseconds: a training on a busy machine


def _nothing(page: Any) -> None:
    """Show the room as a new visitor sees it."""


def _trained(page: Any) -> None:
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector('[data-training="done"]', timeout=_PATIENCE)
    page.locator(".training").evaluate("one => scrollBy(0, one.getBoundingClientRect().top - 68)")


def _checked(page: Any) -> None:
    page.get_by_role("slider", name="Row").press("End")
    page.locator(".checkup").evaluate("one => scrollBy(0, one.getBoundingClientRect().top - 68)")


def _python(page: Any) -> None:
    page.get_by_role("button", name="Show Python").click()
    page.wait_for_selector(".python code span")


def _descended(page: Any) -> None:
    """Step back a while: half of the path is behind, half ahead."""
    for _ in range(80):
        page.get_by_role("button", name="Step back", exact=True).click()


# Name of the picture: room, what is done first, light or dark.
SCENES: dict[str, tuple[str, Callable[[Any], None], str]] = {
    "lab-regression": ("regression", _nothing, "light"),
    "lab-descent": ("descent", _descended, "light"),
    "lab-bell": ("bell", _nothing, "light"),
    "lab-limit": ("limit", _nothing, "light"),
    "lab-random": ("random", _nothing, "light"),
    "lab-start": ("start", _nothing, "light"),
    "lab-training": ("start", _trained, "light"),
    "lab-data": ("data", _nothing, "light"),
    "lab-checkup": ("data", _checked, "dark"),
    "lab-python": ("bell", _python, "dark"),
}


def take(browser: Any, address: str, name: str) -> Path:
    """Take one picture; return where it is."""
    room, act, scheme = SCENES[name]
    context = browser.new_context(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
    try:
        page = context.new_page()
        page.set_default_timeout(_PATIENCE)
        page.goto(address)
        page.goto(f"{address.partition('?')[0]}#{room}")
        page.wait_for_selector(f'main[data-room="{room}"][data-busy="false"]')
        act(page)
        page.wait_for_selector('main[data-busy="false"]')
        page.wait_for_timeout(500)
        shot = page.screenshot()
    finally:
        context.close()
    path = PLACE / f"{name}.png"
    with Image.open(io.BytesIO(shot)) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
    return path


def main() -> None:
    """Take all pictures, or those of the rooms that are named."""
    wanted = [name for name, scene in SCENES.items() if scene[0] in (sys.argv[1:] or [scene[0]])]
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with launch.running(Lab()) as opened, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=list(FLAGS))
        for name in wanted:
            path = take(browser, opened.address, name)
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main()
