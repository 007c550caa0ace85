"""Promise: means meet their prediction; where there is none, it is said why."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.rooms import limit
from gausswork.lab.tables import Tables
from tests.lab.running import assert_computes

LAWFUL = ["normal", "uniform", "exponential", "dice", "bernoulli", "poisson", "lognormal",
          "student", "pareto", "drawn"]  # fmt: skip


def first(population: str) -> dict[str, Any]:
    """Return the state in which a population is first seen."""
    return {**limit.START, "population": population}


def asked(population: str, **changes: Any) -> dict[str, Any]:
    found = limit.answer({**first(population), **changes}, Tables())
    json.dumps(found, allow_nan=False)
    return found


@pytest.mark.parametrize("population", LAWFUL)
@pytest.mark.parametrize("n", [1, 7, 100])
def test_means_meet_their_prediction(population: str, n: int) -> None:
    shown = asked(population, n=n, repeats=4000)["shown"]
    assert shown["predicted_mean"] == shown["population_mean"]
    assert shown["predicted_sd"] == pytest.approx(shown["population_sd"] / math.sqrt(n))
    error = shown["predicted_sd"] / math.sqrt(4000)
    assert shown["mean_of_means"] == pytest.approx(shown["predicted_mean"], abs=4.5 * error)
    # the sd of 4,000 means varies by some per cent, more where single draws stand out
    loose = 0.4 if population in ("pareto", "lognormal", "student") and n < 100 else 0.12
    assert shown["sd_of_means"] == pytest.approx(shown["predicted_sd"], rel=loose)


def test_more_means_keep_those_that_are_there() -> None:
    """A histogram that grows mean by mean, without a jump, at the same seed."""
    for population in ["exponential", "dice", "drawn", "student", "poisson", "normal"]:
        before = asked(population, repeats=40)["means"]
        after = asked(population, repeats=41)
        assert after["means"]["edges"] == before["edges"]
        grown = [b * 41 - a * 40 for a, b in zip(
            before["density"], after["means"]["density"], strict=True)]  # fmt: skip
        assert np.count_nonzero(np.abs(grown) > 1e-9) == 1
        assert after["latest"]["mean"] == pytest.approx(np.mean(after["latest"]["draws"]))
        assert len(after["latest"]["draws"]) == 10


def test_before_the_first_mean_there_is_a_prediction_and_nothing_else() -> None:
    found = asked("uniform", repeats=0)
    assert "mean_of_means" not in found["shown"]
    assert found["means"] is found["latest"] is found["qq"] is None
    assert found["shown"]["predicted_mean"] == 0.5
    assert found["verdict"] == ""


def test_one_and_two_means_are_few() -> None:
    for repeats in (1, 2):
        found = asked("uniform", repeats=repeats)
        assert found["means"]["count"] == repeats
        assert found["qq"] is None
        assert "mean_of_means" not in found["shown"]


def test_the_bell_is_the_predicted_one() -> None:
    found = asked("dice", n=12, repeats=500)
    bell = gw.Normal(found["shown"]["predicted_mean"], found["shown"]["predicted_sd"])
    assert found["bell"]["y"] == pytest.approx(bell.pdf(found["bell"]["x"]))
    assert found["qq"]["bell"] == pytest.approx(bell.at(np.array(found["qq"]["z"])))
    assert found["close"][0] == pytest.approx(bell.at(-4.5))


def test_means_that_are_all_alike_have_no_plot() -> None:
    found = asked("bernoulli", parameter=0.01, n=1, repeats=10)
    assert found["qq"] is None
    assert found["shown"]["sd_of_means"] == 0.0


def test_the_bag_is_what_was_painted() -> None:
    heights = [0] * 21
    heights[2], heights[5] = 3, 1
    shown = asked("drawn", heights=heights)["shown"]
    assert shown["population_mean"] == pytest.approx(2.75)
    assert shown["population_sd"] == pytest.approx(np.std([2, 2, 2, 5]))
    for too_few in ([0] * 21, [0] * 20 + [9]):
        found = asked("drawn", heights=too_few)
        assert found["trouble"]["remedy"] == "Paint at least two bars."
        assert found["shown"] == {}
        with pytest.raises(InputError, match="no two different numbers"):
            limit.script({**first("drawn"), "heights": too_few}, Tables())


def test_with_large_n_there_are_fewer_means() -> None:
    """A drag of n stays quick, and memory small, however many means were asked for."""
    for population in ("student", "cauchy"):
        state = {**first(population), "n": 1000, "repeats": 10_000}
        found = limit.answer(state, Tables())
        assert found["shown"]["repeats"] == found["means"]["count"] == 2000
        assert_computes(limit.script(state, Tables()), found["shown"])


@pytest.mark.parametrize(
    ("population", "parameter", "said"),
    [
        ("cauchy", 0.0, "neither a mean nor a variance"),
        ("student", 1.0, "no variance nor a mean"),
        ("student", 2.0, "no variance"),
        ("pareto", 1.5, "no variance"),
    ],
)
def test_without_a_variance_there_is_no_bell(population: str, parameter: float, said: str) -> None:
    found = asked(population, parameter=parameter, n=50)
    assert said in found["no_bell"]
    assert found["bell"] is found["qq"] is None
    assert "predicted_mean" not in found["shown"]
    for repeats in (0, 1, 3):
        asked(population, parameter=parameter, repeats=repeats)


def test_means_of_cauchy_come_no_nearer_but_medians_do() -> None:
    shown = {n: asked("cauchy", n=n, repeats=10_000)["shown"] for n in (1, 100)}
    assert shown[100]["half_of_means"] == pytest.approx(2.0, rel=0.06)
    assert shown[100]["half_of_medians"] < 0.15 * shown[1]["half_of_medians"]


def test_just_enough_tail_for_a_bell() -> None:
    found = asked("student", parameter=2.1)
    assert found["no_bell"] is None
    assert [f["code"] for f in found["findings"]] == ["no-third-moment"]


@pytest.fixture
def galton() -> tuple[Tables, str]:
    tables = Tables()
    path = Path("examples/galton-families.csv")
    return tables, tables.add(path.name, path.read_bytes()).id


def test_a_column_is_a_population(galton: tuple[Tables, str], monkeypatch: Any) -> None:
    tables, table = galton
    state = {**first("column"), "column": {"table": table, "column": "childHeight"}}
    found = limit.answer(state, tables)
    assert found["shown"]["population_mean"] == pytest.approx(66.75, abs=0.01)
    monkeypatch.chdir("examples")
    assert_computes(limit.script(state, tables), found["shown"])
    for column, said in (
        (None, "No column is chosen."),
        ({"table": "gone", "column": "x"}, "does not hold that table any more"),
        ({"table": table, "column": "gender"}, "gender"),
    ):
        lost = limit.answer({**state, "column": column}, tables)
        assert said in lost["trouble"]["sentence"]
        assert lost["population"] is lost["means"] is None


STATES = [
    *(first(population) for population in LAWFUL),
    *({**first("drawn"), "repeats": repeats} for repeats in (0, 1, 3)),
    first("cauchy"),
    {**first("student"), "parameter": 1.7},
    {**first("pareto"), "parameter": 1.123456789, "repeats": 2},
    {**first("student"), "parameter": 3.123456789, "n": 1000, "repeats": 500},
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_script_computes_what_is_on_the_screen(state: dict[str, Any]) -> None:
    assert_computes(limit.script(state, Tables()), limit.answer(state, Tables())["shown"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"population": "gamma"}, "population must be one of normal"),
        ({"population": ["normal"]}, "population must be one of"),
        ({"population": "bernoulli", "parameter": 1.0}, "parameter must lie between 0.01 and 0.99"),
        ({"population": "student", "parameter": "5"}, "parameter must be a number"),
        ({"heights": [1, 2]}, "heights must be a list of 21"),
        ({"heights": [*[0] * 20, 21]}, "heights[20] must lie between 0 and 20"),
        ({"heights": ["x"] * 21}, "heights[0] must be a number"),
        ({"n": 0}, "n must lie between 1 and 1000"),
        ({"n": 1.5}, "n must be a whole number"),
        ({"repeats": 10_001}, "repeats must lie"),
        ({"seed": 1e300}, "seed must lie"),
    ],
    ids=str,
)
def test_a_state_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    for ask in (limit.answer, limit.script):
        with pytest.raises(InputError) as refused:
            ask({**limit.START, **changes}, Tables())
        assert said in str(refused.value)
