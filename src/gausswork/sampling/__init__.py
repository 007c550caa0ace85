"""Random numbers: one counter-based stream behind randn, rand and randint, for NumPy and torch.

The value at an index depends on seed, stream and index alone (and on the kind of draw and its float
type), so results do not change with threads, chunks, length or order. The bits are defined in
``gausswork.sampling.words`` and ``gausswork.sampling.arithmetic``.
"""

from typing import TYPE_CHECKING

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

if not TYPE_CHECKING:  # for people: a type checker would take every name for one that is here

    def __getattr__(name: str) -> object:
        """Say what a sampler is called here that others call by another name."""
        also = {
            "randn": "normal", "standard_normal": "normal", "rand": "uniform", "random": "uniform",
            "randint": "integers", "trunc_normal": "truncated_normal", "randperm": "permutation",
        }  # fmt: skip
        hint = f" It is called {also[name]!r} here." if name in also else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{hint}")
