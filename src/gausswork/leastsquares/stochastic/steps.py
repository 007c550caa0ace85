"""Mini-batch steps: rows are gathered by an order, and each batch moves the parameters once.

:func:`advance` is plain NumPy: always there, and the oracle of the compiled one, which gives the
same bits. Every sum therefore has a fixed order: products of a row are added in eight lanes, rows
one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork._native import compiled
from gausswork.leastsquares.stochastic.rules import Optimizer

Array: TypeAlias = npt.NDArray[np.float64]
Order: TypeAlias = npt.NDArray[np.int64]

LANES = 8
COUNTERS = 8  # numbers behind the vectors of a state: see Memory
RULES = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of steps as numbers.

    Attributes
    ----------
    code : index in ``RULES``.
    first, second : momentum or β₁; decay or β₂.
    epsilon : added to a root before it divides.
    """

    code: int
    first: float
    second: float
    epsilon: float

    @property
    def linear(self) -> bool:
        """Whether a step is proportional to the gradient, so that errors can grow without end."""
        return self.code <= 2


def rule_of(optimizer: Optimizer, momentum: float, nesterov: bool) -> Rule:
    """Return the rule of an optimizer with the momentum of the descent."""
    if optimizer.name == "sgd":
        code = (2 if nesterov else 1) if momentum else 0
        return Rule(code, float(momentum), 0.0, optimizer.floor)
    second = optimizer.decay if optimizer.name == "rmsprop" else optimizer.beta2
    return Rule(RULES.index(optimizer.name), optimizer.beta1, second, optimizer.floor)


@dataclass(frozen=True, slots=True)
class Frame:
    """The coordinates in which steps are taken: z = (x − shift)·scale, the target likewise.

    Attributes
    ----------
    predictors : p.
    intercept : whether there is one; it stands behind the predictors, at index p.
    shift, scale : (width + 1,) by coordinate, the target last; 0 and 1 leave values as they are.
    pull : (width,) added to the gradient in multiples of the parameters: a ridge.
    """

    predictors: int
    intercept: bool
    shift: Array
    scale: Array
    pull: Array

    @property
    def width(self) -> int:
        """Length of a vector of parameters: p, the intercept, and zeros to fill the lanes."""
        return width_of(self.predictors)

    @classmethod
    def of(
        cls,
        predictors: int,
        *,
        intercept: bool,
        shift: npt.ArrayLike = 0.0,
        scale: npt.ArrayLike = 1.0,
        target_shift: float = 0.0,
        target_scale: float = 1.0,
        pull: npt.ArrayLike = 0.0,
    ) -> Frame:
        """Build a frame from (p,) shifts and scales of the predictors and those of the target."""
        width = width_of(predictors)
        shifts, scales, pulls = np.zeros(width + 1), np.ones(width + 1), np.zeros(width)
        shifts[:predictors], scales[:predictors], pulls[:predictors] = shift, scale, pull
        shifts[width], scales[width] = target_shift, target_scale
        return cls(predictors, intercept, shifts, scales, pulls)

    def to_user(self, parameters: Array) -> Array:
        """Return parameters (…, width) in the units of the data, (…, k), the intercept first."""
        p = self.predictors
        slopes = parameters[..., :p] * self.scale[:p] / self.scale[-1]
        if not self.intercept:
            return np.asarray(slopes)
        start = parameters[..., p] / self.scale[-1] + self.shift[-1] - slopes @ self.shift[:p]
        return np.concatenate([start[..., None], slopes], axis=-1)

    def from_user(self, coefficients: Array) -> Array:
        """Return coefficients (k,), the intercept first, in these coordinates, (width,)."""
        p, at = self.predictors, int(self.intercept)
        out = np.zeros(self.width)
        slopes = np.asarray(coefficients, dtype=np.float64)[at:]
        flat = self.scale[:p] == 0.0
        out[:p] = np.where(flat, 0.0, slopes * self.scale[-1] / np.where(flat, 1.0, self.scale[:p]))
        if self.intercept:
            start = coefficients[0] - self.shift[-1] + slopes @ self.shift[:p]
            out[p] = start * self.scale[-1]
        return out


