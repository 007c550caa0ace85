"""Which cluster each row belongs to: values beside the data, or a column of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.data.devices import is_foreign
from gausswork.data.frames import check_same_index
from gausswork.data.kinds import Kind, listed, require_column
from gausswork.data.sources import Source
from gausswork.errors import InputError

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clustering:
    """The clusters of all rows of the data.

    Attributes
    ----------
    name : of the column; ``"clusters"`` for values without a name.
    codes : (n,) number of the cluster of each row, -1 where it has none.
    count : number of different clusters.
    by_kept : whether ``codes`` are of the rows that were used, not of all rows of the data.
    """

    name: str
    codes: Integers
    count: int
    by_kept: bool = False


def clusterings_of(fit: Fit, clusters: Any, data: Any, source: Source) -> tuple[Clustering, ...]:
    """Read one or two ways of clustering.

    Parameters
    ----------
    clusters : name of a column of the data, or (n,) values, or a list of two such.
    data : what was fitted, where the fit does not know its columns.
    source : the rows of the fit.

    Raises
    ------
    InputError
        They cannot be found, do not go with the rows, or are more than two.
    """
    ways = _ways(clusters)
    _require_order(source if data is None else data)
    found = []
    for number, way in enumerate(ways):
        if isinstance(way, str):
            found.append(_column(way, _table(fit, data, source)))
        else:
            default = "clusters" if len(ways) == 1 else f"clusters {number + 1}"
            check_same_index(data, way, ("data", "clusters"))
            found.append(_values(way, default, fit, source))
    return tuple(found)


def both(a: Clustering, b: Clustering) -> Clustering:
    """Return the clusters of rows that share both."""
    if a.by_kept != b.by_kept:
        raise InputError(
            "the two clusterings are of different rows: one of all rows of the data, the other of "
            "those that were used. Give both for all rows."
        )
    pairs = np.where((a.codes < 0) | (b.codes < 0), -1, a.codes * b.count + b.codes)
    levels, codes = np.unique(pairs, return_inverse=True)
    gaps = int(len(levels) > 0 and levels[0] < 0)
    name = f"{a.name} and {b.name}"
    return Clustering(name, codes.astype(np.int64) - gaps, len(levels) - gaps, a.by_kept)


def _require_order(data: Any) -> None:
    """Refuse a query without ORDER BY: clusters come in a pass of their own, or by row."""
    table = getattr(data, "table", data)
    if getattr(table, "ordered", True) is False:
        raise InputError(
            "the rows of this fit come from a query without ORDER BY, in another order each time "
            "perhaps, and clusters are matched to them row by row. End the query in ORDER BY a "
            "column that differs in every row, and fit again."
        )


def _ways(clusters: Any) -> list[Any]:
    if clusters is None:
        raise InputError(
            "clustered errors need clusters=: the name of a column, or a value for each row. Rows "
            "with equal values belong together."
        )
    if isinstance(clusters, str):
        return [clusters]
    if isinstance(clusters, tuple | list) and clusters:
        nested = [isinstance(way, str) or hasattr(way, "__len__") for way in clusters]
        # a list of the rows' own labels is one way, unless it is a short list of names
        if all(nested) and (len(clusters) <= 2 or not all(isinstance(w, str) for w in clusters)):
            if len(clusters) > 2:
                raise InputError(
                    f"errors are clustered one or two ways; got {len(clusters)} ways. Cluster by "
                    "the two that matter most."
                )
            return list(clusters)
    if getattr(clusters, "ndim", 1) == 2:
        columns = getattr(clusters, "columns", None)
        if columns is not None:
            return [clusters[name] for name in columns]
        return list(np.asarray(clusters).T)
    return [clusters]


def _table(fit: Fit, data: Any, source: Source) -> Any:
    from gausswork.data.opening import as_table

    table = as_table(data) if data is not None else getattr(source, "table", None)
    if table is None:
        raise InputError(
            "the rows of this fit have no named columns to cluster by. Pass the values, as in "
            "clusters=[...], or the data frame that has them as data=."
        )
    return table


def _column(name: str, table: Any) -> Clustering:
    """Read a column of a table, portion by portion, as cluster numbers."""
    from gausswork.data.encode import codes_and_levels
    from gausswork.data.tables import as_floats

    require_column(name, table.names, place=table.description, hint=table.hint)
    field = table.fields([name])[name]
    if field.kind is Kind.UNUSABLE:
        raise InputError(
            f"column {name!r} holds {field.holds} and cannot be read as clusters. Pass the values "
            "as text or whole numbers, as in clusters=[...]."
        )
    kind = Kind.NUMBER if field.kind in (Kind.NUMBER, Kind.FLAG) else Kind.TEXT
    if field.kind is Kind.FLAG:
        kind = Kind.FLAG
    known: dict[Any, int] = {}
    parts: list[Integers] = [np.empty(0, dtype=np.int64)]
    for portion in table.read({name: kind}):
        if kind is Kind.TEXT:
            codes, levels = codes_and_levels(portion.columns[0])
            numbers = [-1 if v is None else known.setdefault(v, len(known)) for v in levels]
            parts.append(np.array([*numbers, -1], dtype=np.int64)[codes])
        else:
            parts.append(_numbered(as_floats(portion.columns[0]), known))
    return Clustering(name, np.concatenate(parts), len(known))


def _numbered(values: npt.NDArray[Any], known: dict[Any, int]) -> Integers:
    """Return a number for each value, the same for equal ones; -1 for NaN."""
    levels, codes = np.unique(values, return_inverse=True)
    numbers = [-1 if v != v else known.setdefault(v, len(known)) for v in levels.tolist()]
    return np.asarray(np.array([*numbers, -1], dtype=np.int64)[codes])


def _values(values: Any, default: str, fit: Fit, source: Source) -> Clustering:
    name = getattr(values, "name", None)
    name = name if isinstance(name, str) and name else default
    if hasattr(values, "to_numpy"):
        values = values.to_numpy(zero_copy_only=False) if _is_arrow(values) else values.to_numpy()
    if is_foreign(values):
        from gausswork.data.devices.opening import host_view

        values = host_view(values, name)
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"{name} must be one value a row, (n,); its shape is {array.shape}.")
    known: dict[Any, int] = {}
    if array.dtype.kind == "O":
        codes = np.array(
            [
                -1 if v is None or v != v else known.setdefault(v, len(known))
                for v in array.tolist()
            ],
            dtype=np.int64,
        )
    else:
        codes = _numbered(array, known)
    read, used = fit.tally.read, fit.tally.read - fit.tally.dropped
    if len(codes) == used and used != read:
        return Clustering(name, codes, len(known), by_kept=True)
    if len(codes) != read:
        rows = f"{read:,}" if read == used else f"{read:,} ({used:,} of them used)"
        raise InputError(
            f"{name} has {len(codes):,} values and the data {rows} rows; they must agree."
        )
    return Clustering(name, codes, len(known))


def _is_arrow(values: Any) -> bool:
    return type(values).__module__.partition(".")[0] == "pyarrow"


def require_all(clustering: Clustering, codes: Integers, numbers: Integers) -> None:
    """Refuse rows without a cluster."""
    if len(codes) and codes.min() < 0:
        row = int(numbers[int(np.argmin(codes))])
        raise InputError(
            f"row {row} (counted from 0) has no value of {listed([clustering.name])}, and so no "
            "cluster. Give it one, or leave such rows out of the fit."
        )
