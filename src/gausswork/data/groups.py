"""Rows that belong to groups: opened once, read with the number of the group beside each row."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import nothing_left
from gausswork.data.devices import is_foreign
from gausswork.data.encode import Compact, complete_rows, expand, rounded_integers
from gausswork.data.frames import mapping_table
from gausswork.data.kinds import Field, Kind, listed, require_column
from gausswork.data.recipe import Predictor, Recipe
from gausswork.data.sources import Batch, FloatVector, Tally
from gausswork.data.tables import Column, Portion, Table, values_of
from gausswork.data.weights import ANALYTIC
from gausswork.errors import InputError
from gausswork.findings import Finding

if TYPE_CHECKING:
    from gausswork.data.levels import Progress

_NUMBERS = "group\0numbers"  # the name of a column that no data has
_LEVEL = 2**31 - 1
_WHOLE = re.compile(r"0|-?[1-9]\d*")


@dataclass(slots=True)
class OpenedGroups:
    """Rows with a group for each.

    Attributes
    ----------
    by : names of the columns that say which rows belong together.
    recipe : how columns become predictors.
    intercept : whether a formula asks for one; None where there is no formula.
    findings, description : as of :class:`~gausswork.data.opened.OpenedData`.
    table : the rows, with the number of the group as a column.
    missing : ``"drop"`` or ``"error"``.
    tally : counts of the latest complete pass.
    """

    by: tuple[str, ...]
    recipe: Recipe
    intercept: bool | None
    findings: tuple[Finding, ...]
    description: str
    table: NumberedTable
    missing: str
    tally: Tally

    def batches(self) -> Iterator[tuple[Batch, npt.NDArray[np.float64]]]:
        """Yield the complete rows with the number of the group of each, (m,), as they are read."""
        recipe = self.recipe
        numbers = Predictor(_NUMBERS)
        columns = (numbers, *recipe.columns, *map(Predictor, recipe.target_columns))
        names = [column.name for column in columns]
        tally = Tally(read=0, dropped=0, missing={})
        rounded: dict[str, int] = {}
        for piece, where in complete_rows(
            cast(Table, self.table), columns, self.missing, recipe.weights, tally, rounded
        ):
            weight = None if recipe.weights is None else cast(FloatVector, piece[len(columns)])
            groups = np.asarray(piece[0], dtype=np.float64)
            if not len(groups):
                continue
            if recipe.formula is None:
                p = len(recipe.columns)
                x: Any = expand(piece[1 : p + 1], recipe.columns, len(groups))
                yield Batch(x, cast(FloatVector, piece[p + 1]), weight), groups
                continue
            by_name: Mapping[str, Compact] = dict(zip(names, piece, strict=False))
            y = recipe.formula.response(by_name, where)
            values, lows = recipe.formula.expand(by_name, where)
            low = tuple(one for one in lows if one is not None)
            x = tuple(values) if values else np.empty((len(y), 0))
            yield Batch(x, y, weight, low), groups
        if _NUMBERS in tally.missing:
            tally.missing[" and ".join(self.by)] = tally.missing.pop(_NUMBERS)
        self.tally = tally
        self.findings += tuple(rounded_integers(name, rounded[name]) for name in rounded)
        if tally.read == tally.dropped:
            raise nothing_left(tally)


class NumberedTable:
    """A table with one more column: the number of the group of each row, in order of appearance.

    Attributes
    ----------
    by : the columns that say which rows belong together; not among ``names``.
    """

    def __init__(self, table: Any, by: tuple[str, ...]) -> None:
        self._table = table
        self.by = by
        self.names = tuple(name for name in table.names if name not in by)
        self._levels: list[dict[Hashable, int]] = [{} for _ in by]
        # for every column but the first: the number of what is before it, and its level
        self._pairs: list[dict[int, int]] = [{} for _ in by[1:]]
        self._last: list[tuple[Any, npt.NDArray[np.float64]]] = [(None, np.empty(0)) for _ in by]

    @property
    def groups(self) -> int:
        """How many groups have been seen."""
        return len((self._pairs or self._levels)[-1])

    @property
    def keys(self) -> list[tuple[Hashable, ...]]:
        """Their labels, one for each column, in the order of their numbers."""
        found: list[tuple[Hashable, ...]] = [(label,) for label in self._levels[0]]
        for pairs, levels in zip(self._pairs, self._levels[1:], strict=True):
            labels = list(levels)
            found = [(*found[pair >> 31], labels[pair & _LEVEL]) for pair in pairs]
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns; the numbers of the groups are numbers."""
        known = [name for name in names if name != _NUMBERS]
        return {**self._table.fields(known), _NUMBERS: Field(_NUMBERS, Kind.NUMBER, "numbers")}

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        """Yield portions with the column of numbers among those asked for."""
        if _NUMBERS not in kinds:
            yield from self._table.read(kinds)
            return
        asked = {name: kind for name, kind in kinds.items() if name != _NUMBERS}
        labels = [name for name in self.by if name not in asked]
        every = {**asked, **dict.fromkeys(labels, Kind.TEXT)}
        at = list(every)
        for portion in self._table.read(every):
            by_name = dict(zip(at, portion.columns, strict=True))
            numbers = self._numbers([by_name[name] for name in self.by])
            columns = [numbers if name == _NUMBERS else by_name[name] for name in kinds]
            beyond = {name: value for name, value in portion.beyond.items() if name in asked}
            yield replace(portion, columns=columns, beyond=beyond)

    def _numbers(self, labels: Sequence[Column]) -> npt.NDArray[np.float64]:
        """Return the number of the group of each row, (m,), NaN where a label is missing."""
        numbers = self._level_numbers(0, labels[0])
        for k, column in enumerate(labels[1:]):
            numbers = self._paired(self._pairs[k], numbers, self._level_numbers(k + 1, column))
        return numbers

    def _paired(
        self,
        pairs: dict[int, int],
        before: npt.NDArray[np.float64],
        level: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        known = ~(np.isnan(before) | np.isnan(level))
        joint = (before[known].astype(np.int64) << 31) + level[known].astype(np.int64)
        found, where = np.unique(joint, return_inverse=True)
        small = [pairs.setdefault(pair, len(pairs)) for pair in found.tolist()]
        numbers = np.full(len(before), np.nan)
        numbers[known] = np.asarray(small, dtype=np.float64)[where]
        return numbers

    def _level_numbers(self, k: int, column: Column) -> npt.NDArray[np.float64]:
        """Return numbers of the levels of one column, (m,), NaN where there is none."""
        import pyarrow as pa
        from pyarrow import types

        array = pa.array(column, from_pandas=True) if isinstance(column, np.ndarray) else column
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if not types.is_dictionary(array.type):
            try:
                array = array.dictionary_encode()
            except pa.ArrowNotImplementedError:
                raise InputError(
                    f"the groups are said by values of type {array.type}, which cannot be told "
                    "apart here. Turn them into text or numbers first."
                ) from None
        dictionary, numbers = self._last[k]
        if dictionary is None or not dictionary.equals(array.dictionary):
            dictionary = array.dictionary
            labels = dictionary.to_pylist()
            if types.is_floating(dictionary.type):
                labels = [_label(value) for value in labels]
            enter, known = self._levels[k].setdefault, self._levels[k]
            numbers = np.array(
                [np.nan if label is None else enter(label, len(known)) for label in labels]
                + [np.nan]  # serves code -1
            )
            self._last[k] = (dictionary, numbers)
        return np.asarray(numbers[values_of(array.indices.cast(pa.int32()), gap=-1)])


def _label(value: Any) -> Hashable | None:
    """Return a level as it is shown and looked up: whole numbers are integers, NaN is none."""
    if isinstance(value, float):
        if np.isnan(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return cast("Hashable | None", value)


def named(keys: Sequence[tuple[Hashable, ...]]) -> tuple[Hashable, ...]:
    """Return the keys as they are looked up: one column's without the tuple, numbers as numbers."""
    columns = [_numbers_of_text([key[c] for key in keys]) for c in range(len(keys[0]))]
    if len(columns) == 1:
        return tuple(columns[0])
    return tuple(zip(*columns, strict=True))


def _numbers_of_text(labels: list[Hashable]) -> list[Hashable]:
    """Turn labels into integers if all of them are written as such: a text file has no types."""
    texts = all(isinstance(label, str) and _WHOLE.fullmatch(label) for label in labels)
    return [int(cast(str, label)) for label in labels] if texts else labels


def ordered(keys: Sequence[Hashable]) -> list[int]:
    """Return the numbers of the groups in the order of their keys: numbers, then texts."""
    kinds = {type(key) for key in keys}
    if kinds == {str} or kinds == {int}:
        comparable: Any = keys
        return sorted(range(len(keys)), key=comparable.__getitem__)

    def rank(key: Any) -> tuple[Any, ...]:
        parts = key if isinstance(key, tuple) else (key,)
        return tuple(
            (0, part, "") if isinstance(part, int | float) else (1, 0, str(part)) for part in parts
        )

    return sorted(range(len(keys)), key=lambda number: rank(keys[number]))


def open_groups(
    data: Any,
    target: Any,
    by: Any,
    *,
    features: str | Sequence[str] | None = None,
    missing: str = "drop",
    weights: Any = None,
    weighting: str = ANALYTIC,
    progress: Progress | None = None,
) -> OpenedGroups:
    """Open data for one fit a group; see :func:`gausswork.data.open_data` for the arguments.

    Parameters
    ----------
    by : the column that says which rows belong together, or several of them; or the (n,) labels.

    Raises
    ------
    InputError
        The data cannot be used; the message says which argument, which value, what to do.
    """
    from gausswork.data.arrays import check_missing
    from gausswork.data.design import plan
    from gausswork.data.formulas.tokens import is_formula
    from gausswork.data.frames import check_same_index
    from gausswork.data.opening import as_table, is_source
    from gausswork.data.tabular import weighed

    check_missing(missing)
    if is_source(data):
        raise InputError(
            "data is a source, which does not say which rows belong together. Give a data frame, a "
            "file or arrays."
        )
    plain = type(data) is np.ndarray and data.dtype.names is None
    table: Any = None if plain else as_table(data)
    if table is None:
        table, target = _table_of_arrays(data, target, features)
        features = None
    elif not isinstance(target, str):
        check_same_index(data, target, ("X", "y"))
        table, target = _beside(table, target)
    if table.rows == 0:
        raise InputError(f"{table.description} has no rows, so there is nothing to fit.")
    check_same_index(data, by, ("data", "by"))
    table, by = _labelled(table, by)
    for name in by:
        require_column(name, table.names, place=table.description, hint=table.hint)
    table, weight = weighed(data, table, weights, weighting)
    table = _encoded_once(table, by)
    formula = is_formula(target) and target not in table.names
    if not formula and target in by:
        raise InputError(f"{target!r} is the target and cannot say which rows belong together.")
    hidden: Any = NumberedTable(table, by)
    intercept: bool | None = None
    _refuse_groups_as_terms(target if formula else None, features, by, hidden.names)
    if formula:
        from gausswork.data.formulas.learning import plan_formula

        if features is not None:
            raise InputError(
                f"features= and the formula {target!r} both say which columns to use. Leave one "
                "out."
            )
        recipe, intercept, findings = plan_formula(
            hidden, target, missing, weights=weight, progress=progress
        )
    else:
        recipe, findings = plan(hidden, target, features, weights=weight, progress=progress)
    return OpenedGroups(
        by, recipe, intercept, (*table.findings, *findings), table.description, hidden, missing,
        Tally(0, 0, {}),
    )  # fmt: skip


def _encoded_once(table: Any, by: tuple[str, ...]) -> Any:
    """Encode labels that are numbers in memory as a whole, so that no portion is hashed again."""
    from gausswork.data.frames import FrameTable

    if not isinstance(table, FrameTable):
        return table
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name in by:
        column = table.column(name)
        if isinstance(column, np.ndarray):
            columns[name] = pa.chunked_array([pa.array(column).dictionary_encode()])
    if not columns:
        return table
    return FrameTable(
        table.names,
        lambda name: columns[name] if name in columns else table.column(name),
        rows=table.rows,
        description=table.description,
    )


def _refuse_groups_as_terms(
    formula: str | None, features: Any, by: tuple[str, ...], names: Sequence[str]
) -> None:
    """Refuse to explain by a column that is the same in all rows of a group."""
    from gausswork.data.design import feature_names

    used = feature_names(features) or []
    if formula is not None:
        from gausswork.data.formulas.factors import factor_columns
        from gausswork.data.formulas.grammar import parse, target_columns

        parsed = parse(formula, tuple(names))
        used = [name for factor in parsed.factors for name in factor_columns(factor)]
        used += target_columns(formula, (*names, *by))
    for name in by:
        if name in used:
            raise InputError(
                f"{name!r} says which rows belong together: within a group it is the same in all "
                "rows and explains nothing. Leave it out of the features."
            )


def _table_of_arrays(data: Any, target: Any, features: Any) -> tuple[Any, str]:
    """Name the columns of arrays, as fit() does."""
    from gausswork.data.matrices import as_matrix, as_vector
    from gausswork.data.opened import name_of
    from gausswork.data.opening import array_names

    x = as_matrix(data)
    if target is None or isinstance(target, str):
        raise InputError("data is an array: pass the target's values as the second argument.")
    y = as_vector(target, rows=len(x), shape=x.shape)
    names = array_names(x.shape[1], features)
    name = name_of(target) or "y"
    if name in names:
        raise InputError(f"the target and a feature are both called {name!r}. Rename one of them.")
    columns = {other: x[:, number] for number, other in enumerate(names)}
    table: Any = mapping_table({**columns, name: y})
    table.description = f"arrays {x.shape[0]}×{x.shape[1]}"
    return table, name


def _beside(table: Any, target: Any) -> tuple[Any, str]:
    from gausswork.data.columns import series_column
    from gausswork.data.opened import name_of

    if target is None:
        raise InputError(
            f"the target is missing: name the column to explain. The columns of "
            f"{table.description} are {listed(table.names)}."
        )
    if not hasattr(table, "with_column"):
        raise InputError(
            f"the target of {table.description} must be one of its columns: name it. Values beside "
            "a file or stream cannot be matched to it."
        )
    name = name_of(target) or ("y" if "y" not in table.names else "target")
    if name in table.names:
        raise InputError(f"the target {name!r} is also a column of the data. Rename it.")
    return table.with_column(name, series_column(target, place=f"the target {name!r}")), name


def _labelled(table: Any, by: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the columns that say which rows belong together; labels become one."""
    from gausswork.data.columns import series_column
    from gausswork.data.opened import name_of

    if is_foreign(by):
        from gausswork.data.devices.opening import host_view

        by = host_view(by, "by")
    if isinstance(by, str):
        names = (by,) if by in table.names else tuple(n.strip() for n in by.split(",") if n.strip())
    elif isinstance(by, list | tuple) and by and all(isinstance(name, str) for name in by):
        several = len(by) != table.rows or all(name in table.names for name in by)
        names = tuple(by) if several else ()
    else:
        names = ()
    if names:
        if len(set(names)) < len(names):
            raise InputError(f"by= names {listed(names)}: each column once, please.")
        return table, names
    if by is None or isinstance(by, str) or not hasattr(by, "__len__") or not len(by):
        raise InputError(
            f"by must name the column that says which rows belong together, or be a label for each "
            f"row; got {by!r}. The columns of {table.description} are {listed(table.names)}."
        )
    if not hasattr(table, "with_column"):
        raise InputError(
            f"the groups of {table.description} must be one of its columns: name it, as in "
            "by='shop'. Labels beside a file or stream cannot be matched to its rows."
        )
    name = name_of(by) or "group"
    while name in table.names:
        name += "_"
    return table.with_column(name, series_column(by, place="by")), (name,)
