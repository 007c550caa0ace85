"""Fit every NIST set in a process of its own and print what came out, as JSON.

    GAUSSWORK_KERNELS=numpy python -m tests.reference.runner

A process of its own, because the kernels are chosen once, when the engine is first loaded.
"""

from __future__ import annotations

import json
import sys

import gausswork as gw
from tests.reference import nist


def main() -> None:
    """Print {set: what the default call says}; floats as hex, so that no bit is lost."""
    out = {}
    for data in nist.load_all():
        x, y = data.binary_design()
        fit = gw.fit(x, y, intercept=data.intercept)
        solution = fit.solution
        out[data.name] = {
            "names": list(fit.names),
            "coefficients": _hex(solution.coefficients),
            "coefficient_lows": _hex(solution.coefficient_lows),
            "standard_errors": _hex(solution.standard_errors),
            "trusted_digits": _hex(solution.trusted_digits),
            "standard_error_digits": _hex(solution.standard_error_digits),
            "data_digits": _hex(solution.data_digits),
            "residual_sum_of_squares": solution.residual_sum_of_squares.hex(),
            "residual_sd": float(fit.residual_sd).hex(),
            "r_squared": float(fit.r_squared).hex(),
            "f_statistic": float(fit.f_test.statistic).hex(),
            "degrees_of_freedom": int(fit.degrees_of_freedom),
            "tier": solution.tier,
            "passes": solution.passes,
            "findings": [finding.code for finding in fit.findings],
        }
    json.dump(out, sys.stdout)


def _hex(values: object) -> list[str]:
    return [float(value).hex() for value in values]  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
