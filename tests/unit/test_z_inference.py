"""Promise: intervals with z hold what they promise, or say by how much they do not."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.normal.inference import wald_coverage, wilson

Z95 = 1.959963984540054


def test_a_mean_by_hand() -> None:
    found = gw.z_mean([1.0, 2.0, 3.0, 6.0], null=2.0, sd=2.0)
    assert found.estimate == 3.0
    assert found.standard_error == 1.0
    assert found.interval == pytest.approx((3 - Z95, 3 + Z95))
    assert (found.z, found.p_value) == pytest.approx((1.0, 0.31731050786291415))
    assert found.findings == ()


def test_raw_data_and_summaries_agree() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(1e9, 1.0, 80), rng.normal(1e9 + 0.5, 2.0, 60)
    s, t = (gw.Summary(float(x.mean()), float(x.std(ddof=1)), len(x)) for x in (a, b))
    assert gw.z_mean(a).standard_error == pytest.approx(gw.z_mean(s).standard_error)
    raw, from_summaries = gw.z_mean_difference(a, b), gw.z_mean_difference(s, t)
    assert raw.estimate == pytest.approx(from_summaries.estimate, abs=1e-6)
    assert raw.p_value == pytest.approx(from_summaries.p_value, rel=1e-5)


def test_agreement_with_statsmodels() -> None:
    module = pytest.importorskip("statsmodels.stats.weightstats")
    a, b = np.random.default_rng(1).normal(size=(2, 200))
    z, p = module.ztest(a, b, usevar="unequal")
    found = gw.z_mean_difference(a, b)
    assert (found.z, found.p_value) == pytest.approx((z, p))
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    lower, upper = proportion.proportion_confint(13, 90, method="wilson")
    assert gw.z_proportion(13, 90).interval == pytest.approx((lower, upper))
    z, p = proportion.proportions_ztest(np.array([56, 48]), np.array([70, 80]))
    both = gw.z_proportion_difference((56, 70), (48, 80))
    assert (both.z, both.p_value) == pytest.approx((z, p))
    limits = proportion.confint_proportions_2indep(56, 70, 48, 80, method="newcomb")
    assert both.interval == pytest.approx(limits)


# Newcombe (1998), Statistics in Medicine 17, 873–890, table II, method 10.
@pytest.mark.parametrize(
    ("first", "second", "limits"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
    ],
)
def test_newcombes_table(
    first: tuple[int, int], second: tuple[int, int], limits: tuple[float, float]
) -> None:
    assert gw.z_proportion_difference(first, second).interval == pytest.approx(limits, abs=6e-5)


def test_wilsons_interval_is_the_proportions_that_the_test_keeps() -> None:
    for k, n in ((0, 10), (3, 40), (17, 20), (10, 10)):
        for limit in wilson(k, n, Z95):
            if 0.0 < limit < 1.0:
                assert abs(gw.z_proportion(k, n, null=limit).z) == pytest.approx(Z95)


def test_the_coverage_that_is_said_is_the_coverage_that_is() -> None:
    found = gw.z_proportion(1, 20, method="wald")
    (finding,) = found.findings
    assert finding.code == "wald-interval"
    k = np.random.default_rng(2).binomial(20, finding.evidence["share"], 40_000)
    share = k / 20
    inside = np.abs(share - finding.evidence["share"]) <= Z95 * np.sqrt(share * (1 - share) / 20)
    assert inside.mean() == pytest.approx(finding.evidence["coverage"], abs=0.006)
    assert wald_coverage(0.05, 30, Z95) == pytest.approx(0.7820, abs=5e-4)


def test_few_values_are_said_to_cover_less() -> None:
    (finding,) = gw.z_mean([1.0, 2.0, 4.0, 7.0, 8.0]).findings
    assert finding.code == "sd-from-few-values"
    x = np.random.default_rng(3).normal(size=(40_000, 5))
    t = x.mean(axis=1) / (x.std(axis=1, ddof=1) / math.sqrt(5))
    assert (np.abs(t) < Z95).mean() == pytest.approx(finding.evidence["coverage"], abs=0.007)
    assert gw.z_mean(np.arange(40.0)).findings == ()


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_one_sided(alternative: str) -> None:
    x = np.random.default_rng(4).normal(0.3, 1.0, 100)
    both, one = gw.z_mean(x), gw.z_mean(x, alternative=alternative)
    assert one.p_value == pytest.approx(
        both.p_value / 2 if alternative == "greater" else 1 - both.p_value / 2
    )
    side = one.lower if alternative == "greater" else one.upper
    assert abs(side - one.estimate) / one.standard_error == pytest.approx(1.6448536269514722)
    other = one.upper if alternative == "greater" else one.lower
    assert math.isinf(other)
    assert gw.z_proportion(5, 9, alternative=alternative).interval[alternative == "greater"] in (
        0.0, 1.0,
    )  # fmt: skip
    assert json.loads(json.dumps(one.to_dict()))["alternative"] == alternative


def test_true_and_false_are_counted() -> None:
    assert gw.z_proportion([True, False, True, True]).estimate == 0.75
    assert gw.z_proportion(np.array([1.0, 0.0, np.nan])).estimate == 0.5
    assert gw.z_proportion_difference([True, False], [True, True]).estimate == -0.5
    assert "Wilson" in str(gw.z_proportion(3, 4))


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: gw.z_mean([1.0]), "at least 2"),
        (lambda: gw.z_mean([2.0, 2.0]), "all 2 values"),
        (lambda: gw.z_mean([1.0, 2.0], level=95), "Did you mean 0.95"),
        (lambda: gw.z_mean([1.0, 2.0], alternative="larger"), "one of two-sided"),
        (lambda: gw.z_mean([1.0, 2.0], null=math.inf), "null must be finite"),
        (lambda: gw.z_mean([1.0, 2.0], sd=-1.0), "sd must be a positive"),
        (lambda: gw.Summary(1.0, 0.0, 5), "sd must be a positive"),
        (lambda: gw.Summary(math.nan, 1.0, 5), "mean must be finite"),
        (lambda: gw.Summary(1.0, 1.0, 0), "n must be a whole"),
        (lambda: gw.z_proportion(3, 2), "0…n"),
        (lambda: gw.z_proportion(0.5, 10), "whole number"),
        (lambda: gw.z_proportion([0, 1, 2]), "it holds 2"),
        (lambda: gw.z_proportion(3, 10, null=1.0), "null must lie"),
        (lambda: gw.z_proportion(3, 10, method="exact"), "'wilson' or 'wald'"),
    ],
)
def test_bad_input_is_refused_with_a_remedy(call: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        call()
