"""Promise: the bell's numbers are those of ``Normal``, in every language for its limits."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.rooms import bell
from gausswork.lab.tables import Tables
from tests.lab.running import assert_computes

SCORES = gw.Normal(70, 10)


def asked(**changes: Any) -> dict[str, Any]:
    found = bell.answer({**bell.START, **changes}, Tables())
    json.dumps(found, allow_nan=False)
    return found


def test_the_first_state_is_the_exam_of_the_origin() -> None:
    found = asked()
    assert found["shown"]["area"] == SCORES.between(60, 80)
    assert found["percent"] == "68.27 %"
    assert found["sentence"] == "Of 10,000 values, about 6,827 do so."
    assert bell.answer({}, Tables()) == found, "what a link leaves out is as for a new visitor"


@pytest.mark.parametrize("event", bell.EVENTS)
@pytest.mark.parametrize(
    ("hold", "a", "b"),
    [
        ("value", 55.0, 91.5),
        ("z", -1.5, 2.15),
        ("tail", 0.0668072012688581, 0.015777607391090),
    ],
)
def test_three_languages_say_the_same(event: str, hold: str, a: float, b: float) -> None:
    shown = asked(event=event, hold=hold, a=a, b=b)["shown"]
    expected = {
        "between": SCORES.between(55, 91.5),
        "outside": SCORES.outside(55, 91.5),
        "below": SCORES.cdf(91.5),
        "above": SCORES.sf(55),
    }[event]
    assert shown["area"] == pytest.approx(expected, rel=1e-11)
    assert shown["otherwise"] == pytest.approx(1 - expected, rel=1e-11)
    if event != "below":
        assert (shown["a"], shown["z_a"]) == pytest.approx((55, -1.5))
        assert shown["below_a"] == pytest.approx(SCORES.cdf(55), rel=1e-11)
    if event != "above":
        assert (shown["b"], shown["z_b"]) == pytest.approx((91.5, 2.15))
        assert shown["above_b"] == pytest.approx(SCORES.sf(91.5), rel=1e-11)


@pytest.mark.parametrize("event", bell.EVENTS)
@pytest.mark.parametrize("area", [1e-250, 1e-9, 0.05, 0.5, 0.95, 1 - 1e-12])
def test_an_area_finds_its_limits(event: str, area: float) -> None:
    shown = asked(event=event, hold="area", area=area)["shown"]
    assert shown["area"] == pytest.approx(area, rel=1e-10)
    if event in ("between", "outside"):
        assert (shown["a"] + shown["b"]) / 2 == pytest.approx(70)


@pytest.mark.parametrize("event", bell.EVENTS)
@pytest.mark.parametrize("hold", bell.HOLDS)
def test_a_language_can_be_changed_and_nothing_moves(event: str, hold: str) -> None:
    before = asked(event=event, a=48.0, b=77.0)
    held = before["holds"][hold]
    a, b = held if hold != "area" else (0, 0)
    after = asked(event=event, hold=hold, a=a, b=b, area=before["holds"]["area"])
    assert after["shown"]["area"] == pytest.approx(before["shown"]["area"], rel=1e-9)


def test_what_is_held_stays_while_the_bell_moves() -> None:
    still = asked(mean=100.0, sd=15.0, a=60.0, b=80.0)["shown"]
    assert (still["a"], still["b"]) == (60.0, 80.0)
    along = asked(mean=100.0, sd=15.0, hold="z", a=-2.0, b=2.0)["shown"]
    assert (along["a"], along["b"]) == (70.0, 130.0)
    assert along["area"] == pytest.approx(0.9544997361036416)


def test_limits_that_pass_each_other_change_places() -> None:
    for hold, a, b in (("value", 80.0, 60.0), ("z", 1.0, -1.0), ("tail", 0.8413447, 0.8413447)):
        shown = asked(hold=hold, a=a, b=b)["shown"]
        assert (shown["a"], shown["b"]) == pytest.approx((60.0, 80.0), rel=1e-6)


def test_far_tails_keep_their_digits() -> None:
    found = asked(mean=0.0, sd=1.0, event="above", hold="z", a=8.0)
    assert found["shown"]["area"] == gw.Normal().sf(8.0)
    assert found["percent"] == "6.221e-14 %"
    assert "1,607,000,000,000,000" in found["sentence"] or "e+15" in found["sentence"]
    farthest = asked(mean=0.0, sd=1.0, event="below", hold="z", b=-37.0)
    assert 0 < farthest["shown"]["area"] < 1e-290


def test_the_curve_is_the_density_and_parts_end_at_the_limits() -> None:
    found = asked(event="outside", a=60.0, b=80.0)
    x, y = (np.array(found["curve"][k]) for k in "xy")
    assert y == pytest.approx(SCORES.pdf(x))
    (left, right) = found["parts"]
    assert (left["x"][-1], right["x"][0]) == (60.0, 80.0)
    share = sum(np.trapezoid(part["y"], part["x"]) for part in found["parts"])
    assert share == pytest.approx(SCORES.outside(60, 80), abs=1e-4)
    tall = asked(log=True)
    assert 10 ** np.array(tall["curve"]["y"]) == pytest.approx(SCORES.pdf(tall["curve"]["x"]))


def test_the_axis_stands_still_where_it_is_told_to() -> None:
    assert asked(mean=75.0, view=[20.0, 120.0])["view"] == [20.0, 120.0]
    low, high = asked(b=140.0)["view"]
    assert low < 30 < 140.0 <= high
    assert asked(event="above", a=1e9)["view"][1] < 1e3, "a limit at infinity is left outside"
    assert asked(event="above", a=1e9)["parts"] == []


def test_the_three_intervals() -> None:
    shares = [round(part["share"], 4) for part in asked()["intervals"]]
    assert shares == [0.6827, 0.9545, 0.9973]


def test_a_drawn_sample_is_seen_under_its_bell() -> None:
    found = asked(sample="drawn")
    values = gw.sampling.normal(10_000, seed=1, mean=70.0, sd=10.0)
    shown = found["shown"]
    assert shown["count"] == 10_000
    assert shown["sample_share"] == ((values > 60) & (values < 80)).mean()
    assert shown["p_value"] == gw.normality(values).p_value
    assert found["sample"]["conclusion"] == "bell-shaped"
    bars = found["sample"]["bars"]
    inside = np.dot(bars["density"], np.diff(bars["edges"]))
    assert inside == pytest.approx(1 - (bars["below"] + bars["above"]) / 10_000)


@pytest.fixture
def galton() -> tuple[Tables, str]:
    tables = Tables()
    path = Path("examples/galton-families.csv")
    return tables, tables.add(path.name, path.read_bytes()).id


def test_a_column_of_ones_own(galton: tuple[Tables, str]) -> None:
    tables, table = galton
    own = {"sample": "column", "column": {"table": table, "column": "childHeight"}}
    found = bell.answer({**bell.START, **own, "mean": 67.0, "sd": 3.6, "a": 64.0}, tables)
    assert found["shown"]["count"] == 934
    assert found["sample"]["conclusion"] == "not bell-shaped"
    assert "childHeight" in found["sample"]["verdict"]
    assert found["sample"]["qq"]["outside"] > 0


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (None, "No column is chosen"),
        ({"table": "gone", "column": "x"}, "does not hold that table any more"),
        ({"column": "gender"}, "gender"),
        ({"column": "nothing"}, "no column 'nothing'"),
    ],
)
def test_a_column_that_cannot_be_used_leaves_the_bell(
    galton: tuple[Tables, str], own: dict[str, str] | None, said: str
) -> None:
    tables, table = galton
    column = own and {"table": table, **own}
    state = {**bell.START, "sample": "column", "column": column}
    found = bell.answer(state, tables)
    assert found["shown"]["area"] == SCORES.between(60, 80)
    assert found["sample"] is None
    assert said in found["trouble"]["sentence"]
    assert found["trouble"]["remedy"]


STATES = [
    *({"event": event, "hold": "value", "a": 58.25, "b": 84.5} for event in bell.EVENTS),
    *({"event": event, "hold": "z", "a": -2.5, "b": 0.25} for event in bell.EVENTS),
    *({"event": event, "hold": "tail", "a": 1e-12, "b": 0.2} for event in bell.EVENTS),
    *({"event": event, "hold": "area", "area": 0.99} for event in bell.EVENTS),
    {"hold": "tail", "a": 0.9, "b": 0.9},
    {"hold": "value", "a": 90.0, "b": 50.0},
    *({"event": event, "sample": "drawn", "size": 300, "seed": 9} for event in bell.EVENTS),
]


@pytest.mark.parametrize("changes", STATES, ids=str)
def test_the_script_computes_what_is_on_the_screen(changes: dict[str, Any]) -> None:
    state = {**bell.START, "mean": 71.3, "sd": 9.7, **changes}
    assert_computes(bell.script(state, Tables()), bell.answer(state, Tables())["shown"])


def test_the_script_reads_ones_own_column(
    galton: tuple[Tables, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, table = galton
    monkeypatch.chdir("examples")
    own = {"table": table, "column": "childHeight"}
    state = {**bell.START, "sample": "column", "column": own}
    assert_computes(bell.script(state, tables), bell.answer(state, tables)["shown"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mean": "70"}, "mean must be a number; got '70'"),
        ({"mean": math.nan}, "mean must be a finite number"),
        ({"mean": 10**400}, "mean must be a finite number"),
        ({"mean": True}, "mean must be a number"),
        ({"sd": 0}, "sd must lie between"),
        ({"sd": -1}, "sd must lie between"),
        ({"mean": 1e12, "sd": 1e-3}, "too small beside the mean"),
        ({"event": "beside"}, "event must be one of between"),
        ({"hold": 3}, "hold must be one of"),
        ({"a": None}, "a must be a number"),
        ({"hold": "z", "a": 50.0}, "a must lie between -37 and 37"),
        ({"hold": "tail", "a": 0.0, "b": 0.5}, "a must lie between"),
        ({"hold": "area", "area": 1.0}, "area must lie between"),
        ({"view": [1, 1]}, "view must run"),
        ({"view": [1]}, "view must be a list of 2"),
        ({"view": "x" * 10_000}, "view must be a list"),
        ({"log": 1}, "log must be true or false"),
        ({"size": 2.5}, "size must lie between"),
        ({"size": 10.5}, "size must be a whole number"),
        ({"seed": -1}, "seed must lie"),
        ({"column": "x" * 5000}, "column must name a table and one of its columns"),
        ({"column": {"table": "x"}}, "column must name a table"),
        ({"column": {"table": "x", "column": 3}}, "column must name a table"),
    ],
    ids=str,
)
def test_a_state_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    for ask in (bell.answer, bell.script):
        with pytest.raises(InputError) as refused:
            ask({**bell.START, **changes}, Tables())
        assert said in str(refused.value)
        assert len(str(refused.value)) < 300
