"""Promise: in the room of descent valley, path and verdict are the library's, at every rate."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.rooms import descent
from gausswork.lab.tables import Tables

ROOT = Path(__file__).resolve().parents[2]


def state(**changes: Any) -> dict[str, Any]:
    return {**descent.START, **changes}


def answer(**changes: Any) -> dict[str, Any]:
    return descent.answer(state(**changes), Tables())


def run(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "script", "exec"), names)
    return names


NOISY = {
    "x": np.random.default_rng(1).normal(10.0, 2.0, size=30).tolist(),
    "y": np.random.default_rng(2).normal(size=30).tolist(),
}
STATES = {
    "start": state(),
    "later": state(epoch=7),
    "beyond the end": state(epochs=20, epoch=900),
    "standardised": state(standardize=True, epoch=3),
    "start on the standardised surface": state(
        standardize=True, start=[1.0, -4.0], start_standardized=True
    ),
    "start on the other surface": state(start=[1.0, -4.0], start_standardized=True, epoch=2),
    "auto": state(learning_rate="auto", epoch=50),
    "momentum": state(momentum=0.9, learning_rate=0.02, epoch=11),
    "diverges": state(learning_rate=0.5, epochs=1000, epoch=1000),
    "at the limit": state(learning_rate=0.08452405257734977, epoch=100),
    "no others": state(others=[]),
    "noisy": state(**NOISY, epoch=5),
    "noisy, standardised": state(**NOISY, standardize=True, learning_rate=0.9, epoch=5),
    "begins at its end": state(start=[0.0, 2.0], epoch=5),
    "above one another": state(x=[3.0, 3.0, 3.0], y=[1.0, 2.0, 6.0], learning_rate=0.02, epoch=9),
    "one point": state(x=[2.0], y=[1.0], epoch=9),
    "nothing to learn": state(x=[1.0, 2.0], y=[0.0, 0.0], epoch=1),
    "far from zero": state(x=[1e6, 1e6 + 1, 1e6 + 3], y=[1.0, 2.0, 5.0], learning_rate="auto"),
}


@pytest.mark.parametrize("name", STATES)
def test_the_script_computes_the_numbers_on_the_screen(name: str) -> None:
    shown = descent.answer(STATES[name], Tables())["shown"]
    names = run(descent.script(STATES[name], Tables()))
    assert "learning_rate_limit" in shown
    for key, value in shown.items():
        # the script says the same calls: not a digit may differ
        assert np.array_equal(np.asarray(names[key], dtype=float), np.asarray(value)), key


@pytest.mark.parametrize("name", STATES)
def test_an_answer_is_json_without_nan_and_its_parts_fit_together(name: str) -> None:
    found = descent.answer(STATES[name], Tables())
    json.dumps(found, allow_nan=False)
    epochs = found["shown"]["epochs"]
    assert len(found["path"]) == len(found["loss"]) == len(found["excess"]) == epochs + 1
    left, right, bottom, top = found["bounds"]
    assert left < right
    assert bottom < top
    x, y = found["path"][0]
    slack = 1e-9 * (right - left + top - bottom)
    assert left - slack <= x <= right + slack
    assert bottom - slack <= y <= top + slack


def test_the_dialogue_is_reproduced() -> None:
    """y = 2x, rate 0.01, 1000 epochs: w = 1.99518, b = 0.01740, which it called 2 and 0."""
    shown = answer(learning_rate=0.01, epochs=1000, epoch=1000, start=[0.0, 0.0])["shown"]
    assert f"{shown['slope']:.5f} {shown['intercept']:.5f}" == "1.99518 0.01740"


def test_the_path_is_that_of_a_loop() -> None:
    found = answer(**NOISY, learning_rate=0.005, start=[3.0, -1.0], epochs=12, momentum=0.3)
    x, y = np.array(NOISY["x"]), np.array(NOISY["y"])
    theta, v = np.array([3.0, -1.0]), np.zeros(2)
    design = np.column_stack([np.ones(30), x])
    for at, loss in zip(found["path"], found["loss"], strict=True):
        assert at == pytest.approx(theta, rel=1e-9)
        residual = y - design @ theta
        assert loss == pytest.approx(float(np.mean(residual**2)), rel=1e-9)
        v = 0.3 * v + 0.005 * 2.0 / 30.0 * design.T @ residual
        theta = theta + v


def test_crossing_the_limit_changes_the_verdict() -> None:
    limit = answer()["shown"]["learning_rate_limit"]
    design = np.column_stack([np.ones(5), np.arange(1.0, 6.0)])
    largest = np.linalg.eigvalsh(2.0 / 5.0 * design.T @ design)[-1]
    assert limit == pytest.approx(2.0 / largest, rel=1e-12)
    said = {
        share: answer(learning_rate=share * limit)["behaviour"]
        for share in (0.1, 0.49, 0.51, 0.999, 1.001, 3.0)
    }
    assert list(said.values()) == [
        "converges", "converges", "oscillates", "oscillates", "diverges", "diverges"
    ]  # fmt: skip


def test_the_marks_of_the_slider_are_those_of_the_outlook_and_lie_on_it() -> None:
    for changes in ({}, {"standardize": True}, {"momentum": 0.9}, NOISY):
        found = answer(**changes)
        slider = found["slider"]
        assert slider["limit"] == found["shown"]["learning_rate_limit"]
        inside = [slider[name] for name in ("least", "overshoots_from", "limit", "most")]
        assert inside == sorted(inside)
        assert slider["least"] <= found["shown"]["learning_rate"] <= slider["most"]


def test_standardising_turns_the_valley_round_and_the_line_stays_the_same() -> None:
    raw, standardised = answer(**NOISY), answer(**NOISY, standardize=True)
    assert raw["shown"]["condition_number"] > 1000.0
    assert standardised["shown"]["condition_number"] == pytest.approx(1.0, abs=1e-9)
    assert raw["standardized"]["condition_number"] == standardised["shown"]["condition_number"]
    assert standardised["loss"][0] == pytest.approx(raw["loss"][0], rel=1e-12)
    assert standardised["parameters"][0] == pytest.approx(descent.START["start"], abs=1e-12)
    assert "down from" in standardised["headline"]
    for a, b in standardised["contours"]:  # circles: half axes of one length, at right angles
        assert np.hypot(*a) == pytest.approx(np.hypot(*b), rel=1e-9)
        assert np.dot(a, b) == pytest.approx(0.0, abs=1e-9 * np.dot(a, a))


def test_the_view_holds_still_while_the_start_or_the_rate_is_dragged() -> None:
    seen = answer(**NOISY, start=[0.0, 0.0])["bounds"]
    left, right, bottom, top = seen
    for share in (0.1, 0.5, 0.9):
        start = [left + share * (right - left), bottom + (1.0 - share) * (top - bottom)]
        assert answer(**NOISY, start=start)["bounds"] == seen
    assert answer(**NOISY, start=[0.0, 0.0], learning_rate=1.0)["bounds"] == seen
    outside = answer(**NOISY, start=[right + 5.0 * (right - left), top])["bounds"]
    assert outside[1] > right


def test_contours_lie_where_the_loss_is_what_it_says() -> None:
    found = answer(**NOISY)
    fit = gw.fit({"x": NOISY["x"], "y": NOISY["y"]}, target="y")
    surface = gw.loss_surface(fit)
    for level, (a, b) in zip(
        surface.levels(tuple(found["bounds"])), found["contours"], strict=True
    ):
        for turn in (0.0, 1.0, 4.0):
            at = (
                np.array(found["solution"])
                + np.cos(turn) * np.array(a)
                + np.sin(turn) * np.array(b)
            )
            assert float(surface.loss(at)) == pytest.approx(level, rel=1e-9)


def test_other_rates_are_walked_beside() -> None:
    found = answer(epoch=10)
    assert [each["learning_rate"] for each in found["others"]] == descent.START["others"]
    assert [each["behaviour"] for each in found["others"]] == [
        "converges", "converges", "diverges"
    ]  # fmt: skip
    alone = answer(learning_rate=0.04, epoch=10)
    assert found["others"][1]["path"] == alone["path"]
    assert found["shown"]["other_losses"][1] == alone["shown"]["loss"]


def test_a_divergence_ends_where_numbers_do() -> None:
    found = answer(learning_rate=0.3, epochs=1000, epoch=1000)
    assert found["behaviour"] == "diverges"
    assert found["shown"]["epochs"] < 1000
    assert found["shown"]["epoch"] == found["shown"]["epochs"]
    assert found["loss"][-1] > 1e290


def test_a_flat_valley_is_said() -> None:
    found = descent.answer(STATES["above one another"], Tables())
    assert found["flat"]
    assert "no lowest point" in found["headline"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 0.0}, "learning_rate must lie"),
        ({"learning_rate": -1.0}, "learning_rate must lie"),
        ({"learning_rate": "fast"}, "learning_rate must be a number"),
        ({"learning_rate": None}, "learning_rate must be a number"),
        ({"momentum": 1.0}, "momentum must lie"),
        ({"epochs": 0}, "epochs must lie"),
        ({"epochs": 10**9}, "epochs must lie"),
        ({"epochs": 1.5}, "whole number"),
        ({"epoch": -1}, "epoch must lie"),
        ({"others": [0.1] * 9}, "at most 5 learning rates"),
        ({"others": 3}, "at most 5 learning rates"),
        ({"others": [0.1, "x"]}, r"others\[1\] must be a number"),
        ({"start": [1.0]}, "start must be a list of 2 numbers"),
        ({"start": [1.0, 1e300]}, r"start\[1\] must lie"),
        ({"start": [1e200, 0.0]}, "leave float64"),
        ({"x": [], "y": []}, "no points"),
        ({"x": [0.0] * 10**6, "y": [0.0] * 10**6}, "CSV file"),
        ({"standardize": "yes"}, "standardize must be true or false"),
        ({"x": [1e200, 2e200], "y": [1.0, 2.0]}, "range of float64"),
    ],
)
def test_a_state_that_is_none_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    for ask in (descent.answer, descent.script):
        with pytest.raises(InputError, match=words):
            ask(state(**changes), Tables())


def test_what_an_older_link_lacks_is_as_at_first() -> None:
    assert descent.read({}) == descent.read(state())


def test_two_columns_of_a_table_are_descended(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables()
    path = ROOT / "examples" / "galton-families.csv"
    table = tables.add(path.name, path.read_bytes())
    asked = state(
        table=table.id, x_column="midparentHeight", y_column="childHeight", learning_rate="auto",
        others=[], epoch=4,
    )  # fmt: skip
    found = descent.answer(asked, tables)
    fit = gw.fit(path, target="childHeight", features=["midparentHeight"])
    assert found["shown"]["learning_rate_limit"] == gw.outlook(fit).learning_rate_limit
    assert found["shown"]["exact_slope"] == pytest.approx(float(fit.coefficients[1]), rel=1e-15)
    monkeypatch.chdir(path.parent)
    names = run(descent.script(asked, tables))
    for key, value in found["shown"].items():
        assert np.array_equal(np.asarray(names[key], dtype=float), np.asarray(value)), key


def test_a_start_that_is_dragged_walks_alone_until_the_hand_rests() -> None:
    moved = state(start=[-3.25, 1.5])
    live = descent.answer({**moved, "live": True}, Tables())
    assert live["others"] is None
    assert "other_losses" not in live["shown"]
    found = descent.answer(moved, Tables())
    assert len(found["others"]) == len(descent.START["others"])
    assert live["path"] == found["path"]
    # what has been walked is shown during a drag too
    assert descent.answer({**moved, "live": True}, Tables())["others"] == found["others"]
