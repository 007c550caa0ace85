"""Promise: the comparison shows what was drawn beside theory, in text, JSON and picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gausswork import sampling
from gausswork.errors import InputError
from gausswork.sampling import comparison


@pytest.fixture(scope="module")
def compared() -> sampling.Comparison:
    return sampling.compare(50_000, seed=1, stream="x")


def test_numbers_are_those_of_the_draws(compared: sampling.Comparison) -> None:
    normal, uniform, integers = compared.samplers
    z = sampling.normal(50_000, seed=1, stream="x")
    assert (normal.least, normal.largest) == (z.min(), z.max())
    assert normal.mean == pytest.approx(z.mean(), rel=1e-12)
    assert normal.sd == pytest.approx(z.std(ddof=1), rel=1e-12)
    assert uniform.theory_sd == pytest.approx(np.sqrt(1 / 12))
    assert integers.theory_sd == pytest.approx(np.std(np.arange(10)))
    assert integers.counts == tuple(
        np.bincount(sampling.integers(50_000, high=10, seed=1, stream="x"))
    )
    for sampler in compared.samplers:
        assert len(sampler.edges) == len(sampler.counts) + 1 == len(sampler.expected) + 1
        assert sampler.p_value > 1e-4


def test_long_comparisons_are_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sampling.compare(10_000, seed=2)
    monkeypatch.setattr(comparison, "CHUNK", 999)
    parts = sampling.compare(10_000, seed=2)
    for a, b in zip(whole.samplers, parts.samplers, strict=True):
        assert a.counts == b.counts
        assert (a.mean, a.sd) == pytest.approx((b.mean, b.sd), rel=1e-12)


def test_a_wrong_sampler_has_a_small_p(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "normal", lambda *a, **k: 1.05 * sampling.normal(*a, **k))
    assert sampling.compare(50_000).samplers[0].p_value < 1e-6


def test_p_values_are_calibrated_for_small_samples() -> None:
    ps = np.array([[s.p_value for s in sampling.compare(100, seed=k).samplers] for k in range(200)])
    assert np.all(np.abs((ps < 0.1).mean(axis=0) - 0.1) < 0.1)
    assert np.all((ps > 0) & (ps <= 1))


def test_few_draws_from_a_wide_range_have_a_p_value_that_is_calibrated() -> None:
    """No bar of its own holds five draws there: neighbours are judged together."""
    ps = np.array([
        sampling.compare(100, seed=k, start=-(10**9), stop=10**9).samplers[2].p_value
        for k in range(200)
    ])  # fmt: skip
    assert np.isfinite(ps).all()
    assert 0.42 < ps.mean() < 0.58  # 0.5 ± 4 standard errors
    assert (ps < 0.05).sum() <= 21  # 99.9 % of binomials with 200 and 0.05


def test_text_and_document(compared: sampling.Comparison) -> None:
    text = str(compared)
    for part in ("randn", "rand", "randint", "rng.standard_normal(50000)", "stream 'x'", "[0, 1)"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 100
    document = json.loads(json.dumps(compared.to_dict(), allow_nan=False))
    assert document["samplers"][0]["low"] is None
    assert document["samplers"][2]["high"] == 10


def test_picture(compared: sampling.Comparison, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from gausswork import plots

    path = tmp_path / "three.png"
    axes = plots.samplers(compared, path=path)
    assert path.stat().st_size > 10_000
    for ax, sampler in zip(axes, compared.samplers, strict=True):
        heights = [bar.get_height() for bar in ax.patches]
        shares = np.array(sampler.counts) / 50_000 / np.diff(sampler.edges)
        assert heights == pytest.approx(shares)
        assert ax.get_xlabel()
        assert ax.get_title()
    with pytest.raises(InputError, match="3 matplotlib axes; got 2"):
        plots.samplers(compared, ax=axes[:2])


def test_ranges_can_be_chosen() -> None:
    found = sampling.compare(20_000, seed=5, mean=70, sd=10, low=-1, high=1, start=-3, stop=300)
    normal, uniform, integers = found.samplers
    z = sampling.normal(20_000, seed=5, mean=70, sd=10)
    assert (normal.least, normal.theory_mean, normal.theory_sd) == (z.min(), 70.0, 10.0)
    assert uniform.counts == tuple(
        np.histogram(sampling.uniform(20_000, seed=5, low=-1, high=1), 20, (-1, 1))[0]
    )
    assert (integers.theory_mean, integers.theory_sd) == pytest.approx(
        (np.arange(-3, 300).mean(), np.arange(-3, 300).std())
    )
    assert len(integers.counts) == 51, "six whole numbers to a bar, three to the last one"
    assert integers.expected[-1] == pytest.approx(integers.expected[0] / 2)
    assert [s.range for s in found.samplers] == ["all numbers", "[-1, 1)", "-3, -2, …, 299"]
    assert sampling.compare(100, start=1, stop=4).samplers[2].range == "1, 2, 3"
    for sampler in found.samplers:
        assert sampler.p_value > 1e-3
        assert sum(sampler.counts) >= 0.999 * 20_000
        assert str(found).count(sampler.lines["NumPy"]) == 1


def test_lines_with_a_range_draw_what_was_compared() -> None:
    found = sampling.compare(500, seed=2, mean=70, sd=10, low=-1, high=1, start=1, stop=7)
    for sampler in found.samplers:
        drawn = eval(sampler.lines["gausswork"], {"sampling": sampling})
        assert (drawn.min(), drawn.max()) == (sampler.least, sampler.largest)


def test_narrow_ranges_are_shown_with_digits_enough() -> None:
    text = str(sampling.compare(1000, sd=1e-5, low=0, high=1e-4))
    assert "0.00001000" in text  # the sd in theory
    assert "[0, 0.0001)" in text


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"sd": 0.0}, "sd must be above 0"),
        ({"mean": float("nan")}, "mean must be a number"),
        ({"low": 1.0}, "low must be below high"),
        ({"start": 3, "stop": 4}, "two whole numbers or more"),
        ({"stop": 2**60}, "none beyond"),
        ({"start": 1.5}, "start must be a whole number"),
        ({"mean": 1e9, "sd": 1e-9}, "too few numbers for a histogram"),
    ],
)
def test_ranges_that_cannot_be_compared(given: dict[str, float], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        sampling.compare(100, **given)


def test_picture_of_chosen_ranges() -> None:
    pytest.importorskip("matplotlib")
    from gausswork import plots

    found = sampling.compare(1000, mean=70, sd=10, low=-1, high=1, start=0, stop=500)
    axes = plots.samplers(found, ax=_axes())
    assert axes[0].get_xlim()[0] > 20
    assert axes[0].lines[0].get_ydata().max() == pytest.approx(0.0398942)
    assert axes[1].lines[0].get_ydata().max() == pytest.approx(0.5)
    assert axes[2].lines[0].get_ydata() == pytest.approx(1 / 500)


def _axes() -> Any:
    from matplotlib.figure import Figure

    return Figure().subplots(1, 3)
