"""Promise: in the page the bell is dragged, asked and read as the library says, by anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import gausswork as gw
from gausswork.lab.rooms import bell
from tests.lab.conftest import Watched, agrees, number
from tests.lab.running import assert_computes


def handle(lab: Watched, name: str) -> Any:
    """Return a handle of the picture."""
    return lab.page.locator(f'[data-handle="{name}"]')


def shown(lab: Watched) -> dict[str, float]:
    """Return the numbers of the languages as they were computed."""
    lab.settled("bell")
    listed = lab.page.eval_on_selector_all(
        "[data-shown]", "all => all.map(one => [one.dataset.shown, JSON.parse(one.dataset.value)])"
    )
    return dict(listed)


def test_what_is_shown_is_between_of_normal(lab: Watched) -> None:
    lab.open("bell")
    texts = lab.shown("bell")
    assert agrees(texts["area"], gw.Normal(70, 10).between(60, 80))
    assert lab.page.locator(".percent").inner_text() == "68.27 %"


def test_dragging_a_limit_changes_the_area_to_between(lab: Watched) -> None:
    lab.open("bell")
    lab.drag(handle(lab, "b"), (90, 0))
    seen = shown(lab)
    assert seen["b"] > 81
    assert seen["area"] == gw.Normal(70, 10).between(60, seen["b"])
    for name, text in lab.shown("bell").items():
        assert agrees(text, seen[name]), name


def test_the_shaded_part_ends_where_the_limits_are(lab: Watched) -> None:
    page = lab.open("bell")
    svg = page.locator('[data-frame="bell"]')
    (low, high), (left, _, right, bottom) = (
        json.loads(str(svg.get_attribute(f"data-{key}"))) for key in ("x", "box")
    )
    path = str(page.locator("path.shade").get_attribute("d"))
    points = [tuple(map(float, p.split())) for p in path.strip("MZ").split("L")]
    first, last = points[0][0], points[-3][0]
    scale = (high - low) / (right - left)
    assert [low + (x - left) * scale for x in (first, last)] == pytest.approx([60, 80], abs=0.2)
    # the area that is painted, as a share of the area under the painted curve
    curve = str(page.locator("path.mark-line").first.get_attribute("d"))
    under = [tuple(map(float, p.split())) for p in curve.strip("M").split("L")]
    share = _area(points[:-2], bottom) / _area(under, bottom)
    assert share == pytest.approx(gw.Normal(70, 10).between(60, 80), abs=0.003)


def _area(points: list[Any], bottom: float) -> float:
    pairs = pairwise(points)
    return sum((b[0] - a[0]) * (2 * bottom - a[1] - b[1]) / 2 for a, b in pairs)


def test_the_bell_is_dragged_by_its_top_and_its_shoulder(lab: Watched) -> None:
    page = lab.open("bell")
    axis = page.locator('[data-frame="bell"]').get_attribute("data-x")
    lab.drag(handle(lab, "mean"), (40, 0))
    moved = page.get_by_label("Mean", exact=True).and_(page.locator("input")).input_value()
    assert number(moved) > 72
    assert shown(lab)["a"] == 60, "limits that are held as values stay where they are"
    assert page.locator('[data-frame="bell"]').get_attribute("data-x") == axis
    lab.drag(handle(lab, "sd"), (-30, 0))
    seen = shown(lab)
    sd = number(page.get_by_label("Standard deviation").and_(page.locator("input")).input_value())
    assert sd < 8
    assert seen["area"] == pytest.approx(gw.Normal(number(moved), sd).between(60, 80), abs=1e-3)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert shown(lab)["area"] == gw.Normal(70, 10).between(60, 80)


def test_axes_hold_still_while_something_is_dragged(lab: Watched) -> None:
    page = lab.open("bell")
    frame = page.locator('[data-frame="bell"]')
    before = [frame.get_attribute(f"data-{axis}") for axis in "xy"]
    box = handle(lab, "sd").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"], steps=6)
    lab.settled("bell")
    assert [frame.get_attribute(f"data-{axis}") for axis in "xy"] == before
    page.mouse.up()
    lab.settled("bell")
    assert frame.get_attribute("data-x") != before[0], "then the bell is fitted in again"


def test_every_language_moves_the_others(lab: Watched) -> None:
    page = lab.open("bell")
    held = page.get_by_role("group", name="Move the limits by")
    held.get_by_role("radio", name="z-score").check()
    page.get_by_label("z of b, typed").fill("1.96")
    page.keyboard.press("Enter")
    assert shown(lab)["b"] == pytest.approx(89.6)
    held.get_by_role("radio", name="share").check()
    page.get_by_label("share below a, typed").fill("0.025")
    page.keyboard.press("Enter")
    assert shown(lab)["z_a"] == pytest.approx(gw.Normal().quantile(0.025))
    held.get_by_role("radio", name="area").check()
    page.get_by_label("Area, typed").fill("0.95")
    page.keyboard.press("Enter")
    seen = shown(lab)
    assert (seen["a"], seen["b"]) == pytest.approx((50.40036, 89.59964), abs=1e-5)
    # the area is kept while the bell moves
    page.get_by_label("Standard deviation").and_(page.locator("input")).fill("20")
    page.keyboard.press("Enter")
    seen = shown(lab)
    assert seen["area"] == pytest.approx(0.95)
    assert seen["a"] == pytest.approx(gw.Normal(70, 20).interval(0.95).lower)


def test_a_slider_acts_while_it_moves(lab: Watched) -> None:
    page = lab.open("bell")
    page.get_by_role("radio", name="area").check()
    lab.settled("bell")
    track = page.locator(".wide-slider input[type=range]").bounding_box()
    page.mouse.move(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * 0.25, track["y"] + track["height"] / 2, steps=5)
    lab.settled("bell")
    assert 0.15 < shown(lab)["area"] < 0.35
    page.mouse.up()


def test_far_tails_can_be_read(lab: Watched) -> None:
    page = lab.open("bell")
    page.get_by_role("button", name="Six sigma").click()
    seen = shown(lab)
    assert seen["area"] == gw.Normal().sf(6.0)
    assert page.locator(".percent").inner_text() == "9.866×10⁻⁸ %"
    assert "one value in 1,014,000,000" in page.locator(".area-said").inner_text()
    assert "×10⁻¹⁰" in lab.shown("bell")["area"]


@pytest.mark.parametrize("story", range(6))
def test_each_place_where_it_is_met_opens(lab: Watched, story: int) -> None:
    page = lab.open("bell")
    chip = page.locator(".chip").nth(story)
    chip.click()
    lab.settled("bell")
    assert chip.get_attribute("aria-pressed") == "true"
    assert len(page.locator(".told").inner_text()) > 80
    assert page.locator(".problem-box").count() == 0


def test_a_column_of_ones_own_under_the_bell(lab: Watched) -> None:
    page = lab.open("bell")
    page.get_by_role("radio", name="my column").check()
    lab.settled("bell")
    assert "No column is chosen" in page.locator(".problem-box").inner_text()
    page.locator('input[type="file"]').set_input_files(Path("examples/galton-families.csv"))
    page.locator("option:checked", has_text="father").wait_for(state="attached")  # it is read
    page.get_by_label("Column", exact=True).select_option(label="childHeight")
    lab.settled("bell")
    page.get_by_role("button", name="Put the bell on them").click()
    seen = shown(lab)
    assert seen["count"] == 934
    assert agrees(lab.shown("bell")["sample_mean"], 66.745931)
    assert page.locator(".verdict").inner_text() == "childHeight: not bell-shaped"
    assert page.locator('[data-frame="qq"]').count() == 1
    assert page.locator(".crosses").get_attribute("d"), "points outside the band are crosses"


def test_the_script_of_the_page_computes_the_page(lab: Watched) -> None:
    lab.open("bell")
    lab.drag(handle(lab, "a"), (-50, 0))
    assert_computes(lab.script(), shown(lab))


def test_keyboard_alone(lab: Watched) -> None:
    page = lab.open("bell")
    page.locator("main").focus()

    for name, keys, check in [
        ("mean", ["ArrowRight"] * 3, lambda s: s["z_a"] < -1.2),
        ("sd", ["Shift+ArrowRight"], lambda s: s["otherwise"] > 0.4),
        ("a", ["ArrowLeft"] * 4, lambda s: s["a"] == pytest.approx(52)),
        ("b", ["Shift+ArrowRight"], lambda s: s["b"] == pytest.approx(100)),
    ]:
        lab.walk_to(f'[data-handle="{name}"]')
        for key in keys:
            page.keyboard.press(key)
            lab.settled("bell")
        assert check(shown(lab)), name
    lab.walk_to("input[type=radio][value=value]")
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="z-score").is_checked()
    lab.walk_to("input[type=radio][value=between]")
    page.keyboard.press("ArrowRight")
    lab.settled("bell")
    assert "or" in page.locator(".event").inner_text()


def test_the_end_of_a_step_is_announced_and_no_other(lab: Watched) -> None:
    page = lab.open("bell")
    said = page.locator("#said")
    box = handle(lab, "b").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"], steps=4)
    lab.settled("bell")
    assert said.inner_text() == ""
    page.mouse.up()
    said.filter(has_text="P(60 < X <").wait_for(state="attached")


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_touch_drags_a_limit(watch: Callable[..., Watched]) -> None:
    lab = watch(**PHONE)
    page = lab.open("bell")
    box = handle(lab, "b").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    for kind, dx in (("touchStart", 0), ("touchMove", 15), ("touchMove", 30), ("touchEnd", None)):
        points = [] if dx is None else [{"x": x + dx, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    seen = shown(lab)
    assert seen["b"] > 83
    assert seen["area"] == gw.Normal(70, 10).between(60, seen["b"])


def test_the_first_state_of_the_page_is_that_of_the_room(lab: Watched) -> None:
    page = lab.open("bell")
    lab.drag(handle(lab, "b"), (60, 0))
    page.get_by_role("button", name="Reset").click()
    seen = shown(lab)
    assert (seen["a"], seen["b"]) == (bell.START["a"], bell.START["b"])
