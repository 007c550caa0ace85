"""Promise: in the page means pile up under the bell that is predicted, one slowly or thousands."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

import gausswork as gw
from tests.lab.conftest import Watched, agrees
from tests.lab.running import assert_computes
from tests.lab.test_page_bell import PHONE


def shown(lab: Watched) -> dict[str, float]:
    """Return the numbers of the page as they were computed."""
    lab.settled("limit")
    listed = lab.page.eval_on_selector_all(
        "[data-shown]", "all => all.map(one => [one.dataset.shown, JSON.parse(one.dataset.value)])"
    )
    return dict(listed)


def heading(lab: Watched) -> str:
    lab.settled("limit")
    return lab.page.locator("h3", has_text="means of").first.inner_text()


def test_means_meet_their_prediction(lab: Watched) -> None:
    page = lab.open("limit")
    for population in ("exponential", "drawn", "dice"):
        page.get_by_label("Draw from").select_option(population)
        page.get_by_role("button", name="Start over").click()
        for count in (1000, 2000):
            page.get_by_role("button", name="+1000").click()
            page.locator("h3", has_text=f"{count} means of 10 draws").wait_for()
        seen = shown(lab)
        assert seen["predicted_mean"] == seen["population_mean"]
        assert seen["predicted_sd"] == pytest.approx(seen["population_sd"] / math.sqrt(10))
        error = seen["predicted_sd"] / math.sqrt(2000)
        assert seen["mean_of_means"] == pytest.approx(seen["predicted_mean"], abs=4 * error)
        assert seen["sd_of_means"] == pytest.approx(seen["predicted_sd"], rel=0.1)
        for name, text in lab.shown("limit").items():
            assert agrees(text, seen[name]), name
    found = gw.central_limit("dice", 10, repeats=2000, seed=1)
    assert seen["distance"] == found.distance
    assert seen["mean_of_means"] == gw.Normal.from_samples(found.means).mean


def test_the_bars_and_the_bell_are_where_the_library_has_them(lab: Watched) -> None:
    page = lab.open("limit")
    page.get_by_text("Close up").click()
    lab.settled("limit")
    found = gw.central_limit("exponential", 10, repeats=1000, seed=1)
    low, high = json.loads(str(page.locator('[data-frame="means"]').get_attribute("data-x")))
    assert (low, high) == pytest.approx((found.mean - 4.5 * found.sd, found.mean + 4.5 * found.sd))
    path = str(page.locator('[data-frame="means"] .bars').get_attribute("d"))
    assert path.count("M") == (found.histogram().counts > 0).sum()
    bell = str(page.locator('[data-frame="means"] path.mark-line').get_attribute("d"))
    points = [tuple(map(float, p.split())) for p in bell.strip("M").split("L")]
    left, _, right, _ = json.loads(
        str(page.locator('[data-frame="means"]').get_attribute("data-box"))
    )
    peak = min(points, key=lambda point: point[1])
    assert low + (peak[0] - left) / (right - left) * (high - low) == pytest.approx(1.0, abs=0.03)


def test_one_draw_in_slow_motion(lab: Watched) -> None:
    page = lab.open("limit")
    page.get_by_role("button", name="Start over").click()
    lab.settled("limit")
    assert heading(lab) == "0 means of 10 draws"
    page.get_by_role("button", name="One, slowly").click()
    page.locator(".draws circle").first.wait_for()
    assert page.locator(".draws circle").count() < 10, "they come one after the other"
    page.locator(".latest-line").wait_for(state="attached")
    assert page.locator(".draws circle").count() == 10
    assert heading(lab) == "0 means of 10 draws", "the mean is not in the pile yet"
    page.locator(".falling").wait_for()
    mean = gw.central_limit("exponential", 10, repeats=1, seed=1).means[0]
    page.locator("#said").filter(has_text=f"is {mean:.4g}").wait_for(state="attached")
    assert heading(lab) == "1 means of 10 draws"


def test_who_wants_no_motion_sees_the_end_of_it(watch: Callable[..., Watched]) -> None:
    lab = watch(reduced_motion="reduce")
    page = lab.open("limit")
    page.get_by_role("button", name="One, slowly").click()
    page.locator(".latest-line").wait_for(state="attached")
    assert page.locator(".draws circle").count() == 10
    assert heading(lab) == "1001 means of 10 draws"


def test_n_makes_the_bell_narrower_while_it_is_dragged(lab: Watched) -> None:
    page = lab.open("limit")
    track = page.get_by_label("n, draws to a mean", exact=True).bounding_box()
    axis = page.locator('[data-frame="means"]').get_attribute("data-x")
    page.mouse.move(track["x"] + track["width"] * 0.33, track["y"] + track["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * 0.9, track["y"] + track["height"] / 2, steps=6)
    seen = shown(lab)
    assert seen["predicted_sd"] < 0.06
    assert page.locator('[data-frame="means"]').get_attribute("data-x") == axis
    page.mouse.up()


def test_a_bag_is_painted_by_mouse(lab: Watched) -> None:
    page = lab.open("limit")
    page.get_by_label("Draw from").select_option("drawn")
    lab.settled("limit")
    before = shown(lab)["population_mean"]
    left, _top, right, bottom = json.loads(
        str(page.locator('[data-frame="bag"]').get_attribute("data-box"))
    )
    box = page.locator('[data-frame="bag"]').bounding_box()
    page.mouse.move(box["x"] + left + 20, box["y"] + bottom - 8)
    page.mouse.down()
    page.mouse.move(box["x"] + (left + right) / 2, box["y"] + bottom - 8, steps=3)
    page.mouse.up()
    seen = shown(lab)
    assert seen["population_mean"] > before + 1, "the small numbers were taken out"
    page.keyboard.press("Control+z")
    assert shown(lab)["population_mean"] == before, "a stroke is one step"


def test_a_bag_is_painted_by_keyboard(lab: Watched) -> None:
    page = lab.open("limit")
    page.get_by_label("Draw from").select_option("drawn")
    lab.settled("limit")
    page.get_by_role("button", name="Empty the bag").click()
    page.get_by_text("Paint at least two bars").first.wait_for()
    page.reload()  # a bag that is nearly empty is still there to be filled
    page.get_by_text("Paint at least two bars").first.wait_for()
    page.locator('[data-handle="pencil"]').focus()
    for key in ["ArrowLeft"] * 4 + ["ArrowUp"] * 3:
        page.keyboard.press(key)
    seen = shown(lab)
    assert page.locator('[data-handle="pencil"]').get_attribute("aria-valuetext") == (
        "3 tickets with the number 6"
    )
    assert seen["population_mean"] == pytest.approx((3 * 6 + 10) / 4)


def test_a_bag_is_painted_by_touch(watch: Callable[..., Watched]) -> None:
    lab = watch(**PHONE)
    page = lab.open("limit")
    page.get_by_label("Draw from").select_option("drawn")
    before = shown(lab)["population_mean"]
    frame = page.locator('[data-frame="bag"]')
    left, top, _right, _bottom = json.loads(str(frame.get_attribute("data-box")))
    box = frame.bounding_box()
    touch = page.context.new_cdp_session(page)
    y = box["y"] + top + 20
    for kind, x in (("touchStart", left + 10), ("touchMove", left + 60), ("touchEnd", None)):
        points = [] if x is None else [{"x": box["x"] + x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert shown(lab)["population_mean"] < before - 0.5


def test_cauchy_has_no_mean_and_it_is_said(lab: Watched) -> None:
    page = lab.open("limit")
    page.get_by_label("Draw from").select_option("cauchy")
    lab.settled("limit")
    panel = page.get_by_role("region", name="No bell here")
    assert "neither a mean nor a variance" in panel.inner_text()
    page.get_by_label("n, draws to a mean, typed").fill("400")
    page.keyboard.press("Enter")
    seen = shown(lab)
    assert seen["half_of_means"] == pytest.approx(2.0, rel=0.25)
    assert seen["half_of_medians"] < 0.2
    assert page.locator('[data-frame="means"] path.mark-line').count() == 0


def test_the_tail_decides_whether_there_is_a_bell(lab: Watched) -> None:
    page = lab.open("limit")
    page.get_by_label("Draw from").select_option("student")
    lab.settled("limit")
    assert page.locator('[data-mark="no-variance"]').get_attribute("data-at") == "2"
    field = page.get_by_label("Degrees of freedom: few, heavy tails, typed")
    for value, bells in (("1.9", 0), ("2.1", 1)):
        field.fill(value)
        page.keyboard.press("Enter")
        lab.settled("limit")
        assert page.locator('[data-frame="means"] path.mark-line').count() == bells


def test_it_keeps_drawing_until_it_is_stopped(lab: Watched) -> None:
    page = lab.open("limit")
    page.get_by_role("button", name="Keep drawing").click()
    page.locator("h3", has_text="means of 10 draws").filter(has_not_text="1000").wait_for()
    page.get_by_role("button", name="Stop").click()
    lab.settled("limit")
    stopped = heading(lab)
    page.wait_for_timeout(300)
    assert heading(lab) == stopped
    page.keyboard.press("Control+z")
    assert heading(lab) == "1000 means of 10 draws", "it was one step"


def test_the_script_of_the_page_computes_the_page(lab: Watched) -> None:
    page = lab.open("limit")
    page.get_by_role("button", name="Show Python").click()
    for population in ("poisson", "cauchy", "drawn"):
        page.get_by_label("Draw from").select_option(population)
        lab.settled("limit")
        assert_computes(lab.script(), shown(lab))


def test_keyboard_alone(lab: Watched) -> None:
    page = lab.open("limit")
    page.locator("main").focus()

    lab.walk_to("select")
    page.keyboard.press("ArrowDown")
    lab.settled("limit")
    assert page.get_by_label("Draw from").input_value() == "dice"
    lab.walk_to("input[type=range]")
    for _ in range(3):
        page.keyboard.press("PageUp")
    assert heading(lab).endswith("means of 40 draws")
    lab.walk_to("button.strong")
    page.keyboard.press("Enter")
    page.locator(".latest-line").wait_for(state="attached")
