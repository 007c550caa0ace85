"""Promise: in Chromium, the room of regression shows what the library computes, by any hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.lab.rooms import regression
from gausswork.lab.tables import Tables
from tests.lab.conftest import Watched, agrees, number

ROOT = Path(__file__).resolve().parents[2]
HANDLE = '[data-handle="point {}"]'


def handle(page: Any, k: int) -> Any:
    return page.locator(HANDLE.format(k))


def points(page: Any) -> tuple[list[float], list[float]]:
    """Return the points as they stand in the plane."""
    found = page.eval_on_selector_all(
        '[data-handle^="point "]', "all => all.map(g => [+g.dataset.x, +g.dataset.y])"
    )
    return [x for x, _ in found], [y for _, y in found]


class Plane:
    """Pixels of a picture as data: from what its frame says of itself."""

    def __init__(self, page: Any, name: str = "points") -> None:
        found = page.eval_on_selector(
            f'svg[data-frame="{name}"]', "s => [s.dataset.x, s.dataset.y, s.dataset.box]"
        )
        self.x, self.y, (self.left, self.top, self.right, self.bottom) = map(json.loads, found)

    def data(self, u: float, v: float) -> tuple[float, float]:
        across = (u - self.left) / (self.right - self.left)
        up = (self.bottom - v) / (self.bottom - self.top)
        return (
            self.x[0] + across * (self.x[1] - self.x[0]),
            self.y[0] + up * (self.y[1] - self.y[0]),
        )

    def pixels(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            self.left + across * (self.right - self.left),
            self.bottom - up * (self.bottom - self.top),
        )


def drawn(page: Any, which: str = "fit") -> np.ndarray[Any, Any]:
    """Return the corners of a line as drawn, in pixels."""
    d = page.get_attribute(f'[data-line="{which}"]', "d")
    return np.array([[float(v) for v in pair.split()] for pair in re.split("[ML]", d) if pair])


def assert_the_line_is_the_library_s(lab: Watched, page: Any) -> gw.Fit:
    lab.settled("regression")
    x, y = points(page)
    fit = gw.fit({"x": x, "y": y}, target="y", features=["x"])
    shown = lab.shown("regression")
    assert agrees(shown["slope"], float(fit.coefficients[1]))
    assert agrees(shown["intercept"], float(fit.coefficients[0]))
    assert agrees(shown["sum_of_squares"], fit.solution.residual_sum_of_squares)
    plane = Plane(page)
    size = (plane.y[1] - plane.y[0]) / (plane.bottom - plane.top)  # of a pixel
    for u, v in drawn(page):
        across, up = plane.data(u, v)
        wanted = float(fit.coefficients[0] + fit.coefficients[1] * across)
        assert abs(up - wanted) < 0.1 * size  # of a pixel: coordinates are written to hundredths
    return fit


def test_the_first_sight_is_the_answer_of_the_library(lab: Watched) -> None:
    page = lab.open("regression")
    assert_the_line_is_the_library_s(lab, page)
    shown = regression.answer(dict(regression.START), Tables())["shown"]
    for name, text in lab.shown("regression").items():
        if isinstance(shown[name], list):
            values = [number(part) for part in text.split()]
            assert values == pytest.approx(np.ravel(shown[name]).tolist(), rel=1e-3, abs=1e-9), name
        else:
            assert agrees(text, shown[name]), name


def test_dragging_a_point_moves_the_line_to_where_the_library_says(lab: Watched) -> None:
    page = lab.open("regression")
    before = points(page)
    lab.drag(handle(page, 4), (40.0, -120.0))
    after = points(page)
    assert after[1][3] > before[1][3]
    assert after[0][3] > before[0][3]
    assert (after[0][:3], after[1][4:]) == (before[0][:3], before[1][4:])
    assert_the_line_is_the_library_s(lab, page)


def test_axes_hold_still_while_a_point_is_dragged(lab: Watched) -> None:
    page = lab.open("regression")
    box = handle(page, 7).bounding_box()  # the farthest below the line  # the rightmost one
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = Plane(page)
    page.mouse.move(*at)
    page.mouse.down()
    seen = []
    for k in range(6):
        page.mouse.move(at[0] - 90 * k, at[1] + 5 * k)
        lab.settled("regression")
        seen.append(Plane(page).x)
        assert len(drawn(page)) > 2  # the line is drawn throughout
    assert seen == [before.x] * 6
    page.mouse.up()
    assert_the_line_is_the_library_s(lab, page)


def test_points_are_added_drawn_erased_and_all_of_it_undone(lab: Watched) -> None:
    page = lab.open("regression")
    plane = page.locator('svg[data-frame="points"] rect.plane')
    box = plane.bounding_box()
    first = points(page)

    def stroke(kind: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        page.get_by_label(kind, exact=True).check()
        at = [(box["x"] + a * box["width"], box["y"] + b * box["height"]) for a, b in (start, end)]
        page.mouse.move(*at[0])
        page.mouse.down()
        page.mouse.move(*at[1], steps=12)
        page.mouse.up()
        lab.settled("regression")

    plane.click(position={"x": 0.25 * box["width"], "y": 0.2 * box["height"]})
    lab.settled("regression")
    added = points(page)
    assert len(added[0]) == 16
    assert_the_line_is_the_library_s(lab, page)
    stroke("draws many", (0.1, 0.1), (0.5, 0.15))
    many = points(page)
    assert len(many[0]) >= 22
    stroke("erases", (0.05, 0.1), (0.6, 0.17))
    assert len(points(page)[0]) < len(many[0]) - 4
    for wanted in (many, added, first):
        page.keyboard.press("Control+z")
        lab.settled("regression")
        assert points(page) == wanted
    page.get_by_role("button", name="Redo").click()
    lab.settled("regression")
    assert points(page) == added
    page.keyboard.press("Control+Shift+z")
    lab.settled("regression")
    assert points(page) == many


def test_a_finger_drags_and_adds_points(watch: Callable[..., Watched]) -> None:
    lab = watch(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = lab.open("regression")
    target = handle(page, 4)
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = points(page)
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *at: dict[str, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(at)})

    send("touchStart", {"x": x, "y": y})
    for k in range(1, 6):
        send("touchMove", {"x": x, "y": y - 12.0 * k})
    send("touchEnd")
    lab.settled("regression")
    after = points(page)
    assert after[1][3] > before[1][3]
    assert_the_line_is_the_library_s(lab, page)
    plane = page.locator('svg[data-frame="points"] rect.plane').bounding_box()
    page.touchscreen.tap(plane["x"] + 30, plane["y"] + 30)
    lab.settled("regression")
    assert len(points(page)[0]) == 16


def test_the_keyboard_alone_moves_adds_and_removes_points(lab: Watched) -> None:
    page = lab.open("regression")
    focused = "document.activeElement.dataset?.handle ?? document.activeElement.textContent"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "pen":
            break
    assert page.evaluate(focused) == "pen"
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    lab.settled("regression")
    assert len(points(page)[0]) == 16
    page.keyboard.press("Tab")
    assert page.evaluate(focused).startswith("point ")
    page.keyboard.press("Home")
    page.wait_for_selector(f"{HANDLE.format(12)}:focus")  # the leftmost one
    before = points(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    lab.settled("regression")
    after = points(page)
    assert after[0][11] > before[0][11]
    assert after[1][11] > before[1][11]
    assert_the_line_is_the_library_s(lab, page)
    page.keyboard.press("PageDown")
    page.wait_for_selector(f'[data-handle^="point "]:focus:not({HANDLE.format(12)})')
    page.keyboard.press("Delete")
    lab.settled("regression")
    assert len(points(page)[0]) == 15
    page.wait_for_selector('[data-handle^="point "]:focus')
    assert_the_line_is_the_library_s(lab, page)
    page.wait_for_selector("#said:has-text('goes up by')", state="attached")


def test_a_point_lights_up_in_every_view(lab: Watched) -> None:
    page = lab.open("regression")
    shown = regression.answer(dict(regression.START), Tables())["shown"]
    handle(page, 4).hover()
    wanted = {
        "residuals": (regression.START["x"][3], shown["residuals"][3]),
        "leverage": (shown["leverage"][3], shown["standardized"][3]),
        "qq": (shown["qq_score"][3], shown["standardized"][3]),
    }
    for name, at in wanted.items():
        lit = page.locator(f'svg[data-frame="{name}"] circle.aglow')
        assert lit.count() == 1
        plane = Plane(page, name)
        found = plane.data(*(float(lit.get_attribute(c)) for c in ("cx", "cy")))
        room = [(plane.x[1] - plane.x[0]) / 200, (plane.y[1] - plane.y[0]) / 100]
        assert np.abs(np.subtract(found, at) / room).max() < 1.0
    facts = page.text_content(".facts")
    assert agrees(re.search(r"residual(−?[\d.]+)", facts)[1], shown["residuals"][3])
    assert agrees(re.search(r"leverage([\d.]+)", facts)[1], shown["leverage"][3])
    assert page.locator(".matrix .cells-row.aglow").count() == 2  # its row of X and of y
    page.mouse.move(5, 5)
    page.wait_for_selector("circle.aglow", state="detached")
    plane = Plane(page, "qq")
    u, v = plane.pixels(shown["qq_score"][7], shown["standardized"][7])
    page.locator('svg[data-frame="qq"]').hover(position={"x": u + 1.0, "y": v - 1.0})
    page.wait_for_selector(f"{HANDLE.format(8)}.aglow")


def test_my_line_is_compared_square_by_square(lab: Watched) -> None:
    page = lab.open("regression")
    page.get_by_label("Try a line of my own").check()
    lab.settled("regression")
    assert page.locator("rect.square.of-mine").count() == 15
    lab.drag(page.locator('[data-handle="my line 2"]'), (-30.0, -60.0))
    ends = [
        tuple(
            float(page.get_attribute(f'[data-handle="my line {k}"]', f"data-{axis}"))
            for axis in "xy"
        )
        for k in (1, 2)
    ]
    (x1, y1), (x2, y2) = ends
    w = (y2 - y1) / (x2 - x1)
    x, y = (np.array(v) for v in points(page))
    mine = float(np.sum((y - (y1 + w * (x - x1))) ** 2))
    shown = lab.shown("regression")
    assert agrees(shown["my_sum_of_squares"], mine)
    assert number(shown["sum_of_squares"]) < number(shown["my_sum_of_squares"])
    page.locator('[data-handle="my line 1"]').focus()
    page.keyboard.press("Shift+ArrowDown")
    lab.settled("regression")
    assert lab.shown("regression")["my_sum_of_squares"] != shown["my_sum_of_squares"]
    page.get_by_label("least squares", exact=True).check()
    assert page.locator("rect.square:not(.of-mine)").count() == 15


def test_few_points_are_spoken_of_in_words(lab: Watched) -> None:
    page = lab.open("regression")
    page.get_by_role("button", name="Clear").click()
    lab.settled("regression")
    headline = page.locator("[data-headline]")
    assert headline.text_content() == "No points yet."
    plane = page.locator('svg[data-frame="points"] rect.plane')
    said = []
    for x, y in ((100, 100), (300, 200), (400, 100)):
        plane.click(position={"x": x, "y": y})
        lab.settled("regression")
        said.append(headline.text_content())
    assert said[0].startswith("One point")
    assert said[1].startswith("Two points")
    assert said[2].startswith("When hours of practice goes up")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Reset").click()
    lab.settled("regression")
    assert len(points(page)[0]) == 15


def test_the_table_is_typed_in_and_follows(lab: Watched) -> None:
    page = lab.open("regression")
    page.get_by_text("The points as a table").click()
    cell = page.get_by_label("y of point 4, typed")
    cell.fill("99,5")
    cell.press("Enter")
    lab.settled("regression")
    assert points(page)[1][3] == 99.5
    assert_the_line_is_the_library_s(lab, page)
    cell.fill("many")
    cell.press("Enter")
    assert page.get_by_text("Type a number.").is_visible()
    assert points(page)[1][3] == 99.5
    page.get_by_role("button", name="Remove point 4").click()
    page.get_by_role("button", name="Add a row").click()
    lab.settled("regression")
    assert len(points(page)[0]) == 15


def test_own_columns_are_fitted_and_can_be_taken_over(lab: Watched, tmp_path: Path) -> None:
    page = lab.open("regression")
    path = ROOT / "examples" / "galton-families.csv"
    page.locator('.pair-picker input[type="file"]').set_input_files(path)
    page.get_by_label("Across (x)").select_option("midparentHeight")
    page.get_by_label("Upwards (y)").select_option("childHeight")
    lab.settled("regression")
    fit = gw.fit(path, target="childHeight", features=["midparentHeight"])
    shown = lab.shown("regression")
    assert agrees(shown["slope"], float(fit.coefficients[1]))
    assert agrees(shown["rows"], 934)
    drawn = page.get_attribute('svg[data-frame="points"] path.points', "d")
    assert drawn.count("M") == 934
    hostile = tmp_path / "hostile.csv"
    name = "<img src=x onerror=alert(1)>"
    hostile.write_text(f"{name},b,c\n1,2,x\n2,4,y\n3,7,z\n4,7,z\n", encoding="utf-8")
    page.locator('.pair-picker input[type="file"]').set_input_files(hostile)
    page.wait_for_selector('main[data-busy="false"] svg[data-frame="points"]:has-text("<img")')
    lab.settled("regression")
    assert page.locator("img[src=x]").count() == 0
    assert name in page.text_content('svg[data-frame="points"]')
    page.get_by_text("points to move them").click()
    lab.settled("regression")
    assert points(page) == ([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 7.0, 7.0])
    assert_the_line_is_the_library_s(lab, page)


def test_a_reload_and_a_link_bring_everything_back(lab: Watched) -> None:
    page = lab.open("regression")
    lab.drag(handle(page, 4), (0.0, -90.0))
    page.get_by_label("Try a line of my own").check()
    lab.settled("regression")
    before, shown = points(page), lab.shown("regression")
    page.reload()
    lab.settled("regression")
    assert (points(page), lab.shown("regression")) == (before, shown)


def test_a_point_that_is_put_back_where_it_was_is_no_step(lab: Watched) -> None:
    page = lab.open("regression")
    page.set_viewport_size({"width": 1280, "height": 1600})  # the residuals are in view
    axes = page.get_attribute('svg[data-frame="residuals"]', "data-y")
    before, findings = points(page), page.locator(".findings").inner_text()
    box = handle(page, 7).bounding_box()  # the farthest below the line
    u, v = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(u, v)
    page.mouse.down()
    page.mouse.move(u, v + 40, steps=4)
    wider = f"""svg[data-frame="residuals"]:not([data-y="{axes}"])"""
    page.wait_for_selector(wider)
    page.mouse.move(u, v, steps=4)
    page.mouse.up()
    lab.settled("regression")
    assert points(page) == before
    assert page.locator(".findings").inner_text() == findings
    assert page.get_by_role("button", name="Undo").is_disabled()
    page.wait_for_selector(wider, state="detached")  # nothing is passed through any more
