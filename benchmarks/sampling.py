"""How long random numbers take, per core, beside torch and NumPy in the same rounds.

    python -m benchmarks.sampling [--quick]

Arrays are filled in place, so that no allocation is timed; seconds are those of the processor, on
one thread. Two threads must give the same bits as one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.common import say, timings, write
from gausswork import sampling

DRAWS = ("normal float32", "normal float64", "uniform float32", "uniform float64", "integers int64")


def contestants(draw: str, size: int) -> dict[str, Callable[[], Any]]:
    """Return what fills an array of that size, by name."""
    kind, dtype = draw.split()
    ours, numpys = np.empty(size, dtype=dtype), np.empty(size, dtype=dtype)
    tensor = torch.empty(size, dtype=getattr(torch, dtype))
    rng, generator = np.random.default_rng(1), torch.Generator().manual_seed(1)
    if kind == "normal":
        return {
            "gausswork": lambda: sampling.normal(out=ours, seed=1, threads=1),
            "torch": lambda: tensor.normal_(generator=generator),
            "NumPy": lambda: rng.standard_normal(out=numpys, dtype=numpys.dtype.type),
        }
    if kind == "uniform":
        return {
            "gausswork": lambda: sampling.uniform(out=ours, seed=1, threads=1),
            "torch": lambda: tensor.uniform_(generator=generator),
            "NumPy": lambda: rng.random(out=numpys, dtype=numpys.dtype.type),
        }
    return {
        "gausswork": lambda: sampling.integers(out=ours, high=100, seed=1, threads=1),
        "torch": lambda: tensor.random_(0, 100, generator=generator),
        "NumPy": lambda: rng.integers(0, 100, size=size),
    }


def same_bits(size: int) -> bool:
    """Whether one thread and two give the same bits, of every draw."""
    for draw in (sampling.normal, sampling.uniform):
        for dtype in ("float32", "float64"):
            one, two = (draw(size, seed=1, dtype=dtype, threads=t).tobytes() for t in (1, 2))
            if one != two:
                return False
    pair = (sampling.integers(size, high=100, seed=1, threads=t).tobytes() for t in (1, 2))
    return len(set(pair)) == 1


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the values")
    quick = parser.parse_args(argv).quick
    torch.set_num_threads(1)
    size = 1_000_000 if quick else 100_000_000
    results: dict[str, Any] = {
        "size": size,
        "torch": torch.__version__,
        "same_bits_on_two_threads": same_bits(min(size, 10_000_000)),
        "draws": {},
    }
    for draw in DRAWS:
        found = timings(contestants(draw, size), rounds=5 if not quick else 9)
        results["draws"][draw] = found
        ours = found["gausswork"].cpu
        say(f"  {draw:16s} {ours / size * 1e9:6.2f} ns a value")
        for name in ("torch", "NumPy"):
            say(f"    {name:6s} {found[name].cpu / ours:5.1f} times as long")
    write("sampling", results, quick=quick)


if __name__ == "__main__":
    main()
