"""Random numbers: one counter-based stream behind randn, rand and randint, for NumPy and torch.

The value at an index depends on seed, stream and index alone (and on the kind of draw and its float
type), so results do not change with threads, chunks, length or order. The bits are defined in
``gausswork.sampling.words`` and ``gausswork.sampling.arithmetic``.
"""

from gausswork.sampling.comparison import Comparison, Sampler, compare
from gausswork.sampling.draws import (
    bernoulli,
    integers,
    normal,
    permutation,
    truncated_normal,
    uniform,
)
from gausswork.sampling.state import State

__all__ = [
    "Comparison",
    "Sampler",
    "State",
    "bernoulli",
    "compare",
    "integers",
    "normal",
    "permutation",
    "truncated_normal",
    "uniform",
]
