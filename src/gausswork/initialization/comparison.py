"""The same network trained from several schemes and seeds, with the same rows in the same order."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.initialization import lessons, outcomes, trainers
from gausswork.initialization.activations import nearest
from gausswork.initialization.apply import initialize
from gausswork.initialization.doctor import Diagnosis
from gausswork.initialization.networks import mlp
from gausswork.initialization.plans import check_model, check_seed
from gausswork.initialization.schemes import Scheme, scheme
from gausswork.initialization.slots import is_lazy, torch

Array = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]

# Networks in one product: as many units of the widest layer as stay in the cache.
_MOST_TOGETHER, _UNITS_TOGETHER = 50, 640
_FIRST_ROWS = 256  # of the batch that data-dependent schemes and the doctor see


@dataclass(frozen=True, slots=True)
class Trained:
    """What became of one scheme.

    Attributes
    ----------
    name : as it was asked for.
    scheme : what it stands for.
    train_loss, held_loss : (seeds, epochs + 1) mean loss before training and after every epoch, on
        the rows trained on and on those held out; NaN where training did not get.
    train_accuracy, held_accuracy : share of right answers, or R² of a regression; same shape.
    epochs : (seeds,) how many epochs each network was trained for.
    outcomes : of each seed: ``"learned"``, ``"stalled"``, ``"at chance"``, ``"diverged"``,
        ``"not finite"`` or ``"unfinished"``.
    reasons : of each seed, why it failed; empty where it did not.
    diagnosis : of the first network that failed, before its training; None where all learned.
    """

    name: str
    scheme: Scheme
    train_loss: Array
    train_accuracy: Array
    held_loss: Array
    held_accuracy: Array
    epochs: npt.NDArray[np.int64]
    outcomes: tuple[str, ...]
    reasons: tuple[str, ...]
    diagnosis: Diagnosis | None

    @property
    def learned(self) -> int:
        """How many seeds learned."""
        return self.outcomes.count("learned")

    @property
    def verdict(self) -> str:
        """The result in words."""
        return outcomes.verdict(self.outcomes)

    @property
    def final_loss(self) -> Array:
        """(seeds,) loss on the held-out rows, or else those trained on, at the end."""
        return _last(self._judged("loss"), self.epochs)

    @property
    def final_accuracy(self) -> Array:
        """(seeds,) accuracy on the held-out rows, or else those trained on, at the end."""
        return _last(self._judged("accuracy"), self.epochs)

    def band(self, of: str = "held_accuracy", *, level: float = 0.95) -> tuple[Array, Array, Array]:
        """Return the mean over the seeds after each epoch, and its confidence limits.

        The mean of a loss is the geometric one, with limits by Student's t on the logarithms;
        those of an accuracy by Student's t. Networks whose numbers are not finite are left out.

        Parameters
        ----------
        of : name of a curve, such as ``"train_loss"``.
        level : of confidence.
        """
        return outcomes.band(getattr(self, outcomes.check_curve(of)), of, level)

    def _judged(self, what: str) -> Array:
        held: Array = getattr(self, f"held_{what}")
        return held if held.shape[1] else getattr(self, f"train_{what}")


Watch = Callable[[tuple[Trained, ...]], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What :func:`compare` has found.

    Attributes
    ----------
    runs : one for each scheme, in the order in which they were asked for.
    seeds : of the networks.
    kind : ``"classification"`` or ``"regression"``.
    epochs, steps, batch_size, learning_rate, optimizer : of the training; steps an epoch.
    train, held : numbers of the rows trained on and held out, in random order.
    chance_loss, chance_accuracy : of the best guess that ignores the inputs, on the rows that
        ``final_loss`` and ``final_accuracy`` are of.
    way : how the networks were trained: ``"batched products"``, ``"torch.func.vmap"`` or ``"one by
        one"``.
    seconds : that it took.
    interrupted : whether it was stopped before its end.
    findings : what is worth knowing.
    """

    runs: tuple[Trained, ...]
    seeds: tuple[int, ...]
    kind: str
    epochs: int
    steps: int
    batch_size: int
    learning_rate: float
    optimizer: str
    train: lessons.Rows
    held: lessons.Rows
    chance_loss: float
    chance_accuracy: float
    way: str
    seconds: float
    interrupted: bool
    findings: tuple[Finding, ...]
    _seed: int

    def __getitem__(self, name: str) -> Trained:
        for run in self.runs:
            if run.name == name:
                return run
        raise KeyError(name)

    def batches(self, epoch: int) -> lessons.Rows:
        """Return the rows of an epoch, counted from 0: (steps, batch size), in their order."""
        order = lessons.order_of(self.train, epoch, self._seed)
        return order[: self.steps * self.batch_size].reshape(self.steps, self.batch_size)

    def time_to(self, loss: float, of: str = "train_loss") -> dict[str, Array]:
        """Return after how many epochs each seed first had at most this loss; NaN for never.

        Parameters
        ----------
        loss : the loss to reach.
        of : ``"train_loss"`` or ``"held_loss"``.

        Returns
        -------
        dict of name → (seeds,) epochs; times ``steps`` they are optimiser steps.
        """
        if of not in ("train_loss", "held_loss"):
            raise InputError(f"of must be 'train_loss' or 'held_loss'; got {of!r}.")
        if isinstance(loss, bool) or not isinstance(loss, (int, float)) or not math.isfinite(loss):
            raise InputError(f"loss must be a finite number, the loss to reach; got {loss!r}.")
        return {run.name: outcomes.first_below(getattr(run, of), float(loss)) for run in self.runs}

    def __str__(self) -> str:
        from gausswork.initialization.comparison_text import text

        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data for JSON; what is not finite as None."""
        from gausswork.initialization.comparison_text import document

        return document(self)


def compare(
    model_or_widths: Any,
    schemes: Sequence[str | Scheme] | Mapping[str, str | Scheme],
    data: Any = "digits",
    seeds: int | Sequence[int] = 10,
    *,
    activation: str = "relu",
    epochs: int = 20,
    learning_rate: float | None = None,
    batch_size: int = 64,
    optimizer: str = "sgd",
    loss: str | Callable[..., Any] | None = None,
    held_out: float = 0.25,
    standardize: bool | None = None,
    seed: int = 0,
    together: int | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Comparison:
    """Train the same network from several initialisation schemes, many seeds at once.

    Network k of a scheme starts from exactly what ``initialize(model, scheme, seed=k)`` sets, and
    all see the same rows in the same order. Plain chains of linear layers are trained by batched
    products, other modules by ``torch.func``, and those that it cannot map one by one, which a
    finding says. A network that diverges does not touch the others.

    Parameters
    ----------
    model_or_widths : widths of the hidden layers, such as ``[64, 64]``, of a fully connected
        network that is built for the data; or a torch.nn.Module on any device, which is copied.
    schemes : names or Schemes, or a mapping of labels to them. They are taken as given; a gain for
        tanh, say, is asked for by ``scheme("xavier", activation="tanh")``.
    data : a pair (X, y) of (rows, …) inputs and (rows,) or (rows, targets) of targets, as arrays,
        tensors or frames; or ``"digits"``, scikit-learn's, standardised. Whole numbers and names
        are classes, floating numbers amounts.
    seeds : how many networks for each scheme, seeded from 0 on; or the seeds.
    activation : between the layers of a network given by widths.
    epochs : how often the rows are gone through.
    learning_rate : 0.1 for sgd, 0.02 for momentum, 0.002 for adam where none is given.
    batch_size : rows a step. What does not fill a batch waits for another epoch.
    optimizer : ``"sgd"``, ``"momentum"`` (0.9) or ``"adam"``, as in torch.optim.
    loss : ``"cross_entropy"`` (the default for classes), ``"mse"`` (for amounts), or a function of
        output and targets that returns one number.
    held_out : share of the rows that is kept apart to judge by.
    standardize : whether columns (and amounts to learn) get mean 0 and sd 1 over the training
        rows; by default the digits only.
    seed : of the split and the order of the rows.
    together : how many networks are trained at a time; by default as many as pay, 50 at most.
    progress : called with the epochs done and to do, over all networks.
    watch : called with the runs as far as they have got, before training and after every epoch, to
        draw the curves while they grow; whoever raises KeyboardInterrupt in it ends the training.
        With ``together`` as large as the number of networks all curves grow side by side.

    Returns
    -------
    Comparison
        ``print`` shows it. A KeyboardInterrupt ends the training and returns what there is,
        ``interrupted``.

    Raises
    ------
    InputError
        A scheme is not known; the data have NaN, fewer rows than a batch, or do not fit the model;
        seeds are none; the model raises (its error is chained).
    """
    started = time.perf_counter()
    chosen = _schemes(schemes)
    numbers = _seeds(seeds)
    whole = {"epochs": epochs, "batch_size": batch_size, "together": together}
    for name, value in whole.items():
        if name == "together" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{name} must be a whole number from 1 on; got {value!r}.")
    if optimizer not in trainers.OPTIMIZERS:
        raise InputError(
            f"optimizer must be one of {', '.join(trainers.OPTIMIZERS)}; got {optimizer!r}."
            f"{nearest(str(optimizer), trainers.OPTIMIZERS)}"
        )
    rate = trainers.RATES[optimizer] if learning_rate is None else learning_rate
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0.0 < rate < math.inf:
        raise InputError(f"learning_rate must be a positive number; got {rate!r}.")
    _check_loss(loss)
    given = hasattr(model_or_widths, "named_modules")
    if given:
        check_model(model_or_widths)
    read = lessons.prepare(
        data,
        batch_size=batch_size,
        held_out=held_out,
        standardize=standardize,
        loss=loss,
        seed=check_seed(seed),
        outputs=_outputs(model_or_widths) if given else None,
    )
    device = _device(model_or_widths, data)
    with trainers.own_randomness(read.seed, device):
        model = _model(model_or_widths, read, activation).to(device)
        kind = next(model.parameters()).dtype
        read = outcomes.placed(read, device, kind)
        if loss is None:
            loss = "cross_entropy" if read.kind == "classification" else "mse"
        _try(model, read, loss)
        job = _Job(model, read, chosen, numbers, loss, epochs, float(rate), optimizer, together)
        try:
            job.run(progress, watch)
        except KeyboardInterrupt:
            job.interrupted = True
        return job.result(started)


def _together(model: Any) -> int:
    """Return how many networks to train at a time."""
    widest = max(max(p.shape, default=1) for p in model.parameters())
    return max(1, min(_MOST_TOGETHER, _UNITS_TOGETHER // widest))


class _Job:
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


def _last(curves: Array, epochs: npt.NDArray[np.int64]) -> Array:
    return curves[np.arange(len(curves)), epochs]


def _schemes(given: Any) -> dict[str, Scheme]:
    if isinstance(given, Mapping):
        pairs = [(str(label), made) for label, made in given.items()]
    else:
        listed = [given] if isinstance(given, (str, Scheme)) else list(given)
        pairs = [(str(made), made) for made in listed]
    if not pairs:
        raise InputError("schemes: give at least one, such as ['default', 'xavier', 'he'].")
    found: dict[str, Scheme] = {}
    for label, made in pairs:
        if label in found:
            raise InputError(
                f"schemes: {label!r} is named twice. With a mapping of labels to schemes each has "
                "a name of its own."
            )
        found[label] = scheme(made)
    return found


def _seeds(given: Any) -> tuple[int, ...]:
    if isinstance(given, (list, tuple, range, np.ndarray)):
        found = tuple(check_seed(k) for k in given)
        if not found or len(set(found)) < len(found):
            raise InputError(f"seeds must be different whole numbers, at least one; got {given!r}.")
        return found
    count = check_seed(given) if not isinstance(given, float) else given
    if not isinstance(count, int) or count < 1:
        raise InputError(
            f"seeds says how many networks each scheme gets, at least 1; got {given!r}."
        )
    return tuple(range(count))


def _check_loss(loss: Any) -> None:
    if loss is None or callable(loss) or loss in ("cross_entropy", "mse"):
        return
    raise InputError(
        "loss must be 'cross_entropy', 'mse' or a function of output and targets; got "
        f"{loss!r}.{nearest(str(loss), ('cross_entropy', 'mse'))}"
    )


def _device(model: Any, data: Any) -> Any:
    th = torch()
    if hasattr(model, "parameters"):
        return next(model.parameters()).device
    first = data[0] if isinstance(data, (tuple, list)) and data else None
    return first.device if isinstance(first, th.Tensor) else th.device("cpu")


def _outputs(model: Any) -> int | None:
    """Return how many numbers a model gives, where its last linear layer tells."""
    linear = [m for m in model.modules() if isinstance(m, torch().nn.Linear)]
    return int(linear[-1].out_features) if linear else None


def _model(given: Any, read: lessons.Lessons, activation: str) -> Any:
    if hasattr(given, "named_modules"):
        for name, parameter in given.named_parameters():
            if is_lazy(parameter) or parameter.is_meta:
                raise InputError(
                    f"model: parameter {name!r} has no numbers yet (it is lazy, or on the meta "
                    "device). Call the model once with a batch, model(batch), before."
                )
        return copy.deepcopy(given).train()
    if isinstance(given, (str, bytes)) or not isinstance(given, (list, tuple, np.ndarray)):
        raise InputError(
            "model_or_widths must be widths such as [64, 64, 64] or a torch.nn.Module; got "
            f"{type(given).__name__}."
        )
    if read.x.ndim != 2:
        raise InputError(
            f"widths make a fully connected network, and X has shape {tuple(read.x.shape)}: give "
            "X.reshape(len(X), -1), or a model that takes such inputs."
        )
    widths = [int(w) if isinstance(w, np.integer) else w for w in given]
    return mlp(widths, inputs=read.x.shape[1], outputs=read.outputs, activation=activation)


def _try(model: Any, read: lessons.Lessons, loss: Any) -> None:
    """Run a batch through a copy of the model, so that it fails here if it fails."""
    th = torch()
    model = copy.deepcopy(model)
    rows = th.from_numpy(read.batches(0)[0]).to(read.x.device)
    x, y = read.x[rows], read.y[rows]
    said = f"{tuple(x.shape)} of {str(x.dtype).removeprefix('torch.')}"
    try:
        out = model(x)
    except Exception as error:
        features = f" X has {read.x.shape[1]:,} features a row." if x.ndim == 2 else ""
        raise InputError(
            f"the model raised {type(error).__name__} on a batch of shape {said}: "
            f"{' '.join(str(error).split())}.{features}"
        ) from error
    if not isinstance(out, th.Tensor) or out.ndim < 1 or len(out) != len(x):
        raise InputError(
            "the model must return one tensor with a row for each row of the batch; got "
            f"{type(out).__name__}"
            f"{f' of shape {tuple(out.shape)}' if isinstance(out, th.Tensor) else ''}."
        )
    if loss == "cross_entropy" and (out.ndim != 2 or out.shape[1] <= int(read.y.max())):
        raise InputError(
            f"the model gives an output of shape {tuple(out.shape)}, and there are "
            f"{int(read.y.max()) + 1} classes: its last layer needs as many outputs."
        )
    if loss == "mse" and out.shape != y.shape:
        raise InputError(
            f"the model gives an output of shape {tuple(out.shape)}, and the targets of a batch "
            f"have shape {tuple(y.shape)}: they must be the same."
        )
    try:
        value = trainers.loss_of(loss, out, y)
        value.backward()
    except Exception as error:
        raise InputError(
            f"the loss raised {type(error).__name__}: {' '.join(str(error).split())}."
        ) from error
    if value.ndim:
        raise InputError(f"the loss must be one number; it has shape {tuple(value.shape)}.")


def _changed(model: Any, before: Any) -> str:
    """Return why a model cannot be shared by many networks: a buffer that training changes."""
    pairs = zip(model.named_buffers(), before.named_buffers(), strict=True)
    for (name, now), (_, then) in pairs:
        if not torch().equal(now, then):
            return f"buffer {name!r} changes with every step"
    return ""
