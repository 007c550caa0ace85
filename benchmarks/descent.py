"""How long 1000 epochs of full-batch gradient descent take, beside loops over the data.

    python -m benchmarks.descent [--quick]

One thread, interleaved rounds. The loops are timed over a few epochs, whose cost is the same, and
multiplied: a thousand of them take half a minute. All start at zero with the same rate, and the
iterates are compared epoch by epoch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import gausswork as gw
from benchmarks.common import compiled, kernels, limited, say, timings, write
from benchmarks.peers import Array

EPOCHS = 1000
TIMED = 10  # epochs of a loop that are timed
RATE = 0.05


def ours(x: Array, y: Array) -> gw.Fit:
    """Fit by a thousand epochs: the sums, the exact answer, the whole path."""
    return gw.fit(x, y, method=gw.GradientDescent(RATE, EPOCHS), threads=1)


def numpy_loop(x: Array, y: Array, epochs: int) -> Array:
    """Return the path of the textbook's loop, its column of ones in x already."""
    theta, path, m = np.zeros(x.shape[1]), np.zeros((epochs + 1, x.shape[1])), len(y)
    for epoch in range(1, epochs + 1):
        theta = theta - RATE * (2 / m * (x.T @ (x @ theta - y)))
        path[epoch] = theta
    return path


def torch_loop(x: Any, y: Any, epochs: int) -> Array:
    """Return the path of the same loop on PyTorch tensors, gradients written out."""
    import torch

    theta, path, m = torch.zeros(x.shape[1], dtype=x.dtype), [], len(y)
    path.append(theta)
    for _ in range(epochs):
        theta = theta - RATE * (2 / m * (x.T @ (x @ theta - y)))
        path.append(theta)
    return np.asarray(torch.stack(path).numpy())


def autograd_loop(x: Any, y: Any, epochs: int) -> Array:
    """Return the path of PyTorch's usual loop: a linear layer, autograd, SGD."""
    import torch

    layer = torch.nn.Linear(x.shape[1], 1, bias=False, dtype=x.dtype)
    with torch.no_grad():
        layer.weight.zero_()
    optimizer = torch.optim.SGD(layer.parameters(), lr=RATE)
    path = [layer.weight.detach()[0].clone()]
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(layer(x)[:, 0], y).backward()
        optimizer.step()
        path.append(layer.weight.detach()[0].clone())
    return np.asarray(torch.stack(path).numpy())


def race(rows: int, columns: int, rounds: int) -> dict[str, Any]:
    """Time everybody on the same data; return seconds for all epochs, and how paths differ."""
    import torch

    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, columns)) + 0.5
    y = x @ np.arange(1.0, columns + 1.0) + rng.normal(size=rows)
    ones = np.column_stack((np.ones(rows), x))
    tensor, target = torch.from_numpy(ones), torch.from_numpy(y)

    def without_compiler() -> gw.Fit:
        with kernels("numpy"):
            return ours(x, y)

    loops: dict[str, Callable[[int], Array]] = {
        "NumPy loop over the data": lambda n: numpy_loop(ones, y, n),
        "PyTorch loop, gradient written out": lambda n: torch_loop(tensor, target, n),
        "PyTorch loop, autograd": lambda n: autograd_loop(tensor, target, n),
    }
    contestants: dict[str, Callable[[], Any]] = {"gausswork": lambda: ours(x, y)}
    if compiled():
        contestants["gausswork without compiler"] = without_compiler
    for name, loop in loops.items():
        contestants[name] = lambda loop=loop: loop(TIMED)  # type: ignore[misc]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with limited(1):
            times = timings(contestants, rounds=rounds)
            descent = ours(x, y).descent
            assert descent is not None
            out: dict[str, Any] = {}
            for name, timing in times.items():
                many = EPOCHS / TIMED if name in loops else 1.0
                entry: dict[str, Any] = {
                    "wall": timing.wall * many,
                    "cpu": timing.cpu * many,
                    "best_cpu": timing.best_cpu * many,
                    "spread": timing.cpu_spread * many,
                    "extrapolated": name in loops,
                }
                if name in loops:
                    path = loops[name](TIMED)
                    entry["difference"] = worst(path, descent.path[: TIMED + 1])
                out[name] = entry
            few = np.linspace(0, rows - 1, min(rows, 20_000)).astype(int)  # every epoch, fewer rows
            whole = numpy_loop(ones[few], y[few], EPOCHS)
            known = ours(x[few], y[few]).descent
            assert known is not None
            out["gausswork"]["difference"] = worst(whole, known.path)
    finally:
        torch.set_num_threads(before)
    for name, entry in out.items():
        say(f"  {name}: {entry['cpu'] * 1e3:.1f} ms, differs by {entry.get('difference', 0):.1e}")
    return out


def worst(path: Array, other: Array) -> float:
    """Return the largest relative difference of two paths."""
    return float((np.abs(path - other)[1:] / np.abs(path)[1:]).max())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/descent.json."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows, no table")
    quick = parser.parse_args(arguments).quick
    rows = 50_000 if quick else 1_000_000
    with kernels(""):
        say(f"{EPOCHS} epochs of full-batch gradient descent")
        results = {
            "torch": torch.__version__,
            "epochs": EPOCHS,
            "timed": TIMED,
            "shapes": {f"{rows}x10": race(rows, 10, 3 if quick else 7)},
        }
    write("descent", results, quick=quick)


if __name__ == "__main__":
    main()
