"""How long a whole fit takes, certificates included, beside the peers in the same rounds.

    python -m benchmarks.speed [--quick] [--shape 1000000x10]

Wall and CPU time; medians over interleaved rounds with half the interquartile range. The digits of
the worst coefficient stand beside every time, against exact solutions.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from scipy.linalg import blas

from benchmarks.common import ROOT, compiled, kernels, limited, per_call, say, timings, write
from benchmarks.peers import FITTERS, Array, Data, ours, quietly
from tests.reference.exact import digits
from tests.reference.grid import exact_coefficients, grid_problem

SHAPES = ((1_000_000, 10), (1_000_000, 50), (100_000, 200), (20_000, 1000))
QUICK_SHAPES = ((50_000, 10), (20_000, 50), (5_000, 200))

# which contestants stand in which comparison; the slow ones only where they belong
EVERYBODY = (
    "gausswork",
    "gausswork, 15 digits",
    "gausswork without compiler",
    "gausswork.sklearn",
    "scikit-learn",
    "statsmodels pinv",
    "statsmodels QR",
    "NumPy lstsq",
    "textbook inv(X'X)",
    "tutorial",
)
FEW = ("gausswork", "gausswork, 15 digits", "scikit-learn", "textbook inv(X'X)", "tutorial")


def gram_alone(data: Data) -> Callable[[], Any]:
    """Return a call of BLAS's symmetric product X'X on x as it lies, without a copy."""
    rank_k = blas.ssyrk if data.x.dtype == np.float32 else blas.dsyrk
    if data.x.flags.f_contiguous:
        return lambda: rank_k(1.0, data.x, trans=1)
    return lambda: rank_k(1.0, data.x.T, trans=0)


def reading(data: Data) -> Callable[[], Any]:
    """Return a call that does little more than read x once: its sum of squares by BLAS."""
    flat = data.x.reshape(-1, order="A")
    dot = blas.sdot if data.x.dtype == np.float32 else blas.ddot
    assert np.shares_memory(flat, data.x)
    return lambda: dot(flat, flat)


def race(
    data: Data, names: Sequence[str], truth: Sequence[Any], *, threads: int | None, rounds: int
) -> dict[str, Any]:
    """Time everybody on the same data; return times and digits by name."""
    fitters = {
        name: _fitter(name, data, threads)
        for name in names
        if name != "gausswork without compiler" or compiled()
    }
    out: dict[str, Any] = {}
    with limited(threads):
        for name, fitter in fitters.items():
            found, said = quietly(lambda _, fit=fitter: fit(), data)  # type: ignore[misc]
            out[name] = {
                "digits": min(digits(float(b), t) for b, t in zip(found, truth, strict=True)),
                "said": said,
            }
        calls: dict[str, Callable[[], Any]] = dict(fitters)
        calls["X'X by BLAS alone"] = gram_alone(data)
        calls["reading X once"] = reading(data)
        for name, timing in timings(calls, rounds=rounds, warm_up=False).items():
            out.setdefault(name, {})["time"] = timing
    for name, asked in (("gausswork", None), ("gausswork, 15 digits", 15.0)):
        if name in out:
            fit = ours(data, digits=asked, threads=threads)
            out[name] |= {
                "trusted": float(fit.trusted_digits.min()),
                "tier": fit.solution.tier,
                "passes": fit.solution.passes,
            }
    return out


def _fitter(name: str, data: Data, threads: int | None) -> Callable[[], Array]:
    if name == "gausswork":
        return lambda: ours(data, threads=threads).coefficients
    if name == "gausswork, 15 digits":
        return lambda: ours(data, digits=15.0, threads=threads).coefficients
    return lambda: FITTERS[name](data)


def whole_fits(shapes: Sequence[tuple[int, int]], rounds: int) -> dict[str, Any]:
    """Race on every shape: all on C order float64, some on other layouts and thread counts."""
    out: dict[str, Any] = {}
    for rows, columns in shapes:
        problem = grid_problem(rows, columns)
        truth = exact_coefficients(problem)
        shape = f"{rows}x{columns}"
        out[shape] = {}
        layouts: tuple[tuple[str, Any, Any, Sequence[str], int | None], ...] = (
            ("float64 C", np.float64, "C", EVERYBODY, 1),
            ("float64 F", np.float64, "F", FEW, 1),
            ("float32 C", np.float32, "C", FEW, 1),
            ("float32 F", np.float32, "F", FEW, 1),
            ("float64 C, all cores", np.float64, "C", FEW, None),
        )
        for layout, dtype, order, names, threads in layouts:
            x = np.array(problem.x, dtype=dtype, order=order)
            y = problem.y.astype(dtype)
            needs_ones = any("scikit" not in n and "gausswork" not in n for n in names)
            data = Data.of(x, y, ones=needs_ones)
            found = race(data, names, truth, threads=threads, rounds=rounds)
            out[shape][layout] = found
            _tell(shape, layout, found)
            del x, data
    return out


def _tell(shape: str, layout: str, found: dict[str, Any]) -> None:
    say(f"  {shape} {layout}")
    for name, entry in found.items():
        time = entry["time"]
        digit = f"{entry['digits']:5.1f} digits" if "digits" in entry else ""
        say(
            f"    {name:28s} {time.wall * 1e3:9.2f} ms wall ± {time.wall_spread * 1e3:7.2f}, "
            f"{time.cpu * 1e3:9.2f} ms CPU, {time.rounds} rounds {digit}"
        )


def small_fits() -> dict[str, Any]:
    """Return seconds per fit of a hundred rows and three predictors, by contestant."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(100, 3))
    data = Data.of(x, 1 + x.sum(axis=1) + rng.normal(size=100))
    out = {}
    with limited(1):
        for name, fitter in FITTERS.items():
            if name == "gausswork without compiler" and not compiled():
                continue
            out[name] = per_call(lambda fit=fitter: fit(data))  # type: ignore[misc]
            say(f"    {name:28s} {out[name] * 1e6:9.1f} µs")
    return out


