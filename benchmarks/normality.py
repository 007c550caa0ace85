"""Do tests for normality reject as many bells as they say? Ours at any n, and the peers'.

    python -m benchmarks.normality [--quick]

The samples have other seeds than those behind the tables. Writes results/normality.json.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import Timing, say, timings, write
from benchmarks.normality_tables import bells
from gausswork import normality
from gausswork.normal.calibration import tail_probability
from gausswork.normal.discrepancy import discrepancies, jarque_bera, omnibus
from gausswork.normal.normality import LEADING
from gausswork.normal.shapiro import MOST, shapiro_wilk

Array = npt.NDArray[np.float64]

LEVELS = (0.1, 0.05, 0.01)
SEED = 424242
# size -> samples
OURS = dict.fromkeys((3, 4, 5, 8, 10, 20, 50, 100, 300), 40_000) | {
    1000: 20_000,
    5000: 6_000,
    10_000: 4_000,
    100_000: 1_500,
    1_000_000: 400,
    10_000_000: 20,
}
PEERS = {10: 4_000, 50: 4_000, 1000: 2_000, 50_000: 400}
ROUNDED = {(100, 0.5): 2_000, (1000, 0.5): 1_000, (10_000, 0.2): 400}
SPEED = (1_000, 100_000, 1_000_000)


def ours(n: int, samples: int) -> dict[str, Any]:
    """Return the shares of bells that each of our tests rejects."""
    parts: dict[str, list[Array]] = {}
    for z in bells(n, samples, (SEED,)):
        found = discrepancies(z)
        statistics = {
            "anderson": found.anderson,
            "jarque-bera": jarque_bera(found.skewness, found.kurtosis, n),
            "lilliefors": found.kolmogorov,
        }
        if n >= 8:
            statistics["dagostino"] = omnibus(found.skewness, found.kurtosis, n)
        if n > LEADING:
            statistics["francia"] = found.francia
        p = {
            name: np.array([tail_probability(name, float(t), n) for t in values])
            for name, values in statistics.items()
        }
        if n <= MOST:
            p["shapiro-wilk"] = shapiro_wilk(z)[1]
        for name, values in p.items():
            parts.setdefault(name, []).append(values)
    return rejected({name: np.concatenate(values) for name, values in parts.items()})


def rejected(p: dict[str, Array]) -> dict[str, Any]:
    """Return the share of p-values at or below each level."""
    return {
        name: {str(level): round(float((values <= level).mean()), 5) for level in LEVELS}
        for name, values in p.items()
    }


def peers(n: int, samples: int) -> dict[str, Any]:
    """Return the same for the tests of scipy and statsmodels, as they are called."""
    from scipy import stats
    from statsmodels.stats.diagnostic import lilliefors, normal_ad

    def anderson(x: Array) -> float:
        return float(normal_ad(x)[1])

    calls: dict[str, Callable[[Array], float]] = {
        "scipy shapiro": lambda x: float(stats.shapiro(x).pvalue),
        "scipy normaltest": lambda x: float(stats.normaltest(x).pvalue),
        "scipy jarque_bera": lambda x: float(stats.jarque_bera(x).pvalue),
        "scipy kstest on z": lambda x: float(stats.kstest(x, "norm").pvalue),
        "statsmodels lilliefors": lambda x: float(lilliefors(x, pvalmethod="table")[1]),
        "statsmodels normal_ad": anderson,
    }
    p: dict[str, list[float]] = {name: [] for name in calls}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for z in bells(n, samples, (SEED + 1,)):
            for row in z:
                for name, call in calls.items():
                    p[name].append(call(row))
    return rejected({name: np.array(values) for name, values in p.items()})


def rounded(n: int, step: float, samples: int) -> dict[str, Any]:
    """Return how many rounded bells the leading test rejects: as they are, and spread."""
    rng = np.random.default_rng([SEED + 2, n])
    p = np.array([normality(np.round(rng.standard_normal(n) / step) * step).p_value
                  for _ in range(samples)])  # fmt: skip
    return rejected({"spread over the steps": p})["spread over the steps"]


def speed(n: int, *, rounds: int) -> dict[str, Timing]:
    """Time one comparison with all five tests beside single tests of the peers."""
    from scipy import stats
    from statsmodels.stats.diagnostic import lilliefors

    x = np.random.default_rng(1).normal(70, 10, n)
    contestants: dict[str, Callable[[], Any]] = {"gausswork, all of it": lambda: normality(x)}
    if n <= MOST:
        contestants["scipy shapiro"] = lambda: stats.shapiro(x)
    contestants["scipy normaltest"] = lambda: stats.normaltest(x)
    contestants["statsmodels lilliefors"] = lambda: lilliefors(x, pvalmethod="table")
    return timings(contestants, rounds=rounds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/normality.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer samples, no table")
    chosen = parser.parse_args(arguments)
    share = 20 if chosen.quick else 1
    results: dict[str, Any] = {"ours": {}, "peers": {}, "rounded": {}, "speed": {}}
    for n, samples in OURS.items():
        if chosen.quick and n > 100_000:
            continue
        count = max(samples // share, 20)
        results["ours"][n] = {"samples": count, "rejected": ours(n, count)}
        say(f"  n = {n}: {results['ours'][n]}")
    for n, samples in PEERS.items():
        count = max(samples // share, 20)
        results["peers"][n] = {"samples": count, "rejected": peers(n, count)}
        say(f"  peers, n = {n}: {results['peers'][n]}")
    for (n, step), samples in ROUNDED.items():
        count = max(samples // share, 20)
        found = {"n": n, "step": step, "samples": count, "rejected": rounded(n, step, count)}
        results["rounded"][f"{n}, step {step} sd"] = found
        say(f"  rounded: {found}")
    for n in SPEED[: 2 if chosen.quick else 3]:
        results["speed"][n] = speed(n, rounds=5)
        best = {name: f"{1e3 * t.best_wall:.1f} ms" for name, t in results["speed"][n].items()}
        say(f"  speed, n = {n}: {best}")
    write("normality", results, quick=chosen.quick)


if __name__ == "__main__":
    main()
