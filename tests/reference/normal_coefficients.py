"""Derives the polynomials of the normal distribution from their definitions, with mpmath.

    python -m tests.reference.normal_coefficients

writes ``gausswork/normal/coefficients.py``, ``gausswork/_native/normal_tables.h`` and
``gausswork/_native/normal_rows.h`` afresh. A test derives them again and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
from mpmath import mp

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "gausswork"
DIGITS = 60
TAIL_CENTRE = 5  # w = 2x / (x + 5) maps [0, ∞) to [0, 2]
TAIL_DEGREE = 24  # the next Chebyshev coefficients are below 1e-18
NEAR_END = 7  # up to here a shorter polynomial serves: few numbers lie beyond
NEAR_DEGREE = 17
EXP_DEGREE = 10
NODES = 48
ROWS_END = 4  # the compiled cdf reads the middle from a table: 0.006 % of a sample lies beyond
ROWS_PER_SD = 32
ROW_DEGREE = 7  # eight numbers are one line of the cache
ROW_NODES = 14


def scaled_tail(x: Any) -> Any:
    """Return Q(x)·exp(x²/2), the upper tail without its exponential."""
    if x < 30:
        return mp.exp(x * x / 2) * mp.erfc(x / mp.sqrt(2)) / 2
    total, term = mp.mpf(0), mp.mpf(1)
    for k in range(80):  # the asymptotic series; at 30 its smallest term is far below 1e-60
        total += term
        term *= -mp.mpf(2 * k + 1) / (x * x)
    return total / (x * mp.sqrt(2 * mp.pi))


def tail_function(t: Any) -> Any:
    """Return P(t) of ``scaled_tail(x)·(x + 1) = 1/2 + w·P(t)`` where t = w − 1."""
    x = TAIL_CENTRE * (1 + t) / (1 - t)
    return (scaled_tail(x) * (x + 1) - mp.mpf(1) / 2) / (1 + t)


def near_function(t: Any) -> Any:
    """Return the same for t = w·NEAR_SCALE − 1, which runs from −1 to 1 as x runs to NEAR_END."""
    w = (1 + t) / near_scale()
    x = TAIL_CENTRE * w / (2 - w)
    return (scaled_tail(x) * (x + 1) - mp.mpf(1) / 2) / w


def near_scale() -> Any:
    """Return what maps w at NEAR_END to 2."""
    return mp.mpf(NEAR_END + TAIL_CENTRE) / NEAR_END


def exp_function(t: Any) -> Any:
    """Return (eʳ − 1 − r)/r² where r = t·log(2)/2."""
    r = t * mp.log(2) / 2
    return (mp.exp(r) - 1 - r) / r**2


@cache
def cosine(numerator: int, denominator: int) -> Any:
    """Return cos(π·numerator/denominator)."""
    return mp.cos(mp.pi * numerator / denominator)


def chebyshev(function: Callable[[Any], Any], degree: int, nodes: int = NODES) -> list[Any]:
    """Return the monomial coefficients of the truncated Chebyshev series on [−1, 1]."""
    values = [function(cosine(2 * k + 1, 2 * nodes)) for k in range(nodes)]
    before, current = [mp.mpf(0)], [mp.mpf(1)]
    total = [mp.mpf(0)] * (degree + 1)
    for j in range(degree + 1):
        series = (2 if j else 1) * sum(
            v * cosine(j * (2 * k + 1) % (4 * nodes), 2 * nodes) for k, v in enumerate(values)
        )
        for i, a in enumerate(current):
            total[i] += series / nodes * a
        shifted = [mp.mpf(0), *(a if j == 0 else 2 * a for a in current)]
        for i, a in enumerate(before if j else []):
            shifted[i] -= a
        before, current = current, shifted
    return total


def rows() -> list[list[float]]:
    """Return P(X ≤ c + d) as a polynomial of d, |d| ≤ 1/64, for every c = k/32 from −4 to 4."""
    half = mp.mpf(1) / (2 * ROWS_PER_SD)
    found = []
    with mpmath.workdps(DIGITS):
        for k in range(-ROWS_END * ROWS_PER_SD, ROWS_END * ROWS_PER_SD + 1):
            centre = mp.mpf(k) / ROWS_PER_SD
            row = chebyshev(lambda t, c=centre: mp.ncdf(c + t * half), ROW_DEGREE, ROW_NODES)
            found.append([float(a / half**j) for j, a in enumerate(row)])
    return found


def _root_near(points: int, guess: Any) -> Any:
    near = (guess - mp.mpf("1e-3"), guess + mp.mpf("1e-3"))
    return mp.findroot(lambda x: mp.legendre(points, x), near)


def gauss_legendre(points: int) -> tuple[list[Any], list[Any]]:
    """Return the positive nodes of an even Gauss–Legendre rule on [−1, 1], and their weights."""
    guesses = [mp.cos(mp.pi * (k + mp.mpf(3) / 4) / (points + mp.mpf(1) / 2)) for k in range(8)]
    nodes = [_root_near(points, guess) for guess in guesses]
    slopes = [points * mp.legendre(points - 1, x) / (1 - x * x) for x in nodes]
    return nodes, [2 / ((1 - x * x) * s * s) for x, s in zip(nodes, slopes, strict=True)]


def derive() -> dict[str, tuple[float, ...] | float]:
    """Return every table under its name."""
    with mpmath.workdps(DIGITS):
        tail = chebyshev(tail_function, TAIL_DEGREE)
        # In r itself, not in t: the powers of the scale go into the coefficients.
        half = mp.log(2) / 2
        growth = [a / half**k for k, a in enumerate(chebyshev(exp_function, EXP_DEGREE))]
        nodes, weights = gauss_legendre(16)
        peak = 1 / mp.sqrt(2 * mp.pi)
        log_peak = mp.log(peak)
        ln2_high = mp.mpf(int(mp.log(2) * 2**33)) / 2**33  # times an exponent: still exact
        return {
            "TAIL": tuple(float(a) for a in tail),
            "TAIL_NEAR": tuple(float(a) for a in chebyshev(near_function, NEAR_DEGREE)),
            "NEAR_END": float(NEAR_END),
            "NEAR_SCALE": float(near_scale()),
            "EXP": tuple(float(a) for a in growth),
            "NODES": tuple(float(a) for a in nodes),
            "WEIGHTS": tuple(float(a) for a in weights),
            "PEAK": float(peak),
            "PEAK_LOW": float(peak - mp.mpf(float(peak))),
            "LOG_PEAK": float(log_peak),
            "LOG2E": float(1 / mp.log(2)),
            "LN2_HIGH": float(ln2_high),
            "LN2_LOW": float(mp.log(2) - ln2_high),
            "LN2": float(mp.log(2)),
            "LN2_REST": float(mp.log(2) - mp.mpf(float(mp.log(2)))),
        }


# Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution", Applied
# Statistics 37, 477-484: the routine PPND16. Numerators and denominators, lowest power first.
WICHURA: dict[str, tuple[float, ...]] = {
    "CENTRE_NUM": (
        3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3,
        1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
        3.3430575583588128105e4, 2.5090809287301226727e3,
    ),
    "CENTRE_DEN": (
        1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
        2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
    "NEAR_NUM": (
        1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550,
        3.64784832476320460504, 1.27045825245236838258, 2.41780725177450611770e-1,
        2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ),
    "NEAR_DEN": (
        1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
    "FAR_NUM": (
        6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
        2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
        2.71155556874348757815e-5, 2.01033439929228813265e-7,
    ),
    "FAR_DEN": (
        1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
}  # fmt: skip

PYTHON = '''"""Tables of the normal distribution; tests/reference/normal_coefficients.py has how.

