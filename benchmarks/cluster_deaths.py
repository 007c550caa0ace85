"""What it costs that a worker is killed in the middle of a fit: undisturbed and disturbed in turns.

    python -m benchmarks.cluster_deaths [--pairs N]

Two workers of one thread read Parquet files, the same ones several times over, so that a fit takes
long enough to see beside what does not depend on its length: that a death is noticed, and that
another process starts, imports what it needs and joins. Half-way through every second fit one of
the workers is killed (SIGKILL). Before each pair a fit warms up what was started last.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cluster_peers import two_workers
from benchmarks.common import say, write

COPIES = (1, 4)  # times that the files are read in a fit


def deaths(folder: Path, copies: int, pairs: int) -> dict[str, Any]:
    """Measure some pairs of fits.

    Parameters
    ----------
    folder : has the files in ``rows``.
    copies : how many times each file is read in a fit.
    """
    again = folder / f"rows-{copies}-times"
    again.mkdir(exist_ok=True)
    for path in sorted((folder / "rows").glob("*.parquet")):
        for copy in range(copies):
            place = again / f"{copy}-{path.name}"
            if not place.exists():
                place.hardlink_to(path)
    undisturbed, disturbed, joining = [], [], []
    with two_workers():
        from distributed import default_client

        client = default_client()
        seconds, wanted = _fit(again)
        for _ in range(pairs):
            _fit(again)  # the process that was started last imports what it needs
            seconds, _ = _fit(again)
            undisturbed.append(seconds)
            address, victim = min(client.run(os.getpid).items())
            killing = threading.Timer(seconds / 2, os.kill, (victim, signal.SIGKILL))
            start = time.perf_counter()
            killing.start()
            seconds_disturbed, coefficients = _fit(again)
            killing.join()
            disturbed.append(seconds_disturbed)
            while address in _there(client) or len(_there(client)) < 2:
                time.sleep(0.02)
            joining.append(time.perf_counter() - start - seconds / 2)
            if list(coefficients) != list(wanted):
                raise AssertionError("the bits have changed")
            say(f"{seconds:.2f} s, {seconds_disturbed:.2f} s with a death in the middle")
    ratios = [late / early for late, early in zip(disturbed, undisturbed, strict=True)]
    more = [late - early for late, early in zip(disturbed, undisturbed, strict=True)]
    return {
        "copies": copies,
        "undisturbed": median(undisturbed),
        "disturbed": median(disturbed),
        "ratio": median(ratios),
        "ratios": sorted(ratios),
        "more": median(more),
        "joining": median(joining),  # at most: seen after the fit, where that takes longer
    }


def _there(client: Any) -> set[str]:
    """Return the addresses of the workers that the scheduler knows of."""
    return set(client.nthreads())


def _fit(folder: Path) -> tuple[float, Any]:
    import gausswork as gw

    start = time.perf_counter()
    found = gw.fit(gw.FilesOnCluster(f"{folder}/*.parquet"), "y").coefficients
    return time.perf_counter() - start, found


def measured(folder: Path, pairs: int) -> list[dict[str, Any]]:
    """Measure short fits and long ones."""
    return [deaths(folder, copies, pairs) for copies in COPIES]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the results."""
    from benchmarks.clusters import make

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pairs", type=int, default=5)
    chosen = parser.parse_args(arguments)
    rows = 500_000 if chosen.quick else 5_000_000
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), rows)
        results = {
            "rows": rows,
            "fits": measured(Path(folder), 2 if chosen.quick else chosen.pairs),
        }
    write("cluster_deaths", results, quick=chosen.quick)


if __name__ == "__main__":
    main()
