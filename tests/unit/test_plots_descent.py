"""Promise: descents are drawn: loss, path over its contours, rates; and animated without ffmpeg."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork import plots
from gausswork.errors import InputError

pyplot = pytest.importorskip("matplotlib.pyplot")
pyplot.switch_backend("agg")

LINE = {"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}


@pytest.fixture(autouse=True)
def closed() -> Any:
    yield
    pyplot.close("all")


def fitted(**options: Any) -> gw.Fit:
    return gw.fit(LINE, target="y", method=gw.GradientDescent(**options))


def test_the_loss_falls_to_where_the_descent_says() -> None:
    fit = fitted(learning_rate=0.01, epochs=1000)
    ax = plots.loss(fit)
    assert fit.descent is not None
    x, y = ax.lines[0].get_data()
    assert x[-1] == 1000
    assert y[-1] == pytest.approx(fit.descent.loss[-1])
    assert ax.get_yscale() == "log"
    assert "0.24 % of the way remains" in ax.get_title(loc="left")
    assert "y²" in ax.get_ylabel()


def test_the_path_goes_from_start_to_end() -> None:
    fit = fitted(learning_rate=0.01, epochs=1000)
    ax = plots.path(fit)
    way = next(line for line in ax.lines if len(line.get_xdata()) == 1001)
    assert way.get_xydata()[0] == pytest.approx([0.0, 0.0])
    assert way.get_xydata()[-1] == pytest.approx(fit.coefficients)
    assert ax.get_xlabel() == "intercept"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "start", "epoch 1,000", "least squares",
    ]  # fmt: skip


def test_contours_are_level_lines_of_the_loss() -> None:
    from gausswork.plots.descent import _ellipse, view_of

    fit = fitted(learning_rate=0.01, epochs=1000)
    assert fit.descent is not None
    view = view_of(fit.descent, None, None)
    points = _ellipse(view, 0.7)
    assert points is not None
    x = np.array(LINE["x"])[:, None]
    losses = ((2 * x - points[:, 0] - points[:, 1] * x) ** 2).mean(axis=0)
    assert losses == pytest.approx(0.7)


def test_two_chosen_parameters() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    fit = gw.fit(x, x @ [1.0, 2.0, 3.0] + rng.normal(size=50), method=gw.GradientDescent())
    ax = plots.path(fit, "x3", "x1")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x3", "x1")
    with pytest.raises(InputError, match="no parameter 'x9'"):
        plots.path(fit, "x9")
    with pytest.raises(InputError, match="same parameter"):
        plots.path(fit, "x1", "x1")


def test_a_diverging_path_is_cut_to_what_can_be_seen() -> None:
    ax = plots.path(fitted(learning_rate=0.1, epochs=500, beyond_limit="run"))
    assert max(map(abs, ax.get_xlim())) < 1e4


def test_rates_show_limit_and_best() -> None:
    ax = plots.rates(fitted(learning_rate=0.01))
    assert "rates below 0.0845 converge, best is 0.0833" in ax.get_title(loc="left")
    words = [text.get_text() for text in ax.texts]
    assert words == ["converges", "oscillates", "diverges unless standardised"]
    best = next(line for line in ax.lines if len(line.get_xdata()) == 1)
    assert best.get_xdata()[0] == pytest.approx(1 / 12)
    ax = plots.rates(fitted(learning_rate=0.1, epochs=5, beyond_limit="run"))
    assert any("error × 1.37" in text.get_text() for text in ax.get_legend().get_texts())
    plots.rates(gw.fit(LINE, target="y"), gw.GradientDescent(momentum=0.5))


def test_a_fit_without_descent_has_no_path() -> None:
    with pytest.raises(InputError, match="no gradient descent here"):
        plots.path(gw.fit(LINE, target="y"))  # type: ignore[arg-type]
    one = gw.fit(LINE, target="y", intercept=False, method=gw.GradientDescent(0.01, 10))
    with pytest.raises(InputError, match="one parameter"):
        plots.path(one)
    plots.loss(one)


def test_batches_are_drawn_too() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 2))
    fit = gw.fit(
        x, x @ [1.0, 2.0] + rng.normal(size=80),
        method=gw.GradientDescent(0.05, 8, batch_size=16, early_stopping=0.2),
    )  # fmt: skip
    assert "batches of 16" in plots.path(fit).get_title(loc="left")
    trained, held_out, result = plots.loss(fit).lines
    assert np.array_equal(trained.get_ydata(), fit.descent.loss)
    assert np.array_equal(held_out.get_ydata(), fit.descent.held_out_loss)
    best = fit.descent.mini_batch.best_epoch
    assert result.get_xydata().tolist() == [[best, fit.descent.held_out_loss.min()]]


def test_figures_are_written(tmp_path: Path) -> None:
    fit = fitted(learning_rate=0.01, epochs=100)
    for name, draw in (("loss", plots.loss), ("path", plots.path), ("rates", plots.rates)):
        draw(fit, path=tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 5000


def test_a_gif_that_moves(tmp_path: Path) -> None:
    from PIL import Image

    plots.animate(fitted(learning_rate=0.01, epochs=1000), tmp_path / "a.gif", frames=6, seconds=2)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 6  # type: ignore[attr-defined]
        first = np.asarray(image.convert("RGB")).astype(int)
        image.seek(5)
        assert (np.abs(np.asarray(image.convert("RGB")) - first).max(axis=2) > 60).sum() > 500


def test_a_page_that_needs_nothing_else(tmp_path: Path) -> None:
    plots.animate(fitted(learning_rate=0.01, epochs=30), tmp_path / "a.html", frames=5)
    page = (tmp_path / "a.html").read_text()
    assert not re.search(r"https?://", page)
    assert page.count("iVBORw0KGgo") == 5
    assert '"epoch 30"' in page


def test_animations_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = fitted(learning_rate=0.01, epochs=30)
    with pytest.raises(InputError, match=r"\.gif, \.html, \.mp4"):
        plots.animate(fit, tmp_path / "a.avi")
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(InputError, match="ffmpeg"):
        plots.animate(fit, tmp_path / "a.mp4")
    for options in ({"frames": 1}, {"frames": 10**6}, {"seconds": 0.0}):
        with pytest.raises(InputError):
            plots.animate(fit, tmp_path / "a.gif", **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"learning_rate": 0.001}, {"ridge": 1.0}])
def test_a_line_without_errors_has_no_band(options: dict[str, Any]) -> None:
    ax = fitted(**options).plot()
    assert ax.get_legend() is None or not any(
        "%" in text.get_text() for text in ax.get_legend().get_texts()
    )
    # the same line with errors has its bands in the legend
    whole = gw.fit(LINE, target="y").plot()
    assert any("%" in text.get_text() for text in whole.get_legend().get_texts())
