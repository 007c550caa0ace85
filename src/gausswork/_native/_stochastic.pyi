"""Signatures of the compiled mini-batch steps; the state is written in place."""

from typing import Any

def advance(
    x: Any,
    y: Any,
    weight: Any,
    order: Any,
    batch: int,
    rates: Any,
    intercept: bool,
    shift: Any,
    scale: Any,
    pull: Any,
    rule: int,
    first: float,
    second: float,
    epsilon: float,
    average_from: float,
    limit: float,
    state: Any,
    /,
) -> int: ...
def instruction_sets() -> list[str]: ...
def use(name: str, /) -> str: ...
