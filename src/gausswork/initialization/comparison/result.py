"""What a comparison of schemes has found: of each scheme, and of all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.initialization.comparison import lessons, outcomes
from gausswork.initialization.doctor import Diagnosis
from gausswork.initialization.schemes import Scheme

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trained:
    """What became of one scheme.

    Attributes
    ----------
    name : as it was asked for.
    scheme : what it stands for.
    train_loss, held_loss : (seeds, epochs + 1) mean loss before training and after every epoch, on
        the rows trained on and on those held out; NaN where training did not get.
    train_accuracy, held_accuracy : share of right answers, or R² of a regression; same shape.
    epochs : (seeds,) how many epochs each network was trained for.
    outcomes : of each seed: ``"learned"``, ``"stalled"``, ``"at chance"``, ``"diverged"``,
        ``"not finite"`` or ``"unfinished"``.
    reasons : of each seed, why it failed; empty where it did not.
    diagnosis : of the first network that failed, before its training; None where all learned.
    """

    name: str
    scheme: Scheme
    train_loss: Array
    train_accuracy: Array
    held_loss: Array
    held_accuracy: Array
    epochs: npt.NDArray[np.int64]
    outcomes: tuple[str, ...]
    reasons: tuple[str, ...]
    diagnosis: Diagnosis | None

    @property
    def learned(self) -> int:
        """How many seeds learned."""
        return self.outcomes.count("learned")

    @property
    def verdict(self) -> str:
        """The result in words."""
        return outcomes.verdict(self.outcomes)

    @property
    def final_loss(self) -> Array:
        """(seeds,) loss on the held-out rows, or else those trained on, at the end."""
        return _last(self._judged("loss"), self.epochs)

    @property
    def final_accuracy(self) -> Array:
        """(seeds,) accuracy on the held-out rows, or else those trained on, at the end."""
        return _last(self._judged("accuracy"), self.epochs)

    def band(self, of: str = "held_accuracy", *, level: float = 0.95) -> tuple[Array, Array, Array]:
        """Return the mean over the seeds after each epoch, and its confidence limits.

        The mean of a loss is the geometric one, with limits by Student's t on the logarithms;
        those of an accuracy by Student's t. Networks whose numbers are not finite are left out.

        Parameters
        ----------
        of : name of a curve, such as ``"train_loss"``.
        level : of confidence.
        """
        return outcomes.band(getattr(self, outcomes.check_curve(of)), of, level)

    def _judged(self, what: str) -> Array:
        held: Array = getattr(self, f"held_{what}")
        return held if held.shape[1] else getattr(self, f"train_{what}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What :func:`compare` has found.

    Attributes
    ----------
    runs : one for each scheme, in the order in which they were asked for.
    seeds : of the networks.
    kind : ``"classification"`` or ``"regression"``.
    epochs, steps, batch_size, learning_rate, optimizer : of the training; steps an epoch.
    train, held : numbers of the rows trained on and held out, in random order.
    chance_loss, chance_accuracy : of the best guess that ignores the inputs, on the rows that
        ``final_loss`` and ``final_accuracy`` are of.
    way : how the networks were trained: ``"batched products"``, ``"torch.func.vmap"`` or ``"one by
        one"``.
    seconds : that it took.
    interrupted : whether it was stopped before its end.
    findings : what is worth knowing.
    """

    runs: tuple[Trained, ...]
    seeds: tuple[int, ...]
    kind: str
    epochs: int
    steps: int
    batch_size: int
    learning_rate: float
    optimizer: str
    train: lessons.Rows
    held: lessons.Rows
    chance_loss: float
    chance_accuracy: float
    way: str
    seconds: float
    interrupted: bool
    findings: tuple[Finding, ...]
    _seed: int

    def __getitem__(self, name: str) -> Trained:
        for run in self.runs:
            if run.name == name:
                return run
        raise KeyError(name)

    def batches(self, epoch: int) -> lessons.Rows:
        """Return the rows of an epoch, counted from 0: (steps, batch size), in their order."""
        order = lessons.order_of(self.train, epoch, self._seed)
        return order[: self.steps * self.batch_size].reshape(self.steps, self.batch_size)

    def time_to(self, loss: float, of: str = "train_loss") -> dict[str, Array]:
        """Return after how many epochs each seed first had at most this loss; NaN for never.

        Parameters
        ----------
        loss : the loss to reach.
        of : ``"train_loss"`` or ``"held_loss"``.

        Returns
        -------
        dict of name → (seeds,) epochs; times ``steps`` they are optimiser steps.
        """
        if of not in ("train_loss", "held_loss"):
            raise InputError(f"of must be 'train_loss' or 'held_loss'; got {of!r}.")
        if isinstance(loss, bool) or not isinstance(loss, (int, float)) or not math.isfinite(loss):
            raise InputError(f"loss must be a finite number, the loss to reach; got {loss!r}.")
        return {run.name: outcomes.first_below(getattr(run, of), float(loss)) for run in self.runs}

    def __str__(self) -> str:
        from gausswork.initialization.comparison.text import text

        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data for JSON; what is not finite as None."""
        from gausswork.initialization.comparison.text import document

        return document(self)


def _last(curves: Array, epochs: npt.NDArray[np.int64]) -> Array:
    return curves[np.arange(len(curves)), epochs]
