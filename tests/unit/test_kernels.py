"""The kernels against exact sums, and the compiled ones against their oracle in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares import kernels

compiled: ModuleType | None
try:
    from gausswork._native import _kernels
    from gausswork.leastsquares import compiled
except ImportError:
    compiled, INSTRUCTION_SETS = None, []
else:
    INSTRUCTION_SETS = _kernels.instruction_sets()

needs_compiled = pytest.mark.skipif(compiled is None, reason="the compiled kernels are not built")
SHAPES = [(1, 0), (1, 1), (7, 3), (300, 3), (513, 13), (700, 50), (1030, 4)]
LAYOUTS = ["C", "F", "columns", "strided", "reversed", "C float32", "F float32", "mixed columns"]


@pytest.fixture(params=["numpy", *INSTRUCTION_SETS])
def implementation(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Every implementation that this machine can run."""
    if request.param == "numpy":
        yield kernels
        return
    before = _kernels.use(request.param)
    yield compiled
    _kernels.use(before)


@pytest.fixture(params=INSTRUCTION_SETS)
def native(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Every compiled implementation."""
    before = _kernels.use(request.param)
    yield compiled
    _kernels.use(before)


def table(rows: int, columns: int, layout: str) -> tuple[Any, np.ndarray]:
    """Predictors of very different units and offsets in a memory layout, and a target."""
    rng = np.random.default_rng([rows, columns])
    x = rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-3, 4, size=columns)
    x += 100.0 * rng.normal(size=columns)
    y = rng.normal(size=rows)
    if not columns:  # nothing to lay out
        return x, y
    match layout:
        case "C":
            return x, y
        case "F":
            return np.asfortranarray(x), y
        case "columns":
            return tuple(np.ascontiguousarray(c) for c in x.T), y
        case "strided":
            return np.repeat(x, 2, axis=1)[:, ::2], y
        case "reversed":
            return x[::-1, ::-1], y
        case "C float32":
            return x.astype(np.float32), y.astype(np.float32)
        case "F float32":
            return np.asfortranarray(x.astype(np.float32)), y
        case _:
            return tuple(c.astype(np.float32) if j % 2 else c for j, c in enumerate(x.T)), y


def origin(x: Any, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales that are powers of two, and the means as a shift."""
    full = np.column_stack([kernels.columns_of(x, slice(0, len(y))), y])
    scale = 2.0 ** (np.arange(full.shape[1]) % 5 - 2)
    return scale, full.mean(axis=0) * scale


def value(high: Any, low: Any) -> np.ndarray:
    """A double-double as exact rational numbers."""
    return np.vectorize(lambda a, b: Fraction(float(a)) + Fraction(float(b)), otypes=[object])(
        high, low
    )


@pytest.mark.parametrize("tier", [0, 1, 2])
@pytest.mark.parametrize("kind", ["normal", "one-sided", "outlier", "few values"])
def test_gram_errors_stay_below_their_constants(
    implementation: ModuleType, tier: int, kind: str
) -> None:
    """Promise: an entry of the Gram matrix errs by the constant of its tier, times norms.

    Four times the constant, the safety factor of the bounds, on data that round badly.
    """
    rng = np.random.default_rng(tier)
    for rows in (2, 63, 256, 700):
        z = rng.normal(size=(rows, 3))
        if kind == "one-sided":
            z = rng.exponential(size=(rows, 3))
        elif kind == "outlier":
            z[0] *= 1e6
        elif kind == "few values":
            z = np.round(z) * 0.1
        shift = z.mean(axis=0)
        exact = [[Fraction(v) - Fraction(s) for v, s in zip(r, shift, strict=True)] for r in z]
        sums = implementation.gram(z[:, :2], z[:, 2], np.ones(3), shift, tier)
        second = value(sums.second_high, sums.second_low)
        first = value(sums.first_high, sums.first_low)
        norm = [float(sum(r[j] ** 2 for r in exact)) ** 0.5 for j in range(3)]
        allowed = 4.0 * implementation.GRAM_ERROR[tier]
        for j in range(3):
            off = float(first[j] - sum(r[j] for r in exact))
            assert abs(off) <= allowed * norm[j] * rows**0.5
            for k in range(3):
                off = float(second[j, k] - sum(r[j] * r[k] for r in exact))
                assert abs(off) <= allowed * norm[j] * norm[k]


def test_a_rougher_tier_is_seen_by_this_check() -> None:
    """Control: tier 0 is not within the errors promised for tier 1."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(500, 3))
    rough = kernels.gram(z[:, :2], z[:, 2], np.ones(3), np.zeros(3), 0)
    fine = kernels.gram(z[:, :2], z[:, 2], np.ones(3), np.zeros(3), 2)
    gap = np.abs((rough.second_high - fine.second_high) + (rough.second_low - fine.second_low))
    assert gap.max() > 4.0 * kernels.GRAM_ERROR[1] * fine.second_high.max()


@needs_compiled
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_compiled_sums_are_those_of_the_oracle(
    native: ModuleType, shape: tuple[int, int], layout: str
) -> None:
    """Promise: memory layout and instruction set change nothing beyond the error constants."""
    x, y = table(*shape, layout)
    scale, shift = origin(x, y)
    best = kernels.gram(x, y, scale, shift, 2)
    norm = np.sqrt(np.maximum(best.second_high.diagonal(), 1e-300))
    for tier in range(3):
        sums = native.gram(x, y, scale, shift, tier)
        allowed = 4.0 * (native.GRAM_ERROR[tier] + kernels.GRAM_ERROR[2])
        gap = (sums.second_high - best.second_high) + (sums.second_low - best.second_low)
        assert (np.abs(gap) <= allowed * np.outer(norm, norm) + 1e-300).all()
        gap = (sums.first_high - best.first_high) + (sums.first_low - best.first_low)
        assert (np.abs(gap) <= allowed * norm * len(y) ** 0.5 + 1e-300).all()
        assert np.array_equal(sums.second_high, sums.second_high.T)

    p = shape[1]
    rng = np.random.default_rng(p)
    b = (rng.normal(size=p), 1e-17 * rng.normal(size=p))
    ours = native.residual_sums(x, y, scale, (0.3, 1e-18), b)
    theirs = kernels.residual_sums(x, y, scale, (0.3, 1e-18), b)
    gap = np.abs((ours[0] - theirs[0]) + (ours[1] - theirs[1]))
    assert (gap <= 2.0**-88 * (np.abs(theirs[0]) + np.abs(theirs[0]).max())).all()
    if p:
        weights = np.triu(rng.normal(size=(p, p)))[:, : max(1, p - 1)]
        mean = (shift[:-1], 1e-17 * shift[:-1])
        ours = native.whitened_gram(x, y, scale[:-1], mean, weights)
        theirs = kernels.whitened_gram(x, y, scale[:-1], mean, weights)
        norm = np.sqrt(theirs.diagonal())
        size = np.outer(norm, norm)
        assert (np.abs(ours - theirs) <= 1e-13 * size + 1e-25).all()


@needs_compiled
@pytest.mark.parametrize("p", [1, 2, 3, 7, 12, 33])
def test_compiled_algebra_is_that_of_the_oracle(native: ModuleType, p: int) -> None:
    """Promise: factor, inverse and solution agree to the last digits of double-double."""
    rng = np.random.default_rng(p)
    z = rng.normal(size=(3 * p + 2, p))
    high = z.T @ z
    low = 1e-17 * high * np.sin(np.add.outer(np.arange(p), np.arange(p)))
    matrix = dd.normalize(high, low)
    ours, skipped = native.cholesky(matrix, np.zeros(p), p)
    theirs, skipped_too = kernels.cholesky(matrix, np.zeros(p), p)
    assert not skipped.any()
    assert not skipped_too.any()

    def same(a: dd.DoubleDouble, b: dd.DoubleDouble, digits: float = 2.0**-85) -> bool:
        gap = np.abs((a[0] - b[0]) + (a[1] - b[1]))
        return bool(gap.max() <= digits * np.abs(b[0]).max())

    assert same(ours, theirs, 2.0**-95)
    inverse = kernels.invert_triangle(theirs)
    assert np.allclose(native.invert_triangle(ours), inverse, rtol=1e-15, atol=1e-30)
    right = dd.normalize(rng.normal(size=p), 1e-18 * rng.normal(size=p))
    assert same(native.substitute(ours, right), kernels.substitute(theirs, right))
    other = dd.promote(rng.normal(size=p))
    a, b = native.dot(right, other), kernels.dot(right, other)
    assert abs((a[0] - b[0]) + (a[1] - b[1])) <= 2.0**-95 * np.abs(right[0] * other[0]).sum()
    factor = (0.7, 1e-18)
    assert same(
        native.add_multiple(right, factor, other), kernels.add_multiple(right, factor, other)
    )
    assert same(
        native.symmetric_update(matrix, right, other),
        kernels.symmetric_update(matrix, right, other),
    )


def test_cholesky_skips_what_it_must(implementation: ModuleType) -> None:
    """Promise: skipped columns leave the factor of the others as if they were absent."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=(20, 4))
    z = np.column_stack([z[:, 0], z[:, 1], z[:, 0] + z[:, 1], z[:, 2], z[:, 3]])
    matrix = dd.promote(z.T @ z)
    factor, skipped = implementation.cholesky(matrix, np.full(5, 1e-10), 5)
    assert skipped.tolist() == [False, False, True, False, False]
    kept = np.flatnonzero(~skipped)
    r = factor[0][np.ix_(kept, kept)]
    assert np.allclose(r.T @ r, (z.T @ z)[np.ix_(kept, kept)], rtol=1e-14)
    assert not factor[0][2].any()
    _, skipped = implementation.cholesky(matrix, np.full(5, 1e-10), 3)
    assert skipped.tolist() == [False, False, True, False, True]


def test_sums_add_in_double_double(implementation: ModuleType) -> None:
    """Promise: adding two blocks of sums loses nothing that double-double can hold."""
    x, y = table(300, 3, "C")
    scale, shift = origin(x, y)
    a = implementation.gram(x, y, scale, shift, 2)
    b = implementation.gram(x[:100], y[:100], scale, shift, 2)
    both = implementation.add_sums(a, b)
    exact = value(a.second_high, a.second_low) + value(b.second_high, b.second_low)
    off = value(both.second_high, both.second_low) - exact
    size = np.abs(a.second_high) + np.abs(b.second_high)
    assert all(abs(float(o)) <= 2.0**-100 * s for o, s in zip(off.flat, size.flat, strict=True))


@needs_compiled
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"x": np.zeros((4, 2), dtype=np.int64)}, TypeError),
        ({"x": np.zeros((4, 2), dtype=">f8")}, TypeError),
        ({"x": np.zeros((3, 2))}, ValueError),
        ({"x": np.zeros(4)}, (TypeError, ValueError, IndexError)),
        ({"x": (np.zeros(4), np.zeros(3))}, ValueError),
        ({"y": np.zeros((4, 1))}, ValueError),
        ({"weight": np.zeros(3)}, ValueError),
        ({"weight": np.zeros(4, dtype=np.int64)}, TypeError),
        ({"tier": 3}, ValueError),
        ({"scale": np.ones(2)}, ValueError),
        ({"shift": np.zeros(3, dtype=np.float32)}, ValueError),
        ({"out": np.zeros(3)}, ValueError),
    ],
)
def test_compiled_kernels_refuse_what_they_cannot_read(
    change: dict[str, Any], error: type[Exception]
) -> None:
    """Promise: sizes and types are checked before memory is touched."""
    call = {
        "x": np.zeros((4, 2)), "y": np.zeros(4), "weight": None, "tier": 0, "scale": np.ones(3),
        "shift": np.zeros(3), "out": np.zeros(2 * 3 + 2 * 9),
    }  # fmt: skip
    _kernels.gram(*call.values())
    with pytest.raises(error):
        _kernels.gram(*(call | change).values())


@needs_compiled
def test_only_instruction_sets_of_this_machine_can_be_used() -> None:
    """Promise: an instruction set that the processor lacks is refused, not executed."""
    with pytest.raises(ValueError, match="not an instruction set of this machine"):
        _kernels.use("mmx")
    assert "baseline" in INSTRUCTION_SETS
