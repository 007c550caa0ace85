"""Random least-squares problems of the kinds that break programs, one for each seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating]
Maker: TypeAlias = Callable[[np.random.Generator, int, int], tuple[Array, Array]]


@dataclass(frozen=True, slots=True)
class Problem:
    """Data to fit: x (n, p), y (n,), and whether there is an intercept; weights (n,) if any."""

    seed: int
    setting: str
    x: Array
    y: Array
    intercept: bool
    weights: Array | None = None
    weighting: str | None = None


def problem(seed: int, *, most_rows: int = 200) -> Problem:
    """Return the problem of a seed; consecutive seeds go through all the settings."""
    rng = np.random.default_rng([2024, seed])
    setting = tuple(SETTINGS)[seed % len(SETTINGS)]
    p = int(rng.integers(1, 9))
    least = p + 2
    n = int(np.exp(rng.uniform(np.log(max(3, least)), np.log(most_rows))) + 0.5)
    x, y = SETTINGS[setting](rng, n, p)
    intercept = setting != "through the origin" and bool(rng.random() < 0.85)
    return Problem(seed, setting, x, y, intercept)


def weighted_problem(seed: int, *, most_rows: int = 200) -> Problem:
    """Return the problem of a seed with weights; consecutive seeds go through their kinds, too."""
    plain = problem(seed, most_rows=most_rows)
    rng = np.random.default_rng([2025, seed])
    n = len(plain.y)
    kinds = tuple(WEIGHTS)
    kind = kinds[seed // len(SETTINGS) % len(kinds)]
    weights = WEIGHTS[kind](rng, n)
    weights[rng.permutation(n)[: plain.x.shape[1] + 2]] += 1.0  # enough rows that count
    weighting = "frequency" if kind == "frequencies" else "analytic"
    return replace(plain, setting=f"{plain.setting}, {kind}", weights=weights, weighting=weighting)


WEIGHTS: dict[str, Callable[[np.random.Generator, int], npt.NDArray[np.float64]]] = {
    "mild": lambda rng, n: rng.uniform(0.2, 3.0, n),
    "wide": lambda rng, n: 10.0 ** rng.uniform(-8, 8, n),
    "variances": lambda rng, n: 1.0 / rng.chisquare(2, n) * 10.0 ** rng.uniform(-30, 30),
    "zeros": lambda rng, n: rng.uniform(0.5, 2.0, n) * (rng.random(n) < 0.6),
    "frequencies": lambda rng, n: rng.poisson(2.0, n).astype(np.float64),
}


def _noisy(rng: np.random.Generator, x: Array) -> Array:
    """Return a response of varied signal and noise."""
    coefficients = rng.normal(size=x.shape[1]) * 10.0 ** rng.uniform(-3, 3, size=x.shape[1])
    signal = x @ coefficients + rng.normal() * 10.0 ** rng.uniform(-2, 2)
    noise = rng.normal(size=len(x)) * 10.0 ** rng.uniform(-6, 1)
    size = float(np.std(signal)) or 1.0
    return signal + size * noise


def _plain(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    x = rng.normal(size=(n, p))
    return x, _noisy(rng, x)


def _conditioned(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    """Singular values spread evenly in the logarithm, condition 10^0 … 10^14."""
    left = np.linalg.qr(rng.normal(size=(n, p)))[0]
    right = np.linalg.qr(rng.normal(size=(p, p)))[0]
    values = np.logspace(0, -rng.uniform(0, 14), p)
    x = (left * values) @ right.T
    return x, _noisy(rng, x)


def _offsets(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    x = rng.normal(size=(n, p))
    y = _noisy(rng, x)
    return x + 10.0 ** rng.uniform(0, 8, size=p), y + 10.0 ** rng.uniform(0, 8)


def _integers(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    x = rng.integers(-(10 ** int(rng.integers(1, 6))), 10 ** int(rng.integers(1, 6)), (n, p))
    return x.astype(np.float64), np.rint(_noisy(rng, x.astype(np.float64)))


def _single_precision(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    x = rng.normal(size=(n, p)) + rng.uniform(-100, 100, size=p)
    return x.astype(np.float32), _noisy(rng, x).astype(np.float32)


def _collinear(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    """One column is nearly a combination of the others (or, for p = 1, nearly constant)."""
    x = rng.normal(size=(n, p))
    gap = 10.0 ** rng.uniform(-13, 0)
    x[:, -1] = (x[:, :-1].sum(axis=1) if p > 1 else 1.0) + gap * rng.normal(size=n)
    return x, _noisy(rng, x)


def _units(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    x = rng.normal(size=(n, p))
    y = _noisy(rng, x)
    return x * 10.0 ** rng.uniform(-30, 30, size=p), y * 10.0 ** rng.uniform(-30, 30)


def _exact(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    """The response is an exact combination of integer predictors: no residuals at all."""
    x = rng.integers(-1000, 1000, (n, p)).astype(np.float64)
    return x, x @ rng.integers(1, 1000, p).astype(np.float64) + float(rng.integers(1, 1000))


def _outliers(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    """Heavy tails in everything: leverage and residuals of all sizes."""
    x = rng.standard_t(1.5, size=(n, p))
    x[rng.integers(n), rng.integers(p)] *= 1e6
    y = _noisy(rng, x)
    y[rng.integers(n)] *= 1e5
    return x, y


def _dummies(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    """Group indicators, some of them with one or two members, beside a measured column."""
    groups = np.minimum(rng.geometric(0.45, size=n) - 1, p)
    groups[: p + 1] = np.arange(p + 1)[: len(groups[: p + 1])]
    x = (groups[:, None] == np.arange(1, p + 1)).astype(np.float64)
    if p > 1:
        x[:, -1] = rng.normal(50, 10, size=n)
    return x, _noisy(rng, x)


def _origin(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    x = rng.normal(size=(n, p)) + rng.uniform(-1, 1, size=p) * 10.0 ** rng.uniform(0, 6)
    return x, _noisy(rng, x)


def _powers(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    """A polynomial, as in the hard NIST sets."""
    base = rng.uniform(-1, 1, size=n) * rng.uniform(0.5, 5) + rng.uniform(-3, 3)
    x = base[:, None] ** np.arange(1, p + 1)
    return x, _noisy(rng, x)


def _trend(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array]:
    """Economic series: everything grows with the years."""
    years = np.arange(1900.0, 1900.0 + n)
    walks = np.cumsum(rng.normal(size=(n, p)), axis=0) + np.arange(n)[:, None] * rng.uniform(1, 50)
    x = np.round(1000.0 + walks, 1)
    x[:, 0] = years
    return x, np.round(_noisy(rng, x), 2)


SETTINGS: dict[str, Maker] = {
    "plain": _plain,
    "conditioned": _conditioned,
    "offsets": _offsets,
    "integers": _integers,
    "float32": _single_precision,
    "nearly collinear": _collinear,
    "units": _units,
    "exact fit": _exact,
    "outliers": _outliers,
    "dummies": _dummies,
    "through the origin": _origin,
    "powers": _powers,
    "trend": _trend,
}
