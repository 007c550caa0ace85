"""Mini-batch gradient descent over any source that can be read again: epochs of small steps.

After every epoch the loss of all rows, the gradient and the distance from the least-squares
solution come from the moments, at no cost in rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gausswork.data.sources import Source
from gausswork.errors import InputError
from gausswork.leastsquares.solve import least_squares
from gausswork.leastsquares.stochastic import state as stochastic_state
from gausswork.leastsquares.stochastic.loss import Spread
from gausswork.leastsquares.stochastic.rows import HeldOut, Part, Rows, open_rows
from gausswork.leastsquares.stochastic.setup import Setting, prepare
from gausswork.leastsquares.stochastic.steps import Array, Memory, Order, Table, chosen

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.method import GradientDescent
    from gausswork.leastsquares.solution import Solution

# called with the epochs done (also in fractions), those asked for, and the loss
Progress: TypeAlias = Callable[[float, int, float], None]

_VALUES_A_CALL = 2**22  # numbers that go through one call: an interruption waits no longer
_GROWN = 1e6  # losses that have grown by this do not come back
_HUGE = 1e200  # the same for steps of bounded size, which do
_IMPROVEMENT = 1e-4  # a held-out loss must fall by this share to count
_SAVE_EVERY = 2.0  # seconds, and never more than a tenth of the time
_LOSS, _HELD_OUT, _RATE, _GRADIENT, _PATH = range(5)  # columns of a history


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of epochs has come to.

    Attributes
    ----------
    setting : coordinates, rate, limits.
    solution : the least-squares solution of the rows trained on.
    history : (h, 4 + k) loss, held-out loss, rate, gradient norm, parameters, from epoch 0 on.
    end : ``"epochs"``, ``"tolerance"``, ``"held-out"`` or ``"diverged"``.
    steps : steps done; where it diverged, those before.
    best : epoch of the result.
    """

    setting: Setting
    solution: Solution
    history: Array
    end: str
    steps: int
    steps_an_epoch: int
    best: int
    rows: int
    shuffle: str
    held_out_rows: int
    averaged_from: float | None
    resumed_at: int | None

    @property
    def coefficients(self) -> Array:
        """(k,) the result in the units of the data."""
        return self.history[self.best, _PATH:]


def run(
    source: Source,
    solution: Solution,
    method: GradientDescent,
    *,
    progress: Progress | None = None,
) -> Run:
    """Descend in mini-batches.

    Parameters
    ----------
    source : finite rows that can be read again.
    solution : their least-squares solution.
    progress : called with the epochs done, those asked for, and the loss.

    Raises
    ------
    InputError
        The source cannot be read again, the batch is larger than the data, the rate is beyond its
        limit, or a state belongs to another descent.
    """
    if not source.replayable:
        raise InputError(
            "mini-batches read the rows again every epoch, and this source is a stream that passes "
            "by once. Keep its rows, as with pyarrow.table(stream), or leave batch_size out: full "
            "batch needs one pass."
        )
    rows = source.tally.read - source.tally.dropped
    batch: int = method.batch_size  # type: ignore[assignment]
    held_out = _held_out(method, rows)
    trained = rows - (held_out.count if held_out else 0)
    if batch > trained:
        what = f"{trained} rows to train on ({rows - trained} are held out)"
        raise InputError(
            f"batch_size={batch} is larger than the data, which has "
            f"{what if held_out else f'{rows} rows'}. Use at most {trained}, or leave it out for "
            "full batch."
        )
    if method.state is not None and not method.resume and Path(method.state).exists():
        raise InputError(
            f"the state {os.fspath(method.state)} exists already. Go on from it with resume=True, "
            "or delete it to begin anew."
        )
    apart: Spread | None = None
    if held_out is not None:
        intercept = solution.intercept
        of_apart = least_squares(Part(source, held_out, inside=True), intercept=intercept)
        apart = Spread.of(of_apart.moments, intercept=intercept)
        solution = least_squares(Part(source, held_out, inside=False), intercept=intercept)
    setting = prepare(source, solution, method, batch, trained)
    if apart is not None:
        apart = apart.within(setting.frame)
    with open_rows(
        source,
        rows,
        batch=batch,
        seed=method.seed,
        shuffle=_way(method.shuffle),
        memory=method.memory,
        held_out=held_out,
        mean_weight=_mean_weight(solution, trained),
    ) as open_:
        course = _Course(open_, setting, method, apart, _identity(solution, setting, method))
        end = course.go(progress)
    history = np.array(course.history)
    return Run(
        setting=setting,
        solution=solution,
        history=history,
        end=end,
        steps=course.memory.steps,
        steps_an_epoch=course.steps,
        best=_best(history) if held_out else len(history) - 1,
        rows=trained,
        shuffle=open_.shuffle,
        held_out_rows=rows - trained,
        averaged_from=course.averaged_from,
        resumed_at=course.resumed_at,
    )


