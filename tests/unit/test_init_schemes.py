"""Promise: each scheme draws what its name says, by NumPy alone, from seed and name alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gausswork.errors import InputError
from gausswork.initialization import draw, fans, gain, lsuv, scheme, variance_scaling
from gausswork.initialization.schemes import ALIASES, RECIPES

SHAPE = (64, 32, 3, 3)  # 18,432 weights: an sd is known to 0.5 %, one sigma
DRAWN = [name for name in RECIPES if name != "lsuv"]


@pytest.mark.parametrize("name", DRAWN)
def test_the_spread_is_what_the_law_says(name: str) -> None:
    law = scheme(name).law(fans(SHAPE))
    w = draw(name, SHAPE, seed=1)
    assert w.shape == SHAPE
    assert w.mean() == pytest.approx(law.mean, abs=5 * law.spread / math.sqrt(w.size) + 1e-12)
    # Six standard errors of an sd; sparse and orthogonal weights are not independent.
    tolerance = 0.02 if name != "sparse" else 0.06
    assert w.std() == pytest.approx(law.spread, rel=tolerance, abs=1e-12)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_depend_on_seed_and_name_alone(name: str, dtype: type) -> None:
    first = draw(name, (20, 16), seed=3, stream="a", dtype=dtype)
    assert first.dtype == dtype
    assert np.array_equal(first, draw(name, (20, 16), seed=3, stream="a", dtype=dtype))
    if name not in ("zeros", "ones", "constant", "identity"):
        assert not np.array_equal(first, draw(name, (20, 16), seed=3, stream="b", dtype=dtype))
        assert not np.array_equal(first, draw(name, (20, 16), seed=4, stream="a", dtype=dtype))


@pytest.mark.parametrize(
    ("name", "options", "shape", "expected"),
    [
        ("lecun", {}, (300, 200), 1 / math.sqrt(200)),
        ("xavier", {}, (300, 200), math.sqrt(2 / 500)),
        ("xavier_normal", {"gain": 2.0}, (300, 200), 2 * math.sqrt(2 / 500)),
        ("he", {}, (300, 200), math.sqrt(2 / 200)),
        ("he", {"mode": "fan_out"}, (300, 200), math.sqrt(2 / 300)),
        ("he", {"activation": "tanh"}, (300, 200), 5 / 3 / math.sqrt(200)),
        ("he", {"activation": "leaky_relu", "negative_slope": 0.5}, (300, 200),
         math.sqrt(2 / 1.25 / 200)),
        ("kaiming_uniform", {}, (300, 200), math.sqrt(2 / 200)),
        ("default", {}, (300, 200), math.sqrt(1 / 3 / 200)),
        ("he", {}, (64, 32, 3, 5), math.sqrt(2 / (32 * 15))),
        ("mup", {"base": (50, 10)}, (10, 200), math.sqrt(2 / 200) / 2),  # a readout, 4× wider
        ("mup", {"base": (50, 75)}, (300, 200), math.sqrt(2 / 200)),  # hidden
        ("mup", {"base": (200, 75)}, (300, 200), math.sqrt(2 / 200)),  # inputs do not grow
    ],
)  # fmt: skip
def test_the_formulas(
    name: str, options: dict[str, object], shape: tuple[int, ...], expected: float
) -> None:
    assert scheme(name, **options).law(fans(shape)).spread == pytest.approx(expected, rel=1e-12)


def test_the_default_has_a_third_of_the_variance_that_lecun_has() -> None:
    """kaiming_uniform with a = √5 is uniform in ±1/√fan_in: n·Var W = 1/3."""
    law = scheme("default").law(fans((7, 400)))
    assert (law.low, law.high) == pytest.approx((-0.05, 0.05))
    assert 400 * law.spread**2 == pytest.approx(1 / 3)


def test_fans_of_convolutions() -> None:
    assert (fans((64, 32, 3, 3)).fan_in, fans((64, 32, 3, 3)).fan_out) == (288, 576)
    each = fans((8, 16, 3), transposed=True)
    assert (each.fan_in, each.fan_out, each.units) == (24, 48, 16)
    each = fans((8, 4, 5), groups=2)
    assert (each.fan_in, each.fan_out) == (20, 20)
    each = fans((8, 3, 5), groups=2, transposed=True)
    assert (each.fan_in, each.fan_out) == (20, 15)


@pytest.mark.parametrize(("rows", "columns"), [(40, 60), (60, 40), (50, 50), (1, 5)])
def test_orthogonal_rows_or_columns(rows: int, columns: int) -> None:
    w = draw("orthogonal", (rows, columns), gain=2.0)
    small = w @ w.T if rows <= columns else w.T @ w
    assert np.allclose(small, 4.0 * np.eye(min(rows, columns)), atol=1e-13)


def test_orthogonal_orientations_are_uniform() -> None:
    """Without the signs of R the diagonal of Q would be negative throughout."""
    diagonal = [draw("orthogonal", (3, 3), seed=s)[0, 0] for s in range(400)]
    # An entry of a rotation in three dimensions is uniform in −1 … 1 (Archimedes).
    assert stats.kstest(diagonal, "uniform", args=(-1, 2)).pvalue > 1e-3


def test_orthogonal_convolution_is_flattened_and_grouped() -> None:
    w = draw("orthogonal", (8, 4, 3, 3), groups=2)
    for part in (w[:4], w[4:]):
        flat = part.reshape(4, -1)
        assert np.allclose(flat @ flat.T, np.eye(4))
    w = draw("orthogonal", (8, 4, 3), transposed=True)
    flat = w.swapaxes(0, 1).reshape(4, -1)
    assert np.allclose(flat @ flat.T, np.eye(4))


def test_identity_passes_an_image_on() -> None:
    w = draw("identity", (4, 4, 3, 3))
    assert w.sum() == 4
    assert all(w[i, i, 1, 1] == 1 for i in range(4))
    assert np.array_equal(draw("identity", (2, 3), gain=3.0), 3.0 * np.eye(2, 3))


def test_sparse_columns() -> None:
    w = draw("sparse", (100, 30), sparsity=0.25, sd=2.0)
    assert (np.count_nonzero(w == 0.0, axis=0) == 25).all()
    assert w[w != 0.0].std() == pytest.approx(2.0, rel=0.1)


def test_truncated_normal_counts_in_sd() -> None:
    w = draw("truncated_normal", (500, 100), mean=1.0, sd=0.1, low=-1.0, high=3.0)
    assert w.min() >= 0.9
    assert w.max() <= 1.3
    cut = stats.truncnorm(-1.0, 3.0, loc=1.0, scale=0.1)
    assert stats.kstest(w.ravel(), cut.cdf).pvalue > 1e-3


def test_variance_scaling_keeps_its_variance_when_cut() -> None:
    """A normal cut at two sd has 77 % of its variance left; it is widened before."""
    w = variance_scaling((400, 250), scale=2.0, seed=1)
    assert 250 * w.var() == pytest.approx(2.0, rel=0.03)
    assert abs(w).max() <= 2.0 * math.sqrt(2.0 / 250) / 0.8796


def test_randint_is_whole_numbers_without_the_upper_end() -> None:
    assert set(np.unique(draw("randint", (50, 50), low=-2, high=3))) == {-2, -1, 0, 1, 2}


def test_lsuv_leaves_unit_variance() -> None:
    x = np.random.default_rng(0).normal(3.0, 5.0, size=(200, 20))
    weights = lsuv([(50, 20), (50, 50), (10, 50)], x, activation="relu")
    for w in weights:
        x = x @ w.T
        assert x.var() == pytest.approx(1.0, abs=0.02)
        x = np.maximum(x, 0.0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("linear", 1), ("sigmoid", 1), ("tanh", 5 / 3), ("relu", math.sqrt(2)), ("selu", 0.75)],
)
def test_gains_by_convention(name: str, expected: float) -> None:
    assert gain(name) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("name", ["gelu", "silu", "elu", "softplus", "mish", "hardtanh"])
def test_other_gains_keep_the_mean_square(name: str) -> None:
    from gausswork.initialization.activations import activation

    z = np.random.default_rng(0).standard_normal(400_000)
    kept = gain(name) ** 2 * np.mean(activation(name).function(z) ** 2)
    assert kept == pytest.approx(1.0, rel=0.02)  # 400,000 draws know it to a third of a percent


def test_aliases_name_recipes() -> None:
    assert set(ALIASES.values()) <= set(RECIPES)
    assert scheme("Glorot-Uniform").name == "xavier_uniform"
    assert scheme(scheme("he", mode="fan_out"), gain=2.0).options["mode"] == "fan_out"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: draw("kaimng_normal", (3, 3)), "Did you mean 'kaiming_normal'"),
        (lambda: draw("he", (3, 3), actvation="relu"), "Did you mean 'activation'"),
        (lambda: draw("he", (3, 3), activation="rleu"), "Did you mean 'relu'"),
        (lambda: draw("he", (3,)), r"shape \(out, in"),
        (lambda: draw("he", (3, 0)), "length zero"),
        (lambda: draw("he", (3, 2.5)), "whole numbers"),
        (lambda: draw("he", (3, 3), mode="fan-in"), "Did you mean 'fan_in'"),
        (lambda: draw("he", (3, 3), dtype=np.int64), "float64 or float32"),
        (lambda: draw("normal", (3, 3), sd=-1.0), "must not be negative"),
        (lambda: draw("normal", (3, 3), sd=math.nan), "finite"),
        (lambda: draw("uniform", (3, 3), low=1.0, high=0.0), "low must be below high"),
        (lambda: draw("truncated_normal", (3, 3), low=10, high=20), "are in sd"),
        (lambda: draw("sparse", (3, 3), sparsity=90), r"\[0, 1\]"),
        (lambda: draw("lsuv", (3, 3)), "batch"),
        (lambda: draw("he", (3, 3), seed="a"), "whole number"),
        (lambda: draw("he", (3, 3), groups=2), "groups must divide"),
        (lambda: scheme(3), "name such as 'he'"),
        (lambda: variance_scaling((3, 3), scale=-1), "zero or more"),
        (lambda: lsuv([(3, 4)], np.zeros((1, 4))), "at least two samples"),
        (lambda: lsuv([(3, 5)], np.ones((9, 4))), r"must be \(out, 4\)"),
        (lambda: gain("relu", negative_slope=0.1), "belongs to activation 'leaky_relu'"),
    ],
)
def test_bad_input_is_told_what_to_do(call: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        call()  # type: ignore[operator]
