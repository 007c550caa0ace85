"""The best constant learning rate and momentum for a quadratic with eigenvalues in [λmin, λmax].

Gradient descent: 2 / (λmin + λmax). Best pairs: Polyak (1964) for the heavy ball, Lessard, Recht &
Packard (2016, section 4.2) for Nesterov's rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gausswork.leastsquares.descent.response import Rule

# Where the condition number exceeds what float64 can tell from infinity the best constants round to
# those that no longer converge; this far inside they are no slower.
_INSIDE = 1.0 - 2.0**-40
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


def worst_radius(rule: Rule, rate: float, least: float, largest: float) -> float:
    """Return what an epoch multiplies the slowest part of the error by."""
    return max(rule.radius(rate * least), rule.radius(rate * largest))


def worst_log_radius(rule: Rule, rate: float, least: float, largest: float) -> float:
    """Return the logarithm of the same; negative where the descent converges."""
    return max(rule.log_radius(rate * least), rule.log_radius(rate * largest))


def best_rate(rule: Rule, least: float, largest: float) -> float:
    """Return the constant learning rate that converges fastest with this momentum."""
    if not rule.nesterov or rule.momentum == 0.0:
        # both ends are then equally slow; with momentum this is the middle of the best rates
        best = 2.0 * (1.0 + rule.momentum) / (least + largest)
        return min(best, _INSIDE * rule.limit / largest)
    return _least(
        lambda rate: worst_log_radius(rule, rate, least, largest), 0.0, rule.limit / largest
    )


def best_pair(nesterov: bool, least: float, largest: float) -> tuple[float, float]:
    """Return the learning rate and the momentum that converge fastest together."""
    condition = largest / least
    if nesterov:
        root = math.sqrt(3.0 * condition + 1.0)
        rate, momentum = 4.0 / (3.0 * largest + least), (root - 2.0) / (root + 2.0)
    else:
        root = math.sqrt(condition)
        both = math.sqrt(least) + math.sqrt(largest)
        rate, momentum = 4.0 / (both * both), ((root - 1.0) / (root + 1.0)) ** 2
    momentum = min(max(momentum, 0.0), _INSIDE)
    return min(rate, _INSIDE * Rule(momentum, nesterov).limit / largest), momentum


def best_momentum(nesterov: bool, rate: float, least: float, largest: float) -> float:
    """Return the momentum that converges fastest with this learning rate."""
    return _least(lambda b: worst_log_radius(Rule(b, nesterov), rate, least, largest), 0.0, _INSIDE)


def _least(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that falls and then rises is least (golden section)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-15 * high:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
        if not low < left < right < high:
            break
    return 0.5 * (low + high)