def trained_rows(source: Source, method: GradientDescent) -> Source:
    """Return the rows of a source that a descent has trained on."""
    held_out = _held_out(method, source.tally.read - source.tally.dropped)
    return source if held_out is None else Part(source, held_out, inside=False)


class _Course:
    """A descent under way. The memory changes as a whole, the history a row at a time."""

    def __init__(
        self,
        rows: Rows,
        setting: Setting,
        method: GradientDescent,
        apart: Spread | None,
        identity: dict[str, Any],
    ) -> None:
        self.rows = rows
        self.setting = setting
        self.method = method
        self.apart = apart
        self.identity = identity
        self.batch: int = method.batch_size  # type: ignore[assignment]
        self.steps = -(-rows.count // self.batch)
        self.memory = Memory.new(setting.start)
        self.history: list[Array] = []
        self.resumed_at: int | None = None
        self.averaged_from = _averaged_from(method)
        self._advance = chosen()
        first = setting.bowl.loss(setting.start)
        target = float(setting.spread.second[-1, -1] + setting.spread.mean[-1] ** 2)
        grown = _GROWN if setting.rule.linear else _HUGE
        self.limit = grown * max(first, target, setting.bowl.least)
        self._saved = time.monotonic()
        self._pause = _SAVE_EVERY
        if method.resume and method.state is not None and Path(method.state).exists():
            self._restore()

    def go(self, progress: Progress | None) -> str:
        """Run the epochs; return how it ended. An interruption leaves the state on disk."""
        try:
            end = self._epochs(progress)
        except BaseException:
            self._save()
            raise
        self._save()
        return end

    def _epochs(self, progress: Progress | None) -> str:
        epochs = self.method.epochs
        while True:
            done, within = divmod(self.memory.steps, self.steps)
            if within == 0 and len(self.history) == done:
                if not self.setting.bowl.loss(self.memory.parameters) <= self.limit:
                    return "diverged"
                self.history.append(self._entry(done))
            if progress is not None:
                progress(done, epochs, self.history[-1][_LOSS])
            end = self._ended()
            if end:
                return end
            if not self._epoch(done, within, progress):
                return "diverged"
            self._save(now=False)

    def _ended(self) -> str:
        history = self.history
        if self.apart is not None:
            held_out = np.array([entry[_HELD_OUT] for entry in history])
            if len(history) - 1 - _best_so_far(held_out) >= self.method.patience:
                return "held-out"
        if self.method.tolerance and len(history) > 1:
            moved = np.abs(history[-1][_PATH:] - history[-2][_PATH:])
            if moved.max(initial=0.0) < self.method.tolerance:
                return "tolerance"
        return "epochs" if len(history) > self.method.epochs else ""

    def _epoch(self, epoch: int, within: int, progress: Progress | None) -> bool:
        """Run an epoch from a step on; return whether all is well."""
        rates = self._rates(epoch)
        predictors = self.setting.frame.predictors
        at_once = max(1, _VALUES_A_CALL // (predictors + 1) // self.batch) * self.batch
        for table, order in self.rows.epoch(epoch, within * self.batch):
            for start in range(0, len(order), at_once):
                if not self._steps(table, order[start : start + at_once], epoch, rates):
                    return False
                if progress is not None:
                    done = self.memory.steps / self.steps
                    progress(done, self.method.epochs, self.history[-1][_LOSS])
                self._save(now=False)
        return True

    def _steps(self, table: Table, order: Order, epoch: int, rates: Array) -> bool:
        """Take the steps of some rows; where a batch looks bad, ask the loss of all rows."""
        total = -(-len(order) // self.batch)
        taken, limit = 0, self.limit
        while taken < total:
            rest = order[taken * self.batch :]
            if limit == math.inf:  # all is well but for a few rows: one step without the limit
                rest = rest[: self.batch]
            at = self.memory.steps - epoch * self.steps
            count = -(-len(rest) // self.batch)
            averaged = math.inf
            if self.averaged_from is not None:
                averaged = math.floor(self.averaged_from * self.steps) + 1.0
            more = self._advance(
                table, np.ascontiguousarray(rest), self.batch, rates[at : at + count],
                self.setting.frame, self.setting.rule, self.memory,
                average_from=averaged, limit=limit,
            )  # fmt: skip
            taken += more
            if more < count:
                if limit == math.inf or not self._sound():
                    return False
                limit = math.inf
            else:
                limit = self.limit
        return self._sound()

    def _sound(self) -> bool:
        return self.setting.bowl.loss(self.memory.parameters) <= self.limit

    def _rates(self, epoch: int) -> Array:
        schedule: Any = self.method.schedule
        rates: Array = schedule.rates(self.setting.rate, epoch, self.steps, self.method.epochs)
        return rates

    def _entry(self, epoch: int) -> Array:
        """Return a row of the history: what the result would be if the descent ended here."""
        average = self.memory.average
        now = self.memory.parameters if average is None else average
        frame, bowl = self.setting.frame, self.setting.bowl
        held_out = math.nan if self.apart is None else self.apart.loss(now, frame)
        rate = self._rates(max(epoch - 1, 0))[-1 if epoch else 0]
        head = [bowl.loss(now), held_out, rate, bowl.gradient_norm(now)]
        return np.concatenate([head, frame.to_user(now)])

    def _save(self, *, now: bool = True) -> None:
        path = self.method.state
        if path is None or not self.history:
            return
        started = time.monotonic()
        if not now and started - self._saved < self._pause:
            return
        state = stochastic_state.State(self.identity, self.memory.values, np.array(self.history))
        stochastic_state.save(state, path)
        self._saved = time.monotonic()
        self._pause = max(_SAVE_EVERY, 10.0 * (self._saved - started))

    def _restore(self) -> None:
        path: Any = self.method.state
        state = stochastic_state.load(path, self.identity, len(self.memory.values))
        done, within = divmod(int(state.values[4 * self.setting.frame.width]), self.steps)
        if not done <= len(state.history) <= done + 1 or (within and len(state.history) == done):
            raise InputError(f"the state {os.fspath(path)} does not fit together. Begin anew.")
        if done > self.method.epochs:
            raise InputError(
                f"the state {os.fspath(path)} is {done} epochs on, and epochs is "
                f"{self.method.epochs}. Ask for more of them, or begin anew."
            )
        self.memory = Memory(state.values.copy())
        self.history = list(state.history)
        self.resumed_at = self.memory.steps


def _held_out(method: GradientDescent, rows: int) -> HeldOut | None:
    if not method.early_stopping:
        return None
    held_out = HeldOut(float(method.early_stopping), method.seed, rows)
    if not 0 < held_out.count < rows:
        raise InputError(
            f"early_stopping={method.early_stopping} of {rows} rows holds out {held_out.count}: it "
            "needs one row at least on either side. Use another share, or more rows."
        )
    return held_out


def _mean_weight(solution: Solution, rows: int) -> float | None:
    moments = solution.moments
    return None if moments.weighting is None else moments.total_weight[0] / rows


def _way(shuffle: bool | str) -> str | None:
    if isinstance(shuffle, str):
        return shuffle
    return None if shuffle else "none"


def _averaged_from(method: GradientDescent) -> float | None:
    if method.averaging is False:
        return None
    return method.epochs / 2.0 if method.averaging is True else float(method.averaging)


def _best_so_far(held_out: Array) -> int:
    """Return the last epoch whose held-out loss has fallen by more than noise."""
    best, at = math.inf, 0
    for epoch, loss in enumerate(held_out):
        if loss < best * (1.0 - _IMPROVEMENT) or epoch == 0:
            best, at = float(loss), epoch
    return at


def _best(history: Array) -> int:
    return int(np.argmin(history[:, _HELD_OUT]))


def _identity(solution: Solution, setting: Setting, method: GradientDescent) -> dict[str, Any]:
    """Return what a descent is of and how it goes: the same on both sides of an interruption."""
    moments = json.dumps(solution.moments.to_dict(), sort_keys=True)
    out = {
        "data": hashlib.sha256(moments.encode()).hexdigest(),
        "intercept": solution.intercept,
        "learning_rate": setting.rate,
        "momentum": setting.momentum,
        "nesterov": method.nesterov,
        "standardize": method.standardize,
        "ridge": float(method.ridge),
        "start": None if method.start is None else list(method.start),
        "batch_size": method.batch_size,
        "optimizer": str(method.optimizer),
        "schedule": str(method.schedule),
        "seed": method.seed,
        "shuffle": method.shuffle,
        "memory": method.memory,
        "averaging": _averaged_from(method),
        "early_stopping": method.early_stopping,
    }
    if str(method.schedule).startswith("cosine"):
        out["epochs"] = method.epochs  # where the cosine ends
    return out
