"""Simulate the tables behind the p-values of ``gausswork.normality`` and the band of ``plots.qq``.

    python -m benchmarks.normality_tables [--sizes 3 4 5] [--write]

Writes ``src/gausswork/normal/calibration.json`` with ``--write``; without it says how far the
stored tables are from new simulations of the sizes named. The whole takes some twenty minutes on
two cores. The seed is fixed, so that the same version of NumPy gives the same tables.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import ROOT, say
from gausswork.normal.bands import shown_ranks
from gausswork.normal.calibration import normalised
from gausswork.normal.discrepancy import Discrepancies, discrepancies, jarque_bera, omnibus

Array = npt.NDArray[np.float64]

SEED = 20261123
TABLES = ROOT / "src/gausswork/normal/calibration.json"
NAMES = ("anderson", "lilliefors", "jarque-bera", "francia", "dagostino")
TAILS = (
    [0.999, 0.995, 0.99, 0.975]
    + [round(0.95 - 0.05 * k, 2) for k in range(16)]
    + [0.175, 0.15, 0.125, 0.1, 0.085, 0.07, 0.06, 0.05, 0.045, 0.04, 0.035, 0.03, 0.025, 0.02]
    + [0.015, 0.0125, 0.01, 0.0075, 0.005, 0.0035, 0.0025, 0.0015, 0.001, 5e-4, 2.5e-4, 1e-4]
)
# size -> samples
PLAN = (
    dict.fromkeys(range(3, 21), 1_000_000)
    | dict.fromkeys((22, 25, 28, 32, 36, 40, 50, 60, 70, 85, 100), 400_000)
    | dict.fromkeys((120, 150, 200, 250, 300, 400, 500, 700, 1000), 200_000)
    | dict.fromkeys((1500, 2000, 3000, 5000, 7000, 10_000), 50_000)
    | dict.fromkeys((20_000, 50_000, 100_000), 10_000)
    | {300_000: 5_000, 1_000_000: 1_500}
)
SMOOTHED_FROM = 32  # sizes; below each has a million samples of its own
# Degrees of the polynomials over 1/√n (for the last, over log n) through the logarithms of the
# quantiles: the least that leave residuals no larger than the noise of the simulation.
DEGREES = {"anderson": 3, "lilliefors": 4, "jarque-bera": 6, "dagostino": 6, "francia": 5}
RARE, RARE_DEGREE = 5e-4, 2  # so far out few samples are left to bend a polynomial by
SEEN = 15  # samples beyond a quantile that make it one
FRANCIA_FAR = (200_000, 500_000, 10**6, 2 * 10**6, 5 * 10**6, 10**7, 3 * 10**7, 10**8)
LEVELS = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995]
BAND_PLAN = (
    dict.fromkeys((3, 4, 5, 6, 8, 10, 15, 20), 40_000)
    | {30: 30_000, 50: 20_000, 80: 15_000, 120: 12_000, 200: 10_000, 300: 8_000}
    | {500: 6_000, 1000: 6_000, 3000: 6_000, 10_000: 4_000, 50_000: 1_500}
)
_ELEMENTS = 2_000_000


def bells(n: int, samples: int, key: Sequence[int]) -> Any:
    """Yield (r, n) arrays of sorted, standardised samples from a bell."""
    rng = np.random.default_rng([*key, n])
    step = max(1, min(samples, _ELEMENTS // n))
    for start in range(0, samples, step):
        x = rng.standard_normal((min(step, samples - start), n))
        x.sort(axis=-1)
        x -= x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x * x).sum(-1, keepdims=True) / (n - 1))
        yield x


def statistics_of(found: Discrepancies, n: int) -> dict[str, Array]:
    """Return the statistics on the scale of the tables."""
    raw = {
        "anderson": found.anderson,
        "lilliefors": found.kolmogorov,
        "jarque-bera": jarque_bera(found.skewness, found.kurtosis, n),
        "francia": found.francia,
    }
    if n >= 8:
        raw["dagostino"] = omnibus(found.skewness, found.kurtosis, n)
    return {name: normalised(name, values, n) for name, values in raw.items()}


def simulated(n: int, samples: int) -> dict[str, Array]:
    """Return for each statistic what it exceeds with the probabilities in TAILS."""
    parts: dict[str, list[Array]] = {}
    for z in bells(n, samples, (SEED,)):
        for name, values in statistics_of(discrepancies(z), n).items():
            parts.setdefault(name, []).append(values)
    p = 1.0 - np.array(TAILS)
    return {name: np.quantile(np.concatenate(found), p) for name, found in parts.items()}


def smoothed(name: str, quantiles: dict[int, Array]) -> dict[str, Any]:
    """Take the noise off over the sizes, and add the limit law (or very large sizes)."""
    sizes = np.array(sorted(quantiles))
    q = np.array([quantiles[n] for n in sizes])
    samples = np.array([PLAN[n] for n in sizes])
    tails = np.array(TAILS)
    logs = np.log(q)
    error = np.sqrt(tails * (1 - tails) / samples[:, None]) * np.abs(
        np.gradient(logs, tails, axis=1)
    )
    francia = name == "francia"
    large = (sizes >= SMOOTHED_FROM) & ((sizes <= 100_000) | (not francia))
    x = np.log(sizes) if francia else 1 / np.sqrt(sizes)
    # Jarque–Bera and K² have chi-square with two degrees of freedom as their limit.
    limit = np.log(-2 * np.log(tails)) if name in ("jarque-bera", "dagostino") else None
    ends = np.empty(len(tails))
    for k, tail in enumerate(tails):
        weight = np.where(samples[large] * tail < SEEN, 1e-9, 1 / error[large, k])
        at, value = x[large], logs[large, k]
        if limit is not None:
            at, value = np.append(at, 0.0), np.append(value, limit[k])
            weight = np.append(weight, 1e7)
        degree = DEGREES[name] if tail >= RARE or limit is not None else RARE_DEGREE
        curve = np.polynomial.Polynomial.fit(at, value, degree, w=weight)
        logs[large, k] = curve(x[large])
        ends[k] = curve(0.0)
    out_sizes: list[int | None] = [int(n) for n in sizes]
    rows = [[float(f"{v:.7g}") for v in np.exp(row)] for row in logs]
    if francia:
        kept = [k for k, n in enumerate(sizes) if n <= 100_000]
        out_sizes = [out_sizes[k] for k in kept] + list(FRANCIA_FAR)
        rows = [rows[k] for k in kept] + _francia_far(sizes, q, error * q)
    else:
        out_sizes.append(None)
        rows.append([float(f"{v:.5g}") for v in np.exp(ends)])
    rows = [[float(v) for v in np.maximum.accumulate(row)] for row in rows]
    return {"sizes": out_sizes, "quantiles": rows}


def _francia_far(sizes: npt.NDArray[Any], q: Array, error: Array) -> list[list[float]]:
    """Extend n·(1 − W') as de Wet & Venter (1972) say: log log n, and what tends to a limit."""
    some = sizes >= 1000
    log_n = np.log(sizes[some].astype(float))
    far = np.log(np.array(FRANCIA_FAR, dtype=float))
    columns = []
    for k in range(len(TAILS)):
        curve = np.polynomial.Polynomial.fit(
            1 / log_n, q[some, k] - np.log(log_n), 2 if k < 40 else 1, w=1 / error[some, k]
        )
        columns.append(curve(1 / far) + np.log(far))
    return [[float(f"{v:.5g}") for v in row] for row in np.array(columns).T]


def band() -> dict[str, Any]:
    """Return the level of a single point at which the whole band has each of LEVELS."""
    from scipy.special import betainc, ndtr

    rows = []
    for n, samples in BAND_PLAN.items():
        ranks = shown_ranks(n, 300)
        i = ranks + 1.0
        least = []
        for z in bells(n, samples, (77,)):
            v = betainc(i, n - i + 1, ndtr(z[:, ranks]))
            least.append((2 * np.minimum(v, 1 - v)).min(axis=-1))
        gamma = np.quantile(np.concatenate(least), 1 - np.array(LEVELS))
        rows.append([float(f"{g:.4g}") for g in gamma])
        say(f"  band, n = {n}: {rows[-1][3]} for 95 %")
    return {"levels": LEVELS, "sizes": list(BAND_PLAN), "gamma": rows}


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, then write the tables or compare with those that are stored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", help="these sizes only, to compare")
    parser.add_argument("--write", action="store_true", help="simulate all and write the tables")
    chosen = parser.parse_args(arguments)
    sizes = list(PLAN) if chosen.write else chosen.sizes or [3, 10, 100]
    found = {}
    for n in sizes:
        found[n] = simulated(n, PLAN[n])
        say(f"  n = {n}: {PLAN[n]:,} samples")
    if chosen.write:
        tables = {
            name: smoothed(name, {n: q[name] for n, q in found.items() if name in q})
            for name in NAMES
        }
        document = {"tails": TAILS, "statistics": tables, "band": band()}
        text = json.dumps(document, separators=(",", ":")).replace("],[", "],\n[")
        TABLES.write_text(text.replace(',"band"', ',\n"band"') + "\n", encoding="utf-8")
        say(f"wrote {TABLES.relative_to(ROOT)}")
        return
    stored = json.loads(TABLES.read_text(encoding="utf-8"))["statistics"]
    for n, quantiles in found.items():
        for name, q in quantiles.items():
            table = np.array(stored[name]["quantiles"][stored[name]["sizes"].index(n)])
            off = np.abs(np.log(table / q))[: TAILS.index(0.001)].max()
            say(f"  n = {n}, {name}: quantiles down to 0.001 differ by {off:.2%} at most")


if __name__ == "__main__":
    main()
