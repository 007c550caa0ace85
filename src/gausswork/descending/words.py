"""A gradient descent in the table of its fit: title, estimates, what is said below."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gausswork import formatting as fmt

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.history import Descent

DIGITS_NOTE = (
    "significant digits in which the estimate agrees with the least-squares solution; the "
    "estimate is shown as the descent has left it."
)
_SHOWN_DIGITS = 7  # of an estimate on its way, whatever it agrees with
_SIDE_BY_SIDE = 8  # terms named beside the exact solution


def title(descent: Descent) -> str:
    """Return how it was fitted, in words."""
    words = "gradient descent" if descent.momentum == 0.0 else f"{descent.rule} gradient descent"
    if descent.mini_batch is not None:
        words = f"{descent.mini_batch.optimizer} in batches of {descent.mini_batch.batch_size:,}"
    if descent.method.standardize:
        words += " on standardised predictors"
    return words


def estimate(value: float, error: float, trusted: float) -> str:
    """Return an estimate of a descent: the digits that it has, not only those that agree."""
    if math.isfinite(error) and error > 0.0:
        return fmt.estimate(value, error, max(trusted, _SHOWN_DIGITS))
    return fmt.significant(value, _SHOWN_DIGITS, strip=True)


def notes(descent: Descent) -> list[tuple[str, str]]:
    """Return the lines of the table that belong to the descent."""
    constants = f"learning rate {descent.learning_rate:.6g}"
    if descent.method.learning_rate == "auto":
        constants += " (auto)"
    if descent.momentum:
        constants += f", momentum {descent.momentum:.6g}"
        constants += " (auto)" if descent.method.momentum == "auto" else ""
    if descent.method.ridge:
        constants += f", ridge {descent.method.ridge:.6g}"
    epochs = f"{descent.epochs:,} epoch{'s' if descent.epochs != 1 else ''}"
    lines = [
        ("descent", f"{descent.outcome} after {epochs} at {constants}"),
        ("loss", _losses(descent)),
    ]
    rows = []
    for i, name in enumerate(descent.names[:_SIDE_BY_SIDE]):
        exact, away = float(descent.exact[i]), float(descent.distance[i])
        there = "" if away == 0.0 else f" ({fmt.significant(abs(away), 3, strip=True)} away)"
        shown = fmt.significant(exact, _SHOWN_DIGITS, strip=True)
        rows.append(f"{fmt.visible(name, limit=30)} {shown}{there}")
    more = len(descent.names) - _SIDE_BY_SIDE
    if more > 0:
        rows.append(f"and {more:,} more")
    lines.append(("least squares", "; ".join(rows)))
    return lines


def _losses(descent: Descent) -> str:
    first, last = float(descent.loss[0]), float(descent.loss[-1])
    text = f"{fmt.significant(last, 5)} (mean squared error; {fmt.significant(first, 5)} at first"
    if descent.modes is not None:
        text += f", {fmt.significant(descent.modes.floor, 5)} at the solution"
    return text + ")"
