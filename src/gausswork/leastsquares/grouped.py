"""Sums for many groups of rows at once: one pass, however many groups there are.

A product is error-free and its sum compensated (Ogita, Rump & Oishi 2005), about an origin that is
the first row of the group: no second pass is needed, and none is made. The state of a group is laid
out as ``_native/groups.h`` says; the NumPy path keeps the same layout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork import processors
from gausswork.data.sources import Batch
from gausswork.data.weights import FREQUENCY, check_weights
from gausswork.errors import InputError
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import Backend
from gausswork.leastsquares.doubledouble import Array, DoubleDouble, Integers
from gausswork.leastsquares.kernels import columns_of
from gausswork.leastsquares.moments import Moments, guessed_origin

PRODUCT_ERROR = 2.0**-103  # of one entry relative to its norms, for each row beyond sixteen
_FEWEST_ROWS = 16.0

_HEAD = 8  # rows, Σ log w, least w, whether it has begun, four unused
_WORTH_A_THREAD = 2e5  # rows · q² below which a second thread costs more than it saves
_CHUNK = 4096  # rows that NumPy multiplies at once
_MOST_BYTES = 2**36


class GroupSums:
    """The sums of all groups of one design.

    Attributes
    ----------
    names, target : of the columns, q = p + 1 with the target last.
    kind : of the weights, or None.
    parents : for each low word the predictor that it belongs to.
    states : (groups, size) what has been summed; see ``groups.h``.
    exponents : (q,) binary exponents of the column scales, from the first rows.
    threads : to use at most.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        target: str,
        kind: str | None,
        parents: tuple[int, ...],
        backend: Backend,
        threads: int | None,
    ) -> None:
        self.names = names
        self.target = target
        self.kind = kind
        self.parents = parents
        self.exponents: Integers | None = None
        self.groups = 0
        self._wide = len(names) + 1 + len(parents)
        self._size, self._rows = _layout(self._wide)
        self._states = np.zeros((0, self._size))
        self.threads = threads or processors.available()
        self._compiled = _compiled() if backend.releases_gil else None
        self._scale = np.empty(0)

    def add(self, batch: Batch, numbers: npt.NDArray[np.float64], groups: int) -> None:
        """Add rows to the groups of these numbers, (m,), of which there are ``groups`` by now."""
        self._grow(groups)
        if batch.weight is not None and self.kind is not None:
            check_weights(np.asarray(batch.weight, dtype=np.float64), self.kind)
        if self.exponents is None:
            self.exponents, _ = guessed_origin(batch, len(self.names), None)
            scale = np.ldexp(1.0, self.exponents.astype(np.int32))
            self._scale = np.concatenate([scale[:-1], scale[list(self.parents)], scale[-1:]])
        with np.errstate(all="ignore"):
            if self._compiled is None:
                self._add_by_numpy(batch, numbers.astype(np.int64))
            else:
                self._add_compiled(batch, numbers)

    def _add_compiled(self, batch: Batch, numbers: npt.NDArray[np.float64]) -> None:
        kernel: Any = self._compiled
        frequency = self.kind == FREQUENCY
        order = _order(numbers, self.groups)
        numbers = numbers[order]
        edges = [0, len(order)]
        if len(order) * self._wide**2 > _WORTH_A_THREAD and self.threads > 1:
            cuts = np.linspace(0, len(order), self.threads + 1).astype(np.intp)[1:-1]
            # where a group begins: all rows of one go to the same thread
            edges[1:1] = np.unique(np.searchsorted(numbers, numbers[cuts])).tolist()
        words = batch.words

        def work(part: int) -> None:
            own = slice(edges[part], edges[part + 1])
            rows = order[own]
            x = tuple(column[rows] for column in words) if isinstance(words, tuple) else words[rows]
            weight = None if batch.weight is None else batch.weight[rows]
            kernel.grouped(
                x, batch.y[rows], weight, numbers[own], frequency, self._scale,
                self._states[: self.groups],
            )  # fmt: skip

        side_by_side(work, len(edges) - 1)

    def _add_by_numpy(self, batch: Batch, numbers: npt.NDArray[Any]) -> None:
        order = _order(numbers, self.groups)
        weight = None if batch.weight is None else np.asarray(batch.weight, dtype=np.float64)
        if weight is not None:
            order = order[weight[order] > 0.0]
        columns = columns_of(batch.words, slice(None))
        y = np.asarray(batch.y, dtype=np.float64)
        for start in range(0, len(order), _CHUNK):
            at = order[start : start + _CHUNK]
            self._add_sorted(
                np.column_stack([np.asarray(columns[at]), y[at]]) * self._scale, numbers[at],
                None if weight is None else weight[at],
            )  # fmt: skip

    def _add_sorted(self, v: Array, numbers: Integers, weight: Array | None) -> None:
        """Add scaled rows, (m, q), whose groups ascend."""
        starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
        present, states = numbers[starts], self._states
        new = present[states[present, 3] == 0.0]
        q = self._wide
        if len(new):
            first = starts[states[present, 3] == 0.0]
            states[new, _HEAD + 1 : _HEAD + 1 + q] = v[first]
            states[new, 3] = 1.0
            states[new, 2] = 1.0 if weight is None else weight[first]
        high, low = dd.two_sum(v, -states[numbers, _HEAD + 1 : _HEAD + 1 + q])
        high = np.column_stack([np.ones(len(v)), high])
        low = np.column_stack([np.zeros(len(v)), low])
        left: DoubleDouble = (high, low)
        if weight is None:
            states[present, 0] += np.diff(np.r_[starts, len(v)])
        else:
            left = dd.multiply((high, low), dd.promote(weight[:, None]))
            count = weight if self.kind == FREQUENCY else np.ones(len(v))
            states[present, 0] += np.add.reduceat(count, starts)
            if self.kind != FREQUENCY:
                states[present, 1] += np.add.reduceat(np.log(weight), starts)
            lowest = np.minimum.reduceat(weight, starts)
            states[present, 2] = np.minimum(states[present, 2], lowest)
        a, b = np.tril_indices(q + 1)
        products = dd.multiply((left[0][:, a], left[1][:, a]), (high[:, b], low[:, b]))
        summed = _by_segment(products, starts)
        where = _HEAD + _pad(q + 1) + self._rows[a] + b
        half = (self._size - _HEAD - _pad(q + 1)) // 2
        before = (states[present[:, None], where], states[present[:, None], where + half])
        total = dd.add(dd.normalize(*before), summed)
        states[present[:, None], where] = total[0]
        states[present[:, None], where + half] = total[1]

    def _grow(self, groups: int) -> None:
        if groups > len(self._states):
            room = max(groups, 2 * len(self._states), 64)
            if room * self._size * 8 > _MOST_BYTES:
                raise InputError(
                    f"{groups:,} groups of {len(self.names)} predictors take more memory than is "
                    "sensible. Does by= name an identifier of each row?"
                )
            grown = np.zeros((room, self._size))
            grown[: len(self._states)] = self._states
            self._states = grown
        self.groups = max(self.groups, groups)

    @property
    def states(self) -> Array:
        """(groups, size) what has been summed."""
        return self._states[: self.groups]

    @property
    def rows(self) -> Array:
        """Rows that count in each group, (groups,); frequencies added up."""
        return self.states[:, 0]

    @property
    def scale_exponents(self) -> Integers:
        """(q,) binary exponents of the columns."""
        assert self.exponents is not None
        return self.exponents

    def moments(self, number: int) -> Moments:
        """Return the moments of one group."""
        state, q = self.states[number], self._wide
        half = (self._size - _HEAD - _pad(q + 1)) // 2
        a, b = np.tril_indices(q + 1)
        where = _HEAD + _pad(q + 1) + self._rows[a] + b
        high, low = dd.normalize(state[where], state[where + half])
        words = np.zeros((2, q + 1, q + 1))
        words[:, a, b] = words[:, b, a] = high, low
        shift = state[_HEAD + 1 : _HEAD + 1 + q].copy()
        first: DoubleDouble = (words[0, 0, 1:], words[1, 0, 1:])
        second: DoubleDouble = (words[0, 1:, 1:], words[1, 1:, 1:])
        if self.parents:
            weight = (float(words[0, 0, 0]), float(words[1, 0, 0]))
            first, second, shift = self._folded(first, second, shift, weight)
        rows = int(state[0])
        weights: tuple[Any, ...] = ()
        if self.kind is not None:
            total = (float(words[0, 0, 0]), float(words[1, 0, 0]))
            least = 1.0 if self.kind == FREQUENCY else float(state[2])
            weights = (self.kind, total, float(state[1]), least)
        return Moments(
            self.names, self.target, rows, self.scale_exponents, shift,
            np.ascontiguousarray(first[0]), np.ascontiguousarray(first[1]),
            np.ascontiguousarray(second[0]), np.ascontiguousarray(second[1]),
            self.error(rows), *weights,
        )  # fmt: skip

    def error(self, rows: float) -> float:
        """Return the error constant of a group of so many rows."""
        return min(PRODUCT_ERROR * max(float(rows), _FEWEST_ROWS), 0.25)

    def _folded(
        self, first: DoubleDouble, second: DoubleDouble, shift: Array, weight: tuple[float, float]
    ) -> tuple[DoubleDouble, DoubleDouble, Array]:
        """Add the sums of low words to those of the columns that they belong to."""
        from gausswork.leastsquares.lows import folded

        p, of = len(self.names), np.asarray(self.parents, dtype=np.intp)
        first = folded(first, of, p)
        rows = folded(second, of, p)
        second = folded((rows[0].T, rows[1].T), of, p)
        # the origin of a column of two words is the sum of theirs; what its rounding takes off
        # moves the sums
        whole, move = np.delete(shift, np.s_[p : p + len(of)]), np.zeros(len(first[0]))
        whole[of], move[of] = dd.two_sum(shift[of], shift[p : p + len(of)])
        column: DoubleDouble = (move[:, None], np.zeros((len(move), 1)))
        crossed = dd.multiply(column, first)
        second = dd.add(second, dd.add(crossed, (crossed[0].T, crossed[1].T)))
        square = dd.multiply(column, dd.promote(move))
        second = dd.add(second, dd.multiply(weight, square))
        return dd.add(first, dd.multiply(weight, dd.promote(move))), second, whole


