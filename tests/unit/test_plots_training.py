"""Promise: training curves are drawn as they were measured, with bands, and named at their ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from gausswork import errors, plots
from gausswork.initialization import compare


@pytest.fixture(scope="module")
def found() -> Any:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    x = rng.normal(0.0, 2.0, (3, 5))[y] + rng.normal(0.0, 1.0, (200, 5))
    asked = ["zeros", "he", "randn", "xavier", "default", "rand", "orthogonal"]
    return compare([8, 8], asked, (x, y), seeds=3, epochs=2, batch_size=32)


def test_both_curves_with_bands_and_names(found: Any, tmp_path: Path) -> None:
    place = tmp_path / "curves.png"
    loss, accuracy = plots.training(found, path=place)
    assert place.stat().st_size > 20_000
    curve = loss.lines[1].get_ydata()
    np.testing.assert_array_equal(curve, found["he"].band("train_loss")[0])
    assert len(loss.collections) == len(accuracy.collections) == 7  # bands
    said = " ".join(text.get_text() for text in accuracy.texts)
    assert "zeros (3 failed)" in said
    assert "orthogonal" in said
    assert loss.get_yscale() == "log"
    styles = {(line.get_color(), str(line.get_linestyle())) for line in accuracy.lines[:7]}
    assert len(styles) == 7


def test_one_curve_on_given_axes(found: Any) -> None:
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert plots.training(found, of="held_loss", ax=ax) is ax
    with pytest.raises(errors.InputError, match="Did you mean 'held_loss'"):
        plots.training(found, of="held_los", ax=ax)
    with pytest.raises(errors.InputError, match="2 matplotlib axes"):
        plots.training(found, ax=ax)
    with pytest.raises(errors.InputError, match="level must lie"):
        plots.training(found, ax=[ax, ax], level=95)


def test_the_band_holds_the_mean_and_is_students(found: Any) -> None:
    from scipy import stats

    values = found["he"].held_accuracy
    mean, low, high = found["he"].band("held_accuracy")
    half = stats.t.ppf(0.975, 2) * values.std(axis=0, ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(mean, values.mean(axis=0))
    np.testing.assert_allclose(low, mean - half)
    np.testing.assert_allclose(high, np.minimum(mean + half, 1.0))
    logs = np.log(found["he"].train_loss)
    np.testing.assert_allclose(found["he"].band("train_loss")[0], np.exp(logs.mean(axis=0)))
