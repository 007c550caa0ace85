"""Promise: one call draws the panel of a check-up: what is drawn are its numbers, the rows that
stand out are named, many rows become cells, and names from the data are text and nothing else."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import gausswork as gw
from gausswork import plots
from gausswork.errors import InputError

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("show() was called"))
    yield
    plt.close("all")


def fitted(n: int = 120) -> gw.Fit:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, 2))
    y = x.sum(axis=1) + rng.normal(size=n)
    x[7], y[11] = [8.0, -8.0], 9.0
    return gw.fit(x, y)


def clouds(ax) -> list[np.ndarray]:
    kinds = [c for c in ax.collections if type(c).__name__ == "PathCollection"]
    return [np.asarray(c.get_offsets()) for c in kinds]


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.texts]


def test_the_four_figures_show_the_numbers_of_the_check_up() -> None:
    fit = fitted()
    seen, rows = fit.check(), fit.influence()
    axes = plots.check(seen)
    assert axes.shape == (2, 2)
    (residuals, qq), (scale, leverage) = axes
    np.testing.assert_allclose(clouds(residuals)[0], np.column_stack((rows.fitted, rows.residual)))
    drawn = np.sort(np.concatenate([c[:, 1] for c in clouds(qq)]))
    np.testing.assert_allclose(drawn, np.sort(rows.standardized))
    np.testing.assert_allclose(
        clouds(scale)[0], np.column_stack((rows.fitted, np.sqrt(np.abs(rows.standardized))))
    )
    np.testing.assert_allclose(
        clouds(leverage)[0], np.column_stack((rows.leverage, rows.standardized))
    )
    assert all(ax.get_xlabel() and ax.get_ylabel() and ax.get_title(loc="left") for ax in axes.flat)


def test_the_rows_that_stand_out_are_named_where_they_lie() -> None:
    seen = fitted().check(labels=[f"no {i}" for i in range(120)])
    axes = plots.check(seen)
    leverage = axes[1, 1]
    assert "no 7" in texts(leverage)
    assert "no 11" in texts(axes[0, 0])
    at = next(t for t in axes[0, 0].texts if t.get_text() == "no 11")
    rows = seen.worst.rows
    j = int(np.flatnonzero(rows.row == 11)[0])
    assert at.xy == pytest.approx((rows.fitted[j], rows.residual[j]))


def test_contours_are_those_of_cooks_distance() -> None:
    seen = fitted().check()
    lines = [
        line for line in plots.check(seen, panel="leverage").lines if "Cook" in line.get_label()
    ]
    assert lines
    for line in lines:
        h, r = line.get_data()
        level = float(line.get_label().split()[-1])
        np.testing.assert_allclose(r**2 * h / (1 - h) / seen.rank, level, rtol=1e-9)


def test_many_rows_become_cells_that_count_them() -> None:
    seen = fitted(plots.style.MOST_POINTS + 1).check()
    ax = plots.check(seen)[0, 0]
    cells = next(c for c in ax.collections if type(c).__name__ == "PolyCollection")
    assert np.sum(cells.get_array()) == plots.style.MOST_POINTS + 1
    assert len(clouds(ax)[0]) == 3  # the rows that are named stay points


def test_one_figure_goes_on_the_axes_given_and_a_fit_is_checked_first() -> None:
    fit = fitted()
    _, (left, right) = plt.subplots(1, 2)
    assert plots.check(fit, panel="qq", ax=left) is left
    assert not right.has_data()
    four = plt.subplots(2, 2)[1]
    assert (plots.check(fit, ax=four) == four).all()
    with pytest.raises(InputError, match="panel must be one of 'residuals', 'qq'"):
        plots.check(fit, panel="cook")
    with pytest.raises(InputError, match="ax must be 4 matplotlib axes; got 1"):
        plots.check(fit, ax=left)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_it_reads_on_white_and_on_black(style) -> None:
    """Names and lines contrast with the background, whichever it is."""
    with plt.style.context(style):
        axes = plots.check(fitted().check())
        for ax in axes.flat:
            red, green, blue, _ = mpl.colors.to_rgba(ax.get_facecolor())
            background = 0.299 * red + 0.587 * green + 0.114 * blue
            for text in (*ax.texts, ax.title, ax.xaxis.label):
                red, green, blue, _ = mpl.colors.to_rgba(text.get_color())
                assert abs(0.299 * red + 0.587 * green + 0.114 * blue - background) > 0.35


def test_names_from_the_data_are_drawn_as_they_are(tmp_path) -> None:
    rng = np.random.default_rng(0)
    name = r"$\frac{<b>&y" + "\x1b[31m"
    fit = gw.fit({"x": rng.normal(size=30), name: rng.normal(size=30)}, name)
    plots.check(fit.check(labels=["$a_b$"] * 30), path=tmp_path / "panel.svg")
    text = (tmp_path / "panel.svg").read_text()
    assert "\x1b" not in text


def test_a_fit_that_leaves_few_numbers_is_drawn() -> None:
    fit = gw.fit([[1.0], [2.0], [4.0], [5.0]], [1.0, 3.0, 2.0, 4.0])
    plots.check(fit)[0, 0].figure.canvas.draw()
