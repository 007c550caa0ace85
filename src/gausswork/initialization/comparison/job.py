"""The training of all networks of a comparison, chunk by chunk, and what is written down of it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.initialization.apply import initialize
from gausswork.initialization.comparison import lessons, outcomes, trainers
from gausswork.initialization.comparison.result import Comparison, Trained
from gausswork.initialization.schemes import Scheme
from gausswork.initialization.slots import torch

Progress = Callable[[int, int], None]
Watch = Callable[[tuple[Trained, ...]], None]

# Networks in one product: as many units of the widest layer as stay in the cache.
_MOST_TOGETHER, _UNITS_TOGETHER = 50, 640
_FIRST_ROWS = 256  # of the batch that data-dependent schemes and the doctor see


class Job:
    """The training of all networks, with the curves as far as they have got."""

    def __init__(
        self,
        model: Any,
        read: lessons.Lessons,
        chosen: Mapping[str, Scheme],
        seeds: tuple[int, ...],
        loss: Any,
        epochs: int,
        rate: float,
        optimizer: str,
        together: int | None,
    ) -> None:
        self.model, self.read, self.chosen, self.seeds = model, read, chosen, seeds
        self.loss, self.epochs, self.rate, self.optimizer = loss, epochs, rate, optimizer
        self.kind: Any = trainers.trainer_for(model, loss)
        self.together = _together(model) if together is None else together
        self.interrupted = False
        self.findings: list[Finding] = []
        # Seed by seed: an interruption leaves every scheme with about as many networks.
        self.networks = [(s, k) for k in range(len(seeds)) for s in range(len(chosen))]
        shape = (len(chosen), len(seeds), epochs + 1)
        self.parts = {"train": read.train, "held": read.held}
        self.curves = {
            f"{part}_{what}": np.full(shape if len(rows) else (*shape[:2], 0), np.nan)
            for part, rows in self.parts.items()
            for what in ("loss", "accuracy")
        }
        self.done = np.zeros(shape[:2], dtype=np.int64)
        self.judged = {p: read.judged(rows) for p, rows in self.parts.items() if len(rows)}
        self.chance = {p: read.guess(rows) for p, rows in self.parts.items() if len(rows)}

    def run(self, progress: Progress | None, watch: Watch | None = None) -> None:
        """Train everything, chunk by chunk."""
        total, so_far = len(self.networks) * self.epochs, 0
        if self.kind is trainers.Mapped:
            self._can_map()
        size = 1 if self.kind is trainers.Single else self.together
        for start in range(0, len(self.networks), size):
            chunk = self.networks[start : start + size]
            trainer = self._trainer(chunk)
            optimizer = trainers.Optimizer(self.optimizer, self.rate, trainer.parameters)
            self._record(trainer, chunk, 0)
            if watch is not None:
                watch(self.so_far())
            x, y = self.read.x, self.read.y
            for epoch in range(self.epochs):
                for rows in torch().from_numpy(self.read.batches(epoch)).to(x.device):
                    optimizer.step(trainer.gradients(x[rows], y[rows]))
                self._record(trainer, chunk, epoch + 1)
                so_far += len(chunk)
                if progress is not None:
                    progress(so_far, total)
                if watch is not None:
                    watch(self.so_far())

    def so_far(self) -> tuple[Trained, ...]:
        """Return the runs as far as they have got, not judged yet."""
        count = len(self.seeds)
        return tuple(
            Trained(
                name=name, scheme=made, epochs=self.done[s].copy(),
                outcomes=("unfinished",) * count, reasons=("",) * count, diagnosis=None,
                **{curve: values[s].copy() for curve, values in self.curves.items()},
            )
            for s, (name, made) in enumerate(self.chosen.items())
        )  # fmt: skip

    def start(self, network: tuple[int, int], shared: Any = None) -> Any:
        """Return a network with its initial weights, in a copy of the model."""
        s, k = network
        model = copy.deepcopy(self.model) if shared is None else shared
        options: dict[str, Any] = {}
        made = list(self.chosen.values())[s]
        if made.name == "lsuv":
            options["batch"] = self.first()[0]
        initialize(model, made, seed=self.seeds[k], keep=False, **options)
        return model

    def first(self) -> tuple[Any, Any]:
        """Return the first training rows."""
        return self.read.x[self.read.train[:_FIRST_ROWS]], self.read.y[
            self.read.train[:_FIRST_ROWS]
        ]

    def _trainer(self, chunk: list[tuple[int, int]], kind: Any = None) -> trainers.Trainer:
        kind = self.kind if kind is None else kind
        members, model = [], self.model
        # A plain chain has nothing but parameters, and all that training changes is set anew.
        shared = copy.deepcopy(self.model) if kind is trainers.Stacked else None
        for network in chunk:
            started = self.start(network, shared)
            members.append({n: p.detach().clone() for n, p in started.named_parameters()})
            if kind is trainers.Single:
                model = started
        made: trainers.Trainer = kind(model, members, self.loss)
        return made

    def _can_map(self) -> None:
        """Take networks one by one if torch.func cannot map this model."""
        rows = torch().from_numpy(self.read.batches(0)[0]).to(self.read.x.device)
        x, y = self.read.x[rows], self.read.y[rows]
        kept = copy.deepcopy(self.model)
        try:
            trainer = self._trainer(self.networks[: min(2, len(self.networks))])
            trainer.gradients(x, y)
            trainer.outputs(x)
            reason = _changed(self.model, kept)
        except InputError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
        self.model = kept
        if reason:
            self.kind = trainers.Single
            self.findings.append(
                Finding(
                    code="trained-one-by-one",
                    severity=Severity.NOTE,
                    sentence="torch.func cannot train several of these networks at once, so they "
                    f"were trained one by one: {reason.rstrip('.')}.",
                    remedy="Batch norms without running statistics, and no branches on the data, "
                    "would let it.",
                    evidence={"reason": reason},
                )
            )

    def _record(self, trainer: Any, chunk: list[tuple[int, int]], epoch: int) -> None:
        for part, (x, y) in self.judged.items():
            out = trainer.outputs(x)
            found = {
                "loss": trainers.losses(self.loss, out, y).double(),
                "accuracy": outcomes.accuracies(self.read.kind, out, y, self.chance[part][0]),
            }
            for what, values in found.items():
                for (s, k), value in zip(chunk, values.tolist(), strict=True):
                    self.curves[f"{part}_{what}"][s, k, epoch] = value
        for s, k in chunk:
            self.done[s, k] = epoch

    def result(self, started: float) -> Comparison:
        """Judge what there is."""
        part = "held" if "held" in self.judged else "train"
        runs = []
        for s, (name, made) in enumerate(self.chosen.items()):
            own = {curve: values[s] for curve, values in self.curves.items()}
            found = outcomes.judged(
                own, self.done[s], self.epochs, self.chance, self.judged, self.loss
            )
            diagnosis = None
            failed = [k for k, outcome in enumerate(found) if outcome in outcomes.FAILED]
            if failed:
                diagnosis = outcomes.examined(self.start((s, failed[0])), self.first(), self.loss)
            reasons = tuple(
                outcomes.reason(o, own["train_loss"][k], diagnosis, self.rate)
                for k, o in enumerate(found)
            )
            runs.append(
                Trained(
                    name=name, scheme=made, epochs=self.done[s], outcomes=found,
                    reasons=reasons, diagnosis=diagnosis, **own,
                )
            )  # fmt: skip
        loss, accuracy = self.chance[part]
        return Comparison(
            runs=tuple(runs),
            seeds=self.seeds,
            kind=self.read.kind,
            epochs=self.epochs,
            steps=self.read.steps,
            batch_size=self.read.batch_size,
            learning_rate=self.rate,
            optimizer=self.optimizer,
            train=self.read.train,
            held=self.read.held,
            chance_loss=loss,
            chance_accuracy=accuracy,
            way=self.kind.way,
            seconds=time.perf_counter() - started,
            interrupted=self.interrupted,
            findings=(*self.findings, *outcomes.remarks(runs, self.seeds, self.interrupted)),
            _seed=self.read.seed,
        )


def _together(model: Any) -> int:
    """Return how many networks to train at a time."""
    widest = max(max(p.shape, default=1) for p in model.parameters())
    return max(1, min(_MOST_TOGETHER, _UNITS_TOGETHER // widest))


def _changed(model: Any, before: Any) -> str:
    """Return why a model cannot be shared by many networks: a buffer that training changes."""
    pairs = zip(model.named_buffers(), before.named_buffers(), strict=True)
    for (name, now), (_, then) in pairs:
        if not torch().equal(now, then):
            return f"buffer {name!r} changes with every step"
    return ""
