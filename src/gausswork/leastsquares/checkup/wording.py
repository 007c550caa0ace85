"""Numbers in the sentences of a check-up."""

from __future__ import annotations

import math


def or_one(p: float) -> float:
    """Return a p-value, one where it is not defined."""
    return 1.0 if math.isnan(p) else p


def p_text(value: float) -> str:
    """Return a p-value as part of a sentence."""
    if math.isnan(value):
        return "p not defined"
    return "p < 1e-16" if value < 1e-16 else f"p = {value:.2g}"


def number(value: float) -> str:
    """Return a factor with a decimal where that says something."""
    return f"{value:.1f}" if value < 10.0 else f"{value:.0f}"


def percent(share: float) -> str:
    """Return a share in percent."""
    value = 100.0 * share
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def count(number: int, noun: str) -> str:
    """Return how many there are of a thing, in the right number."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
