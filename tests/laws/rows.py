"""Rows in memory as a source, cut into batches wherever a law wants to cut them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import Batch, Tally


@dataclass(slots=True)
class Rows:
    """A replayable source over x (n, p) and y (n,)."""

    x: npt.NDArray[np.floating]
    y: npt.NDArray[np.floating]
    replayable: bool = True
    weight: npt.NDArray[np.floating] | None = None
    weighting: str | None = None
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(read=len(self.y), dropped=0, missing={})

    @property
    def names(self) -> tuple[str, ...]:
        """x1 … xp."""
        return tuple(f"x{j + 1}" for j in range(self.x.shape[1]))

    @property
    def target(self) -> str:
        """y."""
        return "y"

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield consecutive slices."""
        for start in range(0, len(self.y), rows):
            part = slice(start, start + rows)
            weight = None if self.weight is None else self.weight[part]
            yield Batch(self.x[part], self.y[part], weight)
