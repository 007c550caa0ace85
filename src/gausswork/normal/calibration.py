"""p-values of statistics whose law under the normal is known from simulation.

``calibration.json`` holds their quantiles for many sample sizes, as ``benchmarks/normality.py``
has simulated them: neither the cut-offs of printed tables (0.001, 0.01, 0.15) nor a limit law that
is far off at small n gets in the way. Between two sizes the logarithms of the quantiles are
interpolated in 1/√n, between two quantiles the normal scores of their probabilities.
"""

from __future__ import annotations

import bisect
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Upper quantiles of one statistic over the sample size.

    Attributes
    ----------
    sizes : (s,) sample sizes, ascending; the last may be infinite: the limit law.
    tails : (q,) probabilities of exceeding, descending.
    quantiles : (s, q) what the statistic exceeds with these probabilities.
    """

    sizes: Array
    tails: Array
    quantiles: Array

    def at(self, n: int) -> Array:
        """Return the (q,) quantiles at a sample size."""
        u = 1.0 / np.sqrt(self.sizes[::-1])
        logs = np.log(self.quantiles[::-1])
        x = 1.0 / math.sqrt(n)
        j = int(np.clip(np.searchsorted(u, x), 1, len(u) - 1))
        share = min(max((x - u[j - 1]) / (u[j] - u[j - 1]), 0.0), 1.0)
        quantiles: Array = np.exp((1.0 - share) * logs[j - 1] + share * logs[j])
        return quantiles


@lru_cache(maxsize=1)
def stored() -> Mapping[str, Any]:
    """Read the tables that come with the package, as they are written."""
    text = resources.files("gausswork.normal").joinpath("calibration.json").read_text("utf-8")
    tables: dict[str, Any] = json.loads(text)
    return tables


@lru_cache(maxsize=1)
def calibrations() -> Mapping[str, Calibration]:
    """Return the tables of the tests: statistic -> calibration."""
    tables = stored()
    tails = np.array(tables["tails"])
    found = {}
    for name, table in tables["statistics"].items():
        sizes = np.array([math.inf if n is None else float(n) for n in table["sizes"]])
        found[name] = Calibration(sizes, tails, np.array(table["quantiles"]))
    return found


def normalised(name: str, statistic: Any, n: int) -> Any:
    """Return a statistic on the scale of its table, on which it hardly depends on n.

    Stephens (1974) gives the factors of A² and of the Kolmogorov distance. Of 1 − W' it is n times
    as much: about log log n and something of fixed size; de Wet and Venter (1972).
    """
    if name == "anderson":
        return statistic * (1.0 + 0.75 / n + 2.25 / n**2)
    if name == "lilliefors":
        return statistic * (math.sqrt(n) - 0.01 + 0.85 / math.sqrt(n))
    if name == "francia":
        return n * statistic
    return statistic


def tail_probability(name: str, statistic: float, n: int) -> float:
    """Return the probability that a normal sample of n values exceeds the statistic.

    Within the table, down to 0.0001, it is as good as the simulation. Beyond, it goes on as the
    limit law does, which is good for its order of magnitude.

    Parameters
    ----------
    name : ``"anderson"``, ``"lilliefors"``, ``"jarque-bera"``, ``"dagostino"``, ``"francia"``.
    statistic : as :mod:`gausswork.normal.discrepancy` defines it.
    """
    quantiles, logs, scores = _ladder(name, n)
    t = float(normalised(name, statistic, n))
    if t <= quantiles[0]:
        return 1.0 - _TOP * max(t, 0.0) / quantiles[0]
    if t <= quantiles[-1]:
        at = math.log(t)
        k = min(max(bisect.bisect_left(logs, at), 1), len(logs) - 1)
        width = logs[k] - logs[k - 1]
        share = (at - logs[k - 1]) / width if width > 0.0 else 1.0
        score = scores[k - 1] + share * (scores[k] - scores[k - 1])
        return 0.5 * math.erfc(score / math.sqrt(2.0))
    # log p falls in proportion to the statistic; for the Kolmogorov distance to its square
    power = 2.0 if name == "lilliefors" else 1.0
    tails = calibrations()[name].tails
    far, near = quantiles[-1] ** power, quantiles[_ANCHOR] ** power
    log_p = math.log(float(tails[-1]))
    if far > near:
        log_p -= math.log(float(tails[_ANCHOR] / tails[-1])) * (t**power - far) / (far - near)
    return math.exp(max(log_p, -745.0))


def median(name: str, n: int) -> float:
    """Return the median of a statistic on the scale of its table, for samples of n from a bell."""
    tails = calibrations()[name].tails
    return _ladder(name, n)[0][int(np.searchsorted(-tails, -0.5))]


@lru_cache(maxsize=64)
def _ladder(name: str, n: int) -> tuple[list[float], list[float], list[float]]:
    """Return the quantiles at a sample size, their logarithms, and the scores of their tails."""
    from scipy.special import ndtri

    table = calibrations()[name]
    quantiles = table.at(n)
    return quantiles.tolist(), np.log(quantiles).tolist(), (-ndtri(table.tails)).tolist()


_TOP = 0.001  # probability below the first quantile
_ANCHOR = -4  # with the last column it gives the slope of the tail beyond: 0.001 and 0.0001
