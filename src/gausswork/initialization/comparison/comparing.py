"""compare: one network from several schemes and seeds, with the same rows in the same order."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gausswork.errors import InputError
from gausswork.initialization.activations import nearest
from gausswork.initialization.comparison import lessons, outcomes, trainers
from gausswork.initialization.comparison.inputs import (
    check_loss,
    device_of,
    outputs_of,
    read_model,
    read_schemes,
    read_seeds,
    try_model,
)
from gausswork.initialization.comparison.job import Job, Progress, Watch
from gausswork.initialization.comparison.result import Comparison
from gausswork.initialization.plans import check_model, check_seed
from gausswork.initialization.schemes import Scheme


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
    chosen = read_schemes(schemes)
    numbers = read_seeds(seeds)
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
    check_loss(loss)
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
        outputs=outputs_of(model_or_widths) if given else None,
    )
    device = device_of(model_or_widths, data)
    with trainers.own_randomness(read.seed, device):
        model = read_model(model_or_widths, read, activation).to(device)
        kind = next(model.parameters()).dtype
        read = outcomes.placed(read, device, kind)
        if loss is None:
            loss = "cross_entropy" if read.kind == "classification" else "mse"
        try_model(model, read, loss)
        job = Job(model, read, chosen, numbers, loss, epochs, float(rate), optimizer, together)
        try:
            job.run(progress, watch)
        except KeyboardInterrupt:
            job.interrupted = True
        return job.result(started)
