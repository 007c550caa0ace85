"""The normal distribution: time and error beside the peers, in one run, on one thread.

    python -m benchmarks.normal [--quick]

Arrays: milliseconds per 10^6 values, in turns, and the largest error against mpmath in units of
2^-53 relative. Single numbers: nanoseconds a call, beside ``statistics.NormalDist``.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from mpmath import mp
from scipy import special, stats

import gausswork as gw
from benchmarks.common import limited, per_call, say, timings, write

UNIT = 2.0**-53
SMALLEST = 2.3e-308
SPANS = {"-37 to -8": (-37.0, -8.0), "-8 to -1": (-8.0, -1.0), "-1 to 8": (-1.0, 8.0)}
Function = Callable[[Any], Any]


def tail(z: Any) -> Any:
    return mp.erfc(z / mp.sqrt(2)) / 2


def quantile(p: Any) -> Any:
    z = -mp.sqrt(-2 * mp.log(p))
    for _ in range(60):
        step = (mp.log(tail(-z)) - mp.log(p)) * tail(-z) / mp.npdf(z)
        z -= step
        if abs(step) < mp.mpf(10) ** -40:
            break
    return z


def largest_error(function: Function, truth: Function, at: np.ndarray) -> float:
    """Return the largest relative error in units of 2^-53."""
    worst = 0.0
    with mpmath.workdps(50):
        for value, x in zip(np.asarray(function(at)), at.tolist(), strict=True):
            t = truth(mp.mpf(x))
            if abs(t) > SMALLEST:
                worst = max(worst, float(abs(mp.mpf(float(value)) - t) / abs(t)) / UNIT)
    return worst


def contestants() -> dict[str, dict[str, Function]]:
    """Return what is compared: function -> name -> callable on an array."""
    normal = gw.Normal()
    shifted = gw.Normal(0.25, 1.5)
    found: dict[str, dict[str, Function]] = {
        "cdf": {
            "gausswork": normal.cdf,
            "gausswork, mean 0.25, sd 1.5": shifted.cdf,
            "scipy.special.ndtr": special.ndtr,
            "scipy.stats.norm.cdf": stats.norm.cdf,
        },
        "pdf": {"gausswork": normal.pdf, "scipy.stats.norm.pdf": stats.norm.pdf},
        "logcdf": {"gausswork": normal.logcdf, "scipy.special.log_ndtr": special.log_ndtr},
        "quantile": {"gausswork": normal.quantile, "scipy.special.ndtri": special.ndtri},
    }
    return found


def speed(*, quick: bool) -> dict[str, Any]:
    """Return milliseconds per 10^6 values: standard normal values, and such with sd 2."""
    n, rounds = (100_000, 5) if quick else (1_000_000, 15)
    z = np.random.default_rng(1).standard_normal(n)
    found: dict[str, Any] = {}
    for function, names in contestants().items():
        for data, x in (("sd 1", z), ("sd 2", 2.0 * z)):
            if function == "quantile":
                x = special.ndtr(x)
            calls = {name: (lambda f=f, x=x: f(x)) for name, f in names.items()}
            say(f"{function}, {data}")
            found.setdefault(function, {})[data] = {
                name: {"median": 1e9 * t.cpu / n, "spread": 1e9 * t.cpu_spread / n,
                       "best": 1e9 * t.best_cpu / n}
                for name, t in timings(calls, rounds=rounds).items()
            }  # fmt: skip
    return found


def accuracy(*, quick: bool) -> dict[str, Any]:
    """Return the largest errors over the spans."""
    count = 100 if quick else 1000
    rng = np.random.default_rng(2)
    python = statistics.NormalDist()
    found: dict[str, Any] = {"pdf": {}, "cdf": {}, "quantile": {}}
    for span, (low, high) in SPANS.items():
        z = rng.uniform(low, high, count)
        say(f"accuracy, {span}")
        found["pdf"][span] = {
            "gausswork": largest_error(gw.Normal().pdf, mp.npdf, z),
            "scipy": largest_error(stats.norm.pdf, mp.npdf, z),
            "NormalDist": largest_error(lambda z: [python.pdf(v) for v in z], mp.npdf, z),
        }
        found["cdf"][span] = {
            "gausswork": largest_error(gw.Normal().cdf, lambda z: tail(-z), z),
            "scipy": largest_error(special.ndtr, lambda z: tail(-z), z),
            "NormalDist": largest_error(
                lambda z: [python.cdf(v) for v in z], lambda z: tail(-z), z
            ),
        }
    p = 10.0 ** rng.uniform(-300, -1, count // 5)
    found["quantile"]["1e-300 to 0.1"] = {
        "gausswork": largest_error(gw.Normal().quantile, quantile, p),
        "scipy": largest_error(special.ndtri, quantile, p),
        "NormalDist": largest_error(lambda p: [python.inv_cdf(v) for v in p], quantile, p),
    }
    return found


def single() -> dict[str, Any]:
    """Return nanoseconds a call for single numbers."""
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {}
    ours, other = gw.Normal(70.0, 10.0), gw.Normal(65.0, 12.0)
    theirs, their_other = statistics.NormalDist(70.0, 10.0), statistics.NormalDist(65.0, 12.0)
    for name, argument in (("pdf", 63.2), ("cdf", 63.2), ("inv_cdf", 0.2), ("zscore", 63.2)):
        mine, peer = getattr(ours, name), getattr(theirs, name)
        pairs[name] = (lambda f=mine, a=argument: f(a), lambda f=peer, a=argument: f(a))
    pairs["overlap"] = (lambda: ours.overlap(other), lambda: theirs.overlap(their_other))
    pairs["X + Y"] = (lambda: ours + other, lambda: theirs + their_other)
    pairs["quantiles"] = (ours.quantiles, theirs.quantiles)
    pairs["making one"] = (lambda: gw.Normal(1.0, 2.0), lambda: statistics.NormalDist(1.0, 2.0))
    found: dict[str, Any] = {}
    for name, (mine, peer) in pairs.items():
        # Many short turns: on a busy machine a few long ones can all be disturbed on one side.
        turns = [(per_call(mine, seconds=0.01), per_call(peer, seconds=0.01)) for _ in range(25)]
        found[name] = {
            "gausswork": 1e9 * min(a for a, _ in turns),
            "NormalDist": 1e9 * min(b for _, b in turns),
        }
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(arguments).quick
    with limited(1):
        results = {
            "speed": speed(quick=quick),
            "single": single(),
            "accuracy": accuracy(quick=quick),
        }
    write("normal", results, quick=quick)


if __name__ == "__main__":
    main()
