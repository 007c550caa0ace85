"""One lab and one Chromium for all browser tests; a fresh context per test.

A test fails on anything in the console that is an error, on an error of the page, and on a request
that leaves loopback. Where Chromium is missing the test is skipped, or fails if
GAUSSWORK_REQUIRE_ALL is 1.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 60_000  # milliseconds; reached only where something is broken, however busy it is


def missing(what: str) -> Any:
    """Skip, or fail where everything must be there."""
    if os.environ.get("GAUSSWORK_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is needed here (GAUSSWORK_REQUIRE_ALL=1)")
    pytest.skip(f"{what} is not installed")


@dataclass
class Watched:
    """A page, its address, and what has gone wrong in it."""

    page: Any
    address: str
    wrong: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)  # patterns of complaints that a test provokes

    @property
    def root(self) -> str:
        """The address without the token."""
        return self.address.partition("?")[0]

    def open(self, room: str = "") -> Any:
        """Open a room, wait until it shows the answer to its state; return the page."""
        if self.page.url == "about:blank":
            self.page.goto(self.address)
        self.page.goto(f"{self.root}#{room}")
        self.settled(room)
        return self.page

    def settled(self, room: str = "") -> None:
        """Wait until the room shows the answer to its state."""
        which = f'[data-room="{room}"]' if room else ""
        self.page.wait_for_selector(f'main{which}[data-busy="false"]')

    def walk_to(self, selector: str) -> None:
        """Press Tab until an element has the focus."""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("one => document.activeElement.matches(one)", selector):
                return
        raise AssertionError(f"no way to {selector}")

    def shown(self, room: str = "") -> dict[str, str]:
        """Return the numbers on the screen as they stand there: name -> text."""
        self.settled(room)
        listed = self.page.eval_on_selector_all(
            "[data-shown]", "all => all.map(one => [one.dataset.shown, one.textContent])"
        )
        return dict(listed)

    def script(self) -> str:
        """Show Python, wait until it is that of the numbers on the screen, and return it."""
        if not self.page.locator(".python").count():
            self.page.get_by_role("button", name="Show Python").click()
        self.settled()
        self.page.wait_for_selector('.python[data-busy="false"]')
        return str(self.page.locator(".python pre").inner_text())

    def drag(self, source: Any, by: tuple[float, float], steps: int = 8) -> None:
        """Drag an element by so many pixels."""
        box = source.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + by[0], y + by[1], steps=steps)
        self.page.mouse.up()
        self.settled()


def number(text: str) -> float:
    """Return a number as the page writes it: 12 345, −0.5, 1.2×10⁻⁵, 95 %."""
    plain = text.replace("\u202f", "").replace("−", "-").replace("%", "").strip()
    mantissa, power, raised = plain.partition("×10")
    exponent = raised.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")) if power else "0"
    return float(mantissa) * 10.0 ** int(exponent)


def agrees(text: str, value: float) -> bool:
    """Whether a number on the screen is ``value``, rounded to the digits that are shown."""
    if not isinstance(value, float | int):
        return text == str(value)
    shown = number(text)
    digits = re.sub(r"^0+", "", re.sub(r"[^\d]", "", text.partition("×")[0]))
    # half a unit of the last digit shown, and a hair for ties
    unit = 10.0 ** -(max(1, len(digits)) - 1)
    scale = 10.0 ** _exponent(shown) if shown else 1.0
    return abs(shown - value) <= 0.500001 * unit * scale + 1e-12 * abs(value)


def _exponent(value: float) -> int:
    return int(f"{abs(value):e}".partition("e")[2])


@pytest.fixture(scope="session")
def lab_server() -> Iterator[Any]:
    """A lab that runs for the whole session; yields where it is."""
    for package in ("starlette", "uvicorn", "websockets"):
        pytest.importorskip(package)
    from gausswork.lab import launch
    from gausswork.lab.app import Lab

    with launch.running(Lab()) as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, headless."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing("Chromium")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def watch(browser: Any, lab_server: Any) -> Iterator[Callable[..., Watched]]:
    """A function that opens a watched page in a context of its own; options as Playwright's."""
    opened: list[tuple[Any, Watched]] = []

    def begin(address: str | None = None, **options: Any) -> Watched:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "accept_downloads": True, **options}
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        seen = Watched(page, address or lab_server.address)
        opened.append((context, seen))
        page.on("console", lambda m: m.type == "error" and seen.wrong.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: seen.wrong.append(f"page: {error}"))
        page.on("request", lambda request: _check(request.url, seen))
        page.on("websocket", lambda socket: _check(socket.url, seen))
        return seen

    yield begin
    for context, _ in opened:
        context.close()
    wrong = [
        line
        for _, seen in opened
        for line in seen.wrong
        if not any(re.search(pattern, line) for pattern in seen.allowed)
    ]
    assert not wrong


@pytest.fixture
def lab(watch: Callable[..., Watched]) -> Watched:
    """A watched page of the lab at 1280 by 800; ``lab.open("bell")`` opens a room."""
    return watch()


def _check(url: str, seen: Watched) -> None:
    parts = urlsplit(url)
    if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
        seen.wrong.append(f"request off loopback: {url}")


@pytest.fixture(scope="session")
def axe() -> Callable[..., list[str]]:
    """A function that returns what axe finds wrong in a page, by all of its rules or by one."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        missing("axe-playwright-python")
    checker = Axe()

    def violations(page: Any, only: str = "") -> list[str]:
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if only:
            options["runOnly"] = {"type": "rule", "values": [only]}
        found = checker.run(page, options=options).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {node['html'][:200]}"
            for one in found
            for node in one["nodes"]
        ]

    return violations
