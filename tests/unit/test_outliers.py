"""Promise: each rule finds what it says, and says how many it would find in a bell anyway."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.normal import false_alarms
from gausswork.normal.outliers import METHODS

# Rosner (1983), table 1, as the NIST/SEMATECH handbook 1.3.5.17.3 prints it: 54 values, three of
# them outliers, with the statistics and critical values of ten steps.
ROSNER = [
    -0.25, 0.68, 0.94, 1.15, 1.20, 1.26, 1.26, 1.34, 1.38, 1.43, 1.49, 1.49, 1.55, 1.56, 1.58,
    1.65, 1.69, 1.70, 1.76, 1.77, 1.81, 1.91, 1.94, 1.96, 1.99, 2.06, 2.09, 2.10, 2.14, 2.15, 2.23,
    2.24, 2.26, 2.35, 2.37, 2.40, 2.47, 2.54, 2.62, 2.64, 2.90, 2.92, 2.92, 2.93, 3.21, 3.26, 3.30,
    3.59, 3.68, 4.30, 4.64, 5.34, 5.42, 6.01,
]  # fmt: skip
STATISTICS = [3.118, 2.942, 3.179, 2.810, 2.815, 2.848, 2.279, 2.310, 2.101, 2.067]
CRITICAL = [3.158, 3.151, 3.143, 3.136, 3.128, 3.120, 3.111, 3.103, 3.094, 3.085]


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_rosners_example() -> None:
    found = gw.outliers(ROSNER, method="esd", most=10)
    assert sorted(found.values) == [5.34, 5.42, 6.01]
    # printed to three decimals, some of them cut off instead of rounded
    assert [abs(step.score) for step in found.steps] == pytest.approx(STATISTICS, abs=1.1e-3)
    assert [step.critical for step in found.steps] == pytest.approx(CRITICAL, abs=1.1e-3)


def test_the_second_step_alone_would_have_stopped_too_early() -> None:
    """Only the third of Rosner's statistics exceeds: the first two outliers mask each other."""
    steps = gw.outliers(ROSNER, method="esd", most=10).steps
    assert [step.exceeds for step in steps[:4]] == [False, False, True, False]


def test_esd_equals_its_definition() -> None:
    """Against taking off one by one with plain means, on values without any cancellation."""
    for seed in range(20):
        x = np.random.default_rng(seed).standard_t(2, size=40)
        steps = gw.outliers(x, method="esd", most=12).steps
        left = np.arange(40)
        for step in steps:
            z = (x[left] - x[left].mean()) / x[left].std(ddof=1)
            k = int(np.abs(z).argmax())
            assert step.position == left[k]
            assert step.score == pytest.approx(z[k], rel=1e-9)
            left = np.delete(left, k)


def test_esd_survives_outliers_that_swallow_the_rest() -> None:
    """Squares of 10¹² have no room for squares of 1: sums are built up, never taken down."""
    x = np.append(rng().normal(size=60), [1e12, -3e11, 9.0])
    found = gw.outliers(x, method="esd")
    assert list(found.index) == [60, 61, 62]


@pytest.mark.parametrize("method", METHODS)
def test_positions_are_those_of_the_sample_as_given(method: str) -> None:
    x = [*rng().normal(size=50), None, 40.0, float("nan"), -40.0]
    found = gw.outliers(x, method=method)
    assert {51, 53} <= set(found.index)
    assert {40.0, -40.0} <= set(found.values)
    assert (found.count, found.missing) == (52, 2)
    assert np.all(np.diff(found.index) > 0)
    score = dict(zip(found.index, found.scores, strict=True))
    assert score[51] > 0 > score[53]


@pytest.mark.parametrize("method", ["robust", "z", "tukey"])
def test_limits_and_scores_agree(method: str) -> None:
    x = rng().standard_t(3, size=500) * 10 + 1000
    found = gw.outliers(x, method=method)
    assert set(found.index) == set(np.flatnonzero((x < found.lower) | (x > found.upper)))


def test_scores_are_what_they_are_called() -> None:
    x = rng().standard_t(2, size=200)
    z = (x - x.mean()) / x.std(ddof=1)
    found = gw.outliers(x, method="z", limit=2.0)
    assert found.scores == pytest.approx(z[np.abs(z) > 2.0])
    robust = (x - np.median(x)) / (1.482602218505602 * np.median(np.abs(x - np.median(x))))
    found = gw.outliers(x)
    assert found.scores == pytest.approx(robust[np.abs(robust) > 3.5])