def _by_segment(values: DoubleDouble, starts: Integers) -> DoubleDouble:
    """Sum (m, t) double-doubles over segments that begin at ``starts``, by pairs."""
    high, low = values
    segment = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(high)]))
    while len(high) > len(starts):
        place = np.arange(len(high)) - np.searchsorted(segment, segment)
        first = np.flatnonzero(place % 2 == 0)
        paired = np.flatnonzero((place % 2 == 0) & (np.r_[segment[1:], -1] == segment))
        summed = dd.add((high[paired], low[paired]), (high[paired + 1], low[paired + 1]))
        high, low = high.copy(), low.copy()
        high[paired], low[paired] = summed
        high, low, segment = high[first], low[first], segment[first]
    return high, low


def _order(numbers: npt.NDArray[Any], groups: int) -> npt.NDArray[np.intp]:
    """Return the rows group by group, those of a group in their order."""
    narrow: Any = np.uint16 if groups <= 2**16 else np.uint32  # NumPy sorts 16 bits by radix
    return np.argsort(numbers.astype(narrow), kind="stable")


def side_by_side(work: Callable[[int], None], parts: int) -> None:
    """Call ``work`` with 0 to ``parts`` − 1, each in a thread of its own."""
    failed: list[BaseException] = []

    def guarded(part: int) -> None:
        try:
            work(part)
        except BaseException as error:  # raised again by the caller's thread
            failed.append(error)

    others = [threading.Thread(target=guarded, args=(part,)) for part in range(1, parts)]
    for thread in others:
        thread.start()
    guarded(0)
    for thread in others:
        thread.join()
    if failed:
        raise failed[0]


def _pad(n: int) -> int:
    return (n + 7) & ~7


def _layout(q: int) -> tuple[int, Integers]:
    """Return the doubles of a state, and where in its triangles each row begins, (q + 1,)."""
    lengths = [_pad(j + 1) for j in range(q + 1)]
    begins = np.r_[0, np.cumsum(lengths)]
    return _HEAD + _pad(q + 1) + 2 * int(begins[-1]), begins[:-1]


def _compiled() -> Any:
    from gausswork._native import _kernels

    return _kernels
