"""Run the benchmarks and write their tables.

    python benchmarks/run.py [--quick] [accuracy] [speed] [memory] [calibration] [stochastic]
        [normality] [descent] [sampling] [initialization] [normal] [groups] [databases]
        [large] [clusters] [cluster_deaths] [arrays]

Without names: all of them. ``--quick`` takes a minute or two, writes results/*-quick.json and
leaves the tables of the pages alone; the whole run takes half an hour.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run by path: find our neighbours

from benchmarks import (
    accuracy,
    arrays,
    calibration,
    cluster_deaths,
    clusters,
    databases,
    descent,
    groups,
    initialization,
    lab,
    large,
    memory,
    normal,
    normality,
    sampling,
    speed,
    stochastic,
    tables,
)

PARTS = {
    "accuracy": accuracy.main,
    "speed": speed.main,
    "memory": memory.main,
    "calibration": calibration.main,
    "descent": descent.main,
    "stochastic": stochastic.main,
    "normality": normality.main,
    "normal": normal.main,
    "sampling": sampling.main,
    "initialization": initialization.main,
    "lab": lab.main,
    "groups": groups.main,
    "databases": databases.main,
    "large": large.main,
    "clusters": clusters.main,
    "cluster_deaths": cluster_deaths.main,
    "arrays": arrays.main,
}


def main() -> None:
    """Run the parts asked for, then render the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="smaller problems, no tables")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.parts if name not in PARTS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    for name, part in PARTS.items():
        if not chosen.parts or name in chosen.parts:
            part(["--quick"] if chosen.quick else [])
    if not chosen.quick:
        tables.main()


if __name__ == "__main__":
    main()
