"""Descent: the history of a gradient descent, beside the exact answer that it walks towards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.leastsquares.descent.method import MOST_EPOCHS, GradientDescent
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.stochastic.result import MiniBatch

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.modes import Modes
    from gausswork.leastsquares.descent.outlook import Outlook
    from gausswork.leastsquares.solution import Solution

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
    outlook : what was known before the first step: limit and best rate, condition number.
    modes : the closed form of the path; None for mini-batches.
    least_squares : the least-squares fit that ``exact`` comes from.
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
    outlook: Outlook | None = None
    modes: Modes | None = field(default=None, repr=False)
    least_squares: Solution | None = field(default=None, repr=False)

    @property
    def distance(self) -> Array:
        """Signed distance of each coefficient from the least-squares solution, (k,)."""
        return self.coefficients - self.exact

    @property
    def ended_at(self) -> int:
        """Position in the history whose parameters are the coefficients: the last, or the best."""
        best = None if self.mini_batch is None else self.mini_batch.best_epoch
        return len(self.recorded) - 1 if best is None else best

    @property
    def rule(self) -> str:
        """Update rule: gradient descent, heavy ball, Nesterov, or the name of an optimizer."""
        if self.mini_batch is not None and not self.mini_batch.optimizer.startswith("sgd"):
            return self.mini_batch.optimizer
        if self.momentum == 0.0:
            return "gradient descent"
        return "Nesterov" if self.method.nesterov else "heavy ball"

    def at(self, epochs: int | Sequence[int]) -> tuple[Array, Array]:
        """Return parameters (h, k) and loss (h,) after any epochs, recorded or not, run or not.

        Full batch only: what a path of batches passed on its way is not kept.
        """
        wanted = np.atleast_1d(np.asarray(epochs))
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu" or (wanted < 0).any():
            raise InputError(f"epochs must be whole numbers from 0 on; got {epochs!r}.")
        if (wanted > MOST_EPOCHS).any():
            raise InputError(f"epochs must not exceed {MOST_EPOCHS:,}; got {epochs!r}.")
        return self._modes("at").evaluate(wanted)

    def epochs_within(self, distance: float, *, relative: bool = False) -> int | None:
        """Return the epoch from which on every parameter stays that close to ``exact``.

        Parameters
        ----------
        distance : in the units of each parameter; with ``relative`` a share of its exact value.

        Returns
        -------
        The epoch, whether or not it was run; ``None`` if it lies beyond 10¹⁰ or never comes.
        """
        if not isinstance(distance, float | int) or not 0.0 < distance < np.inf:
            raise InputError(f"distance must be a positive number; got {distance!r}.")
        walk = self._modes("epochs_within")
        if self.outcome is Outcome.DIVERGED:
            return None
        return walk.epochs_within(
            distance * np.abs(self.exact) if relative else distance, MOST_EPOCHS
        )

    def _modes(self, what: str) -> Modes:
        if self.modes is None:
            raise InputError(
                f"{what}() needs the closed form of the path, and mini-batches have none. "
                "Use recorded, path and loss, or fit with batch_size=None."
            )
        return self.modes

    def __repr__(self) -> str:
        return f"Descent(terms={len(self.names)}, epochs={self.epochs}, outcome={self.outcome})"