def width_of(predictors: int) -> int:
    """Return the length of a vector of parameters: p and an intercept, in whole lanes."""
    return -(-(predictors + 1) // LANES) * LANES


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that changes from step to step, in one run of numbers so that it changes at once.

    Attributes
    ----------
    values : (4·width + 8,): parameters, first and second memory of the optimizer, the sum of the
        averaged parameters; then steps done, parameters averaged, β₁ᵗ, β₂ᵗ.
    """

    values: Array

    @classmethod
    def new(cls, start: Array) -> Memory:
        """Begin at (width,) parameters."""
        values = np.zeros(4 * len(start) + COUNTERS)
        values[: len(start)] = start
        values[4 * len(start) + 2 : 4 * len(start) + 4] = 1.0
        return cls(values)

    @property
    def width(self) -> int:
        """Length of each vector."""
        return (len(self.values) - COUNTERS) // 4

    @property
    def parameters(self) -> Array:
        """The parameters now, (width,)."""
        return self.values[: self.width]

    @property
    def steps(self) -> int:
        """Steps done."""
        return int(self.values[4 * self.width])

    @property
    def average(self) -> Array | None:
        """Mean of the parameters since averaging began, (width,), or None before."""
        count = self.values[4 * self.width + 1]
        return self.values[3 * self.width : 4 * self.width] / count if count else None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in memory that can be taken in any order.

    Attributes
    ----------
    x : (n, p) float64 or float32, the values of a row side by side.
    y : (n,) float64 or float32.
    weight : (n,) with mean one over the rows trained on, or None.
    """

    x: npt.NDArray[np.floating]
    y: npt.NDArray[np.floating]
    weight: npt.NDArray[np.floating] | None = None


def advance(
    table: Table,
    order: Order,
    batch: int,
    rates: Array,
    frame: Frame,
    rule: Rule,
    memory: Memory,
    *,
    average_from: int,
    limit: float,
) -> int:
    """Take one step per batch, with the gradient (2/b)·Σ w·(ŷ − y)·z; return the steps taken.

    Parameters
    ----------
    order : (r,) numbers of the rows; batch after batch, the last one shorter.
    batch : rows b of a batch.
    rates : (⌈r/b⌉,) rate of each step.
    memory : changes in place, after each step as a whole.
    average_from : parameters are averaged from this step on, counted from 1.
    limit : a batch whose mean squared error exceeds it, or is not finite, is not stepped on and
        ends the run.
    """
    p, width, t = frame.predictors, frame.width, frame.shift
    now = memory.values.copy()
    counters = now[4 * width :]
    z = np.zeros((batch, width))
    z[:, p] = 1.0 if frame.intercept else 0.0
    with np.errstate(all="ignore"):  # what is not finite ends the run below
        for step, rate in enumerate(rates):
            rows = order[step * batch : (step + 1) * batch]
            size = len(rows)
            here = z[:size]
            here[:, :p] = (table.x[rows] - t[:p]) * frame.scale[:p]
            target = (table.y[rows] - t[-1]) * frame.scale[-1]
            residual = _row_sums(here * now[:width]) - target
            pull = residual if table.weight is None else table.weight[rows] * residual
            loss = np.cumsum(pull * residual)[-1]
            if not loss / size <= limit:
                return step
            gradient = np.add.reduce(pull[:, None] * here, axis=0) * (2.0 / size)
            gradient += frame.pull * now[:width]
            _move(now, gradient, float(rate), rule)
            counters[0] += 1.0
            if counters[0] >= average_from:
                now[3 * width : 4 * width] += now[:width]
                counters[1] += 1.0
            memory.values[:] = now
    return len(rates)


def _row_sums(products: Array) -> Array:
    """Add the products of each row, (m, width) to (m,): by lanes, then the lanes in pairs."""
    lanes = products.reshape(len(products), -1, LANES)
    total = lanes[:, 0]
    for k in range(1, lanes.shape[1]):
        total = total + lanes[:, k]
    four = total[:, :4] + total[:, 4:]
    two = four[:, :2] + four[:, 2:]
    return np.asarray(two[:, 0] + two[:, 1])


def _move(now: Array, gradient: Array, rate: float, rule: Rule) -> None:
    """Change parameters and memories of the optimizer by one gradient."""
    width = len(gradient)
    theta, first, second = now[:width], now[width : 2 * width], now[2 * width : 3 * width]
    counters = now[4 * width :]
    name = RULES[rule.code]
    if name == "sgd":
        theta -= rate * gradient
    elif name in ("momentum", "nesterov"):
        first[:] = rule.first * first + gradient
        theta -= rate * (gradient + rule.first * first if name == "nesterov" else first)
    elif name == "adagrad":
        second += gradient * gradient
        theta -= rate * gradient / (np.sqrt(second) + rule.epsilon)
    elif name == "rmsprop":
        second[:] = rule.second * second + (1.0 - rule.second) * (gradient * gradient)
        theta -= rate * gradient / (np.sqrt(second) + rule.epsilon)
    else:
        first[:] = rule.first * first + (1.0 - rule.first) * gradient
        second[:] = rule.second * second + (1.0 - rule.second) * (gradient * gradient)
        counters[2] *= rule.first
        counters[3] *= rule.second
        step, root = rate / (1.0 - counters[2]), np.sqrt(1.0 - counters[3])
        theta -= step * first / (np.sqrt(second) / root + rule.epsilon)


Advance: TypeAlias = Callable[..., int]


def chosen() -> Advance:
    """Return the compiled steps where they were built, else NumPy's; both give the same bits.

    The environment variable ``GAUSSWORK_KERNELS`` decides as for all kernels.
    """
    module = compiled("_stochastic")
    return advance if module is None else _Compiled(module)


class _Compiled:
    """The compiled steps behind the signature of :func:`advance`."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __call__(
        self,
        table: Table,
        order: Order,
        batch: int,
        rates: Array,
        frame: Frame,
        rule: Rule,
        memory: Memory,
        *,
        average_from: int,
        limit: float,
    ) -> int:
        steps: int = self._module.advance(
            table.x, table.y, table.weight, order, batch, rates, frame.intercept, frame.shift,
            frame.scale, frame.pull, rule.code, rule.first, rule.second, rule.epsilon,
            float(average_from), limit, memory.values,
        )  # fmt: skip
        return steps
