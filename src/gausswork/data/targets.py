"""Several targets of the same rows: opened once, read together, seen one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import ArraySource, KeptRows
from gausswork.data.devices import is_foreign
from gausswork.data.kinds import listed
from gausswork.data.recipe import Recipe
from gausswork.data.sources import Batch, FloatVector, Source, Tally
from gausswork.data.tables import floats_of_array
from gausswork.errors import InputError
from gausswork.findings import Finding

if TYPE_CHECKING:
    from gausswork.data.levels import Progress


@dataclass(frozen=True, slots=True)
class OpenedTargets:
    """Rows with several targets.

    Attributes
    ----------
    source : all rows; its columns are the predictors and then all targets but the first, which is
        its target.
    targets : names of the m targets.
    recipe : how columns become predictors, with the first target.
    findings, description : as of :class:`~gausswork.data.opened.OpenedData`.
    """

    source: Source
    targets: tuple[str, ...]
    recipe: Recipe
    findings: tuple[Finding, ...]
    description: str

    def recipe_for(self, target: str) -> Recipe:
        """Return the recipe with one of the targets."""
        return replace(self.recipe, target=target)


class TargetSource:
    """The rows of a joint source with one of its targets.

    Attributes
    ----------
    joint : predictors, then all targets but the first as columns.
    predictors : how many predictors there are.
    number : which target this is.
    """

    def __init__(self, joint: Source, predictors: int, number: int) -> None:
        self.joint = joint
        self.predictors = predictors
        self.number = number
        self.names = joint.names[:predictors]
        self.target = (joint.target, *joint.names[predictors:])[number]
        self.weighting = getattr(joint, "weighting", None)

    def apart(self) -> TargetSource:
        """Return the same rows for a pass beside others; see :meth:`EncodedSource.apart`."""
        found = copy(self)
        found.joint = getattr(self.joint, "apart", lambda: self.joint)()
        return found

    @property
    def replayable(self) -> bool:
        """Whether :meth:`batches` may be called more than once."""
        return self.joint.replayable

    @property
    def tally(self) -> Tally:
        """Counts of the latest complete pass."""
        return self.joint.tally

    @property
    def table(self) -> Any:
        """Where the rows come from, with all columns that it has; None where unknown."""
        return getattr(self.joint, "table", None)

    @property
    def dropped_rows(self) -> Any:
        """Numbers of the rows with a gap that the latest pass has met so far."""
        return getattr(self.joint, "dropped_rows", ())

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield all rows in order, ``rows`` at a time."""
        yield from self._of_one(self.joint.batches(rows))

    @property
    def library(self) -> Any:
        """The array library that has the rows; None for NumPy."""
        return getattr(self.joint, "library", None)

    def batches_there(self) -> Iterator[Batch]:
        """Yield all rows in order as arrays of their library."""
        joint: Any = self.joint
        yield from self._of_one(joint.batches_there())

    def _of_one(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        p = self.predictors
        for batch in batches:
            x: Any
            if isinstance(batch.x, tuple):
                x = batch.x[:p] or np.empty((len(batch), 0))
            else:
                x = batch.x[:, :p]
            yield Batch(x, column_of(batch, p, self.number), batch.weight)


def column_of(batch: Batch, predictors: int, number: int) -> FloatVector:
    """Return one of the targets of a joint batch, (m,)."""
    if number == 0:
        return batch.y
    j = predictors + number - 1
    return batch.x[j] if isinstance(batch.x, tuple) else batch.x[:, j]


class _JointArrays:
    """Arrays X (n, p) and Y (n, m) side by side, a block at a time: neither is copied whole."""

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None

    def __init__(self, first: ArraySource, y: npt.NDArray[Any], targets: tuple[str, ...]) -> None:
        self.first = first
        self.y = y
        self.names = (*first.names, *targets[1:])
        self.target = targets[0]
        self.rows = first.rows
        self.weighting = first.weighting
        self.tally = Tally(read=0, dropped=0, missing={})

    def block(self, start: int, stop: int) -> Batch:
        batch = self.first.block(start, stop)
        rest = floats_of_array(self.y[start:stop, 1:])
        assert not isinstance(batch.x, tuple)
        return Batch(np.concatenate((batch.x, rest), axis=1), batch.y, batch.weight)

    def batches(self, rows: int) -> Iterator[Batch]:
        for start in range(0, self.rows, rows):
            yield self.block(start, min(start + rows, self.rows))
        self.tally = Tally(read=self.rows, dropped=0, missing={})

    def without_missing(self) -> KeptRows:
        return KeptRows(self, self.first.missing)


class _Table(Protocol):
    names: tuple[str, ...]


class _Without:
    """A table without some of its columns."""

    def __init__(self, table: _Table, hidden: Sequence[str]) -> None:
        self._table = table
        self.names = tuple(name for name in table.names if name not in hidden)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


def open_targets(
    data: Any,
    targets: Any,
    *,
    features: str | Sequence[str] | None = None,
    missing: str = "drop",
    weights: Any = None,
    weighting: str = "analytic",
    progress: Progress | None = None,
) -> OpenedTargets:
    """Open data with several targets; see :func:`gausswork.data.open_data` for the arguments.

    Parameters
    ----------
    targets : names of columns, as a sequence or ``"a,b"``; or (n, m) values, an array or a frame.

    Raises
    ------
    InputError
        The data cannot be used; the message says which argument, which value, what to do.
    """
    from gausswork.data.opening import as_table, is_source

    if is_source(data):
        raise InputError("data is a source, which has one target of its own. Use fit() for each.")
    names = _names(targets)
    if is_foreign(data) or is_foreign(targets) or is_foreign(weights):
        from gausswork.data.devices.opening import viewed

        views = viewed(data, None if names else targets, weights, "targets")
        if views is None:
            return _open_there(data, targets, names, features, missing, weights, weighting)
        data, targets, weights = views[0], targets if names else views[1], views[2]
    plain = type(data) is np.ndarray and data.dtype.names is None
    table = None if plain else as_table(data)
    if table is None:
        if names is not None:
            raise InputError(
                f"targets names {listed(names)}, but an array has no column names. Pass the values "
                "as an (n, m) array, or a data frame as data."
            )
        return _open_arrays(data, targets, features, missing, weights, weighting)
    return _open_table(data, table, targets, names, features, missing, weights, weighting, progress)


def _names(targets: Any) -> tuple[str, ...] | None:
    """Return the targets where they are names; None where they are values."""
    if isinstance(targets, str):
        targets = [name.strip() for name in targets.split(",") if name.strip()]
    if not isinstance(targets, list | tuple) or not all(isinstance(t, str) for t in targets):
        return None
    if not targets:
        raise InputError("targets names no column. Name some, as in targets=['a', 'b'].")
    twice = sorted({name for name in targets if targets.count(name) > 1})
    if twice:
        raise InputError(f"targets names {listed(twice)} more than once. Name each column once.")
    return tuple(targets)


def _open_there(
    data: Any,
    targets: Any,
    given: tuple[str, ...] | None,
    features: Any,
    missing: str,
    weights: Any,
    weighting: str,
) -> OpenedTargets:
    """Open arrays that stay with their library."""
    from gausswork.data.devices.opening import open_foreign, plain

    if given is not None:
        raise InputError(
            f"targets names {listed(given)}, but an array has no column names. Pass the values "
            "as an (n, m) array where X is."
        )
    y = plain(targets if len(targets.shape) != 1 else targets[:, None])
    if len(y.shape) != 2 or not int(y.shape[1]):
        raise InputError(f"targets must be of shape (n, m); it is of shape {tuple(y.shape)}.")
    names = tuple(f"y{j + 1}" for j in range(int(y.shape[1])))
    opened = open_foreign(data, y[:, 0], names[0], features, missing, weights, weighting)
    source: Any = opened.source
    _require_own_names(names, source.names)
    joint = type(source)(
        source.library, source.x, source.y, (*source.names, *names[1:]), names[0], missing,
        source.weight, source.weighting, y[:, 1:],
    )  # fmt: skip
    assert opened.recipe is not None
    return OpenedTargets(joint, names, opened.recipe, opened.findings, opened.description)


def _require_own_names(names: tuple[str, ...], features: Sequence[str]) -> None:
    clash = sorted({*names} & {*features})
    if clash or len(set(names)) < len(names):
        raise InputError(
            f"the targets {listed(names)} must have names of their own; {listed(clash or names)} "
            "occur twice. Rename some."
        )


def _open_arrays(
    data: Any, targets: Any, features: Any, missing: str, weights: Any, weighting: str
) -> OpenedTargets:
    from gausswork.data.matrices import as_matrix
    from gausswork.data.opening import open_data

    columns = getattr(targets, "columns", None)
    y = as_matrix(targets.to_numpy() if columns is not None else targets)
    if not y.shape[1]:
        raise InputError(f"targets has no columns (shape {y.shape}). Give at least one.")
    names = tuple(f"y{j + 1}" for j in range(y.shape[1]))
    if columns is not None:
        names = tuple(map(str, columns))
    options: dict[str, Any] = {
        "features": features, "missing": missing, "weights": weights, "weighting": weighting,
    }  # fmt: skip
    opened = open_data(data, names[0], y=y[:, 0], **options)
    assert opened.recipe is not None
    _require_own_names(names, opened.recipe.names)
    assert isinstance(opened.source, ArraySource)
    source = _JointArrays(opened.source, y, names)
    return OpenedTargets(source, names, opened.recipe, opened.findings, opened.description)


def _open_table(
    data: Any,
    table: Any,
    targets: Any,
    names: tuple[str, ...] | None,
    features: Any,
    missing: str,
    weights: Any,
    weighting: str,
    progress: Progress | None,
) -> OpenedTargets:
    from gausswork.data.design import check_target, feature_names, plan
    from gausswork.data.kinds import Kind, require_column
    from gausswork.data.recipe import FLAG, Predictor
    from gausswork.data.tabular import source_by, weighed

    if names is None:
        table, names = _beside(data, table, targets)
    table, by = weighed(data, table, weights, weighting)
    for name in names:
        require_column(name, table.names, place=table.description, hint=table.hint)
    fields = table.fields(names)
    for name in names:
        check_target(fields[name])
    both = [name for name in feature_names(features) or () if name in names[1:]]
    if both:
        raise InputError(
            f"{listed(both)} cannot be a target and a feature too. Take it out of features=."
        )
    seen: Any = _Without(table, names[1:])
    recipe, findings = plan(seen, names[0], features, weights=by, progress=progress)
    further = (Predictor(name, FLAG) if fields[name].kind is Kind.FLAG else Predictor(name)
               for name in names[1:])  # fmt: skip
    joint = replace(recipe, columns=(*recipe.columns, *further))
    source, noticed = source_by(table, joint, missing)
    findings = (*table.findings, *findings, *noticed)
    return OpenedTargets(source, names, recipe, findings, table.description)


def _beside(data: Any, table: Any, targets: Any) -> tuple[Any, tuple[str, ...]]:
    """Add targets that lie beside a table as columns."""
    from gausswork.data.columns import series_column
    from gausswork.data.frames import check_same_index
    from gausswork.data.matrices import as_matrix

    if not hasattr(table, "with_column"):
        raise InputError(
            f"the targets of {table.description} must be columns of it: name them, as in "
            "targets=['a', 'b']. Values beside a file or stream cannot be matched to it."
        )
    check_same_index(data, targets, ("X", "targets"))
    if getattr(targets, "columns", None) is not None:
        values = {str(name): targets[name] for name in targets.columns}
    else:
        y = as_matrix(targets)
        values = {f"y{j + 1}": y[:, j] for j in range(y.shape[1])}
    clash = sorted({*values} & {*table.names})
    if clash:
        raise InputError(f"{listed(clash)} are columns of X and targets, too. Rename some.")
    for name, column in values.items():
        table = table.with_column(name, series_column(column, place=f"the target {name!r}"))
    return table, tuple(values)
