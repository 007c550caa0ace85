"""Whole fits of PyTorch tensors beside torch.linalg.lstsq, and scikit-learn after ``.numpy()``.

    python -m benchmarks.arrays [--quick]

Wall time of interleaved rounds on one thread, and the digits of the worst coefficient against the
exact solution. The same on a CUDA device where there is one, with the copy to the host beside it;
where there is none that leg is left out, and the table says so.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.common import limited, say, timings, write
from tests.reference.exact import digits
from tests.reference.grid import exact_coefficients, grid_problem

SHAPES = ((1_000_000, 10), (100_000, 100))
QUICK_SHAPES = ((50_000, 10),)
CUDA_SHAPES = ((1_000_000, 10), (10_000_000, 10), (1_000_000, 100))


@contextmanager
def summed_by(way: str) -> Iterator[None]:
    """Let arrays in the host's memory be summed by their own library, or ("") by the kernels."""
    before = os.environ.get("GAUSSWORK_ARRAYS", "")
    os.environ["GAUSSWORK_ARRAYS"] = way
    try:
        yield
    finally:
        os.environ["GAUSSWORK_ARRAYS"] = before


def ours(x: Any, y: Any, *, asked: float | None = None, way: str = "") -> Any:
    import gausswork as gw

    with summed_by(way):
        return gw.fit(x, y, method=gw.NormalEquation(digits=asked), threads=1).coefficients


def with_ones(x: Any) -> Any:
    import torch

    return torch.cat([torch.ones((len(x), 1), dtype=x.dtype, device=x.device), x], dim=1)


def by_lstsq(a: Any, y: Any, driver: str) -> Any:
    import torch

    return torch.linalg.lstsq(a, y[:, None], driver=driver).solution[:, 0].cpu().numpy()


def by_normal_equation(a: Any, y: Any) -> Any:
    import torch

    return torch.linalg.solve(a.T @ a, a.T @ y).cpu().numpy()


def by_scikit_learn(x: Any, y: Any) -> Any:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(x.cpu().numpy(), y.cpu().numpy())
    return np.array([model.intercept_, *model.coef_])


def contestants(x: Any, y: Any) -> dict[str, Callable[[], Any]]:
    """Return who fits these tensors; those of torch get the column of ones for nothing."""
    a = with_ones(x)
    out: dict[str, Callable[[], Any]] = {
        "gausswork": lambda: ours(x, y),
        "gausswork, 15 digits": lambda: ours(x, y, asked=15.0),
    }
    if x.device.type == "cpu":
        out["gausswork, sums by torch"] = lambda: ours(x, y, way="own")
        out["torch lstsq (gelsy)"] = lambda: by_lstsq(a, y, "gelsy")
        out["torch lstsq (gelsd)"] = lambda: by_lstsq(a, y, "gelsd")
    else:
        out["gausswork after .cpu()"] = lambda: ours(x.cpu(), y.cpu())
        out["torch lstsq (gels)"] = lambda: by_lstsq(a, y, "gels")
    out["torch solve(A.T @ A, A.T @ y)"] = lambda: by_normal_equation(a, y)
    out["scikit-learn after .numpy()"] = lambda: by_scikit_learn(x, y)
    return out


def race(shapes: Sequence[tuple[int, int]], device: str, rounds: int) -> dict[str, Any]:
    """Time everybody on every shape, float64 and float32; return times and digits."""
    import torch

    out: dict[str, Any] = {}
    for rows, columns in shapes:
        problem = grid_problem(rows, columns)
        truth = exact_coefficients(problem)
        for dtype in ("float64", "float32"):
            x = torch.tensor(problem.x.astype(dtype), device=device)
            y = torch.tensor(problem.y.astype(dtype), device=device)
            calls = contestants(x, y)
            found = {
                name: min(digits(float(b), t) for b, t in zip(call(), truth, strict=True))
                for name, call in calls.items()
            }
            times = timings(calls, rounds=rounds, warm_up=False)
            out[f"{rows}x{columns} {dtype}"] = {
                name: {"time": times[name], "digits": found[name]} for name in calls
            }
            for name, took in times.items():
                say(
                    f"  {device} {rows}x{columns} {dtype} {name:30s} {took.wall * 1e3:8.1f} ms, "
                    f"{found[name]:.1f} digits"
                )
            del x, y, calls
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/arrays.json."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller problems, no table")
    parser.add_argument("--rounds", type=int, help="how many (default 7, quick 3)")
    chosen = parser.parse_args(arguments)
    rounds = chosen.rounds or (3 if chosen.quick else 7)
    say("tensors of PyTorch: whole fits")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with limited(1):
            on_host = race(QUICK_SHAPES if chosen.quick else SHAPES, "cpu", rounds)
            on_card: dict[str, Any] | None = None
            if torch.cuda.is_available():
                on_card = race(QUICK_SHAPES if chosen.quick else CUDA_SHAPES, "cuda", rounds)
            else:
                say("  no CUDA device: that leg is left out")
    finally:
        torch.set_num_threads(before)
    results = {
        "cpu": on_host,
        "cuda": on_card,
        "device": torch.cuda.get_device_name() if on_card is not None else None,
        "torch": torch.__version__.partition("+")[0],
    }
    write("arrays", results, quick=chosen.quick)


if __name__ == "__main__":
    main()
