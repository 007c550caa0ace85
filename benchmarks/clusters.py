"""Fits by two workers of a cluster beside dask's own, dask-ml and Spark: wall time and digits.

    python -m benchmarks.clusters [--quick]

Every contestant reads the same 40 Parquet files and ends with the coefficients. Each is a process
with a cluster of its own that stays warm, and they take turns; those whose turn it is not are
stopped, for idle clusters take their share of two cores. Beside the time on the clock stands that
of the processors, of all processes of a contestant, which depends little on what else is running.
dask-ml and PySpark need not stand in this environment: ``GAUSSWORK_BENCH_PEERS`` may name the
Python of another that has them. What is in neither is left out, and said.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from benchmarks.cluster_peers import COLUMNS, CONTESTANTS
from benchmarks.common import ROOT, say, write

FILES = 40
WARM = "/warm"  # a folder of two of them
_NEEDS = {"dask-ml": "dask_ml", "Spark": "pyspark"}


class Peer:
    """A contestant in its process."""

    def __init__(self, name: str, python: str, folder: Path) -> None:
        self.times: list[float] = []
        self.work: list[float] = []
        self.coefficients: list[float] = []
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
            "PYSPARK_PYTHON": python,
        }
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.cluster_peers", name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            start_new_session=True,  # all of its cluster can be stopped at once
        )
        if self._line() != "ready":
            raise RuntimeError(f"{name} did not start")
        self._signal(signal.SIGSTOP)

    def run(self, folder: str = "/rows") -> tuple[float, float]:
        """Fit once; return the seconds on the clock and those of the processors."""
        self._signal(signal.SIGCONT)
        time.sleep(1.0)  # what has waited for the cluster to go on is done first
        self._fit(WARM)  # and everybody is awake
        before = self._worked()
        seconds = self._fit(folder)
        work = self._worked() - before
        self._signal(signal.SIGSTOP)
        return seconds, work

    def _fit(self, folder: str) -> float:
        """Return the seconds that a fit says it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(folder + "\n")
        self._process.stdin.flush()
        seconds, self.coefficients = json.loads(self._line())
        return float(seconds)

    def _worked(self) -> float:
        """Return the seconds that processors have worked for this contestant."""
        total = 0.0
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(process.pid) == self._process.pid:
                    spent = process.cpu_times()
                    total += spent.user + spent.system
        return total

    def close(self) -> None:
        """End the process, and its cluster with it."""
        assert self._process.stdin is not None
        with contextlib.suppress(ProcessLookupError):
            self._signal(signal.SIGCONT)
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def make(place: Path, rows: int) -> None:
    """Write the files, and two of them once more, for warming up."""
    import pyarrow as pa
    from pyarrow import parquet

    folder, warm = place / "rows", place / "warm"
    folder.mkdir()
    warm.mkdir()
    rng = np.random.default_rng(12)
    for number in range(FILES):
        x = rng.standard_normal((rows // FILES, COLUMNS)) + 3.0
        y = 1.0 + x @ np.arange(1.0, COLUMNS + 1) + rng.standard_normal(len(x))
        table = pa.table({**{f"x{j}": x[:, j] for j in range(COLUMNS)}, "y": y})
        parquet.write_table(table, folder / f"part-{number:02}.parquet")
    for number in range(2):
        name = f"part-{number:02}.parquet"
        (warm / name).hardlink_to(folder / name)


def python_for(name: str) -> str | None:
    """Return the Python that has what a contestant needs; None where none has."""
    needed = next((module for start, module in _NEEDS.items() if name.startswith(start)), None)
    for python in (sys.executable, os.environ.get("GAUSSWORK_BENCH_PEERS")):
        if python is None:
            continue
        if needed is None:
            return python
        looked = subprocess.run(
            [python, "-c", f"import {needed}"], capture_output=True, check=False
        )
        if looked.returncode == 0:
            return python
    return None


def digits(found: Sequence[float], truth: Sequence[float]) -> float | None:
    """Return the correct digits of the worst coefficient; None where there is none."""
    if not len(found):
        return None
    error = np.abs(np.asarray(found) - truth) / np.abs(truth)
    return float(min(16.0, -np.log10(max(float(error.max()), 1e-16))))


def race(folder: Path, rounds: int, patience: float) -> dict[str, Any]:
    """Let the contestants take turns."""
    import gausswork as gw

    method = gw.NormalEquation(digits=15)
    truth = gw.fit(f"{folder}/rows/*.parquet", "y", method=method).coefficients
    peers: dict[str, Peer] = {}
    missing = []
    try:
        for name in CONTESTANTS:
            python = python_for(name)
            if python is None:
                missing.append(name)
                say(f"{name}: not installed, left out")
                continue
            peers[name] = Peer(name, python, folder)
            peers[name].run(WARM)
            if name.endswith("held"):
                peers[name].run()  # its arrays are read before
        names = list(peers)
        for turn in range(rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                peer = peers[name]
                if not peer.times or sum(peer.times) < patience:
                    seconds, work = peer.run()
                    peer.times.append(seconds)
                    peer.work.append(work)
                    say(f"{name}: {seconds:.2f} s, {work:.2f} s of processors")
        return {
            "missing": missing,
            "contestants": {
                name: {
                    "best": min(peer.times),
                    "median": median(peer.times),
                    "work": min(peer.work),
                    "rounds": len(peer.times),
                    "digits": digits(peer.coefficients, truth),
                }
                for name, peer in peers.items()
            },
        }
    finally:
        for peer in peers.values():
            peer.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Race and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args(arguments)
    rows = 500_000 if chosen.quick else 5_000_000
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), rows)
        results = race(Path(folder), rounds=2 if chosen.quick else 5, patience=25.0)
        results["rows"], results["columns"], results["files"] = rows, COLUMNS, FILES
        results["dask"] = importlib.metadata.version("dask")
    for name, found in results["contestants"].items():
        right = "" if found["digits"] is None else f", {found['digits']:.1f} digits"
        say(f"{name:38} {found['best']:.2f} s, processors {found['work']:.2f} s{right}")
    write("clusters", results, quick=chosen.quick)


if __name__ == "__main__":
    main()
