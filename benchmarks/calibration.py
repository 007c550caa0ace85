"""Are the certificates honest? Thousands of random problems with exact rational truth.

    python -m benchmarks.calibration [--quick] [--problems 6000] [--first 100000]

The tests run a few hundred of the same kind on other seeds. Both kernels are judged.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any

from benchmarks.common import compiled, kernels, say, write
from tests.laws.honesty import WAYS, Judgement, overconfident, survey, textbook, violations


def summary(judgements: Iterable[Judgement], by: Callable[[Judgement], str]) -> dict[str, Any]:
    """Count numbers and violations and give the gaps, by group."""
    groups: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        groups[by(judgement)].append(judgement)
    return {name: _digest(found) for name, found in sorted(groups.items())}


def _digest(found: list[Judgement]) -> dict[str, Any]:
    gaps = sorted(j.gap for j in found)
    unrefined = [j.gap for j in found if j.claimed < 15.0]
    return {
        "numbers": len(found),
        "violations": sum(j.violated for j in found),
        "median_gap": round(median(gaps), 3),
        "median_gap_below_15": round(median(unrefined), 3) if unrefined else None,
        "largest_gap": round(gaps[-1], 2),
        "smallest_gap": round(gaps[0], 3),
    }


def judged(seeds: range, kernel: str) -> dict[str, Any]:
    """Survey the seeds with one kind of kernels; every tenth problem has up to 20 000 rows."""
    long = len(seeds) // 10
    with kernels(kernel):
        found = survey(seeds[long:]) + survey(seeds[:long], most_rows=20_000)
    out: dict[str, Any] = {"problems": len(seeds)}
    for what in ("coefficient", "standard error"):
        some = [j for j in found if j.what == what]
        out[what] = {
            "all": _digest(some),
            "by way": summary(some, lambda j: j.way),
            "by setting": summary(some, lambda j: j.setting),
        }
        say(f"  {kernel}, {what}: {out[what]['all']}")
    out["examples of violations"] = [
        {"seed": j.seed, "setting": j.setting, "way": j.way, "what": j.what,
         "claimed": j.claimed, "true": j.true}
        for what in ("coefficient", "standard error")
        for j in violations(found, what)[:20]
    ]  # fmt: skip
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/calibration.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer problems, no table")
    parser.add_argument("--problems", type=int, help="how many (default 6000, quick 300)")
    parser.add_argument("--first", type=int, default=100_000, help="first seed")
    chosen = parser.parse_args(arguments)
    count = chosen.problems or (300 if chosen.quick else 6000)
    seeds = range(chosen.first, chosen.first + count)
    say(f"honesty of the certificates on {count} problems")
    results: dict[str, Any] = {}
    for kernel in ("compiled", "numpy") if compiled() else ("numpy",):
        results[kernel] = judged(seeds if kernel != "numpy" else seeds[: count // 2], kernel)
    broken = {name: overconfident(way) for name, way in WAYS.items()}
    some = seeds[: min(count, 300)]
    results["broken"] = {
        "bounds ten thousand times too small": _digest(
            [j for j in survey(some, broken) if j.what == "coefficient"]
        ),
        "textbook inverse claiming ten digits": _digest(
            [j for j in survey(some, {"textbook": textbook}) if j.what == "coefficient"]
        ),
    }
    say(f"  broken on purpose: {results['broken']}")
    write("calibration", results, quick=chosen.quick)


if __name__ == "__main__":
    main()
