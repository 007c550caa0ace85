"""Histograms and Q-Q plots as plain lists for the page to draw."""

from __future__ import annotations

from typing import Any

import gausswork as gw
from gausswork.normal.bands import QuantilePoints
from gausswork.normal.bins import Histogram


def bars(found: Histogram) -> dict[str, Any]:
    """Return a histogram: edges, heights that make areas of shares, and what lies farther out."""
    return {
        "edges": found.edges.tolist(),
        "density": found.density.tolist(),
        "below": found.below,
        "above": found.above,
        "count": found.count,
    }


def quantile_plot(points: QuantilePoints, bell: gw.Normal) -> dict[str, Any]:
    """Return ordered values over where ``bell`` has them, with the band that bells stay in."""
    return {
        "z": points.score.tolist(),
        "value": points.value.tolist(),
        "lower": points.lower.tolist(),
        "upper": points.upper.tolist(),
        "bell": bell.at(points.score).tolist(),
        "outside": points.outside,
        "level": points.level,
        "count": points.count,
    }
