"""Promise: a mini-batch step is the textbook's; compiled and NumPy steps give the same bits."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from gausswork.leastsquares.stochastic import steps as stochastic_steps
from gausswork.leastsquares.stochastic.rules import Optimizer
from gausswork.leastsquares.stochastic.steps import Frame, Memory, Table, advance, rule_of

_FOREVER = 10**18
_RULES = [
    ("sgd", 0.0, False),
    ("sgd", 0.9, False),
    ("sgd", 0.9, True),
    ("adagrad", 0.0, False),
    ("rmsprop", 0.0, False),
    ("adam", 0.0, False),
]
# Sums in another order than the loop's: a few units in the last place a step, over 60 steps.
_TOLERANCE = 1e-12


def problem(rows: int = 101, columns: int = 3, seed: int = 5) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) + 1.0
    return x, x.sum(axis=1) + rng.normal(size=rows), rng.permutation(rows)


def textbook(
    x: Any, y: Any, batches: Any, rate: float, rule: tuple[str, float, bool], intercept: bool
) -> Any:
    """Return (intercept, slopes) after a plain loop over batches, as one would write it down."""
    name, momentum, nesterov = rule
    design = np.column_stack([np.ones(len(y)), x]) if intercept else x
    theta = np.zeros(design.shape[1])
    v, s, m = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    for t, rows in enumerate(batches, start=1):
        error = design[rows] @ theta - y[rows]
        g = 2.0 / len(rows) * design[rows].T @ error
        if name == "sgd":
            v = momentum * v + g
            theta = theta - rate * (g + momentum * v if nesterov else v)
        elif name == "adagrad":
            s = s + g**2
            theta = theta - rate * g / (np.sqrt(s) + 1e-10)
        elif name == "rmsprop":
            s = 0.99 * s + 0.01 * g**2
            theta = theta - rate * g / (np.sqrt(s) + 1e-8)
        else:
            m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
            theta = theta - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return theta


def ours(
    x: Any, y: Any, order: Any, batch: int, rule: tuple[str, float, bool], **options: Any
) -> Any:
    """Return parameters in the units of the data after an epoch."""
    frame = Frame.of(x.shape[1], intercept=options.get("intercept", True))
    memory = Memory.new(np.zeros(frame.width))
    steps = -(-len(order) // batch)
    kernel = options.get("kernel", stochastic_steps.chosen())
    taken = kernel(
        Table(x, y), order, batch, np.full(steps, 0.01), frame,
        rule_of(Optimizer(rule[0]), rule[1], rule[2]), memory,
        average_from=_FOREVER, limit=1e100,
    )  # fmt: skip
    assert taken == steps
    return frame.to_user(memory.parameters)


@pytest.mark.parametrize("rule", _RULES)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("batch", [1, 7, 101])
def test_the_iterates_are_those_of_the_textbook_loop(
    rule: tuple[str, float, bool], intercept: bool, batch: int
) -> None:
    x, y, order = problem()
    epochs = np.concatenate([order, order[::-1]])
    batches = [
        part[k : k + batch] for part in (order, order[::-1]) for k in range(0, len(order), batch)
    ]
    expected = textbook(x, y, batches, 0.01, rule, intercept)
    frame = Frame.of(3, intercept=intercept)
    memory = Memory.new(np.zeros(frame.width))
    for part in np.split(epochs, 2):
        advance(
            Table(x, y), part, batch, np.full(-(-len(part) // batch), 0.01), frame,
            rule_of(Optimizer(rule[0]), rule[1], rule[2]), memory,
            average_from=_FOREVER, limit=1e100,
        )  # fmt: skip
    np.testing.assert_allclose(frame.to_user(memory.parameters), expected, rtol=_TOLERANCE)


@pytest.mark.parametrize("rule", _RULES)
def test_the_iterates_are_those_of_pytorch(rule: tuple[str, float, bool]) -> None:
    torch = pytest.importorskip("torch")
    x, y, order = problem()
    theta = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    name, momentum, nesterov = rule
    optimizers: dict[str, Any] = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=momentum, nesterov=nesterov),
        "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
        "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    }
    optimizer = optimizers[name]([theta])
    design = torch.tensor(np.column_stack([np.ones(len(y)), x]))
    target = torch.tensor(y)
    for k in range(0, len(order), 7):
        rows = torch.tensor(order[k : k + 7])
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(design[rows] @ theta, target[rows]).backward()
        optimizer.step()
    np.testing.assert_allclose(
        ours(x, y, order, 7, rule), theta.detach().numpy(), rtol=_TOLERANCE, atol=1e-14
    )


@pytest.mark.parametrize("columns", [0, 1, 6, 7, 8, 9, 15, 20])
@pytest.mark.parametrize("rule", _RULES)
def test_compiled_steps_give_the_bits_of_numpy(columns: int, rule: tuple[str, float, bool]) -> None:
    compiled = pytest.importorskip("gausswork._native._stochastic")
    rng = np.random.default_rng(columns)
    rows = 151
    frame = Frame.of(
        columns, intercept=columns % 2 == 0, shift=rng.normal(size=columns),
        scale=rng.random(columns) + 0.5, target_shift=0.3, target_scale=2.0, pull=0.01,
    )  # fmt: skip
    kind = rule_of(Optimizer(rule[0]), rule[1], rule[2])
    order = rng.permutation(rows)
    before = compiled.use("baseline")
    try:
        for single, weighted in product((False, True), (False, True)):
            x = rng.normal(size=(rows, columns)).astype(np.float32 if single else np.float64)
            weight = rng.random(rows) if weighted else None
            table = Table(x, rng.normal(size=rows), weight)
            found = []
            for name in ("numpy", *compiled.instruction_sets()):
                kernel = advance
                if name != "numpy":
                    compiled.use(name)
                    kernel = stochastic_steps._Compiled(compiled)
                memory = Memory.new(np.full(frame.width, 0.0))
                kernel(
                    table, order, 16, np.linspace(0.01, 0.001, 10), frame, kind, memory,
                    average_from=4, limit=1e100,
                )  # fmt: skip
                found.append(memory.values)
            assert all(np.array_equal(found[0], other) for other in found[1:])
    finally:
        compiled.use(before)


def test_a_batch_beyond_the_limit_is_not_stepped_on() -> None:
    x, y, order = problem()
    y = y.copy()
    y[order[30]] = 1e6  # in the fifth batch of seven
    frame = Frame.of(3, intercept=True)
    for kernel in (advance, stochastic_steps.chosen()):
        memory = Memory.new(np.zeros(frame.width))
        taken = kernel(
            Table(x, y), order, 7, np.full(15, 0.01), frame, rule_of(Optimizer(), 0.0, False),
            memory, average_from=_FOREVER, limit=1e6,
        )  # fmt: skip
        assert taken == memory.steps == 4
        assert np.isfinite(memory.values).all()


def test_the_compiled_steps_refuse_rows_that_are_not_there() -> None:
    compiled = pytest.importorskip("gausswork._native._stochastic")
    x, y, _ = problem()
    frame = Frame.of(3, intercept=True)
    for bad in (101, -1):
        with pytest.raises(ValueError, match="not there"):
            stochastic_steps._Compiled(compiled)(
                Table(x, y), np.array([0, bad]), 1, np.zeros(2), frame,
                rule_of(Optimizer(), 0.0, False), Memory.new(np.zeros(frame.width)),
                average_from=_FOREVER, limit=1.0,
            )  # fmt: skip


def test_coordinates_go_there_and_back() -> None:
    rng = np.random.default_rng(0)
    frame = Frame.of(5, intercept=True, shift=rng.normal(size=5), scale=rng.random(5) + 1)
    there = rng.normal(size=6)
    np.testing.assert_allclose(frame.to_user(frame.from_user(there)), there, rtol=1e-13)
