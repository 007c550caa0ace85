"""The training of room "initialisation": run beside, watched, and stopped between two epochs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gausswork.errors import InputError
from gausswork.lab.rooms import start
from gausswork.plain import plain

if TYPE_CHECKING:
    from gausswork.initialization.comparison.result import Comparison, Trained


def trained(s: start.State, cancelled: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """Yield ``epoch`` and ``curves`` after every epoch; at the end ``outcome`` as well.

    Raises
    ------
    InputError
        The networks have more weights than are trained while somebody waits.
    MissingPackageError
        PyTorch, or scikit-learn for its digits, is not installed.
    """
    _check_size(s)
    parts: queue.SimpleQueue[dict[str, Any] | BaseException | None] = queue.SimpleQueue()
    over = threading.Event()

    def watch(runs: tuple[Trained, ...]) -> None:
        if over.is_set() or cancelled():
            raise KeyboardInterrupt
        epoch = int(runs[0].epochs.min())
        parts.put({"epoch": epoch, "epochs": s.epochs, "curves": start.curves_of(runs)})

    def work() -> None:
        try:
            found = compared(s, watch)
            parts.put(
                {
                    "epoch": int(found.runs[0].epochs.min()),
                    "epochs": s.epochs,
                    "curves": start.curves_of(found.runs),
                    "outcome": _outcome(found, s),
                }
            )
        except BaseException as error:
            parts.put(error)
        finally:
            parts.put(None)

    thread = threading.Thread(target=work, name="gausswork-training", daemon=True)
    thread.start()
    try:
        while (part := parts.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part
    finally:
        over.set()
        thread.join()


def compared(s: start.State, watch: Any = None) -> Comparison:
    """Train all networks of a state side by side."""
    from gausswork import initialization as gi
    from gausswork.errors import require

    require("torch", purpose="The doctor and the training", extra="torch")
    schemes = {}
    for name in s.schemes:
        base, options = start.recipe(name, s.activation, s.scale)
        schemes[name] = gi.scheme(base, **options)
    return gi.compare(
        [s.width] * s.depth,
        schemes,
        start.lesson(s.data),
        seeds=range(s.seed, s.seed + s.networks),
        activation=s.activation,
        epochs=s.epochs,
        learning_rate=s.rate,
        together=len(schemes) * s.networks,
        watch=watch,
    )


def _check_size(s: start.State) -> None:
    weights = s.depth * s.width * s.width * len(s.schemes) * s.networks
    if weights > start.MOST_WEIGHTS:
        raise InputError(
            f"{len(s.schemes) * s.networks} networks of {s.depth} layers with {s.width} units "
            f"have {weights / 1e6:.1f} million weights, more than the lab trains while you wait "
            f"({start.MOST_WEIGHTS / 1e6:.0f} million). Take fewer units, layers, schemes or "
            "networks, or run the Python of this room by itself."
        )


def _outcome(found: Comparison, s: start.State) -> dict[str, Any]:
    """Return what became of each scheme."""
    return {
        "interrupted": found.interrupted,
        "chance_loss": plain(found.chance_loss),
        "chance_accuracy": plain(found.chance_accuracy),
        "steps": found.steps,
        "schemes": [
            {
                "name": run.name,
                "verdict": run.verdict,
                "learned": run.learned,
                "networks": len(found.seeds),
                "reason": start.relabelled(next(filter(None, run.reasons), ""), s),
            }
            for run in found.runs
        ],
        "findings": [start.finding(one, s) for one in found.findings],
        "shown": {
            "learned": [run.learned for run in found.runs],
            "mean_loss": [_last(run, "train_loss") for run in found.runs],
            "mean_accuracy": [_last(run, "held_accuracy") for run in found.runs],
            "final_accuracy": [
                [start.number(value) for value in run.final_accuracy.tolist()] for run in found.runs
            ],
        },
    }


def _last(run: Trained, of: str) -> float | str:
    """Return the mean of a curve over the networks, after the last epoch."""
    return start.number(float(run.band(of)[0][-1]))