Polynomials are written lowest power first.

- ``TAIL``: with w = 2x/(x + 5) and t = w − 1, the upper tail is Q(x) = exp(−x²/2)·g/(x + 1),
  where g = 1/2 + w·TAIL(t), for every x ≥ 0.
- ``TAIL_NEAR``: the same of t = w·NEAR_SCALE − 1, shorter, for x ≤ NEAR_END.
- ``EXP``: exp(r) = 1 + r + r²·EXP(r) for |r| ≤ log(2)/2.
- ``NODES``, ``WEIGHTS``: the positive half of the Gauss–Legendre rule of sixteen points.
- The others are the rational functions of Wichura (1988), algorithm AS 241, for quantiles.
"""

'''
HEADER = (
    "/* Tables of the normal distribution, lowest power first: what they are is said in\n"
    " * gausswork/normal/coefficients.py. Written by tests/reference/normal_coefficients.py. */\n\n"
)


def tables() -> dict[str, tuple[float, ...] | float]:
    """Return the derived and the published tables."""
    return {**derive(), **WICHURA}


def python_source(found: dict[str, Any]) -> str:
    """Return ``coefficients.py``."""
    parts = []
    for name, value in found.items():
        if isinstance(value, Sequence):
            parts.append(f"{name} = (\n" + "".join(f"    {a!r},\n" for a in value) + ")\n")
        else:
            parts.append(f"{name} = {value!r}\n")
    return PYTHON + "".join(parts)


def c_source(found: dict[str, Any]) -> str:
    """Return ``normal_tables.h``."""
    parts = []
    for name, value in found.items():
        if isinstance(value, Sequence):
            body = ",\n".join(f"    {a!r}" for a in value)
            parts.append(f"static const double {name}[{len(value)}] = {{\n{body},\n}};\n")
        else:
            parts.append(f"#define {name} {value!r}\n")
    return HEADER + "".join(parts)


def rows_source(found: list[list[float]]) -> str:
    """Return ``normal_rows.h``."""
    lines = ",\n".join("    {" + ", ".join(repr(a) for a in row) + "}" for row in found)
    return (
        "/* P(X ≤ c + d) as polynomials of d, |d| ≤ 1/64, lowest power first: a row for every\n"
        " * c = k/32 from −4 to 4. Written by tests/reference/normal_coefficients.py. */\n\n"
        f"#define ROWS_END {float(ROWS_END)!r}\n"
        f"#define ROWS_PER_SD {ROWS_PER_SD}\n"
        f"#define ROWS_MIDDLE {ROWS_END * ROWS_PER_SD}\n"
        f"static const double ROWS[{len(found)}][{ROW_DEGREE + 1}] "
        f"__attribute__((aligned(64))) = {{\n{lines},\n}};\n"
    )


if __name__ == "__main__":
    (PACKAGE / "normal" / "coefficients.py").write_text(python_source(tables()), encoding="utf-8")
    (PACKAGE / "_native" / "normal_tables.h").write_text(c_source(tables()), encoding="utf-8")
    (PACKAGE / "_native" / "normal_rows.h").write_text(rows_source(rows()), encoding="utf-8")
