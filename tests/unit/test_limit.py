"""Promise: means of draws are compared with the bell that the theorem predicts."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.normal.populations import population_of, tail_index

NAMED = ["uniform", "exponential", "normal", "bernoulli", "bernoulli(0.1)", "dice", "poisson(2)",
         "lognormal(0.5)", "student(9)", "pareto(9)"]  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_moments_are_those_of_the_draws(name: str) -> None:
    source = population_of(name, seed=0)
    x = source.draw(np.random.default_rng(1), (400_000,))
    z = (x - source.mean) / source.sd
    assert z.mean() == pytest.approx(0.0, abs=5 / 400_000**0.5)
    # the standard errors of these moments, from the draws themselves
    for power, value in ((z**2, 1.0), (np.abs(z) ** 3, source.third), (z**3, source.skewness)):
        assert power.mean() == pytest.approx(value, abs=5 * power.std() / 400_000**0.5)
    if source.step:
        steps = (x - x.min()) / source.step
        assert np.allclose(steps, np.round(steps))


@pytest.mark.parametrize("name", NAMED)
def test_the_theorem_holds(name: str) -> None:
    for n in (4, 64):
        found = gw.central_limit(name, n, repeats=4000, seed=3)
        assert found.distance <= found.bound + found.noise
        assert found.distance == pytest.approx(found.expected, abs=found.noise + 1.5 / n)
        assert found.means.mean() == pytest.approx(found.mean, abs=5 * found.sd / 4000**0.5)


def test_the_law_of_the_mean_is_nearer_with_more_draws() -> None:
    distances = [gw.central_limit("exponential", n).distance for n in (1, 4, 16, 256)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] == pytest.approx(0.16, abs=0.02)  # 1 − Φ(1) = 0.159, at zero


def test_the_distance_of_a_law_known_exactly() -> None:
    """Of two coins the share of 0 is 1/4, of 0 and ½ it is 3/4: off by Φ(0) − 1/4 at ½."""
    found = gw.central_limit("bernoulli", 2, repeats=50_000)
    assert found.distance == pytest.approx(0.25, abs=found.noise)


def test_the_noise_is_what_exact_normals_reach() -> None:
    reached = [gw.central_limit("normal", 1, repeats=200, seed=s) for s in range(400)]
    share = np.mean([found.distance <= found.noise for found in reached])
    assert share == pytest.approx(0.95, abs=4 * (0.05 * 0.95 / 400) ** 0.5)


def test_a_sample_and_a_function_are_populations_too() -> None:
    heights = np.random.default_rng(0).gamma(9.0, size=500)
    found = gw.central_limit(heights, 25)
    assert found.mean == pytest.approx(heights.mean())
    assert found.sd == pytest.approx(heights.std() / 5)

    def waits(rng: np.random.Generator, size: Any) -> Any:
        return rng.exponential(2.0, size)

    measured = gw.central_limit(waits, 50, repeats=2000)
    assert measured.population.name == "waits"
    assert measured.mean == pytest.approx(2.0, rel=0.02)
    assert [f.code for f in measured.findings] == ["moments-estimated"]


def test_the_seed_decides() -> None:
    one, same, other = (gw.central_limit("uniform", 5, repeats=50, seed=s) for s in (1, 1, 2))
    assert (one.means == same.means).all()
    assert (one.means != other.means).all()


def test_many_draws_are_taken_in_portions() -> None:
    found = gw.central_limit("uniform", 3_000_000, repeats=2)
    assert np.abs(found.z).max() < 5


def test_no_third_moment_is_said() -> None:
    found = gw.central_limit("student(2.5)", 30, repeats=500)
    assert [f.code for f in found.findings] == ["no-third-moment"]
    assert math.isinf(found.bound)
    assert "no limit" in found.verdict
    assert found.to_dict()["bound"] is None


@pytest.mark.parametrize(
    ("population", "n", "complaint"),
    [
        ("cauchy", 5, "neither a mean nor a variance"),
        ("student(2)", 5, "no variance"),
        ("pareto(1)", 5, "no variance nor a mean"),
        (lambda rng, size: rng.standard_cauchy(size), 5, "seems to have no variance"),
        (lambda rng, size: rng.normal(size=3), 5, "returned \\(3,\\)"),
        (lambda rng: 3, 5, "function of \\(rng, size\\)"),
        ("gamma", 5, "no population is called 'gamma'. There are uniform"),
        ("bernoulli(2)", 5, "0 < p < 1"),
        ("poisson(-1)", 5, "0 < rate"),
        ("dice(6)", 5, "takes no number"),
        ([3, 3, 3], 5, "constant"),
        ([], 5, "empty"),
        (["a"], 5, "must hold numbers"),
        ("uniform", 0, "n must be a whole number"),
        ("uniform", 2.5, "n must be a whole number"),
        ("uniform", 10**9, "fewer repeats"),
    ],
)
def test_what_has_no_bell_is_refused_with_the_reason(
    population: Any, n: Any, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        gw.central_limit(population, n)


def test_tails_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    assert tail_index(rng.standard_cauchy(200_000)) == pytest.approx(1.0, abs=0.15)
    assert tail_index(1 + rng.pareto(2.5, 200_000)) == pytest.approx(2.5, abs=0.35)
    assert tail_index(rng.normal(size=200_000)) > 6


def test_the_numbers_of_the_result_are_plain() -> None:
    data = json.loads(json.dumps(gw.central_limit("dice", 3, repeats=100).to_dict()))
    assert data["population"] == "dice"
    assert data["repeats"] == 100


@pytest.mark.parametrize("population", [*NAMED, [1.0, 2.0, 2.0, 7.5]])
def test_the_draws_behind_a_mean(population: Any) -> None:
    found = gw.central_limit(population, 7, repeats=300, seed=4)
    for which in (0, 17, 299, -1):
        assert found.draws(which).mean() == pytest.approx(found.means[which], rel=1e-12)
        assert found.draws(which).shape == (7,)


def test_the_draws_of_means_taken_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gausswork.normal.limit._PORTION", 10)
    for n in (4, 23):  # two means at a time, and a mean in three parts
        found = gw.central_limit("exponential", n, repeats=9)
        for which in range(9):
            assert found.draws(which).mean() == pytest.approx(found.means[which], rel=1e-12)
            assert len(found.draws(which)) == n


@pytest.mark.parametrize("which", [5, -6, 1.0, True, None])
def test_draws_of_a_mean_that_is_not_there(which: Any) -> None:
    with pytest.raises(InputError, match="which must"):
        gw.central_limit("uniform", 2, repeats=5).draws(which)


@pytest.mark.parametrize("population", NAMED)
@pytest.mark.parametrize("n", [1, 10, 1000])
def test_the_histogram_stands_still_and_counts_every_mean(population: str, n: int) -> None:
    few, many = (gw.central_limit(population, n, repeats=k) for k in (5, 500))
    one, other = few.histogram(), many.histogram()
    assert (one.edges == other.edges).all()
    assert other.counts.sum() + other.below + other.above == 500
    assert one.edges[0] <= few.mean - 5 * few.sd
    assert (other.counts[:, None] == np.histogram(many.means, other.edges)[0][:, None]).all()
    step = few.population.step / n
    if step:  # edges lie half-way between values that a mean can have
        off = (other.edges - many.means[0]) / step - 0.5
        assert off == pytest.approx(np.round(off), abs=1e-6)
        assert np.diff(other.edges) == pytest.approx(
            max(round(few.sd / 4 / step), 1) * step, rel=1e-9
        )
    assert gw.central_limit("uniform", 3, repeats=1).histogram().counts.sum() == 1
