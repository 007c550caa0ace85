"""Signatures of the compiled samplers; ``out`` is a contiguous buffer, written in place."""

from typing import Any

def normal(out: Any, seed: int, stream: int, offset: int, mean: float, sd: float, /) -> None: ...
def uniform(
    out: Any, seed: int, stream: int, offset: int, bottom: float, width: float, last: float, /
) -> None: ...
def integers(
    out: Any, seed: int, stream: int, offset: int, low: int, span: int, narrow: bool, /
) -> None: ...
def bernoulli(
    out: Any, seed: int, stream: int, offset: int, threshold: int, fraction: int, /
) -> None: ...
def permutation(out: Any, seed: int, stream: int, offset: int, /) -> None: ...
def truncated(
    out: Any,
    seed: int,
    stream: int,
    offset: int,
    lower: float,
    upper: float,
    inner: float,
    rate: float,
    proposal: int,
    /,
) -> None: ...
def words(out: Any, seed: int, stream: int, offset: int, purpose: int, /) -> None: ...
def instruction_sets() -> list[str]: ...
def use(name: str, /) -> str: ...
