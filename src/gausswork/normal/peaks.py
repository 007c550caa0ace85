"""Two peaks or one: a smoothed histogram, and whether the valley in it is more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

_CELLS = 1024
_WIDTH = 0.7  # Silverman (1986) has 1.06, which would fill the valley between two bells
_LEAST = 20  # values; fewer have peaks by chance
_DEPTH = 0.8  # a valley above this share of the lower peak is none
_HEIGHT = 0.05  # the lower peak as a share of the higher
_SURE = 2.5  # standard errors of the depth: no false alarm in some thousand bells
_SHARE = 0.02  # of all values, on either side of the valley


@dataclass(frozen=True, slots=True)
class Peaks:
    """The two highest peaks and the valley between them, in standard deviations.

    Attributes
    ----------
    left, right : where the peaks are.
    valley : where the density between them is lowest.
    depth : density in the valley as a share of the density of the lower peak.
    """

    left: float
    right: float
    valley: float
    depth: float


def two_peaks(z: Array) -> Peaks | None:
    """Return the peaks of a sample that has two or more; None where one would do.

    Parameters
    ----------
    z : (n,) standardised values, ascending.
    """
    n = len(z)
    if n < _LEAST:
        return None
    quartiles = z[[int(0.25 * (n - 1)), int(0.75 * (n - 1))]]
    spread = min(1.0, float(quartiles[1] - quartiles[0]) / 1.349) or 1.0
    width = _WIDTH * spread * n**-0.2
    grid, density = _smoothed(z, width)
    highest = int(density.argmax())
    best: Peaks | None = None
    for peak in _maxima(density):
        if peak == highest or density[peak] < _HEIGHT * density[highest]:
            continue
        low, high = sorted((peak, highest))
        valley = low + int(density[low:high].argmin())
        depth = density[valley] / density[peak]
        # A kernel estimate has variance f·∫K²/(n·width), with ∫K² = 1/(2√π) for a normal kernel.
        error = math.sqrt((density[peak] + density[valley]) * 0.2820948 / (n * width))
        split = int(np.searchsorted(z, grid[valley]))
        if (
            depth < _DEPTH
            and density[peak] - density[valley] > _SURE * error
            and min(split, n - split) >= max(_SHARE * n, 5)
            and (best is None or depth < best.depth)
        ):
            best = Peaks(float(grid[low]), float(grid[high]), float(grid[valley]), float(depth))
    return best


def _smoothed(z: Array, width: float) -> tuple[Array, Array]:
    """Return a grid and the density there: a fine histogram convolved with a normal."""
    # Beyond six sd there are no peaks of interest, and far outliers must not coarsen the grid.
    low, high = max(float(z[0]), -6.0) - 3 * width, min(float(z[-1]), 6.0) + 3 * width
    cells = int(min(max(_CELLS, 8 * (high - low) / width), 1 << 16))
    edges = np.linspace(low, high, cells + 1)
    counts = np.diff(np.searchsorted(z, edges))
    step = (high - low) / cells
    reach = math.ceil(4.0 * width / step)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width) ** 2)
    kernel /= kernel.sum()
    size = cells + 2 * reach
    spectrum = np.fft.rfft(counts, size) * np.fft.rfft(kernel, size)
    smooth = np.fft.irfft(spectrum, size)[reach : reach + cells]
    return 0.5 * (edges[1:] + edges[:-1]), np.maximum(smooth, 0.0) / (len(z) * step)


def _maxima(density: Array) -> npt.NDArray[np.intp]:
    inner = density[1:-1]
    return np.flatnonzero((inner > density[:-2]) & (inner >= density[2:])) + 1
