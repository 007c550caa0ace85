"""How long it takes to train many networks at once, beside a loop that trains one after another.

    python -m benchmarks.initialization [--quick]

Fifty networks of four hidden layers, one thread, seconds of the processor, in the same rounds. The
loop is what anybody writes: torch.nn, autograd, torch.optim.SGD, rows picked by index; it sees the
same rows in the same order from the same initial weights, and measures the same curves. It trains
five of the fifty, one of each scheme, and its time is multiplied by ten.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.common import say, timings, write
from gausswork.initialization import Comparison, compare, initialize, mlp

WIDTHS, LAYERS, NETWORKS = (16, 64), 4, 50
EPOCHS = {16: 15, 64: 4}  # wide networks take longer
SCHEMES = ("default", "lecun", "xavier", "he", "orthogonal")
ROWS, FEATURES, CLASSES = 4_096, 20, 5
BATCH, RATE = 128, 0.05


def data() -> tuple[Any, Any]:
    """Return rows in five overlapping clouds."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, ROWS)
    x = rng.normal(0.0, 1.0, (CLASSES, FEATURES))[y] + rng.normal(0.0, 1.0, (ROWS, FEATURES))
    return torch.from_numpy(x).float(), torch.from_numpy(y)


def together(width: int, epochs: int, seeds: int) -> Comparison:
    """Train by gausswork."""
    return compare(
        [width] * LAYERS, SCHEMES, data(), seeds=seeds, epochs=epochs, batch_size=BATCH,
        learning_rate=RATE,
    )  # fmt: skip


def alone(width: int, epochs: int, known: Comparison, seeds: int) -> dict[str, list[float]]:
    """Train one after another; return the last training loss of every network."""
    x, y = data()
    parts = [torch.from_numpy(part[:2_000]) for part in (known.train, known.held)]
    batches = [torch.from_numpy(known.batches(epoch)) for epoch in range(epochs)]
    last: dict[str, list[float]] = {}
    for scheme in SCHEMES:
        for seed in range(seeds):
            model = mlp([width] * LAYERS, inputs=FEATURES, outputs=CLASSES)
            initialize(model, scheme, seed=seed, keep=False)
            optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
            for epoch in range(epochs):
                for rows in batches[epoch]:
                    loss = functional.cross_entropy(model(x[rows]), y[rows])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                with torch.no_grad():
                    curve = []
                    for part in parts:
                        out = model(x[part])
                        curve.append(float(functional.cross_entropy(out, y[part])))
                        float((out.argmax(1) == y[part]).float().mean())
            last.setdefault(scheme, []).append(curve[0])
    return last


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="fewer epochs and rounds")
    quick = parser.parse_args(argv).quick
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        "networks": NETWORKS, "layers": LAYERS, "epochs": EPOCHS, "batch": BATCH,
        "steps": 0, "torch": torch.__version__, "widths": {},
    }  # fmt: skip
    for width in WIDTHS:
        epochs = 2 if quick else EPOCHS[width]
        found = together(width, epochs, 1)
        losses = alone(width, epochs, found, 1)
        apart = max(abs(found[name].train_loss[0, -1] / losses[name][0] - 1.0) for name in SCHEMES)
        contestants: dict[str, Callable[[], Any]] = {
            "gausswork": lambda width=width, epochs=epochs: together(
                width, epochs, NETWORKS // len(SCHEMES)
            ),
            "torch, one by one": lambda width=width, epochs=epochs, found=found: alone(
                width, epochs, found, 1
            ),
        }
        times = timings(contestants, rounds=2 if quick else 3, warm_up=False)
        ours = times["gausswork"].cpu
        loop = times["torch, one by one"].cpu * NETWORKS / len(SCHEMES)
        best = times["torch, one by one"].best_cpu * NETWORKS / len(SCHEMES)
        say(
            f"  width {width:3d}: {ours:6.2f} s, one by one {loop:6.1f} s ({loop / ours:.1f}×, of "
            f"the best rounds {best / times['gausswork'].best_cpu:.1f}×); losses differ by "
            f"{apart:.0e}"
        )
        results["steps"] = found.steps
        results["widths"][str(width)] = {"times": times, "loop": loop, "apart": apart}
    write("initialization", results, quick=quick)


if __name__ == "__main__":
    main()