def test_twenty_seven_of_ten_thousand() -> None:
    found = gw.outliers(rng().normal(size=10_000), method="z")
    assert round(found.expected) == 27
    assert "Of 10,000 bell-shaped values 27 lie there anyway" in found.verdict


@pytest.mark.parametrize("n", [10, 15, 30, 100, 1000])
@pytest.mark.parametrize(("method", "limit"), [("z", 2.5), ("robust", 3.0), ("robust", 3.5),
                                               ("tukey", 1.5), ("tukey", 2.5)])  # fmt: skip
def test_false_alarms_are_as_many_as_said(n: int, method: str, limit: float) -> None:
    samples = 400_000 // n
    x = np.random.default_rng(n).standard_normal((samples, n))
    if method == "z":
        score = (x - x.mean(1, keepdims=True)) / x.std(1, ddof=1, keepdims=True)
        said = false_alarms.of_z(n, limit)
    elif method == "robust":
        score = x - np.median(x, 1, keepdims=True)
        score /= 1.482602218505602 * np.median(np.abs(score), 1, keepdims=True)
        said = false_alarms.of_robust_z(n, limit)
    else:
        low, high = np.quantile(x, [0.25, 0.75], axis=1)[..., np.newaxis]
        score = np.maximum(low - x, x - high) / (high - low)
        said = false_alarms.of_fences(n, limit)
    counts = (np.abs(score) > limit if method != "tukey" else score > limit).sum(axis=1)
    error = float(counts.std()) / samples**0.5
    allowed = 0.0 if method == "z" else 0.14  # exact; fitted over odd and even n alike
    assert abs(counts.mean() - said) < 4.0 * error + allowed * said


def test_esd_finds_something_in_as_many_bells_as_its_level_says() -> None:
    x = rng().standard_normal((1500, 40))
    share = np.mean([len(gw.outliers(row, method="esd")) > 0 for row in x])
    assert share == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 1500) ** 0.5)


def test_masking_is_explained() -> None:
    x = np.append(rng().normal(size=30), [50.0, 55.0, 60.0])
    assert [f.code for f in gw.outliers(x, method="z").findings] == ["masked-outliers"]
    assert set(gw.outliers(x).index) >= {30, 31, 32}
    assert gw.outliers(rng().normal(size=1000), method="z").findings == ()


def test_a_z_score_that_cannot_exceed_is_explained() -> None:
    found = gw.outliers([1, 2, 3, 1, 2, 3, 1, 2, 3, 1_000_000], method="z")
    assert [f.code for f in found.findings] == ["z-cannot-exceed"]
    assert found.expected == 0.0
    assert len(found) == 0


def test_the_faces_agree() -> None:
    found = gw.outliers(np.append(rng().normal(size=99), 30.0), name="lengths")
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["index"] == list(found.index)
    assert data["verdict"] == found.verdict
    assert str(found).startswith("lengths: ")
    assert "30" in str(found)


@pytest.mark.parametrize(
    ("sample", "options", "complaint"),
    [
        ([1.0, 2.0, 3.0, 4.0], {"method": "sigma"}, "method must be one of"),
        ([1.0, 2.0, 3.0, 4.0], {"limit": -1.0}, "positive"),
        ([1.0, 2.0, 3.0, 4.0], {"most": 2}, "method='esd'"),
        (ROSNER, {"method": "esd", "limit": 3.0}, "level="),
        (ROSNER, {"method": "esd", "level": 5}, "Did you mean 0.05"),
        (ROSNER, {"method": "esd", "most": 30}, "1…25"),
        ([5.0] * 8, {}, "all 8 values"),
        ([5.0] * 8 + [1.0, 2.0], {}, "half or more .* are 5"),
        ([5.0] * 8 + [1.0, 2.0], {"method": "tukey"}, "interquartile range is 0"),
        ([1.0, 2.0], {}, "at least 3"),
        ([1.0, np.inf, 3.0], {}, "infinite"),
    ],
)
def test_bad_requests_are_refused_with_a_remedy(
    sample: Any, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        gw.outliers(sample, **options)


@pytest.mark.parametrize("factor", [1e-300, 1e300])
@pytest.mark.parametrize("method", METHODS)
def test_units_do_not_matter(method: str, factor: float) -> None:
    x = np.append(rng().normal(size=60), [11.0, -12.0])
    one, other = gw.outliers(x, method=method), gw.outliers(factor * x, method=method)
    assert list(one.index) == list(other.index)
    assert other.scores == pytest.approx(one.scores)
