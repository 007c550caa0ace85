"""Mean-field theory of wide random networks: what signals and gradients do from layer to layer.

In a wide fully connected network with weights of variance σ_w²/fan_in and biases of variance
σ_b², pre-activations are normal. Their variance q and the correlation c of two inputs follow one
map each (Poole et al. 2016, "Exponential expressivity in deep neural networks through transient
chaos"); squared gradients are multiplied by χ₁ per layer (Schoenholz et al. 2017, "Deep
information propagation"). χ₁ = 1 is the edge of chaos: below it gradients vanish and inputs
become alike, above it gradients explode and like inputs are torn apart.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.initialization.activations import Activation, activation

Array = npt.NDArray[np.float64]

_NODES = 160  # even: no node at zero, where many activations bend; halves are then exact
_PIECE_NODES = 96
_REACH = 12.0  # standard deviations; what lies beyond weighs less than 1e-32
_LARGEST_Q = 1e12  # a variance beyond it grows for ever
_SMALLEST_Q = 1e-12  # and one below it falls to zero
_NEAR_ONE = 1e-6  # a correlation so near to 1 counts as 1


@dataclass(frozen=True, slots=True)
class MeanField:
    """What theory says of a deep network with one activation and one scale of its weights.

    Attributes
    ----------
    activation : name.
    weight_variance, bias_variance : σ_w² (fan_in × variance of a weight) and σ_b².
    q : variance of pre-activations that deep layers settle at; ∞ if it grows for ever.
    chi : χ₁, the factor on squared gradients per layer at q.
    phase : ``"ordered"`` (χ₁ < 1), ``"critical"`` or ``"chaotic"`` (χ₁ > 1).
    correlation : of two different inputs that deep layers settle at.
    depth_scale : layers over which the correlation of two inputs comes e times nearer to that
        (ξ_c); information travels a few times as deep. ∞ at the edge of chaos.
    variance_depth_scale : the same for q (ξ_q).
    """

    activation: str
    weight_variance: float
    bias_variance: float
    q: float
    chi: float
    phase: str
    correlation: float
    depth_scale: float
    variance_depth_scale: float

    @property
    def gradient_factor(self) -> float:
        """Factor on the size of gradients per layer, √χ₁."""
        return math.sqrt(self.chi)


@functools.cache
def _hermite(nodes: int) -> tuple[Array, Array]:
    """Return nodes and weights that integrate against the standard normal density."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    return x, w / w.sum()


@functools.cache
def _legendre(nodes: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(nodes)
    return x, w


def _rule(bends: tuple[float, ...], sd: float) -> tuple[Array, Array]:
    """Return nodes z and weights for E[f(sd·z)], with z standard normal and f bent at ``bends``.

    A smooth function is integrated by Gauss–Hermite; a bent one piece by piece by Gauss–Legendre,
    because one rule over a bend converges like its step only.
    """
    inner = sorted({b / sd for b in bends if abs(b / sd) < _REACH}) if sd > 0.0 else []
    wide = sd > 4.0  # a sigmoid stretched over many sd is nearly a step at zero
    if not inner and not wide:
        return _hermite(_NODES)
    if wide:
        inner = sorted({*inner, *(s * t / sd for t in (1.0, 4.0, 12.0) for s in (-1, 1)), 0.0})
    inner = [b for b in inner if abs(b) < _REACH]
    edges = [-_REACH, *inner, _REACH]
    x, w = _legendre(_PIECE_NODES)
    nodes, weights = [], []
    for low, high in itertools.pairwise(edges):
        half = 0.5 * (high - low)
        z = low + half * (x + 1.0)
        nodes.append(z)
        weights.append(half * w * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))
    together = np.concatenate(weights)
    return np.concatenate(nodes), together / together.sum()


def mean_square(of: Any, q: float) -> float:
    """Return E[φ(√q·z)²] for z standard normal: the mean square of an activation's output."""
    phi = activation(of)
    z, w = _rule(phi.bends, math.sqrt(q))
    return float(w @ phi.function(math.sqrt(q) * z) ** 2)


