"""How many values of a bell-shaped sample a rule for outliers calls outliers all the same."""

from __future__ import annotations

import math

import numpy as np

_QUARTILE = 0.6744897501960817  # Φ⁻¹(3/4)
MAD_TO_SD = 1.482602218505602  # 1 / Φ⁻¹(3/4)
_DENSITY = 0.31777657  # of the bell at its quartile


def of_z(n: int, limit: float) -> float:
    """Return the expected number of |x − mean| / sd beyond a limit, exactly.

    n·z² / (n − 1)² of one value has a beta law with parameters 1/2 and (n − 2)/2; Thompson (1935).
    It is never above 1: no z exceeds (n − 1)/√n, so among ten values none is beyond 3.
    """
    from scipy.special import betainc

    u = n * limit**2 / (n - 1.0) ** 2
    if n < 3 or u >= 1.0:
        return 0.0
    return n * float(betainc(0.5 * (n - 2.0), 0.5, 1.0 - u))


def of_robust_z(n: int, limit: float) -> float:
    """Return the expected number of |x − median| / (1.4826·MAD) beyond a limit.

    The MAD of a sample varies, and a small one opens the door to many values. Its logarithm is
    taken as normal, with the variance 1.36/n of large samples; what small ones add is fitted to
    simulations, and good to a tenth of the number from 10 values on.
    """
    spread = math.sqrt(1.36 / (n + 2.208) * (1.0 + 14.95 / n))
    return n * _mixed(limit * (1.0 + 0.543 / n + 18.91 / n**2), spread)


def of_fences(n: int, reach: float) -> float:
    """Return the expected number beyond Tukey's fences, ``reach`` interquartile ranges out.

    At the usual 1.5 it is 0.7 % of large samples, and some 0.4 values more at any n; Hoaglin,
    Iglewicz & Tukey (1986). The variance of a fence is that of its quartiles; what small samples
    add is fitted to simulations, and good to a tenth of the number from 10 values on.
    """
    limit = _QUARTILE * (1.0 + 2.0 * reach)
    alone, shared = 0.1875 / _DENSITY**2, 0.0625 / _DENSITY**2
    variance = ((1.0 + reach) ** 2 + reach**2) * alone - 2.0 * reach * (1.0 + reach) * shared
    spread = math.sqrt(variance / limit**2 / (n + 2.574) * (1.0 + 19.71 / n))
    return n * _mixed(limit * (1.0 + 0.715 / n + 38.26 / n**2), spread)


def _mixed(limit: float, spread: float) -> float:
    """Return P(|x| > limit·s) for a normal x whose yardstick s is log-normal with mean 1."""
    from scipy.special import ndtr

    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    yardstick = np.exp(spread * nodes - 0.5 * spread**2)
    return float(weights @ ndtr(-limit * yardstick)) * 2.0 / float(weights.sum())
