"""The kernels with weights against exact sums, and the compiled ones against their oracle."""

from __future__ import annotations

from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares import kernels
from gausswork.leastsquares.weights import weighted_error
from tests.unit.test_kernels import (
    LAYOUTS,
    SHAPES,
    implementation,
    native,
    needs_compiled,
    origin,
    table,
    value,
)

__all__ = ["implementation", "native"]  # fixtures


def weights_of(kind: str, rows: int) -> np.ndarray:
    rng = np.random.default_rng(rows)
    wide = 10.0 ** rng.uniform(-9, 9, rows)
    match kind:
        case "wide":
            return wide
        case "zeros":
            return wide * (rng.random(rows) < 0.5)
        case "strided":
            return np.repeat(wide, 2)[::2]
        case "float32":
            return wide.astype(np.float32)
        case _:
            return rng.poisson(2.0, rows).astype(np.float64)


KINDS = ["wide", "zeros", "strided", "float32", "counts"]


@pytest.mark.parametrize("tier", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 2, 255, 257, 700])
def test_weighted_gram_errors_stay_below_their_constants(
    implementation: ModuleType, tier: int, kind: str, rows: int
) -> None:
    """Promise: sums of w·zzᵀ err by the constant of their tier times weighted norms.

    Rows whose values are large where their weights are small: only a symmetric product of rows
    times √w has errors relative to these norms.
    """
    rng = np.random.default_rng([tier, rows])
    w = weights_of(kind, rows)
    z = rng.normal(size=(rows, 3))
    z[:, 1] /= np.sqrt(np.where(w > 0, w, 1.0))
    shift = np.array([0.25, 1e-3, -0.5])
    exact = [[Fraction(v) - Fraction(s) for v, s in zip(r, shift, strict=True)] for r in z]
    heavy = [Fraction(float(v)) for v in w]
    sums = implementation.gram(z[:, :2], z[:, 2], np.ones(3), shift, tier, w)
    second = value(sums.second_high, sums.second_low)
    first = value(sums.first_high, sums.first_low)
    norm = [
        float(sum(h * r[j] ** 2 for h, r in zip(heavy, exact, strict=True))) ** 0.5
        for j in range(3)
    ]
    total = float(sum(heavy)) ** 0.5
    allowed = 4.0 * weighted_error(implementation.GRAM_ERROR[tier])
    for j in range(3):
        off = float(first[j] - sum(h * r[j] for h, r in zip(heavy, exact, strict=True)))
        assert abs(off) <= allowed * norm[j] * total
        for k in range(3):
            true = sum(h * r[j] * r[k] for h, r in zip(heavy, exact, strict=True))
            assert abs(float(second[j, k] - true)) <= allowed * norm[j] * norm[k]


@needs_compiled
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_compiled_weighted_sums_are_those_of_the_oracle(
    native: ModuleType, shape: tuple[int, int], layout: str
) -> None:
    """Promise: memory layout and instruction set change nothing beyond the error constants."""
    x, y = table(*shape, layout)
    rows, p = len(y), shape[1]
    w = weights_of(KINDS[p % len(KINDS)], rows)
    scale, shift = origin(x, y)
    best = kernels.gram(x, y, scale, shift, 2, w)
    norm = np.sqrt(np.maximum(best.second_high.diagonal(), 1e-300))
    for tier in range(3):
        sums = native.gram(x, y, scale, shift, tier, w)
        allowed = 4.0 * (weighted_error(native.GRAM_ERROR[tier]) + kernels.GRAM_ERROR[2])
        gap = (sums.second_high - best.second_high) + (sums.second_low - best.second_low)
        assert (np.abs(gap) <= allowed * np.outer(norm, norm) + 1e-300).all()
        gap = (sums.first_high - best.first_high) + (sums.first_low - best.first_low)
        assert (np.abs(gap) <= allowed * norm * float(w.sum()) ** 0.5 + 1e-300).all()

    rng = np.random.default_rng(p)
    b = (rng.normal(size=p), 1e-17 * rng.normal(size=p))
    ours = native.residual_sums(x, y, scale, (0.3, 1e-18), b, w)
    theirs = kernels.residual_sums(x, y, scale, (0.3, 1e-18), b, w)
    gap = np.abs((ours[0] - theirs[0]) + (ours[1] - theirs[1]))
    assert (gap <= 2.0**-88 * (np.abs(theirs[0]) + np.abs(theirs[0]).max())).all()
    if p:
        factor = np.triu(rng.normal(size=(p, p)))[:, : max(1, p - 1)]
        mean = (shift[:-1], 1e-17 * shift[:-1])
        ours = native.whitened_gram(x, y, scale[:-1], mean, factor, w)
        theirs = kernels.whitened_gram(x, y, scale[:-1], mean, factor, w)
        norm = np.sqrt(theirs.diagonal())
        assert (np.abs(ours - theirs) <= 1e-13 * np.outer(norm, norm) + 1e-25).all()


def test_weights_of_one_change_no_digit(implementation: ModuleType) -> None:
    """Promise: rows that all count once are rows without weights."""
    x, y = table(700, 5, "C")
    scale, shift = origin(x, y)
    ones = np.ones(700)
    for tier in (1, 2):
        plain = implementation.gram(x, y, scale, shift, tier)
        weighted = implementation.gram(x, y, scale, shift, tier, ones)
        gap = (plain.second_high - weighted.second_high) + (plain.second_low - weighted.second_low)
        norm = np.sqrt(plain.second_high.diagonal())
        assert (np.abs(gap) <= implementation.GRAM_ERROR[tier] * np.outer(norm, norm)).all()
    b = (np.arange(5.0), np.zeros(5))
    plain = implementation.residual_sums(x, y, scale, (0.5, 0.0), b)
    weighted = implementation.residual_sums(x, y, scale, (0.5, 0.0), b, ones)
    np.testing.assert_array_equal(plain, weighted)


def test_the_root_of_a_weight_is_good_to_twice_double() -> None:
    w = 10.0 ** np.random.default_rng(1).uniform(-30, 30, 300)
    w[::7] = 0.0
    root = kernels.root_of(w)
    square = dd.multiply(root, root)
    off = np.abs((square[0] - w) + square[1])
    assert (off <= 2.0**-98 * w).all()
