"""Promise: mean-field theory gives the published numbers.

Poole et al. 2016, "Exponential expressivity in deep neural networks through transient chaos"
(figure 1: tanh, σ_b² = 0.05); Schoenholz et al. 2017, "Deep information propagation" (figures 2
and 5). The digits were computed once with 201 nodes of Gauss–Hermite quadrature.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from gausswork.errors import InputError
from gausswork.initialization import ACTIVATIONS, edge_of_chaos, mean_field
from gausswork.initialization.activations import activation
from gausswork.initialization.theory import mean_square, mean_square_slope


def test_edge_of_chaos_of_tanh() -> None:
    critical = edge_of_chaos("tanh", bias_variance=0.05)
    assert critical == pytest.approx(1.7610, abs=5e-5)
    there = mean_field("tanh", critical, 0.05)
    assert there.q == pytest.approx(0.570, abs=5e-4)
    assert there.phase == "critical"
    assert math.isinf(there.depth_scale)


@pytest.mark.parametrize(
    ("weight_variance", "chi", "phase"),
    [(1.0, 0.759, "ordered"), (2.5, 1.1335, "chaotic"), (4.0, 1.3424, "chaotic")],
)
def test_factor_on_squared_gradients(weight_variance: float, chi: float, phase: str) -> None:
    there = mean_field("tanh", weight_variance, 0.05)
    assert there.chi == pytest.approx(chi, abs=5e-4 if chi < 1 else 5e-5)
    assert there.phase == phase


@pytest.mark.parametrize(
    ("weight_variance", "scale"), [(1.0, 3.63), (1.5, 15.8), (2.0, 25.2), (4.0, 6.98)]
)
def test_depth_scales(weight_variance: float, scale: float) -> None:
    found = mean_field("tanh", weight_variance, 0.05).depth_scale
    assert found == pytest.approx(scale, rel=2e-3)  # three digits


def test_he_is_the_edge_of_chaos_of_relu() -> None:
    assert edge_of_chaos("relu") == pytest.approx(2.0, rel=1e-12)
    assert mean_field("relu", 2.0).chi == pytest.approx(1.0, rel=1e-12)
    assert mean_field("relu", 1 / 3, 0.01).chi == pytest.approx(1 / 6, rel=1e-12)
    with pytest.raises(InputError, match="bias_variance=0"):
        edge_of_chaos("relu", 0.1)


def test_relu_without_a_fixed_point_grows_for_ever() -> None:
    assert math.isinf(mean_field("relu", 2.5, 0.1).q)
    assert mean_field("relu", 1.0, 0.1).q == pytest.approx(0.2)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("q", [0.01, 1.0, 400.0])
def test_quadrature(name: str, q: float) -> None:
    """Against SciPy's adaptive integration, bends given to it."""
    from scipy.integrate import quad

    phi, s = activation(name), math.sqrt(q)
    bends = [b / s for b in (*phi.bends, 0.0, 1.0, -1.0, 4.0, -4.0) if abs(b / s) < 12]

    def expected(curve: object) -> float:
        def weighed(z: float) -> float:
            value = float(curve(np.array([s * z]))[0])  # type: ignore[operator]
            return value**2 * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

        return float(quad(weighed, -12, 12, points=sorted(set(bends)), limit=400)[0])

    assert mean_square(name, q) == pytest.approx(expected(phi.function), rel=1e-8)
    assert mean_square_slope(name, q) == pytest.approx(expected(phi.slope), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_derivatives(name: str) -> None:
    phi = activation(name)
    x = np.linspace(-8.013, 8.017, 501)
    x = x[np.min([abs(x - b) for b in (*phi.bends, 99.0)], axis=0) > 1e-3]
    measured = (phi.function(x + 1e-5) - phi.function(x - 1e-5)) / 2e-5
    assert np.allclose(measured, phi.slope(x), atol=1e-8)


def test_bad_variances() -> None:
    with pytest.raises(InputError, match="weight_variance"):
        mean_field("tanh", -1.0)
    with pytest.raises(InputError, match="bias_variance"):
        mean_field("tanh", 1.0, math.nan)
