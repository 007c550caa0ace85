"""Signatures of the compiled CSV parser; arguments are buffers, those after ``powers`` written."""

from typing import Any

def parse(
    data: Any,
    kinds: bytes,
    missing: bytes,
    powers: Any,
    numbers: Any,
    codes: Any,
    hard: Any,
    separator: int,
    decimal: int,
    rows: int,
    /,
) -> tuple[int, int, list[list[str]]] | None: ...
def count(data: Any, byte: int, /) -> int: ...
