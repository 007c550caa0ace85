"""Signatures of the compiled kernels; arguments are float64 buffers, outputs written in place."""

from typing import Any

def gram(x: Any, y: Any, weight: Any, tier: int, scale: Any, shift: Any, out: Any, /) -> None: ...
def add(q: int, total: Any, part: Any, /) -> None: ...
def residual_sums(
    x: Any,
    y: Any,
    weight: Any,
    b0_high: float,
    b0_low: float,
    scale: Any,
    b_high: Any,
    b_low: Any,
    out: Any,
    /,
) -> None: ...
def whitened_gram(
    x: Any,
    y: Any,
    weight: Any,
    scale: Any,
    mean_high: Any,
    mean_low: Any,
    width: int,
    weights: Any,
    out: Any,
    /,
) -> None: ...
def dot(a_high: Any, a_low: Any, b_high: Any, b_low: Any, /) -> tuple[float, float]: ...
def add_multiple(
    high: Any, low: Any, factor_high: float, factor_low: float, x_high: Any, x_low: Any, /
) -> None: ...
def symmetric_update(
    high: Any, low: Any, a_high: Any, a_low: Any, b_high: Any, b_low: Any, /
) -> None: ...
def cholesky(capacity: int, tolerance: Any, skipped: Any, high: Any, low: Any, /) -> None: ...
def substitute(r_high: Any, r_low: Any, high: Any, low: Any, /) -> None: ...
def invert_triangle(r_high: Any, r_low: Any, out: Any, /) -> None: ...
def small_fit(
    x: Any, y: Any, intercept: bool, wanted: float, tolerance: float, bounds: Any, out: Any, /
) -> tuple[int, int, float, float, float, float, float, float, float] | None: ...
def group_size(q: int, /) -> int: ...
def grouped(
    x: Any, y: Any, weight: Any, codes: Any, frequency: bool, scale: Any, states: Any, /
) -> None: ...
def group_solve(
    q: int,
    intercept: bool,
    wanted: float,
    tolerance: float,
    product_error: float,
    bounds: Any,
    exponents: Any,
    states: Any,
    out: Any,
    /,
) -> None: ...
def instruction_sets() -> list[str]: ...
def use(name: str, /) -> str: ...
