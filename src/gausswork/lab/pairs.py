"""Pairs of x and y: points that a visitor has placed, or two columns of a table of his own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.fields import number
from gausswork.lab.kept import Kept

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables

Array: TypeAlias = npt.NDArray[np.float64]
Made = TypeVar("Made")

MOST_POINTS = 2_000
_LABEL = 60  # characters of the name of an axis
_PLACED = 8  # sets of points whose results are kept, during a drag the latest ones


@dataclass(frozen=True, slots=True)
class Pairs:
    """Where a room has its points from.

    Attributes
    ----------
    x, y : the points that were placed, of one length.
    x_name, y_name : what the axes are called.
    table : id of a table whose columns take the place of the points; None for the points.
    x_column, y_column : which ones.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    x_name: str
    y_name: str
    table: str | None
    x_column: str | None
    y_column: str | None

    def open(self, tables: Tables) -> Opened:
        """Return the data behind it.

        Raises
        ------
        InputError
            The table is not held any more, or its columns are not two different ones of numbers.
        """
        if self.table is None:
            return _placed(self)
        table = tables.get(self.table)
        if self.x_column is None or self.y_column is None:
            raise InputError(
                f"two columns of {table.name} make the points, and only "
                f"{'one is' if self.x_column or self.y_column else 'none are'} chosen. "
                "Choose one for each axis."
            )
        for column in (self.x_column, self.y_column):
            table.require(column, "number")
        if self.x_column == self.y_column:
            raise InputError(
                f"both axes show the column {self.x_column!r}, and a column explains itself "
                "perfectly. Choose two different ones."
            )
        return Opened(
            table.data, self.x_column, self.y_column, self.x_column, self.y_column,
            table.rows, False, f"data = {table.name!r}  # the file, where this script is run",
            partial(table.numbers, self.x_column), table.kept,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """Data that can be fitted.

    Attributes
    ----------
    data : what ``gw.fit`` takes.
    feature, target : names of its two columns.
    x_name, y_name : what the axes are called.
    rows : how many there are, those with gaps included.
    placed : whether they are points that can be moved.
    named : Python that makes ``data`` of a file; "" for points, which are written out.
    values : returns the feature: (rows,), NaN where there is none.
    kept : what was computed of the data.
    """

    data: Any
    feature: str
    target: str
    x_name: str
    y_name: str
    rows: int
    placed: bool
    named: str
    values: Callable[[], Array]
    kept: Kept

    @property
    def lines(self) -> list[str]:
        """Lines of Python that make ``data``."""
        if self.named:
            return [self.named]
        return ["data = {", *_column("x", self.data["x"]), *_column("y", self.data["y"]), "}"]

    def walked(self, method: gw.GradientDescent) -> bool:
        """Whether this method has walked over the points already."""
        return self._key(_walk(method)) in self.kept

    def _key(self, what: Hashable) -> Hashable:
        return self.feature, self.target, what

    def remembered(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made of these two columns before, or make it now."""
        return self.kept.get(self._key(what), make)

    def fit(self, method: gw.NormalEquation | gw.GradientDescent | None = None) -> gw.Fit:
        """Return the line through the points; the same method walks once."""
        features = [self.feature]
        return self.remembered(
            _walk(method),
            lambda: gw.fit(self.data, target=self.target, features=features, method=method),
        )

    def call(self, method: str = "") -> str:
        """Return the same as Python."""
        more = f", method={method}" if method else ""
        return f"gw.fit(data, target={self.target!r}, features=[{self.feature!r}]{more})"


def _walk(method: gw.NormalEquation | gw.GradientDescent | None) -> str:
    """Name a fit by its method among what is kept."""
    return f"fit {method!r}"


@lru_cache(maxsize=_PLACED)
def _placed(given: Pairs) -> Opened:
    """Return points that were placed; the same points bring along what was computed of them."""
    data = {"x": list(given.x), "y": list(given.y)}
    return Opened(
        data, "x", "y", given.x_name, given.y_name, len(given.x), True, "",
        lambda: np.array(given.x), Kept(),
    )  # fmt: skip


def pairs(state: Mapping[str, Any], start: Mapping[str, Any]) -> Pairs:
    """Read where the points come from; what is missing is as in ``start``.

    Raises
    ------
    InputError
        They are no numbers, too many, or of different length.
    """
    given = {**start, **state}
    x, y = (_numbers(given[name], name) for name in ("x", "y"))
    if len(x) != len(y):
        raise InputError(
            f"x has {len(x):,} numbers and y {len(y):,}: every point needs both. "
            "Fill the empty cells, or delete their rows."
        )
    return Pairs(
        x=x,
        y=y,
        x_name=_text(given, "x_name", _LABEL) or "x",
        y_name=_text(given, "y_name", _LABEL) or "y",
        table=_text(given, "table"),
        x_column=_text(given, "x_column"),
        y_column=_text(given, "y_column"),
    )


def _text(given: Mapping[str, Any], name: str, most: int = 1000) -> str | None:
    value = given[name]
    if value is not None and not (isinstance(value, str) and len(value) <= most):
        raise InputError(
            f"{name} must be text of at most {most:,} characters; got {str(value)[:40]!r}. "
            "Choose another."
        )
    return value


def _numbers(values: Any, name: str) -> tuple[float, ...]:
    if not isinstance(values, list | tuple):
        raise InputError(f"{name} must be a list of numbers; got {str(values)[:40]!r}.")
    if len(values) > MOST_POINTS:
        raise InputError(
            f"{len(values):,} points are more than can be moved one by one; the room takes "
            f"{MOST_POINTS:,}. Save them as a CSV file and drop it on the page: all rows are "
            "fitted then, however many."
        )
    return tuple(number(value, f"{name}[{i}]") for i, value in enumerate(values))


def _column(name: str, values: Sequence[float]) -> list[str]:
    """Return a column of a dictionary as lines of Python: every number with all its digits."""
    text = ", ".join(map(repr, values))
    if len(text) <= 80:
        return [f'    "{name}": [{text}],']
    inside = textwrap.wrap(text, 88, break_long_words=False, break_on_hyphens=False)
    return [f'    "{name}": [', *(f"        {line}" for line in inside), "    ],"]
