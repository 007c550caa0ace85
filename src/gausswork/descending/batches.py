"""Show the work of mini-batches: the first steps in the user's numbers, and the whole in NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import formatting as fmt
from gausswork import work
from gausswork.descending import words
from gausswork.leastsquares.kernels import columns_of
from gausswork.leastsquares.rows import first_rows, source_of
from gausswork.leastsquares.stochastic.rows import permutation
from gausswork.leastsquares.stochastic.rules import Optimizer, Schedule
from gausswork.leastsquares.stochastic.setup import Setting, prepare
from gausswork.leastsquares.stochastic.steps import Memory, Table, advance

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.history import Descent
    from gausswork.leastsquares.doubledouble import Array
    from gausswork.leastsquares.fit import Fit

_STEPS = 3  # worked out in figures
_BY_HAND = 4  # up to so many parameters
_ROWS = 12  # up to so many rows the NumPy lines carry the data
_NAMED = 6  # numbers of rows shown of a batch


def show(fit: Fit, descent: Descent, data: Any = None) -> str:
    """Return the steps of a descent in mini-batches as text.

    Parameters
    ----------
    data : what was fitted; by default the rows that the fit has kept.
    """
    parts = [
        work.rows_part(fit, data),
        _loss(descent),
        _rule(descent),
        _steps(fit, descent, data),
        _end(descent),
        "\n".join(
            ["The same in NumPy"]
            + [f"    {line}".rstrip() for line in numpy_lines(fit, descent, data)]
        ),
    ]
    return "\n\n".join(_numbered([part for part in parts if part]))


def _numbered(parts: list[str]) -> list[str]:
    return [
        f"{number}. {part.split('. ', 1)[1] if part[:1].isdigit() else part}"
        for number, part in enumerate(parts, start=1)
    ]


def _loss(descent: Descent) -> str:
    batches = descent.mini_batch
    assert batches is not None
    last = batches.rows % batches.batch_size
    rest = f", the last one of {last}" if last else ""
    lines = work.wrapped(
        f"A batch B of b rows has the loss J(θ) = (1/b) Σ (y − ŷ)², with the gradient g = (2/b) Σ "
        f"(ŷ − y)·x over its rows. {batches.rows:,} rows make "
        f"{-(-batches.rows // batches.batch_size):,} batches of {batches.batch_size:,}{rest}, "
        f"in an order that is shuffled ({batches.shuffle})."
        if not batches.shuffle.startswith("none")
        else f"A batch B of b rows has the loss J(θ) = (1/b) Σ (y − ŷ)², with the gradient g = "
        f"(2/b) Σ (ŷ − y)·x over its rows. {batches.rows:,} rows make "
        f"{-(-batches.rows // batches.batch_size):,} batches of {batches.batch_size:,}{rest}, in "
        "their order."
    )
    if descent.method.standardize:
        lines += work.wrapped(
            "The predictors are standardised first: x stands for (x − mean)/sd, and θ for what "
            "belongs to that."
        )
    return "\n".join(["The loss of a batch", *lines])


def _rule(descent: Descent) -> str:
    optimizer, momentum = _optimizer(descent), work.figure(descent.momentum)
    rule = {
        "adagrad": "s ← s + g², θ ← θ − rate·g/(√s + ε)",
        "rmsprop": f"s ← {optimizer.decay:g}·s + {1 - optimizer.decay:g}·g², "
        "θ ← θ − rate·g/(√s + ε)",
        "adam": f"m ← {optimizer.beta1:g}·m + {1 - optimizer.beta1:g}·g, "
        f"s ← {optimizer.beta2:g}·s + {1 - optimizer.beta2:g}·g², and in step k "
        f"θ ← θ − rate·(m/(1 − {optimizer.beta1:g}ᵏ))/(√(s/(1 − {optimizer.beta2:g}ᵏ)) + ε)",
    }.get(optimizer.name, "θ ← θ − rate·g")
    if optimizer.name == "sgd" and descent.momentum:
        way = f"(g + {momentum}·v)" if descent.method.nesterov else "v"
        rule = f"v ← {momentum}·v + g, θ ← θ − rate·{way}"
    if optimizer.name != "sgd":
        rule += f", with ε = {optimizer.floor:g}"
    text = (
        f"Every batch takes a step: {rule}. The rate is {work.figure(descent.learning_rate)}"
        f"{_schedule_words(descent)}."
    )
    return "\n".join(["The rule", *work.wrapped(text)])


def _schedule_words(descent: Descent) -> str:
    schedule = _schedule(descent)
    return {
        "constant": "",
        "step": f", times {schedule.factor:g} every {schedule.every:g} epochs",
        "inverse-time": f" / (1 + {schedule.decay:g}·t) after t epochs",
        "cosine": f", falling along half a cosine to {schedule.floor:g} of it",
    }[schedule.name]


def _steps(fit: Fit, descent: Descent, data: Any) -> str:
    """Work out the first steps, where there are rows and few parameters."""
    batches = descent.mini_batch
    assert batches is not None
    if (data is None and fit.source is None) or len(descent.names) > _BY_HAND:
        return ""
    if batches.shuffle.startswith(("on disk", "within")):
        return ""
    source = source_of(fit, data)
    exact = descent.least_squares
    assert exact is not None
    method = replace(
        descent.method, learning_rate=descent.learning_rate, momentum=descent.momentum,
        beyond_limit="run", state=None, resume=False,
    )  # fmt: skip
    setting = prepare(source, exact, method, batches.batch_size, batches.rows)
    wanted = _order(descent, 0)[: _STEPS * batches.batch_size]
    table = _taken(source, np.sort(wanted), exact.moments)
    order = np.searchsorted(np.sort(wanted), wanted)
    memory = Memory.new(setting.start)
    total = -(-batches.rows // batches.batch_size)
    rates = _schedule(descent).rates(descent.learning_rate, 0, total, descent.method.epochs)
    lines = ["The first steps"]
    for step in range(min(_STEPS, total)):
        at = slice(step * batches.batch_size, (step + 1) * batches.batch_size)
        before = _shown(setting, memory)
        gradient = _gradient(table, order[at], setting, memory.parameters)
        advance(
            table, order[at], batches.batch_size, rates[step : step + 1], setting.frame,
            setting.rule, memory, average_from=2**60, limit=np.inf,
        )  # fmt: skip
        some = ", ".join(map(str, wanted[at][:_NAMED].tolist()))
        more = ", …" if len(wanted[at]) > _NAMED else ""
        lines += [
            f"   step {step + 1}: rows {some}{more}: g = {_tuple(gradient)}",
            f"           θ = {_tuple(before)} → {_tuple(_shown(setting, memory))}"
            f" at the rate {work.figure(rates[step])}",
        ]
    lines.append("   Rows are counted from 0.")
    return "\n".join(lines)


def _taken(source: Any, rows: Any, moments: Any) -> Table:
    """Return some rows of a source, given by their numbers in ascending order."""
    xs, ys, ws, seen = [], [], [], 0
    mean = moments.total_weight[0] / (source.tally.read - source.tally.dropped or moments.rows)
    for batch in source.batches(65_536):
        here = rows[(rows >= seen) & (rows < seen + len(batch))] - seen
        xs.append(columns_of(batch.x, slice(None))[here])
        ys.append(np.asarray(batch.y, dtype=np.float64)[here])
        if batch.weight is not None:
            ws.append(np.asarray(batch.weight, dtype=np.float64)[here] / mean)
        seen += len(batch)
    return Table(
        np.ascontiguousarray(np.concatenate(xs)), np.concatenate(ys),
        np.concatenate(ws) if ws else None,
    )  # fmt: skip


def _gradient(table: Table, rows: Any, setting: Setting, theta: Array) -> Array:
    """Return the gradient of a batch in the order in which it is shown."""
    frame, p = setting.frame, setting.frame.predictors
    z = np.zeros((len(rows), frame.width))
    z[:, :p] = (table.x[rows] - frame.shift[:p]) * frame.scale[:p]
    z[:, p] = 1.0 if frame.intercept else 0.0
    error = z @ theta - table.y[rows]
    if table.weight is not None:
        error *= table.weight[rows]
    return _reordered(setting, 2.0 / len(rows) * z.T @ error + frame.pull * theta)


def _shown(setting: Setting, memory: Memory) -> Array:
    return _reordered(setting, memory.parameters)


def _reordered(setting: Setting, values: Array) -> Array:
    """Return parameters with the intercept first."""
    p = setting.frame.predictors
    slopes = values[:p]
    return np.concatenate([values[p : p + 1], slopes]) if setting.frame.intercept else slopes.copy()


def _tuple(values: Array) -> str:
    return f"({', '.join(work.figure(float(v)) for v in values)})"


def _end(descent: Descent) -> str:
    names = tuple(fmt.visible(n) for n in descent.names)
    return "\n".join(
        [
            "Where it ended, and where it was going",
            *work.named_vector("θ", descent.coefficients, names),
            *work.wrapped("The least-squares solution, by the normal equation, is"),
            *work.named_vector("θ*", descent.exact, names),
            *work.wrapped(descent.reason),
        ]
    )


def numpy_lines(fit: Fit, descent: Descent, data: Any = None) -> list[str]:
    """Return lines of Python that repeat the descent into ``theta``.

    For few rows they carry the data; else they expect ``X`` and ``y``, and weights ``w``. Where a
    few lines cannot say it, they say why.
    """
    batches, method = descent.mini_batch, descent.method
    assert batches is not None
    if batches.shuffle.startswith(("on disk", "within")):
        return [f"# The rows were shuffled {batches.shuffle}: too long for a few lines."]
    weighted = fit.moments.weighting is not None
    if weighted and method.standardize:
        return ["# Standardising by weighted means and deviations: too long for a few lines."]
    lines = ["import numpy as np", "from gausswork import sampling", ""]
    small = fit.rows <= _ROWS and not weighted and not (data is None and fit.source is None)
    if small:
        x, y = first_rows(fit, data, _ROWS)
        lines += [f"X = np.array({work.literal(x)})", f"y = np.array({work.literal(y)})"]
    else:
        trained = " that were trained on" if batches.held_out_rows else ""
        more = ". w: their weights" if weighted else ""
        lines.append(f"# X: your {batches.rows} rows{trained}. y: your target{more}.")
    first = int(fit.solution.intercept)
    if method.standardize:
        lines += (
            ["mean, sd = X.mean(axis=0), X.std(axis=0)"]
            if first
            else ["sd = np.sqrt((X**2).mean(axis=0))"]
        )
        if descent.least_squares is not None and descent.least_squares.dependencies:
            lines.append("sd[sd <= 1e-12 * np.abs(X).max(axis=0)] = 1.0  # constant columns")
        lines.append("X = (X - mean) / sd" if first else "X = X / sd")
    if first:
        lines.append("X = np.column_stack([np.ones(len(X)), X])")
    if method.ridge:
        lines.append(f"penalty = np.full(X.shape[1], {float(method.ridge)!r})")
        lines += ["penalty[0] = 0.0"] if first else []
        lines += [f"penalty{'[1:]' if first else ''} /= sd**2"] if method.standardize else []
    lines += _loop(descent, weighted)
    if method.standardize:
        lines.append(f"theta{'[1:]' if first else ''} /= sd  # the units of the data again")
        lines += ["theta[0] -= mean @ theta[1:]"] if first else []
    last = ", ".join(work.figure(v) for v in descent.coefficients[:4].tolist())
    more = ", …" if len(descent.names) > 4 else ""
    return [*lines, f"print(theta)  # {words.title(descent)}: {last}{more}"]


def _loop(descent: Descent, weighted: bool) -> list[str]:
    batches, method = descent.mini_batch, descent.method
    assert batches is not None
    epochs = descent.epochs if batches.best_epoch is None else batches.best_epoch
    start = "np.zeros(X.shape[1])"
    if method.start is not None:
        start = f"np.array({list(method.start)!r})"
    steps = -(-batches.rows // batches.batch_size)
    schedule, optimizer = _schedule(descent), _optimizer(descent)
    lines = ["n, b = len(y), " + str(batches.batch_size), f"theta = {start}"]
    if method.start is not None and method.standardize:
        exact = descent.least_squares
        if exact is not None and exact.intercept:
            lines += ["theta[0] += mean @ theta[1:]", "theta[1:] *= sd"]
        else:
            lines.append("theta *= sd")
    memories = {"rmsprop": ["s"], "adagrad": ["s"], "adam": ["m", "s"]}.get(
        optimizer.name, ["v"] if descent.momentum else []
    )
    lines += [f"{name} = np.zeros_like(theta)" for name in memories]
    averaged = batches.averaged_from
    counted = averaged is not None or optimizer.name == "adam"
    lines += ["k = 0"] if counted else []
    lines += ["path = []"] if averaged is not None else []
    lines.append(f"for epoch in range({epochs}):")
    lines.append(
        "    order = np.arange(n)"
        if batches.shuffle.startswith("none")
        else f'    order = sampling.permutation(n, seed={method.seed}, stream=f"epoch {{epoch}}")'
    )
    lines += [
        "    for first in range(0, n, b):",
        "        rows = order[first : first + b]",
        *([f"        t = epoch + first // b / {steps}"] if schedule.name != "constant" else []),
        "        error = X[rows] @ theta - y[rows]",
        *(["        error *= w[rows] / w.mean()"] if weighted else []),
        "        g = 2 / len(rows) * X[rows].T @ error",
        *([f"        g += 2 / {'w.sum()' if weighted else 'n'} * penalty * theta"]
          if method.ridge else []),
        f"        rate = {_rate(descent.learning_rate, schedule, method.epochs)}",
        *(["        k += 1"] if counted else []),
        *(f"        {line}" for line in _update(descent, optimizer)),
        *([f"        if k > {averaged * steps!r}:", "            path.append(theta)"]
          if averaged is not None else []),
    ]  # fmt: skip
    if averaged is not None:
        lines += ["if path:", "    theta = np.mean(path, axis=0)"]
    return lines


def _rate(rate: float, schedule: Schedule, epochs: int) -> str:
    if schedule.name == "step":
        return f"{rate!r} * {schedule.factor!r} ** (t // {schedule.every!r})"
    if schedule.name == "inverse-time":
        return f"{rate!r} / (1 + {schedule.decay!r} * t)"
    if schedule.name == "cosine":
        wave = f"0.5 * (1 + np.cos(np.pi * t / {epochs}))"
        if not schedule.floor:
            return f"{rate!r} * {wave}"
        return f"{rate!r} * ({schedule.floor!r} + (1 - {schedule.floor!r}) * {wave})"
    return repr(rate)


def _update(descent: Descent, optimizer: Optimizer) -> list[str]:
    floor, beta = optimizer.floor, descent.momentum
    if optimizer.name == "adagrad":
        return ["s = s + g**2", f"theta = theta - rate * g / (np.sqrt(s) + {floor!r})"]
    if optimizer.name == "rmsprop":
        decay = optimizer.decay
        return [
            f"s = {decay!r} * s + (1 - {decay!r}) * g**2",
            f"theta = theta - rate * g / (np.sqrt(s) + {floor!r})",
        ]
    if optimizer.name == "adam":
        one, two = optimizer.beta1, optimizer.beta2
        return [
            f"m, s = {one!r} * m + (1 - {one!r}) * g, {two!r} * s + (1 - {two!r}) * g**2",
            f"level = np.sqrt(s / (1 - {two!r}**k)) + {floor!r}",
            f"theta = theta - rate * m / (1 - {one!r}**k) / level",
        ]
    if not beta:
        return ["theta = theta - rate * g"]
    way = f"(g + {beta!r} * v)" if descent.method.nesterov else "v"
    return [f"v = {beta!r} * v + g", f"theta = theta - rate * {way}"]


def _order(descent: Descent, epoch: int) -> Any:
    batches = descent.mini_batch
    assert batches is not None
    if batches.shuffle.startswith("none"):
        return np.arange(batches.rows)
    return permutation(descent.method.seed, epoch, batches.rows)


def _optimizer(descent: Descent) -> Optimizer:
    optimizer = descent.method.optimizer
    assert isinstance(optimizer, Optimizer)
    return optimizer


def _schedule(descent: Descent) -> Schedule:
    schedule = descent.method.schedule
    assert isinstance(schedule, Schedule)
    return schedule
