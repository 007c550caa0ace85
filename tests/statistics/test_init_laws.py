"""Promise: what has the name of a function of torch.nn.init has its distribution, here and there.

PyTorch's own tests ask of each function that a Kolmogorov–Smirnov test accepts its law, that shapes
and supports are right, and that impossible tensors are refused. The same is asked here of NumPy
draws and of networks. A test at 10⁻⁴ fails one correct draw in ten thousand; seeds are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gausswork.errors import InputError
from gausswork.initialization import draw

LEVEL = 1e-4
Draw = Callable[..., np.ndarray]


def by_numpy(name: str, shape: tuple[int, ...], **options: Any) -> np.ndarray:
    return draw(name, shape, seed=options.pop("seed", 0), dtype=np.float32, **options)


def by_torch(name: str, shape: tuple[int, ...], **options: Any) -> np.ndarray:
    torch = pytest.importorskip("torch")
    from gausswork.initialization import initialize

    layers = {2: torch.nn.Linear, 3: torch.nn.Conv1d, 4: torch.nn.Conv2d, 5: torch.nn.Conv3d}
    if len(shape) == 2:
        layer = torch.nn.Linear(shape[1], shape[0])
    else:
        layer = layers[len(shape)](shape[1], shape[0], shape[2:])
    initialize(layer, name, **options)
    values: np.ndarray = layer.weight.detach().numpy()
    return values


pytestmark = pytest.mark.parametrize("drawn", [by_numpy, by_torch])
SHAPES = [(60, 40), (30, 20, 5), (20, 16, 3, 3), (12, 8, 3, 3, 3)]
# The sources of torch.nn.init: standard deviation as a function of fan_in and fan_out.
SPREADS = {
    "xavier_uniform": lambda i, o: math.sqrt(2 / (i + o)),
    "xavier_normal": lambda i, o: math.sqrt(2 / (i + o)),
    "kaiming_uniform": lambda i, o: math.sqrt(2 / i),
    "kaiming_normal": lambda i, o: math.sqrt(2 / i),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SPREADS)
def test_scaled(drawn: Draw, name: str, shape: tuple[int, ...]) -> None:
    cells = math.prod(shape[2:])
    for gain in (None, 0.3, 4.0):
        sd = SPREADS[name](shape[1] * cells, shape[0] * cells)
        if gain is not None:
            default = 1.0 if name.startswith("xavier") else math.sqrt(2.0)
            sd *= gain / default
        w = drawn(name, shape, gain=gain).ravel()
        if name.endswith("uniform"):
            bound = sd * math.sqrt(3.0)
            accepted = stats.kstest(w, "uniform", args=(-bound, 2 * bound))
        else:
            accepted = stats.kstest(w, "norm", args=(0.0, sd))
        assert accepted.pvalue > LEVEL


@pytest.mark.parametrize("slope", [0.0, 0.1, math.sqrt(5.0)])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_kaiming_with_a_slope(drawn: Draw, slope: float, mode: str) -> None:
    shape = (48, 32, 3, 3)
    fan = 9 * (32 if mode == "fan_in" else 48)
    sd = math.sqrt(2.0 / (1.0 + slope**2) / fan)
    options = {"activation": "leaky_relu", "negative_slope": slope, "mode": mode}
    bound = sd * math.sqrt(3.0)
    w = drawn("kaiming_uniform", shape, **options).ravel()
    assert stats.kstest(w, "uniform", args=(-bound, 2 * bound)).pvalue > LEVEL
    w = drawn("kaiming_normal", shape, **options).ravel()
    assert stats.kstest(w, "norm", args=(0.0, sd)).pvalue > LEVEL


@pytest.mark.parametrize("shape", SHAPES)
def test_unscaled(drawn: Draw, shape: tuple[int, ...]) -> None:
    w = drawn("uniform", shape, low=-2.0, high=1.0).ravel()
    assert stats.kstest(w, "uniform", args=(-2.0, 3.0)).pvalue > LEVEL
    assert w.min() >= -2.0
    assert w.max() <= 1.0
    w = drawn("normal", shape, mean=3.0, sd=0.5).ravel()
    assert stats.kstest(w, "norm", args=(3.0, 0.5)).pvalue > LEVEL
    w = drawn("truncated_normal", shape, mean=1.0, sd=2.0, low=-1.0, high=0.5).ravel()
    assert stats.kstest(w, stats.truncnorm(-1.0, 0.5, loc=1.0, scale=2.0).cdf).pvalue > LEVEL
    assert w.min() >= -1.0
    assert w.max() <= 2.0
    assert (drawn("constant", shape, value=-3.5) == -3.5).all()
    assert not drawn("zeros", shape).any()
    assert (drawn("ones", shape) == 1.0).all()
    w = drawn("rand", shape).ravel()
    assert stats.kstest(w, "uniform").pvalue > LEVEL
    w = drawn("randn", shape).ravel()
    assert stats.kstest(w, "norm").pvalue > LEVEL


def test_randint_is_even(drawn: Draw) -> None:
    values, counts = np.unique(drawn("randint", (80, 60), low=-3, high=4), return_counts=True)
    assert list(values) == [-3, -2, -1, 0, 1, 2, 3]
    assert stats.chisquare(counts).pvalue > LEVEL


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (12, 4, 3, 3), (6, 20, 2)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(drawn: Draw, shape: tuple[int, ...], gain: float) -> None:
    flat = drawn("orthogonal", shape, gain=gain).reshape(shape[0], -1).astype(np.float64)
    rows, columns = flat.shape
    small = flat @ flat.T if rows <= columns else flat.T @ flat
    assert np.allclose(small, gain**2 * np.eye(len(small)), atol=1e-4)


def test_identity_keeps_what_goes_in(drawn: Draw) -> None:
    assert np.array_equal(drawn("identity", (5, 8)), np.eye(5, 8))
    for shape in ((4, 6, 3), (6, 4, 3, 5), (5, 5, 3, 3, 3)):
        w = drawn("identity", shape)
        assert w.sum() == min(shape[:2])
        centre = tuple(size // 2 for size in shape[2:])
        assert np.array_equal(w[(slice(None), slice(None), *centre)], np.eye(*shape[:2]))


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
def test_sparse(drawn: Draw, sparsity: float) -> None:
    w = drawn("sparse", (80, 40), sparsity=sparsity, sd=0.5)
    assert ((w == 0.0).sum(axis=0) == math.ceil(sparsity * 80)).all()
    assert stats.kstest(w[w != 0.0], "norm", args=(0.0, 0.5)).pvalue > LEVEL
    # Which ones are zero differs from column to column.
    assert len({tuple(column) for column in (w == 0.0).T}) == 40


def test_refusals(drawn: Draw) -> None:
    for name in ("xavier_normal", "kaiming_uniform", "orthogonal", "identity", "sparse"):
        with pytest.raises(InputError, match="shape"):
            draw(name, (5,))
