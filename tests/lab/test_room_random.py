"""Promise: the three samplers are the library's, and the same seed shows the same numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.rooms import random
from gausswork.lab.tables import Tables
from tests.lab.running import assert_computes


def asked(**changes: Any) -> dict[str, Any]:
    found = random.answer({**random.START, **changes}, Tables())
    json.dumps(found, allow_nan=False)
    return found


def test_the_numbers_are_those_of_the_library() -> None:
    found = asked(seed=7)
    shown = found["shown"]
    assert shown["randn_first"] == gw.sampling.normal(6, seed=7).tolist()
    assert shown["rand_first"] == gw.sampling.uniform(6, seed=7).tolist()
    assert shown["randint_first"] == gw.sampling.integers(6, high=10, seed=7).tolist()
    for drawing, sampler in zip(
        found["samplers"], gw.sampling.compare(1000, seed=7).samplers, strict=True
    ):
        assert drawing["counts"] == list(sampler.counts)
        assert shown[f"{sampler.torch_name}_mean"] == sampler.mean


def test_the_same_seed_shows_the_same_numbers() -> None:
    assert asked(seed=3) == asked(seed=3)
    assert asked(seed=3)["shown"]["randn_first"] != asked(seed=4)["shown"]["randn_first"]
    few, many = asked(size=100)["shown"], asked(size=50_000)["shown"]
    assert few["randn_first"] == many["randn_first"], "more values leave the first ones alone"


def test_ranges_can_be_chosen() -> None:
    found = asked(mean=70.0, sd=10.0, low=-1.0, high=1.0, start=1, stop=7, size=100_000)
    shown = found["shown"]
    assert shown["randn_mean"] == pytest.approx(70, abs=0.2)
    assert shown["rand_theory_sd"] == pytest.approx(2 / 12**0.5)
    assert (shown["randint_least"], shown["randint_largest"]) == (1, 6)
    assert len(found["samplers"][2]["counts"]) == 6
    assert found["samplers"][1]["range"] == "[-1, 1)"
    assert found["samplers"][0]["lines"]["NumPy"] == "rng.normal(70.0, 10.0, 100000)"


STATES = [
    {},
    {"size": 100, "seed": 0},
    {"mean": -3.5, "sd": 0.25, "low": 0.5, "high": 0.75, "start": -3, "stop": 300, "seed": 2**53},
]


@pytest.mark.parametrize("changes", STATES, ids=str)
def test_the_script_computes_what_is_on_the_screen(changes: dict[str, Any]) -> None:
    state = {**random.START, **changes}
    assert_computes(random.script(state, Tables()), random.answer(state, Tables())["shown"])


@pytest.mark.parametrize("torch_name", ["randn", "rand", "randint"])
def test_the_lines_of_code_run(torch_name: str) -> None:
    np, torch = pytest.importorskip("numpy"), pytest.importorskip("torch")
    found = asked(size=100, mean=5.0, sd=2.0, low=-1.0, high=3.0, start=1, stop=7)
    (drawing,) = (d for d in found["samplers"] if d["torch_name"] == torch_name)
    names = {"sampling": gw.sampling, "torch": torch, "rng": np.random.default_rng(0)}
    for line in drawing["lines"].values():
        values = np.asarray(eval(line, names))
        assert values.shape == (100,)
        theory = found["shown"][f"{torch_name}_theory_mean"]
        assert values.mean() == pytest.approx(theory, abs=1.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 10}, "size must lie between 100"),
        ({"size": 10**7}, "size must lie between 100"),
        ({"sd": 0.0}, "sd must lie between"),
        ({"start": 0.5}, "start must be a whole number"),
        ({"seed": None}, "seed must be a number"),
    ],
    ids=str,
)
def test_a_state_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    for ask in (random.answer, random.script):
        with pytest.raises(InputError) as refused:
            ask({**random.START, **changes}, Tables())
        assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"low": 1.0, "high": 1.0}, "low must be below high"),
        ({"start": 3, "stop": 4}, "two whole numbers or more"),
        ({"mean": 1e9, "sd": 1e-9}, "too few numbers"),
    ],
    ids=str,
)
def test_a_range_that_is_empty_can_be_corrected(changes: dict[str, Any], said: str) -> None:
    found = asked(**changes)
    assert said in found["said"]
    assert found["trouble"]["remedy"]
    assert found["samplers"] == []
    with pytest.raises(InputError, match=said):
        random.script({**random.START, **changes}, Tables())
