"""How much single rows weigh in a fit: leverage, studentised residuals, Cook's distance and kin.

With e the residual of a row, h its leverage, k coefficients of n rows and s the residual standard
deviation, all follow from one look at the row (Belsley, Kuh & Welsch 1980; Cook & Weisberg 1982):
leaving the row out never needs another fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import Source
from gausswork.data.weights import FREQUENCY
from gausswork.errors import InputError
from gausswork.leastsquares.checkup.geometry import Geometry, Rows
from gausswork.leastsquares.rows import Witness, original_rows, source_of, weighted

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BATCH = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """Some rows of a fit and what each of them does to it, (m,) each.

    Attributes
    ----------
    row : numbers of the rows in the data, counted from 0, those left out for gaps included.
    observed, fitted, residual : in the units of the target.
    leverage : h, diagonal of the hat matrix: the weight of the row in its own fitted value.
    standardized : e / (s √(1 − h)), internally studentised; times √weight where rows have one.
    studentized : the same with s estimated without the row: t distributed on n − k − 1.
    cooks_distance : how far leaving the row out moves all coefficients, as an F-like distance.
    dffits : how far it moves the row's own fitted value, in standard errors of it.
    covariance_ratio : how it changes the generalised variance of the coefficients.
    left_out_residual : e / (1 − h), the error of predicting the row from all others.
    dfbetas : (m, k) how far leaving the row out moves each coefficient, in its standard errors.
    names : the k terms of the columns of ``dfbetas``.
    """

    row: Integers
    observed: Array
    fitted: Array
    residual: Array
    leverage: Array
    standardized: Array
    studentized: Array
    cooks_distance: Array
    dffits: Array
    covariance_ratio: Array
    left_out_residual: Array
    dfbetas: Array
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.row)

    def take(self, which: npt.NDArray[np.intp]) -> Influence:
        """Return some of the rows."""
        return Influence(**{n: getattr(self, n)[which] for n in _PER_ROW}, names=self.names)

    def to_dict(self) -> dict[str, Any]:
        """Return the columns of the table by name, a DFBETAS column for each term."""
        columns = {name: getattr(self, name) for name in _PER_ROW if name != "dfbetas"}
        for j, term in enumerate(self.names):
            columns[f"dfbetas[{term}]"] = self.dfbetas[:, j]
        return columns


_PER_ROW = tuple(field.name for field in fields(Influence) if field.name != "names")


def joined(parts: list[Influence]) -> Influence:
    """Return the rows of all parts as one."""
    columns = {n: np.concatenate([getattr(part, n) for part in parts]) for n in _PER_ROW}
    return Influence(**columns, names=parts[0].names)


def placed_rows(
    fit: Fit, source: Source, geometry: Geometry, witness: Witness, rows: int
) -> Iterator[tuple[Rows, Array, Integers]]:
    """Yield the rows of a fit as it sees them, their target, and their numbers among those read.

    Rows of weight zero have no part in the fit and none here.

    Raises
    ------
    InputError
        The rows are counted by frequencies: one of them stands for many.
    """
    if fit.weighting == FREQUENCY:
        raise InputError(
            "rows that stand for several equal ones cannot be left out one by one, and have no "
            "order. For a check-up give every row by itself, without frequencies."
        )
    for x, y, weight in weighted(source, rows):
        number = np.arange(witness.rows, witness.rows + len(y), dtype=np.int64)
        witness.see(x, y, weight, fit.weighting)
        if weight is not None and not weight.all():
            used = weight > 0.0
            x, y, weight, number = x[used], y[used], weight[used], number[used]
        if len(y):
            yield geometry.rows_of(x, y, weight), y, number


def measured(
    geometry: Geometry, names: tuple[str, ...], y: Array, rows: Rows, number: Integers
) -> Influence:
    """Return what each of some consecutive rows does to the fit.

    Quantities that leaving the row out leaves undefined are NaN: a row of leverage one determines a
    coefficient by itself, and without it there would be none.

    Parameters
    ----------
    names : of the k coefficients that were estimated.
    number : (m,) numbers of the rows in the data.
    """
    g, h, e = geometry, rows.leverage, rows.residual
    freedom = g.degrees_of_freedom
    free = np.where(1.0 - h > g.tolerance, 1.0 - h, np.nan)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        standardized = rows.scaled / g.residual_sd / np.sqrt(free)
        # s without the row, over s; never below zero, where rounding would take it
        rest = np.maximum(freedom - np.square(standardized), 0.0) / (freedom - 1.0)
        if freedom < 2:
            rest = np.full(len(h), np.nan)
        studentized = standardized / np.sqrt(rest)
        cooks = np.square(standardized) * h / free / max(g.rank, 1)
        dffits = studentized * np.sqrt(h / free)
        ratio = rest**g.rank / free
        moved = g.coordinates(rows) @ (g.factor() / row_norms(g.factor())[:, None]).T
        moved *= (studentized / np.sqrt(free))[:, None]
        left_out = e / free
    return Influence(
        row=number,
        observed=y,
        fitted=rows.fitted,
        residual=e,
        leverage=h,
        standardized=standardized,
        studentized=studentized,
        cooks_distance=cooks,
        dffits=dffits,
        covariance_ratio=ratio,
        left_out_residual=left_out,
        dfbetas=moved,
        names=names,
    )


def row_norms(matrix: Array) -> Array:
    """Return the length of each row."""
    lengths: Array = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    return lengths


def estimated_names(fit: Fit) -> tuple[str, ...]:
    """Return the terms that have a coefficient."""
    return tuple(
        name for name, value in zip(fit.names, fit.coefficients, strict=True) if value == value
    )


def influence_batches(fit: Fit, data: Any = None, *, rows: int = BATCH) -> Iterator[Influence]:
    """Yield the influence of all rows in order, ``rows`` at a time; see :class:`Influence`.

    Raises
    ------
    InputError
        The fit has not kept its rows and none are given, or they have changed.
    """
    geometry, names = Geometry.of(fit.solution), estimated_names(fit)
    source, witness = source_of(fit, data), Witness.of(fit)
    for placed, y, number in placed_rows(fit, source, geometry, witness, rows):
        yield measured(geometry, names, y, placed, original_rows(source, number))
    witness.compare(fit)
