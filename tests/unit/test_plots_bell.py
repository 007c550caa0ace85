"""Promise: plots.bell shows the density, the shaded probability with its value, and the sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from gausswork import Normal, plots
from gausswork.errors import InputError

mpl.use("Agg")
SCORES = Normal(70, 10)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("show() was called"))
    yield
    plt.close("all")


def curves(ax: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what is drawn as lines over many points."""
    return [line.get_data() for line in ax.get_lines() if len(line.get_xdata()) > 100]


def shaded(ax: Any) -> list[float]:
    """Return the areas of the filled parts, by the shoelace formula."""
    areas = []
    for part in ax.collections:
        x, y = part.get_paths()[0].vertices.T
        areas.append(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2.0)
    return areas


def test_the_curve_is_the_density() -> None:
    ax = plots.bell(SCORES, name="score")
    ((x, y),) = curves(ax)
    np.testing.assert_array_equal(y, SCORES.pdf(x))
    assert x[0] <= 30.0
    assert x[-1] >= 110.0
    assert ax.get_xlabel() == "score"
    assert ax.get_ylabel() == "density, per unit of score"
    assert ax.get_ylim()[0] == 0.0


@pytest.mark.parametrize(
    ("between", "title"),
    [((60, 80), "P(60 < x < 80) = 68.27 %"), ((-math.inf, 60), "P(x < 60) = 15.87 %"),
     ((100, math.inf), "P(x > 100) = 0.135 %")],
)  # fmt: skip
def test_the_shaded_area_is_the_probability_that_is_written(between: Any, title: str) -> None:
    ax = plots.bell(SCORES, between=between)
    assert ax.get_title(loc="left") == title
    (area,) = shaded(ax)
    # Beyond four sd nothing is drawn: 3e-5 on each side; trapezoids lose less.
    assert area == pytest.approx(SCORES.between(*between), abs=1e-4)


def test_the_value_stands_in_the_area_where_there_is_room() -> None:
    wide, narrow = plots.bell(SCORES, between=(60, 80)), plots.bell(SCORES, between=(79, 80))
    assert [t.get_text() for t in wide.texts] == ["68.27 %"]
    assert not narrow.texts


def test_one_curve_has_an_axis_of_standard_deviations() -> None:
    ax = plots.bell(SCORES)
    ax.figure.canvas.draw()
    (top,) = ax.child_axes
    assert top.get_xlabel() == "z: standard deviations from the mean"
    low, high = top.get_xlim()
    assert (70 + 10 * low, 70 + 10 * high) == pytest.approx(ax.get_xlim())
    assert {-1.0, 0.0, 1.0} <= set(top.get_xticks())


def test_several_curves_differ_in_line_style_and_are_named() -> None:
    ax = plots.bell([Normal(0, 1), Normal([1, 2], [2, 0.5])], between=(0, 1))
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) > 100]
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 3
    assert len({line.get_color() for line in lines}) == 3
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert named[0] == "mean 0, sd 1: 34.13 %"
    assert len(named) == 3
    assert not ax.child_axes  # z would be one curve's
    for line in lines:  # a narrow curve is as fine as a wide one
        x, y = line.get_data()
        assert np.sum((y[1:] + y[:-1]) * np.diff(x)) / 2 == pytest.approx(1.0, abs=2e-4)


def test_the_sample_lies_under_the_curve_with_the_same_area() -> None:
    sample = SCORES.draws(400, seed=1)
    ax = plots.bell(SCORES, sample=sample)
    bars = ax.patches
    assert sum(b.get_height() * b.get_width() for b in bars) == pytest.approx(1.0)
    assert min(b.get_x() for b in bars) == pytest.approx(sample.min())
    assert "400 values" in [t.get_text() for t in ax.get_legend().get_texts()]
    few = plots.bell(SCORES, sample=sample[:30], ax=plt.figure().add_subplot())
    assert [len(line.get_xdata()) for line in few.get_lines()].count(30) == 1  # a tick each


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_text_can_be_read_on_white_and_on_black(style: str) -> None:
    with plt.style.context(style):
        ax = plots.bell(SCORES, between=(60, 80), sample=SCORES.draws(50, seed=1))
        paper = np.array(to_rgb(ax.get_facecolor()))
        for colour in (ax.texts[0].get_color(), ax.xaxis.label.get_color(),
                       ax.title.get_color(), ax.get_lines()[-1].get_color()):  # fmt: skip
            assert np.abs(np.array(to_rgb(colour)) - paper).max() > 0.5


def test_it_draws_on_the_axes_given_and_writes_files(tmp_path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert plots.bell(SCORES, ax=right) is right
    assert not left.get_lines()
    assert figure.axes[:2] == [left, right]
    for name in ("bell.png", "bell.svg", "bell.pdf"):
        plots.bell(SCORES, between=(60, 80), path=tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"normal": 3}, "normal must be a Normal or several; got int"),
        ({"normal": []}, "there is no curve to draw"),
        ({"normal": [Normal()] * 7}, "at most 6 curves"),
        ({"normal": Normal(0, 0)}, "positive sd"),
        ({"normal": Normal(math.nan, 1)}, "finite mean"),
        ({"normal": SCORES, "between": (80, 60)}, "(smaller, larger); got (80, 60)"),
        ({"normal": SCORES, "between": 5}, "a pair of numbers"),
        ({"normal": SCORES, "between": ("a", 1)}, "between must be numbers"),
        ({"normal": SCORES, "sample": []}, "sample is empty"),
        ({"normal": SCORES, "sample": ["a"]}, "data must be numbers"),
        ({"normal": SCORES, "sample": [math.nan]}, "1 of 1 values"),
        ({"normal": SCORES, "labels": ["a", "b"]}, "labels must be one for each curve: 1; got 2"),
        ({"normal": SCORES, "path": "bell.gif"}, "by the ending of its name"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        plots.bell(**arguments)
    assert said in str(caught.value)


def test_names_and_labels_are_shown_as_they_are() -> None:
    ax = plots.bell(SCORES, name="$cost", labels=["_group"], sample=[60.0, 70.0])
    assert ax.get_xlabel() == r"\$cost"
    assert " _group" in [t.get_text() for t in ax.get_legend().get_texts()]
    ax.figure.canvas.draw()
