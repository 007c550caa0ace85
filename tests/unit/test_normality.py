"""Promise: a comparison with a bell says how far, in which way, and what chance could do."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.normal.normality import Conclusion
from gausswork.normal.shape import Effect


def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)


def codes(found: gw.Normality) -> set[str]:
    return {finding.code for finding in found.findings}


@pytest.mark.parametrize(
    ("draw", "ways", "effect"),
    [
        (lambda r: r.exponential(size=2000), {"skewed", "heavy-tails"}, Effect.STRONG),
        (lambda r: -r.exponential(size=2000), {"skewed", "heavy-tails"}, Effect.STRONG),
        (lambda r: r.random(2000), {"light-tails"}, Effect.STRONG),
        (lambda r: r.laplace(size=2000), {"heavy-tails"}, Effect.STRONG),
        (lambda r: np.where(r.random(2000) < 0.5, -3, 3) + r.normal(size=2000),
         {"two-peaks", "light-tails"}, Effect.STRONG),
        (lambda r: r.integers(0, 2, 2000),
         {"few-levels", "two-peaks", "light-tails"}, Effect.STRONG),
    ],
)  # fmt: skip
def test_departures_are_named(draw: Any, ways: set[str], effect: Effect) -> None:
    found = gw.normality(draw(rng()))
    assert codes(found) == ways
    assert found.effect is effect
    assert found.conclusion is Conclusion.OTHER
    assert found.p_value < 1e-12


def test_a_bell_is_called_one() -> None:
    found = gw.normality(rng().normal(70, 10, 3000), name="scores")
    assert found.conclusion is Conclusion.BELL
    assert found.findings == ()
    assert found.verdict.startswith("scores is bell-shaped")
    assert found.mean == pytest.approx(70, abs=1)
    assert found.sd == pytest.approx(10, abs=1)


def test_few_values_decide_nothing() -> None:
    found = gw.normality(rng().normal(size=12))
    assert found.conclusion is Conclusion.UNDECIDED
    assert codes(found) == {"few-values"}


def test_a_million_values_make_a_trifle_significant() -> None:
    found = gw.normality(rng().standard_t(40, size=1_000_000))
    assert found.p_value < 1e-6
    assert found.conclusion is Conclusion.NEARLY
    assert "many-values" in codes(found)
    assert found.shape.distance < 0.01


def test_values_far_out_do_not_hide_the_bell_that_the_rest_is() -> None:
    x = np.append(rng().normal(size=400), [12.0, -15.0])
    found = gw.normality(x)
    assert found.conclusion is Conclusion.OTHER
    assert codes(found) == {"far-values"}
    assert found.shape.outlying is not None
    assert found.shape.outlying.count == 2
    assert found.rest is not None
    assert found.rest.conclusion is Conclusion.BELL
    assert "without the values far from the rest" in found.verdict


@pytest.mark.parametrize("step", [0.05, 0.2, 0.5, 1.0])
def test_rounding_is_told_from_shape(step: float) -> None:
    x = np.round(rng().normal(size=5000) / step) * step
    found = gw.normality(x)
    assert found.spread
    assert found.conclusion is Conclusion.BELL
    assert "rounded-values" in codes(found)
    assert found.shape.ties.step == pytest.approx(step, rel=0.1)


def test_rounding_hides_no_skewness() -> None:
    found = gw.normality(np.round(rng().exponential(size=3000), 1))
    assert {"skewed", "rounded-values"} <= codes(found)
    assert found.effect is Effect.STRONG


def test_a_spike_is_no_rounding() -> None:
    x = rng().normal(size=2000)
    x[:300] = 0.0
    found = gw.normality(x)
    assert "repeated-value" in codes(found)
    assert not found.spread
    assert found.conclusion is Conclusion.OTHER


def test_the_same_seed_gives_the_same_p_values() -> None:
    x = np.round(rng().normal(size=2000), 1)
    assert gw.normality(x, seed=5).p_value == gw.normality(x, seed=5).p_value
    assert gw.normality(x, seed=5).p_value != gw.normality(x, seed=6).p_value


def test_nothing_is_written_to_the_callers_array() -> None:
    x = rng().normal(size=100)
    before = x.copy()
    x.flags.writeable = False
    gw.normality(x)
    assert (x == before).all()


@pytest.mark.parametrize("change", [lambda x: 1e300 * x, lambda x: 1e-300 * x,
                                    lambda x: -x, lambda x: x + 1e6])  # fmt: skip
def test_location_and_scale_do_not_matter(change: Any) -> None:
    x = rng().gamma(20.0, size=300)
    one, other = gw.normality(x), gw.normality(change(x))
    # adding a million rounds the values at the tenth digit
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)
    assert abs(other.shape.l_skewness) == pytest.approx(abs(one.shape.l_skewness), rel=1e-6)


def test_missing_values_are_counted() -> None:
    found = gw.normality([1.0, None, 2.5, float("nan"), 2.0, 4.0])
    assert (found.count, found.missing) == (4, 2)
    assert "values-missing" in codes(found)


@pytest.mark.parametrize(
    ("sample", "complaint"),
    [
        ([], "empty"),
        ([1.0], "has 1 value; at least 3"),
        ([1.0, 2.0], "has 2 values; at least 3"),
        ([float("nan")] * 5, "0 values beside 5 missing"),
        ([4.0, 4.0, 4.0, 4.0], "all 4 values of the sample are 4"),
        ([1.0, 2.0, float("inf")], "1 infinite value, the first \\(inf\\) at position 2"),
        (["a", "b", "c"], "position 0 .* 'a'"),
        ([1.0, "2", 3.0], "position 1 .* '2'"),
        ("heights.csv", "got the text 'heights.csv'"),
        (3.0, "must be a column of numbers"),
        (np.zeros((3, 4)), r"shape is \(3, 4\)"),
        (np.array(["1", "2"]), "text such as '1'"),
        ([1 + 2j, 2.0, 3.0], "complex"),
        ({"a": [1, 2]}, "got a dict"),
        ({1.0, 2.0, 3.0}, "a set"),
        (np.array(["2020-01-01"] * 3, dtype="M8[D]"), "dates"),
    ],
)
def test_bad_samples_are_refused_with_a_remedy(sample: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        gw.normality(sample)


@pytest.mark.parametrize("kind", ["list", "pandas", "polars", "arrow", "masked", "float32", "2d"])
def test_columns_of_any_library_are_read(kind: str) -> None:
    values = rng().normal(size=50).round(3)
    expected = gw.normality(values)
    sample: Any = values
    if kind == "list":
        sample = [*values, None]
    elif kind == "pandas":
        sample = pytest.importorskip("pandas").Series([*values, None], name="column")
    elif kind == "polars":
        sample = pytest.importorskip("polars").Series("column", [*values, None])
    elif kind == "arrow":
        pa = pytest.importorskip("pyarrow")
        sample = pa.chunked_array([pa.array([*values[:9], None]), pa.array(values[9:])])
    elif kind == "masked":
        sample = np.ma.masked_invalid([*values, float("nan")])
    elif kind == "float32":
        sample = values.astype(np.float32)
    else:
        sample = values[:, np.newaxis]
    found = gw.normality(sample)
    assert found.p_value == pytest.approx(expected.p_value, rel=1e-5)  # float32 rounds
    assert found.missing == (kind in {"list", "pandas", "polars", "arrow", "masked"})
    assert (found.name == "column") == (kind in {"pandas", "polars"})


def test_one_test_decides() -> None:
    small, large = gw.normality(rng().normal(size=500)), gw.normality(rng().normal(size=6000))
    assert small.leading == "shapiro-wilk"
    assert large.leading == "shapiro-francia"
    assert set(small.tests) == {
        "shapiro-wilk", "anderson-darling", "dagostino", "jarque-bera", "lilliefors",
    }  # fmt: skip
    assert small.p_value == small.tests["shapiro-wilk"].p_value


def test_shapiro_wilk_agrees_with_scipy() -> None:
    from scipy import stats

    for n in (3, 4, 5, 6, 11, 12, 50, 5000):
        x = rng().gamma(3.0, size=n)
        theirs = stats.shapiro(x)
        ours = gw.normality(x).tests["shapiro-wilk"]
        # its normal scores have seven digits
        assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-8)
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-5)


def test_statistics_agree_with_scipy_and_statsmodels() -> None:
    from scipy import stats

    x = rng().gamma(30.0, size=200)
    tests = gw.normality(x).tests
    with np.errstate(all="ignore"):
        assert tests["jarque-bera"].statistic == pytest.approx(stats.jarque_bera(x).statistic)
        assert tests["dagostino"].statistic == pytest.approx(stats.normaltest(x).statistic)
    lilliefors = pytest.importorskip("statsmodels.stats.diagnostic")
    squared, _ = lilliefors.normal_ad(x)
    assert tests["anderson-darling"].statistic == pytest.approx(squared)
    distance, p = lilliefors.lilliefors(x, pvalmethod="table")
    assert tests["lilliefors"].statistic == pytest.approx(distance)
    assert tests["lilliefors"].p_value == pytest.approx(p, abs=0.02)  # their table is coarse


def test_p_values_are_neither_clipped_nor_infinite() -> None:
    near = gw.normality(np.linspace(-1, 1, 7) ** 3 + np.linspace(-1, 1, 7) * 3)
    far = gw.normality(rng().exponential(size=5000) ** 3)
    for test in (*near.tests.values(), *far.tests.values()):
        assert 0.0 <= test.p_value <= 1.0
    assert near.tests["lilliefors"].p_value > 0.5
    assert far.tests["lilliefors"].p_value < 1e-30
    assert far.tests["anderson-darling"].p_value < 1e-30


def test_p_falls_with_every_statistic() -> None:
    from gausswork.normal.calibration import calibrations, tail_probability

    for name in calibrations():
        for n in (8, 100, 10**5, 10**7):
            grid = np.geomspace(1e-6, 50.0, 200)
            p = [tail_probability(name, float(t), n) for t in grid]
            assert all(b <= a for a, b in itertools.pairwise(p)), (name, n)


def test_moments_alone_are_tested_alike() -> None:
    x = rng().gamma(10.0, size=300)
    whole = gw.normality(x)
    tests = gw.normality_of_moments(300, whole.shape.skewness, whole.shape.excess_kurtosis)
    for key in ("dagostino", "jarque-bera"):
        assert tests[key].p_value == pytest.approx(whole.tests[key].p_value)
    assert set(gw.normality_of_moments(5, 0.1, -1.0)) == {"jarque-bera"}
    with pytest.raises(InputError, match="without the 3"):
        gw.normality_of_moments(100, 2.0, 0.5)
    with pytest.raises(InputError, match="at least 3"):
        gw.normality_of_moments(2, 0.0, 0.0)
    with pytest.raises(InputError, match="finite"):
        gw.normality_of_moments(20, math.nan, 0.0)


def test_the_faces_of_a_comparison_agree() -> None:
    found = gw.normality(rng().exponential(size=100), name="<b>waits</b>")
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["p_value"] == found.p_value
    assert data["conclusion"] == "not bell-shaped"
    assert data["verdict"] == found.verdict
    text = str(found)
    assert "Shapiro–Wilk" in text
    assert "decides" in text
    assert "<b>" not in found._repr_html_()


def test_three_values_are_enough() -> None:
    found = gw.normality([1, 2, 4])
    assert math.isnan(found.shape.l_kurtosis)
    assert found.to_dict()["l_kurtosis"] is None
    assert set(found.tests) == {"shapiro-wilk", "anderson-darling", "jarque-bera", "lilliefors"}


def test_an_outlier_that_swallows_all_digits_leaves_the_rest_a_shape() -> None:
    """Beside 10²⁰⁰ all other values are equal once the mean is subtracted; not before."""
    x = np.append(rng().normal(size=100), 1e200)
    found = gw.normality(x)
    assert codes(found) >= {"far-values"}
    assert "few-levels" not in codes(found)
    assert found.rest is not None
    assert found.rest.conclusion is Conclusion.BELL
    assert found.shape.ties.distinct == 101


def test_the_largest_numbers_overflow_nowhere() -> None:
    x = [1.7e308, -1.7e308, 0.0, 1.0, 1e308]
    assert math.isfinite(gw.normality(x).p_value)
    for method in ("z", "robust", "tukey", "esd"):
        json.dumps(gw.outliers(x, method=method).to_dict(), allow_nan=False)


@pytest.mark.parametrize(("n", "step"), [(100, 0.5), (300, 0.3)])
def test_rounded_bells_are_rejected_as_often_as_the_level_says(n: int, step: float) -> None:
    r = rng()
    p = [gw.normality(np.round(r.normal(size=n) / step) * step).p_value for _ in range(600)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 600) ** 0.5)


def test_the_seed_must_be_one() -> None:
    for seed in (-1, 1.5, None, True):
        with pytest.raises(InputError, match="seed must be"):
            gw.normality([1.0, 2.0, 4.0], seed=seed)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="seed must be"):
            gw.central_limit("dice", 2, seed=seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [3, 4, 7, 12])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_handful_of_rounded_bell_shaped_values_is_not_refused_for_its_ties(n, steps) -> None:
    """Of 200 samples rounded to so many steps a standard deviation few are called no bell."""
    rng = np.random.default_rng(n * 10 + steps)
    samples = [np.round(rng.normal(size=n) * steps) for _ in range(200)]
    judged = [gw.normality(x, seed=1) for x in samples if np.ptp(x)]
    refused = sum(found.tests[found.leading].p_value < 0.05 for found in judged)
    assert refused <= 0.14 * len(judged)  # 5 % and four standard errors; 20 to 60 % before
