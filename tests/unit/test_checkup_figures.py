"""Promise: the figures of a check-up as numbers are those that the panel draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import gausswork as gw
from gausswork.leastsquares.checkup import figures


def table(rows: int, seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return {"x": x, "y": 1.0 + 2.0 * x + rng.normal(size=rows)}


def test_few_rows_are_all_there_in_the_order_of_the_data() -> None:
    seen = gw.fit(table(50), "y").check()
    found = figures.figures(seen)
    np.testing.assert_array_equal(found.rows.row, np.arange(50))
    np.testing.assert_array_equal(found.rows.residual, seen.sample.residual)
    np.testing.assert_array_equal(found.root, np.sqrt(np.abs(seen.sample.standardized)))
    assert found.mean_leverage == 2 / 50
    assert found.quantiles is not None
    assert found.quantiles.count == 50


def test_scores_are_those_of_the_ranks() -> None:
    seen = gw.fit(table(50), "y").check()
    found = figures.figures(seen)
    ranks = stats.rankdata(found.rows.standardized)
    np.testing.assert_allclose(found.score, stats.norm.ppf((ranks - 0.375) / 50.25), rtol=1e-12)
    assert found.quantiles is not None
    np.testing.assert_allclose(np.sort(found.score), found.quantiles.score, rtol=1e-12)
    assert np.isnan(figures.scores(np.arange(4.0), np.array([np.nan]))).all()
    assert np.isnan(figures.scores(np.empty(0), np.array([1.0]))).all()


def test_many_rows_are_thinned_and_the_worst_stay() -> None:
    data = table(5000)
    data["y"][1234] += 40.0  # no multiple of the step
    seen = gw.fit(data, "y").check()
    found = figures.figures(seen, most=300)
    assert 250 < len(found.rows) <= 300 + 5 * 10
    assert 1234 in found.rows.row
    assert (np.diff(found.rows.row) > 0).all()
    at = int(np.flatnonzero(found.rows.row == 1234)[0])
    assert found.score[at] == found.score.max()


def test_the_trend_finds_a_bend() -> None:
    x = np.linspace(-2.0, 2.0, 360)
    found = figures.trend(x, x**2)
    assert found is not None
    places, means = found
    assert len(places) == 15
    np.testing.assert_allclose(means[1:-1], places[1:-1] ** 2, atol=0.06)
    assert figures.trend(x[:35], x[:35]) is None
    assert figures.trend(np.ones(100), np.arange(100.0)) is None


def test_points_of_a_contour_have_its_distance() -> None:
    data = table(40)
    seen = gw.fit(data, "y").check()
    h = seen.sample.leverage
    size = figures.cook_contour(h, 0.5, seen.rank)
    np.testing.assert_allclose(size**2 * h / (1.0 - h) / seen.rank, 0.5, rtol=1e-12)
    # and that is the distance that the check-up has for residuals of this size
    own = seen.sample.standardized**2 * h / (1.0 - h) / seen.rank
    np.testing.assert_allclose(own, seen.sample.cooks_distance, rtol=1e-9)


def test_an_exact_fit_has_no_band() -> None:
    seen = gw.fit({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, 3.0, 5.0]}, "y").check()
    assert figures.figures(seen).trend is None
    assert figures.figures(seen).quantiles is not None


@pytest.mark.parametrize("rows", [4, 5, 2_001])
def test_any_number_of_rows_has_figures(rows: int) -> None:
    found = figures.figures(gw.fit(table(rows), "y").check())
    for values in (found.score, found.root):
        assert len(values) == len(found.rows)