def mean_square_slope(of: Any, q: float) -> float:
    """Return E[φ'(√q·z)²]: χ₁ is this times σ_w²."""
    phi = activation(of)
    z, w = _rule(phi.bends, math.sqrt(q))
    return float(w @ phi.slope(math.sqrt(q) * z) ** 2)


def variance_map(q: float, of: Any, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Return the variance of the next layer's pre-activations: σ_w²·E[φ(√q·z)²] + σ_b².

    Poole et al. (2016), equation 3.
    """
    return weight_variance * mean_square(of, q) + bias_variance


def fixed_variance(of: Any, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Return q*, the variance that deep layers settle at, from inputs of variance 1.

    ∞ if it grows for ever.
    """
    phi = activation(of)
    _check_variances(weight_variance, bias_variance)
    if phi.name in ("linear", "relu", "leaky_relu"):  # the map is a straight line
        slope = weight_variance * mean_square(phi, 1.0)
        if slope > 1.0 + 1e-12:
            return math.inf
        if slope >= 1.0 - 1e-12:  # every q stays as it is; the one of a standard normal input
            return 1.0 if bias_variance == 0.0 else math.inf
        return bias_variance / (1.0 - slope)

    def excess(q: float) -> float:
        return variance_map(q, phi, weight_variance, bias_variance) - q

    # Where a network goes to that starts from inputs of variance 1.
    grows = excess(1.0) > 0.0
    near, far = 1.0, 1.0
    while (excess(far) > 0.0) is grows:
        near, far = far, far * (4.0 if grows else 0.25)
        if far > _LARGEST_Q:
            return math.inf
        if far < _SMALLEST_Q:
            return 0.0
    from scipy.optimize import brentq

    return float(brentq(excess, near, far, xtol=1e-300, rtol=1e-14))


def chi(of: Any, weight_variance: float, q: float) -> float:
    """Return χ₁ = σ_w²·E[φ'(√q·z)²], the factor on squared gradients per layer.

    Schoenholz et al. (2017), equation 10 and section 4. 1 is the edge of chaos.
    """
    return weight_variance * mean_square_slope(of, q)


def correlation_map(
    c: float, of: Any, weight_variance: float, bias_variance: float, q: float
) -> float:
    """Return the correlation of two inputs one layer on, at the variance q (Poole 2016, eq. 5)."""
    return (
        weight_variance * _mean_product(activation(of).function, activation(of), c, q)
        + bias_variance
    ) / q


def _mean_product(curve: Any, phi: Activation, c: float, q: float) -> float:
    """Return E[f(u)·f(v)] for u, v normal with variance q and correlation c."""
    c = min(max(c, -1.0), 1.0)
    s = math.sqrt(q)
    if c > 1.0 - 1e-14:
        z, w = _rule(phi.bends, s)
        return float(w @ curve(s * z) ** 2)
    z, w = _rule(phi.bends, s)
    # Along the second direction the bends lie elsewhere for every node of the first.
    y, v = _hermite(_NODES)
    second = curve(s * (c * z[:, None] + math.sqrt(1.0 - c * c) * y[None, :]))
    return float((w * curve(s * z)) @ (second @ v))


def edge_of_chaos(of: Any, bias_variance: float = 0.0) -> float:
    """Return the σ_w² at which χ₁ = 1 for a given σ_b²: signals travel deepest.

    For ReLU it is 2, what He initialisation has; then σ_b² must be 0.

    Raises
    ------
    InputError
        There is none: for ReLU-like activations with σ_b² > 0 the variance grows for ever there.
    """
    phi = activation(of)
    _check_variances(1.0, bias_variance)
    if phi.name in ("linear", "relu", "leaky_relu"):
        if bias_variance > 0.0:
            raise InputError(
                f"{phi.name} has no edge of chaos with bias_variance {bias_variance:g}: at "
                "χ₁ = 1 every layer adds it once more. Use bias_variance=0."
            )
        return 1.0 / mean_square(phi, 1.0)

    def excess(q: float) -> float:
        # The σ_b² that a critical network of variance q must have, less the one asked for.
        return q - mean_square(phi, q) / mean_square_slope(phi, q) - bias_variance

    start, slope = float(phi.function(np.zeros(1))[0]), float(phi.slope(np.zeros(1))[0])
    if bias_variance == 0.0 and start == 0.0 and slope != 0.0:
        return 1.0 / slope**2  # q* = 0
    low, high = 1e-9, 1.0
    while excess(high) < 0.0:
        low, high = high, 2.0 * high
        if high > 1e6:
            raise InputError(
                f"{phi.name} has no edge of chaos with bias_variance {bias_variance:g}."
            )
    from scipy.optimize import brentq

    if excess(low) > 0.0:
        raise InputError(f"{phi.name} has no edge of chaos with bias_variance {bias_variance:g}.")
    return 1.0 / mean_square_slope(phi, float(brentq(excess, low, high, xtol=1e-13)))


def mean_field(of: Any, weight_variance: float, bias_variance: float = 0.0) -> MeanField:
    """Return what theory says of a deep network: where it settles, and over how many layers.

    Parameters
    ----------
    of : name of the activation.
    weight_variance : σ_w², fan_in times the variance of one weight; 2 for He, 1/3 for
        PyTorch's default.
    bias_variance : σ_b², the variance of one bias.

    Raises
    ------
    InputError
        A variance is negative or not finite, or the activation is not known.
    """
    phi = activation(of)
    q = fixed_variance(phi, weight_variance, bias_variance)
    finite = math.isfinite(q)
    at = q if finite else _LARGEST_Q
    if phi.name in ("linear", "relu", "leaky_relu"):
        at = 1.0  # their slopes do not depend on the scale
    slope = chi(phi, weight_variance, at)
    phase = "critical" if abs(slope - 1.0) < 1e-6 else "ordered" if slope < 1.0 else "chaotic"
    correlation, depth = 1.0, _scale(slope)
    if finite and q > 0.0 and phase == "chaotic":
        correlation = _fixed_correlation(phi, weight_variance, bias_variance, q)
        depth = _scale(weight_variance * _mean_product(phi.slope, phi, correlation, q))
    return MeanField(
        activation=phi.name,
        weight_variance=float(weight_variance),
        bias_variance=float(bias_variance),
        q=q,
        chi=slope,
        phase=phase,
        correlation=correlation,
        depth_scale=depth,
        variance_depth_scale=_variance_scale(phi, weight_variance, bias_variance, q),
    )


def _fixed_correlation(phi: Activation, w2: float, b2: float, q: float) -> float:
    """Return c* < 1, to which the correlations of a chaotic network fall."""
    from scipy.optimize import brentq

    def excess(c: float) -> float:
        return correlation_map(c, phi, w2, b2, q) - c

    # Below 1 the map lies under the diagonal, at 0 (or at −1 for odd functions) on or over it.
    low, high = 0.0, 1.0 - _NEAR_ONE
    if excess(high) >= 0.0:
        return 1.0
    while excess(low) < 0.0 and low > -1.0:
        low = max(low - 0.25, -1.0)
    return float(brentq(excess, low, high, xtol=1e-12)) if excess(low) >= 0.0 else low


def _variance_scale(phi: Activation, w2: float, b2: float, q: float) -> float:
    if not math.isfinite(q) or q == 0.0:
        return math.nan
    step = 1e-4 * q
    slope = variance_map(q + step, phi, w2, b2) - variance_map(q - step, phi, w2, b2)
    return _scale(slope / (2.0 * step))


def _scale(slope: float) -> float:
    """Return the layers over which a distance falls by e, when each layer multiplies it so."""
    if slope <= 0.0:
        return 0.0
    return math.inf if abs(slope - 1.0) < 1e-9 else abs(1.0 / math.log(slope))


def _check_variances(weight_variance: float, bias_variance: float) -> None:
    for name, value in (("weight_variance", weight_variance), ("bias_variance", bias_variance)):
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(
                f"{name} must be a finite number, zero or more; got {value!r}. It is a variance: "
                "an sd of 0.02 over 100 inputs makes weight_variance 100 · 0.02² = 0.04."
            )
