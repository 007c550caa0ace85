"""Descent: the history of a gradient descent, beside the exact answer that it walks towards."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from gausswork.findings import Finding
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.gradient import GradientDescent
from gausswork.leastsquares.stochastic_result import MiniBatch

Integers = npt.NDArray[np.int64]


class Outcome(StrEnum):
    """How a descent has ended."""

    CONVERGED = "converged"  # at the least-squares solution, as far as it matters
    STOPPED = "stopped"  # by its tolerance or by held-out rows, on the way
    UNFINISHED = "unfinished"  # the epochs were used up on the way
    DIVERGED = "diverged"  # it ran away; the history ends where numbers overflow


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Descent:
    """A gradient descent and how far it has come. Arrays are in the order of ``names``.

    Attributes
    ----------
    names : the k parameters; the intercept, if any, first.
    method : what was asked for.
    learning_rate, momentum : what was used; they tell what ``"auto"`` has chosen.
    epochs : epochs done; fewer than asked for where it stopped or diverged.
    outcome, reason : how it ended, and why in words.
    recorded : (h,) the epochs of the history, from 0 (the start) to ``epochs``, both included; all
        of them up to 10,000, then a selection that grows sparser.
    path : (h, k) parameters after each of those epochs, in the units of the data.
    loss : (h,) mean squared error there, with the ridge penalty where there is one.
    coefficients : (k,) where it ended.
    exact : (k,) the least-squares solution.
    digits : (k,) significant digits in which ``coefficients`` agree with ``exact``.
    findings : what the reader should know.
    held_out_loss : (h,) loss on held-out rows, or None.
    mini_batch : what there is to say of batches; None for full batch.
    """

    names: tuple[str, ...]
    method: GradientDescent
    learning_rate: float
    momentum: float
    epochs: int
    outcome: Outcome
    reason: str
    recorded: Integers
    path: Array
    loss: Array
    coefficients: Array
    exact: Array
    digits: Array
    findings: tuple[Finding, ...]
    held_out_loss: Array | None = None
    mini_batch: MiniBatch | None = None

    @property
    def distance(self) -> Array:
        """Signed distance of each coefficient from the least-squares solution, (k,)."""
        return self.coefficients - self.exact

    @property
    def rule(self) -> str:
        """Which update rule: ``"gradient descent"``, ``"heavy ball"`` or ``"Nesterov"``."""
        if self.momentum == 0.0:
            return "gradient descent"
        return "Nesterov" if self.method.nesterov else "heavy ball"

    def __repr__(self) -> str:
        return f"Descent(terms={len(self.names)}, epochs={self.epochs}, outcome={self.outcome})"