_FIRST = """
import json, sys, time
import numpy as np
import gausswork as gw
rows, columns = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
x = rng.normal(size=(rows, columns)); y = x.sum(axis=1) + rng.normal(size=rows)
x.sum()  # and no BLAS: its idle threads spin for a while, and would take the first fit's cores
times = []
for _ in range(8):
    start = time.perf_counter()
    gw.fit(x, y)
    times.append(time.perf_counter() - start)
print(json.dumps(times))
"""


def first_fits(processes: int, rows: int) -> dict[str, Any]:
    """Compare the first fit of a fresh process with its later ones: nothing may compile."""
    out = {}
    for columns in (10, 50):
        firsts, laters = [], []
        for _ in range(processes):
            times = json.loads(_run([sys.executable, "-c", _FIRST, str(rows), str(columns)]))
            firsts.append(times[0])
            laters.append(median(times[1:]))
        out[f"{rows}x{columns}"] = {
            "first": median(firsts),
            "later": median(laters),
            "ratio": median(f / s for f, s in zip(firsts, laters, strict=True)),
        }
        say(f"    {rows}x{columns}: first {median(firsts) * 1e3:.1f} ms, "
            f"later {median(laters) * 1e3:.1f} ms")  # fmt: skip
    return out


_IMPORT = """
import sys, time
start = time.perf_counter()
import {name}
print(time.perf_counter() - start)
"""


def start_up(times: int) -> dict[str, Any]:
    """Return seconds of imports and of whole commands, medians over fresh processes."""
    imports: dict[str, list[float]] = {}
    modules = ("gausswork", "numpy", "pandas", "sklearn.linear_model", "statsmodels.api")
    program = str(Path(sys.executable).with_name("gausswork"))
    commands = {
        "gausswork --help": [program, "--help"],
        "gausswork fit examples/galton-families.csv": [
            program, "fit", "examples/galton-families.csv",
            "--target", "childHeight", "--features", "midparentHeight,gender",
        ],
        "python -c pass": [sys.executable, "-c", "pass"],
    }  # fmt: skip
    shell: dict[str, list[float]] = {}
    for _ in range(times):
        for name in modules:
            text = _IMPORT.format(name=name)
            imports.setdefault(name, []).append(float(_run([sys.executable, "-c", text])))
        for name, arguments in commands.items():
            shell.setdefault(name, []).append(_wall(arguments))
    out = {
        "import": {name: median(found) for name, found in imports.items()},
        "command": {name: median(found) for name, found in shell.items()},
    }
    say(f"    {json.dumps(out, indent=1)}")
    return out


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[1:3]} failed: {done.stderr[-2000:]}")
    return done.stdout


def _wall(command: Sequence[str]) -> float:
    start = perf_counter()
    _run(command)
    return perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller problems, no table")
    parser.add_argument("--shape", action="append", help="only this shape, such as 100000x200")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (default 9, quick 3)")
    chosen = parser.parse_args(arguments)
    quick = chosen.quick
    rounds = chosen.rounds or (3 if quick else 9)
    if chosen.shape:  # one shape is for looking, not for the tables
        shapes = [tuple(map(int, shape.split("x"))) for shape in chosen.shape]
        with kernels(os.environ.get("GAUSSWORK_KERNELS", "")):
            whole_fits(shapes, rounds)  # type: ignore[arg-type]
        return
    with kernels(""):
        say("imports and commands")
        results: dict[str, Any] = {"start": start_up(3 if quick else 7)}
        say("a hundred rows, three predictors")
        results["small"] = small_fits()
        say("the first fit of a process")
        results["first"] = first_fits(3 if quick else 7, 100_000 if quick else 1_000_000)
        say("whole fits")
        results["fits"] = {}
        for shape in QUICK_SHAPES if quick else SHAPES:
            results["fits"] |= whole_fits([shape], rounds)
            write("speed", results, quick=quick)  # after each: the whole takes half an hour


if __name__ == "__main__":
    main()
