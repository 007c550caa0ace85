"""Signatures of the compiled recursion; arguments are float64 buffers, written in place."""

from typing import Any

def rotate(factor: Any, rows: Any, sums: Any, /) -> None: ...
