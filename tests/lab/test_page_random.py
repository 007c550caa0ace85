"""Promise: the page draws what the library draws, and the same seed draws it again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from tests.lab.conftest import Watched, agrees
from tests.lab.running import assert_computes


def shown(lab: Watched) -> dict[str, Any]:
    """Return the numbers of the page as they were computed."""
    lab.settled("random")
    listed = lab.page.eval_on_selector_all(
        "[data-shown]", "all => all.map(one => [one.dataset.shown, JSON.parse(one.dataset.value)])"
    )
    return dict(listed)


def test_the_numbers_are_those_of_the_library(lab: Watched) -> None:
    lab.open("random")
    seen = shown(lab)
    assert seen["randn_first"] == gw.sampling.normal(6, seed=1).tolist()
    for sampler in gw.sampling.compare(1000, seed=1).samplers:
        assert seen[f"{sampler.torch_name}_mean"] == sampler.mean
        assert seen[f"{sampler.torch_name}_p_value"] == sampler.p_value
    for name, text in lab.shown("random").items():
        if not isinstance(seen[name], list):
            assert agrees(text, seen[name]), name


def test_bars_stand_where_the_draws_are(lab: Watched) -> None:
    page = lab.open("random")
    frame = page.locator('[data-frame="randn"]')
    _low, _high = json.loads(str(frame.get_attribute("data-x")))
    _, tall = json.loads(str(frame.get_attribute("data-y")))
    _left, top, _right, bottom = json.loads(str(frame.get_attribute("data-box")))
    bars = str(frame.locator(".bars").get_attribute("d")).strip("MZ").split("ZM")
    counts = np.histogram(gw.sampling.normal(1000, seed=1), np.linspace(-4, 4, 33))[0]
    assert len(bars) == (counts > 0).sum()
    heights = [
        (bottom - float(bar.partition("V")[2].partition("H")[0])) / (bottom - top) * tall
        for bar in bars
    ]
    assert heights == pytest.approx(counts[counts > 0], abs=0.01 * tall)


def test_a_seed_draws_the_same_again_and_reset_keeps_it(lab: Watched) -> None:
    page = lab.open("random")
    one = shown(lab)
    page.get_by_role("button", name="New seed").click()
    two = shown(lab)
    assert two["rand_first"] == gw.sampling.uniform(6, seed=2).tolist()
    page.get_by_label("mean", exact=True).fill("5")
    page.keyboard.press("Enter")
    lab.settled("random")
    page.get_by_role("button", name="Reset").click()
    assert shown(lab) == two, "the first state, with the seed that was there"
    page.get_by_label("Seed", exact=True).fill("1")
    page.keyboard.press("Enter")
    assert shown(lab) == one


def test_ranges_are_chosen(lab: Watched) -> None:
    page = lab.open("random")
    for label, value in (("mean", "70"), ("sd", "10"), ("below", "3"), ("up to", "5")):
        page.get_by_label(label, exact=True).fill(value)
        page.keyboard.press("Enter")
        lab.settled("random")
    seen = shown(lab)
    assert seen["randn_theory_mean"] == 70
    assert seen["randint_largest"] == 2
    text = page.locator("main").inner_text()
    for part in ("rng.normal(70.0, 10.0, 1000)", "torch.randint(3, (1000,))", "[0, 5)", "0, 1, 2"):
        assert part in text
    page.get_by_label("up to", exact=True).fill("-1")
    page.keyboard.press("Enter")
    page.get_by_text("Low must be below high").wait_for()
    page.reload()
    page.get_by_text("Low must be below high").wait_for()
    page.get_by_label("from", exact=True).first.fill("-2")
    page.keyboard.press("Enter")
    page.locator('[data-frame="rand"]').wait_for()
    assert shown(lab)["rand_theory_mean"] == -1.5


def test_more_values_come_nearer_to_theory(lab: Watched) -> None:
    page = lab.open("random")
    page.get_by_role("button", name="Watch it fill up").click()
    page.locator(
        '[aria-label^="Histogram of 100 values"], [aria-label^="Histogram of 1"]'
    ).first.wait_for()
    page.get_by_role("button", name="Stop").click()
    lab.settled("random")
    page.get_by_label("How many of each, typed").fill("1000000")
    page.keyboard.press("Enter")
    seen = shown(lab)
    assert seen["randn_mean"] == pytest.approx(0, abs=0.005)
    assert seen["rand_sd"] == pytest.approx(seen["rand_theory_sd"], rel=0.005)


def test_the_script_of_the_page_computes_the_page(lab: Watched) -> None:
    lab.open("random")
    assert_computes(lab.script(), shown(lab))


def test_keyboard_alone(lab: Watched) -> None:
    page = lab.open("random")
    page.locator("main").focus()

    lab.walk_to("input[name=seed]")
    page.keyboard.press("ArrowUp")
    lab.settled("random")
    lab.walk_to("input[type=range]")
    page.keyboard.press("ArrowRight")
    lab.settled("random")
    lab.walk_to("input[name=stop]")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    seen = shown(lab)
    assert seen["randint_first"] == gw.sampling.integers(6, high=7, seed=2).tolist()
    assert "Histogram of 1001 values" in str(
        page.locator('[data-frame="randn"]').get_attribute("aria-label")
    )
