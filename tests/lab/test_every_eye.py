"""Promise: every room can be read by every eye: axe finds nothing, and nothing runs off the page.

In its first state and in others that draw what the first one does not; light and dark; on a desk,
at 200 % zoom (WCAG 1.4.10: the window has room for half), on a phone, in a narrow window.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gausswork.lab import rooms

from .conftest import Watched

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ZOOMED = {"width": 640, "height": 400}
NARROW = {"width": 320, "height": 640}
# What reaches beyond the window although it does not scroll by itself.
OVERFLOW = """() => {
  const seen = document.documentElement.clientWidth;
  const out = document.scrollingElement.scrollWidth - seen;
  const cut = [...document.querySelectorAll('main :is(button, label, .shown-value, h3, table)')]
    .filter((one) => {
      const box = one.getBoundingClientRect();
      const panel = one.closest('.panel')?.getBoundingClientRect().right ?? seen;
      return box.width && (box.right > Math.min(seen, panel) + 1 || box.left < -1)
        && !one.closest('.scroll, .unseen, .segments, pre');
    });
  return [out > 0 ? `${out} px too wide` : '', ...cut.map((one) => one.outerHTML.slice(0, 120))]
    .filter(Boolean);
}"""


@dataclass(frozen=True)
class Case:
    """A room in some state, and what to do there before it is looked at."""

    room: str
    name: str = "first"
    state: dict[str, Any] = field(default_factory=dict)
    act: Callable[[Any], None] | None = None


def _points_open(page: Any) -> None:
    page.get_by_text("The points as a table").click()
    page.locator('[data-handle="point 4"]').focus()


def _one_slowly(page: Any) -> None:
    page.get_by_role("button", name="One, slowly").click()
    page.locator(".latest-line").wait_for(state="attached")


def _trained(page: Any) -> None:
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector('[data-training="done"]')


def _shared(page: Any) -> None:
    page.get_by_role("button", name="Share").click()
    page.wait_for_selector("dialog[open]")


def _row_lit(page: Any) -> None:
    page.get_by_role("slider", name="Row").press("ArrowRight")


BAG = [0] * 20 + [7]
SIX_SIGMA = {"mean": 0.0, "sd": 1.0, "hold": "z", "event": "above", "a": 6.0, "log": True}
CASES = [
    Case("regression"),
    Case("regression", "my line", {"mine": True, "squares": "mine"}, _points_open),
    Case("regression", "no points", {"x": [], "y": []}),
    Case("descent"),
    Case("descent", "diverges", {"learning_rate": 0.2, "momentum": 0.5, "equal": True}),
    Case("descent", "round", {"standardize": True, "epoch": 3}),
    Case("bell"),
    Case("bell", "scores", {"sample": "drawn"}),
    Case("bell", "six sigma", SIX_SIGMA),
    Case("limit", act=_one_slowly),
    Case("limit", "a bag", {"population": "drawn"}),
    Case("limit", "cauchy", {"population": "cauchy"}),
    Case("limit", "trouble", {"population": "drawn", "heights": BAG}),
    Case("random", act=_shared),
    Case("random", "trouble", {"low": 3.0, "high": 1.0}),
    Case("start", act=_trained, state={"epochs": 2, "networks": 1, "data": "made", "depth": 4}),
    Case("start", "well", {"scheme": "he", "depth": 40}),
    Case("data", act=_row_lit),
    Case("data", "trouble", {"target": "nobody"}),
]


def test_every_room_is_looked_at() -> None:
    assert {case.room for case in CASES} == set(rooms.NAMES)


def placed(watched: Watched, case: Case) -> Any:
    """Open a room in a state, as a reload finds it."""
    page = watched.page
    state = json.dumps({**rooms.room(case.room).START, **case.state})
    page.add_init_script(f"sessionStorage['gausswork-lab:{case.room}'] ??= {json.dumps(state)}")
    watched.open(case.room)
    if case.act is not None:
        case.act(page)
        watched.settled(case.room)
    return page


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.room}, {case.name}")
def test_axe_finds_nothing_and_nothing_runs_off_the_page(
    watch: Callable[..., Watched], axe: Callable[..., list[str]], case: Case
) -> None:
    desk = watch(reduced_motion="reduce")
    page = placed(desk, case)
    assert page.evaluate(OVERFLOW) == []
    if case.act is not _shared:  # behind the dialog
        page.get_by_role("button", name="Show Python").click()
        page.wait_for_selector('.python[data-busy="false"]')
        assert page.evaluate(OVERFLOW) == []
    assert axe(page) == []
    page.emulate_media(color_scheme="dark")
    assert axe(page, only="color-contrast") == []
    page.set_viewport_size(ZOOMED)
    assert page.evaluate(OVERFLOW) == []

    phone = watch(**PHONE, reduced_motion="reduce", color_scheme="dark")
    page = placed(phone, case)
    assert page.evaluate(OVERFLOW) == []
    assert axe(page) == []
    page.emulate_media(color_scheme="light")
    assert axe(page, only="color-contrast") == []
    page.set_viewport_size(NARROW)
    assert page.evaluate(OVERFLOW) == []
