"""How many digits are right: ours and the peers', against exact rational solutions.

    python -m benchmarks.accuracy [--quick]

Digits are the log relative error of the worst coefficient, against the exact solution of the same
binary64 numbers, capped at 16.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from benchmarks.common import compiled, kernels, say, write
from benchmarks.peers import FITTERS, Array, Data, ours, quietly
from tests.reference import nist
from tests.reference.exact import digits, exact_fit

CHANGES: dict[str, tuple[float, float, float, float]] = {
    # of the first predictor: unit, offset; of the target: unit, offset
    "as it is": (1.0, 0.0, 1.0, 0.0),
    "a × 10⁶": (1e6, 0.0, 1.0, 0.0),
    "a × 10⁻⁸": (1e-8, 0.0, 1.0, 0.0),
    "a × 10³⁰": (1e30, 0.0, 1.0, 0.0),
    "a × 10⁻³⁰": (1e-30, 0.0, 1.0, 0.0),
    "a + 10⁴": (1.0, 1e4, 1.0, 0.0),
    "a + 10⁶": (1.0, 1e6, 1.0, 0.0),
    "a + 10⁸": (1.0, 1e8, 1.0, 0.0),
    "a + 10⁹": (1.0, 1e9, 1.0, 0.0),
    "y + 10⁹": (1.0, 0.0, 1.0, 1e9),
    "a × 10⁶, y × 10⁻¹²": (1e6, 0.0, 1e-12, 0.0),
}


def scores(data: Data) -> dict[str, Any]:
    """Return for every contestant the digits of its worst coefficient and what it said."""
    truth = exact_fit(data.x, data.y, intercept=data.intercept).coefficients
    out: dict[str, Any] = {}
    for name, fitter in FITTERS.items():
        if name == "gausswork without compiler" and not compiled():
            continue
        found, said = quietly(fitter, data)
        out[name] = {"digits": worst(found, truth), "said": said}
    fit = ours(data)
    out["gausswork"] |= {
        "trusted": float(np.min(fit.trusted_digits)),
        "data": float(np.nanmin(fit.data_digits)),
        "said": "; ".join(finding.code for finding in fit.findings),
    }
    return out


def worst(found: Array, truth: Sequence[Fraction | None]) -> float:
    """Return the digits of the worst coefficient."""
    return min(digits(float(b), t) for b, t in zip(found, truth, strict=True) if t is not None)


def on_nist() -> dict[str, Any]:
    """Score everybody on the eleven sets, standard errors of ours too."""
    out = {}
    for data in nist.load_all():
        x, y = data.binary_design()
        out[data.name] = scores(Data.of(x, y, intercept=data.intercept))
        truth = exact_fit(x, y, intercept=data.intercept)
        if truth.residual_sum_of_squares != 0:
            fit = ours(Data.of(x, y, intercept=data.intercept))
            out[data.name]["gausswork"]["standard_error_digits"] = min(
                digits(float(e), t)
                for e, t in zip(fit.standard_errors, truth.standard_errors, strict=True)
                if t is not None
            )
        say(f"  {data.name}: {out[data.name]['gausswork']['digits']:.1f}")
    return out


def on_changes(rows: int) -> dict[str, Any]:
    """Score everybody on y = 1 + 2a + 3b + noise in other units and with offsets."""
    rng = np.random.default_rng(1)
    a, b, noise = rng.normal(size=(3, rows))
    y = 1 + 2 * a + 3 * b + 0.5 * noise
    out = {}
    for name, (unit, offset, target_unit, target_offset) in CHANGES.items():
        x = np.column_stack([a * unit + offset, b])
        out[name] = scores(Data.of(x, y * target_unit + target_offset))
        say(f"  {name}: {out[name]['gausswork']['digits']:.1f}")
    return out


def on_conditions(rows: int, columns: int) -> dict[str, Any]:
    """Score everybody on condition numbers from 10² to 10¹⁴."""
    out = {}
    for exponent in range(2, 15, 2):
        rng = np.random.default_rng(exponent)
        left = np.linalg.qr(rng.normal(size=(rows, columns)))[0]
        right = np.linalg.qr(rng.normal(size=(columns, columns)))[0]
        x = (left * np.logspace(0, -exponent, columns)) @ right.T * np.sqrt(rows)
        y = 1 + x.sum(axis=1) + 0.1 * rng.normal(size=rows)
        out[f"1e{exponent}"] = scores(Data.of(x, y))
        say(f"  1e{exponent}: {out[f'1e{exponent}']['gausswork']['digits']:.1f}")
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/accuracy.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller problems, no table")
    quick = parser.parse_args(arguments).quick
    with kernels(""):
        say("accuracy on NIST StRD")
        results = {"nist": on_nist()}
        say("accuracy on changed units and offsets")
        results["changes"] = on_changes(200 if quick else 1000)
        say("accuracy over condition numbers")
        results["conditions"] = on_conditions(*((100, 4) if quick else (2000, 8)))
    write("accuracy", results, quick=quick)


if __name__ == "__main__":
    main()
