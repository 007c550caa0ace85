"""Promise: in Chromium the room of descent marks the limit, walks the library's path and back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.lab.rooms import descent
from gausswork.lab.tables import Tables
from tests.lab.conftest import Watched, agrees, number
from tests.lab.test_browser_regression import Plane

ROOT = Path(__file__).resolve().parents[2]
DESIGN = np.column_stack([np.ones(5), np.arange(1.0, 6.0)])
LARGEST = float(np.linalg.eigvalsh(2.0 / 5.0 * DESIGN.T @ DESIGN)[-1])  # of the first state
LIMIT = 2.0 / LARGEST


def typed(lab: Watched, label: str, value: float) -> None:
    field = lab.page.get_by_label(f"{label}, typed")
    field.fill(repr(value))
    field.press("Enter")
    lab.settled("descent")


def behaviour(lab: Watched) -> str:
    lab.settled("descent")
    return str(lab.page.get_attribute("[data-behaviour]", "data-behaviour"))


def slider(page: Any, label: str = "Learning rate") -> Any:
    return page.get_by_role("slider", name=label, exact=True)


def epoch(lab: Watched) -> int:
    return int(number(lab.shown("descent")["epoch"]))


def path(page: Any) -> np.ndarray[Any, Any]:
    """Return the path as drawn, in the units of the picture."""
    d = page.get_attribute('[data-path="descent"]', "d")
    plane = Plane(page, "valley")
    corners = [pair.split() for pair in re.split("[ML]", d) if pair]
    return np.array([plane.data(float(u), float(v)) for u, v in corners])


def test_the_mark_stands_at_two_over_the_largest_eigenvalue(lab: Watched) -> None:
    page = lab.open("descent")
    mark = page.locator('[data-mark="limit"]')
    assert float(mark.get_attribute("data-at")) == pytest.approx(LIMIT, rel=1e-12)
    assert mark.text_content() == "2/λmax = 0.0845"
    # the thumb of a rate at the limit lies where the mark is, to a pixel
    typed(lab, "Learning rate", LIMIT)
    track, thumb = slider(page).bounding_box(), 1.35 * 16.0
    share = float(slider(page).input_value()) / float(slider(page).get_attribute("max"))
    wanted = track["x"] + thumb / 2 + share * (track["width"] - thumb)
    assert mark.bounding_box()["x"] == pytest.approx(wanted, abs=2.5)


def test_crossing_the_mark_changes_the_verdict(lab: Watched) -> None:
    page = lab.open("descent")
    said = []
    for share in (0.2, 0.49, 0.51, 0.999, 1.001, 2.0):
        typed(lab, "Learning rate", share * LIMIT)
        said.append(behaviour(lab))
        assert page.text_content("[data-verdict]").lower().startswith(said[-1])
    assert said == ["converges", "converges", "oscillates", "oscillates", "diverges", "diverges"]
    # by mouse: from the left end of the track over the mark
    box = slider(page).bounding_box()
    page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2)
    page.mouse.down()
    seen = []
    for k in range(1, 13):
        page.mouse.move(box["x"] + 12 + k * (box["width"] - 24) / 12, box["y"] + box["height"] / 2)
        seen.append(behaviour(lab))  # it acts while it moves
    page.mouse.up()
    order = ["converges", "oscillates", "diverges"]
    assert seen == sorted(seen, key=order.index)
    assert {seen[0], seen[-1]} == {"converges", "diverges"}
    # by keyboard: back over it
    slider(page).focus()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
        if behaviour(lab) != "diverges":
            break
    assert behaviour(lab) == "oscillates"
    rate = float(number(page.get_by_label("Learning rate, typed").input_value()))
    assert 0.8 * LIMIT < rate < LIMIT


def test_stepping_back_undoes_a_step(lab: Watched) -> None:
    page = lab.open("descent")
    page.get_by_role("button", name="To the start").click()
    lab.settled("descent")
    walked = descent.answer({**descent.START}, Tables())
    seen = {}
    for k in range(4):
        shown = lab.shown("descent")
        seen[k] = shown
        assert epoch(lab) == k
        assert agrees(shown["intercept"], walked["path"][k][0])
        assert agrees(shown["slope"], walked["path"][k][1])
        assert agrees(shown["loss"], walked["loss"][k])
        assert len(path(page)) == k + 1
        page.get_by_role("button", name="Step", exact=True).click()
        lab.settled("descent")
    for k in reversed(range(4)):
        page.get_by_role("button", name="Step back").click()
        lab.settled("descent")
        assert lab.shown("descent") == seen[k]
    assert page.get_by_role("button", name="Step back").is_disabled()


def test_the_path_on_the_screen_is_the_library_s(lab: Watched) -> None:
    page = lab.open("descent")
    method = gw.GradientDescent(learning_rate=0.07, epochs=100, start=descent.START["start"])
    line = {"x": descent.START["x"], "y": descent.START["y"]}
    walked = gw.fit(line, target="y", features=["x"], method=method).descent
    assert walked is not None
    plane = Plane(page, "valley")
    pixel = [(plane.x[1] - plane.x[0]) / 700, (plane.y[1] - plane.y[0]) / 440]
    assert np.abs((path(page) - walked.path) / pixel).max() < 0.1
    assert lab.page.locator("[data-walker]").first.get_attribute("data-walker") == "inside"


def test_it_plays_and_is_scrubbed(lab: Watched) -> None:
    page = lab.open("descent")
    page.get_by_role("button", name="Play").click()
    for k in range(3):  # it moves on by itself, however fast the machine
        page.wait_for_selector(f'[data-shown="epoch"]:not(:text-is("{k}"))')
    page.get_by_role("button", name="Pause").click()
    lab.settled("descent")
    paused = epoch(lab)
    assert 1 <= paused < 100
    shown = descent.answer({**descent.START, "epoch": paused}, Tables())["shown"]
    for name, text in lab.shown("descent").items():
        assert agrees(text, shown[name]), name
    slider(page, "Epoch").focus()
    page.keyboard.press("PageUp")
    assert epoch(lab) == paused + 10
    page.keyboard.press("ArrowLeft")
    assert epoch(lab) == paused + 9
    page.get_by_role("button", name="To the end").click()
    assert epoch(lab) == 100


def test_a_press_and_the_keyboard_set_the_start(lab: Watched) -> None:
    page = lab.open("descent")
    plane = page.locator('svg[data-frame="valley"] rect.plane')
    box = plane.bounding_box()
    view = Plane(page, "valley")
    plane.click(position={"x": 0.7 * box["width"], "y": 0.6 * box["height"]})
    lab.settled("descent")
    assert (Plane(page, "valley").x, Plane(page, "valley").y) == (view.x, view.y)
    begun = path(page)[0]
    wanted = [
        view.x[0] + 0.7 * (view.x[1] - view.x[0]),
        view.y[1] - 0.6 * (view.y[1] - view.y[0]),
    ]
    assert np.abs(begun - wanted).max() < 0.1
    handle = page.locator('[data-handle="start"]')
    handle.focus()
    page.keyboard.press("Shift+ArrowRight")
    lab.settled("descent")
    assert path(page)[0][0] > begun[0] + 1.0
    lab.drag(handle, (-60.0, 40.0))
    assert path(page)[0][0] < begun[0] + 1.0
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    lab.settled("descent")
    assert path(page)[0] == pytest.approx(begun, abs=0.05)


def test_standardising_turns_the_valley_round(lab: Watched) -> None:
    page = lab.open("descent")
    assert number(lab.shown("descent")["condition_number"]) > 69.0
    before = lab.shown("descent")
    page.get_by_role("button", name="To the start").click()
    start = lab.shown("descent")
    page.get_by_label("Standardise x").check()
    after = lab.shown("descent")
    assert number(after["condition_number"]) == 1.0
    assert number(after["learning_rate_limit"]) > 10 * number(before["learning_rate_limit"])
    for name in ("intercept", "slope", "loss"):  # the same line, on another surface
        assert number(after[name]) == pytest.approx(number(start[name]), rel=1e-3)
    for ring in page.query_selector_all('svg[data-frame="valley"] .contours path')[3:8]:
        box = ring.bounding_box()
        assert box["width"] == pytest.approx(box["height"], rel=0.02)
    page.locator('[data-handle="start"]').focus()
    page.keyboard.press("ArrowUp")
    lab.settled("descent")
    page.get_by_label("Standardise x").uncheck()
    assert number(lab.shown("descent")["condition_number"]) > 69.0


def test_a_divergence_is_clipped_faded_and_said_with_its_number(lab: Watched) -> None:
    page = lab.open("descent")
    typed(lab, "Learning rate", 0.09)
    text = page.text_content('svg[data-frame="valley"] [data-walker="off scale"]')
    shown = lab.shown("descent")
    assert "off scale" in text
    told = number(re.search(r"slope (.*)$", text.strip())[1])
    assert told == pytest.approx(number(shown["slope"]), rel=5e-3)  # three digits
    fades = page.eval_on_selector_all(
        'svg[data-frame="valley"] .path[class*="fade-"]',
        "all => all.map(one => +getComputedStyle(one).opacity)",
    )
    assert fades == sorted(fades, reverse=True)
    assert fades[0] == 1.0
    assert fades[-1] < 0.3
    typed(lab, "Learning rate", 0.3)
    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill("1000")
    epochs.press("Enter")
    lab.settled("descent")
    page.get_by_role("button", name="To the end").click()
    assert epoch(lab) < 1000  # numbers leave float64 before the last epoch
    assert "off scale" in page.text_content('svg[data-frame="losses"]')


def test_rates_walk_side_by_side(lab: Watched) -> None:
    page = lab.open("descent")
    figures = page.locator(".beside figure")
    assert figures.count() == 3
    words = [figures.nth(k).locator(".chip").text_content() for k in range(3)]
    assert words == ["converges", "converges", "diverges"]
    page.get_by_role("button", name="Keep to compare").click()
    lab.settled("descent")
    assert figures.count() == 4
    assert page.get_by_role("button", name="Keep to compare").is_disabled()
    page.get_by_role("button", name="Use the rate 0.005").click()
    lab.settled("descent")
    assert number(page.get_by_label("Learning rate, typed").input_value()) == 0.005
    page.get_by_role("button", name="Remove the rate 0.087").click()
    lab.settled("descent")
    assert figures.count() == 3
    page.get_by_role("button", name="Best rate").click()
    assert agrees(lab.shown("descent")["learning_rate_limit"], LIMIT)
    assert behaviour(lab) == "oscillates"


def test_momentum_moves_the_limit(lab: Watched) -> None:
    page = lab.open("descent")
    typed(lab, "Momentum", 0.5)
    at = float(page.get_attribute('[data-mark="limit"]', "data-at"))
    assert at == pytest.approx(1.5 * LIMIT, rel=1e-12)  # 2(1 + β)/λmax
    typed(lab, "Learning rate", 1.4 * LIMIT)
    assert behaviour(lab) == "oscillates"


def test_own_columns_and_the_points_of_the_other_room(lab: Watched) -> None:
    page = lab.open("descent")
    path_ = ROOT / "examples" / "galton-families.csv"
    page.locator('.pair-picker input[type="file"]').set_input_files(path_)
    page.get_by_label("Across (x)").select_option("midparentHeight")
    page.get_by_label("Upwards (y)").select_option("childHeight")
    lab.settled("descent")
    fit = gw.fit(path_, target="childHeight", features=["midparentHeight"])
    at = float(page.get_attribute('[data-mark="limit"]', "data-at"))
    assert at == pytest.approx(gw.outlook(fit).learning_rate_limit, rel=1e-12)
    assert behaviour(lab) == "oscillates"  # the best rate, and not the one for other data
    page.get_by_label("Points", exact=True).select_option(label="Points of the room Regression")
    lab.settled("descent")
    assert "hours of practice" in page.text_content('svg[data-frame="fitted"]')


def test_a_reload_brings_everything_back(lab: Watched) -> None:
    page = lab.open("descent")
    typed(lab, "Learning rate", 0.05)
    page.get_by_role("button", name="Step back").click()
    before = lab.shown("descent")
    page.reload()
    assert lab.shown("descent") == before


def test_tab_reaches_everything(lab: Watched) -> None:
    page = lab.open("descent")
    wanted = {
        "Undo", "Play", "Step back", "Epoch", "Learning rate", "Standardise x", "Momentum",
        "Best rate", "Points", "Start: intercept", "Start of the descent",
    }  # fmt: skip
    page.get_by_role("button", name="To the start").click()
    page.get_by_role("button", name="Step", exact=True).click()
    page.evaluate("document.activeElement.blur()")
    wanted.discard("Undo")
    script = """() => {
      const one = document.activeElement;
      return [one.getAttribute("aria-label"), one.textContent,
        ...Array.from(one.labels ?? [], l => l.textContent)].filter(Boolean).join("|");
    }"""
    for _ in range(90):
        page.keyboard.press("Tab")
        name = page.evaluate(script)
        wanted = {one for one in wanted if one not in name}
        if not wanted:
            break
    assert not wanted
