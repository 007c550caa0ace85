"""Promise: the figures of a shape show every value, the right bell, and a calibrated band."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.normal.bands import band_level, quantile_points, shown_ranks
from gausswork.normal.bins import histogram_of

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

from gausswork import plots  # noqa: E402


@pytest.fixture
def ax() -> Any:
    figure, axes = pyplot.subplots()
    yield axes
    pyplot.close(figure)


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def points_of(ax: Any) -> np.ndarray:
    drawn = [c for c in ax.collections if type(c).__name__ == "PathCollection"]
    return np.concatenate([np.asarray(c.get_offsets()) for c in drawn])


@pytest.mark.parametrize("n", [3, 7, 20, 70, 400, 4000])
def test_ninety_five_of_a_hundred_bells_stay_in_the_band(n: int) -> None:
    samples = 1500 if n < 1000 else 400
    x = np.random.default_rng(n).normal(size=(samples, n))
    inside = np.mean([quantile_points(row).outside == 0 for row in x])
    assert inside == pytest.approx(0.95, abs=0.005 + 4 * (0.05 * 0.95 / samples) ** 0.5)


def test_a_pointwise_band_is_left_by_many_bells() -> None:
    points = [quantile_points(row, band="pointwise") for row in rng().normal(size=(300, 200))]
    assert np.mean([p.outside > 0 for p in points]) > 0.15
    # with mean and sd fitted to them the points vary less than the beta law says
    assert np.mean([p.outside / 200 for p in points]) < 0.05


@pytest.mark.parametrize("level", [0.3, 0.5, 0.85, 0.95, 0.99, 0.9999])
def test_bands_widen_with_the_level(level: float) -> None:
    assert band_level(100, level) > band_level(100, level + 0.00005) > 0.0


def test_the_points_are_the_values(ax: Any) -> None:
    x = rng().normal(5, 2, 40)
    assert plots.qq(x, ax=ax) is ax
    drawn = points_of(ax)
    assert sorted(drawn[:, 1]) == pytest.approx(sorted(x))
    assert np.all(np.diff(drawn[np.argsort(drawn[:, 0]), 1]) >= 0)
    line = ax.lines[0]
    slope, intercept = np.polyfit(line.get_xdata(), line.get_ydata(), 1)
    assert (slope, intercept) == pytest.approx((x.std(ddof=1), x.mean()))
    assert "all points in the band" in ax.get_title("left")


def test_points_outside_the_band_have_a_marker_of_their_own(ax: Any) -> None:
    plots.qq(rng().exponential(size=200), ax=ax)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "outside the band" in labels
    assert "points leave the band" in ax.get_title("left")


def test_a_detrended_plot_shows_the_distance_from_the_line(ax: Any) -> None:
    plots.qq(rng().normal(size=50), ax=ax, detrend=True)
    assert np.allclose(ax.lines[0].get_ydata(), 0.0)
    assert "minus the line" in ax.get_ylabel()


def test_a_million_values_are_thinned_in_the_middle_only(ax: Any) -> None:
    ranks = shown_ranks(1_000_000)
    assert len(ranks) <= 3_500
    assert {0, 1, 2, 999_997, 999_998, 999_999} <= set(ranks)
    plots.qq(rng().normal(size=100_000), ax=ax)
    assert "of them drawn" in ax.get_title("left")


def test_a_histogram_counts_every_value(ax: Any) -> None:
    x = rng().normal(70, 10, 1000)
    plots.histogram(x, ax=ax, name="score $x$")
    assert sum(bar.get_height() for bar in ax.patches) == 1000
    assert ax.get_xlabel() == r"score \$x\$"
    curve = ax.lines[0]
    at = curve.get_xdata()[np.argmax(curve.get_ydata())]
    assert at == pytest.approx(x.mean(), abs=0.2)
    # the bell has the same area as the bars
    width = ax.patches[0].get_width()
    area = np.trapezoid(curve.get_ydata(), curve.get_xdata()) / width
    assert area == pytest.approx(1000, rel=0.02)


def test_values_far_out_are_counted_at_the_end_of_the_axis(ax: Any) -> None:
    x = np.append(rng().normal(size=500), [1e6, 2e6, -1e9])
    plots.histogram(x, ax=ax)
    assert {t.get_text() for t in ax.texts} == {"2 farther out →", "← 1 farther out"}
    assert ax.get_xlim()[1] < 10


def test_bins_hold_whole_steps() -> None:
    """Bins of 1.5 steps would hold one and two values in turn: teeth that are not in the data."""
    found = histogram_of(np.tile(np.arange(60.0), 50))
    assert len(set(found.counts)) <= 2  # the last bin may be cut off
    fine = histogram_of(np.round(rng().normal(0, 10, 5000), 1))
    width = (fine.edges[1] - fine.edges[0]) * 10
    assert width == pytest.approx(round(width))


@pytest.mark.parametrize("n", [2, 3, 10, 1000, 200_000])
def test_the_number_of_bins_is_sane(n: int) -> None:
    found = histogram_of(rng().normal(size=n))
    assert 5 <= len(found.counts) <= 120
    assert found.counts.sum() + found.below + found.above == n
    assert len(histogram_of(rng().normal(size=n), bins=7).counts) == 7


def test_the_means_of_draws_lie_under_the_predicted_bell(ax: Any) -> None:
    found = gw.central_limit("bernoulli(0.3)", 10, repeats=3000)
    plots.central_limit(found, ax=ax)
    assert sum(bar.get_height() for bar in ax.patches) == 3000
    assert ax.patches[0].get_width() == pytest.approx(0.1)  # a bin for every possible mean
    assert "Berry–Esseen" in ax.get_title("left")


@pytest.mark.parametrize("draw", [plots.qq, plots.histogram])
def test_figures_are_written_and_nothing_else_happens(draw: Any, tmp_path: Path) -> None:
    x = rng().normal(size=30)
    draw(x, path=tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 1000
    with pytest.raises(InputError, match="written as"):
        draw(x, path=tmp_path / "figure.xyz")
    with pytest.raises(InputError, match="all 4 values"):
        draw([1, 1, 1, 1])
    assert not pyplot.get_fignums()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"level": 95}, "Did you mean 0.95"), ({"band": "wide"}, "simultaneous"), ({}, "at least 3")],
)
def test_bad_requests_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        quantile_points([1.0, 2.0] if not options else [1.0, 2.0, 4.0], **options)
    with pytest.raises(InputError, match="bins"):
        histogram_of([1.0, 2.0, 3.0], bins=0)


def test_fewer_points_where_there_is_less_room() -> None:
    x = rng().normal(size=20_000)
    few, all_ = quantile_points(x, most=200), quantile_points(x)
    assert len(few.score) < 260 < len(all_.score)
    assert (few.score[[0, -1]] == all_.score[[0, -1]]).all()
    with pytest.raises(InputError, match="most must be"):
        quantile_points(x, most=5)


def test_heights_of_bars_make_areas_of_shares() -> None:
    found = histogram_of(rng().normal(size=500))
    share = np.dot(found.density, np.diff(found.edges))
    assert share == pytest.approx(1 - (found.below + found.above) / 500)
