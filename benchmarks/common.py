"""What all benchmarks share: interleaved timing, results on disk, the environment in words."""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ("numpy", "scipy", "scikit-learn", "statsmodels", "pandas", "pyarrow", "threadpoolctl")


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of one contestant over the rounds, in seconds; the spread is half the middle half."""

    wall: float
    wall_spread: float
    cpu: float
    cpu_spread: float
    best_wall: float
    best_cpu: float
    rounds: int


def timings(
    contestants: dict[str, Callable[[], Any]],
    *,
    rounds: int,
    patience: float = 20.0,
    warm_up: bool = True,
) -> dict[str, Timing]:
    """Time contestants in turns, so that a busy moment of the machine hits all of them alike.

    Every contestant runs once untimed, then once a round, in an order that rotates. One that has
    used up ``patience`` seconds and has at least three times sits out the remaining rounds.
    """
    names = list(contestants)
    if warm_up:
        for name in names:
            contestants[name]()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if len(times[name]) >= 3 and sum(wall for wall, _ in times[name]) > patience:
                continue
            gc.collect()
            cpu, wall = time.process_time(), time.perf_counter()
            contestants[name]()
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {name: _timing(found) for name, found in times.items()}


def _timing(found: list[tuple[float, float]]) -> Timing:
    walls, cpus = sorted(w for w, _ in found), sorted(c for _, c in found)
    return Timing(
        median(walls), _spread(walls), median(cpus), _spread(cpus), walls[0], cpus[0], len(found)
    )


def _spread(ordered: list[float]) -> float:
    quarter = len(ordered) // 4
    return (ordered[-1 - quarter] - ordered[quarter]) / 2


def per_call(call: Callable[[], Any], *, seconds: float = 0.2, batches: int = 7) -> float:
    """Return the median time of a short call, in seconds, from batches of many calls."""
    call()
    start = time.perf_counter()
    count = 0
    while time.perf_counter() - start < seconds / 4:
        call()
        count += 1
    each = []
    for _ in range(batches):
        start = time.perf_counter()
        for _ in range(count):
            call()
        each.append((time.perf_counter() - start) / count)
    return median(each)


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Hold every BLAS and OpenMP pool to so many threads; None leaves them alone."""
    if threads is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=threads):
        yield


@contextmanager
def kernels(name: str) -> Iterator[None]:
    """Choose the kernels of gausswork: ``"compiled"`` or ``"numpy"``; "" leaves the default."""
    before = os.environ.get("GAUSSWORK_KERNELS")
    os.environ["GAUSSWORK_KERNELS"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["GAUSSWORK_KERNELS"]
        else:
            os.environ["GAUSSWORK_KERNELS"] = before


def compiled() -> bool:
    """Return whether the compiled kernels are built."""
    from gausswork.leastsquares.backend import default_backend

    return default_backend().name == "compiled"


def environment() -> dict[str, Any]:
    """Return what a reader needs to judge the numbers; nothing that identifies a machine."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "vector_instructions": _vector_instructions(),
        "blas": _blas(),
        "kernels": "compiled" if compiled() else "numpy",
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _vector_instructions() -> str:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return "unknown"
    return next((name for name in ("avx512f", "avx2", "sse4_2", "asimd") if name in flags), "none")


def _blas() -> list[str]:
    import numpy  # noqa: F401  (loads the library that is asked about)
    from threadpoolctl import threadpool_info

    return sorted(
        {
            f"{pool['internal_api']} {pool.get('version')} {pool.get('architecture', '')}".strip()
            for pool in threadpool_info()
            if pool["user_api"] == "blas"
        }
    )


def write(name: str, results: dict[str, Any], *, quick: bool) -> Path:
    """Write results/NAME.json; a quick run goes to a name of its own and into no table."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}{'-quick' if quick else ''}.json"
    document = {"environment": environment(), "quick": quick, "results": results}
    text = json.dumps(document, indent=1, default=_plain, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)}", file=sys.stderr)
    return path


def read(name: str) -> dict[str, Any] | None:
    """Return what was written, or None."""
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def say(text: str) -> None:
    """Tell whoever waits what is going on."""
    print(text, file=sys.stderr, flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Timing):
        return {key: _rounded(number) for key, number in asdict(value).items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(type(value).__name__)


def _rounded(number: float) -> float:
    return number if isinstance(number, int) else float(f"{number:.4g}")
