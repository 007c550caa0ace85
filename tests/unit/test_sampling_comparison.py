"""Promise: the comparison shows what was drawn beside theory, in text, JSON and picture."""

from __future__ import annotations

import json
from pathlib import Path

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
    with pytest.raises(InputError, match="three axes"):
        plots.samplers(compared, ax=axes[:2])
