"""What a mini-batch descent tells beside the history that every descent has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MiniBatch:
    """The batches of a descent. Arrays go with the ``recorded`` epochs of the descent.

    Attributes
    ----------
    batch_size : rows a step; the last batch of an epoch may be shorter.
    rows : rows trained on.
    steps : steps done.
    optimizer, schedule : as text.
    rate : (h,) learning rate of the last step of each epoch; of the first step at epoch 0.
    gradient_norm : (h,) norm of the gradient of the loss over all training rows, in the coordinates
        of the steps (standardised ones with ``standardize=True``).
    shuffle : how the rows were shuffled, in words.
    held_out_rows : rows kept apart.
    best_epoch : the epoch with the least held-out loss, whose parameters are the result; None
        without held-out rows.
    averaged_from : the epoch (also in fractions) from which the parameters are averages; or None.
    distance : root mean square distance from the least-squares solution in standard errors: below
        one the descent is nearer to it than the solution is, typically, to the truth.
    resumed_at : steps done when the descent went on from a saved state; None otherwise.
    """

    batch_size: int
    rows: int
    steps: int
    optimizer: str
    schedule: str
    rate: Array
    gradient_norm: Array
    shuffle: str
    held_out_rows: int
    best_epoch: int | None
    averaged_from: float | None
    distance: float
    resumed_at: int | None

    def __repr__(self) -> str:
        return f"MiniBatch(batch_size={self.batch_size}, steps={self.steps})"
