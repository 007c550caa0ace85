"""A law: what the numbers of one block of weights are drawn from, ready for NumPy or PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gausswork import formatting as fmt


@dataclass(frozen=True, slots=True)
class Law:
    """What to draw.

    Attributes
    ----------
    kind : ``"constant"``, ``"uniform"``, ``"normal"``, ``"truncated"``, ``"integers"``,
        ``"orthogonal"``, ``"identity"`` or ``"sparse"``.
    mean, sd : of one number. For ``"truncated"`` those of the normal before it is cut; see
        :attr:`spread` for what is left. For ``"orthogonal"`` and ``"identity"`` mean is 0 and sd
        what an entry of the block has.
    low, high : limits in the unit of the numbers; high is not reached by ``"integers"``.
    gain : of ``"orthogonal"`` and ``"identity"``.
    sparsity : share of zeros in each column of ``"sparse"``.
    """

    kind: str
    mean: float = 0.0
    sd: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    gain: float = 1.0
    sparsity: float = 0.0

    @property
    def spread(self) -> float:
        """The sd of the numbers that are drawn; less than ``sd`` where a normal is cut."""
        if self.kind == "sparse":
            return self.sd * math.sqrt(1.0 - self.sparsity)
        if self.kind != "truncated" or self.sd == 0.0:
            return self.sd
        low, high = (self.low - self.mean) / self.sd, (self.high - self.mean) / self.sd
        return self.sd * cut_sd(low, high)

    def text(self) -> str:
        """Return the law in words: ``"normal, sd 0.0625"``."""
        number = _number
        match self.kind:
            case "constant":
                return f"all {number(self.mean)}"
            case "uniform":
                if self.low == -self.high:
                    return f"uniform in ±{number(self.high)}"
                return f"uniform in {number(self.low)} … {number(self.high)}"
            case "normal":
                about = f" about {number(self.mean)}" if self.mean else ""
                return f"normal{about}, sd {number(self.sd)}"
            case "truncated":
                return (
                    f"normal, sd {number(self.sd)}, cut at {number(self.low)} and "
                    f"{number(self.high)}"
                )
            case "integers":
                return f"integers {self.low:.0f} … {self.high - 1:.0f}"
            case "sparse":
                return f"{fmt.percent(self.sparsity)} zeros per column, else sd {number(self.sd)}"
            case _:
                times = "" if self.gain == 1.0 else f", × {number(self.gain)}"
                return f"{self.kind}{times}"


def uniform(low: float, high: float) -> Law:
    """Return the uniform law between two limits."""
    return Law("uniform", 0.5 * (low + high), (high - low) / math.sqrt(12.0), low, high)


def truncated(mean: float, sd: float, low: float, high: float) -> Law:
    """Return the normal law cut at ``mean + low·sd`` and ``mean + high·sd``."""
    return Law("truncated", mean, sd, mean + low * sd, mean + high * sd)


def cut_sd(low: float, high: float) -> float:
    """Return the sd of a standard normal cut at ``low`` and ``high``; 0.8796 for ±2."""
    return math.sqrt(_cut_moments(low, high)[1])


def _cut_moments(low: float, high: float) -> tuple[float, float]:
    """Return mean and variance of a standard normal cut at two limits (Greene, theorem 19.2)."""
    from scipy.special import ndtr

    share = float(ndtr(high) - ndtr(low)) if low < 0 else float(ndtr(-low) - ndtr(-high))
    at_low, at_high = _density(low), _density(high)
    mean = (at_low - at_high) / share
    lows = low * at_low if math.isfinite(low) else 0.0
    highs = high * at_high if math.isfinite(high) else 0.0
    return mean, 1.0 + (lows - highs) / share - mean * mean


def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi) if math.isfinite(x) else 0.0


def _number(value: float) -> str:
    return fmt.significant(value, 4, strip=True).replace("-", "−", 1)
