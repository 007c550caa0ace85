"""A path of ridge penalties, solved from sums that are taken once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.leastsquares.backend import default_backend
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.kernels import TIERS
from gausswork.leastsquares.moments import Moments, accumulate
from gausswork.leastsquares.solution import NormalEquation, Solution, check_penalty
from gausswork.leastsquares.solve import solve
from gausswork.leastsquares.system import assemble

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

_COUNT = 50  # penalties where none are given
_REACH = (-6.0, 3.0)  # their powers of ten, relative to the mean square of the columns


@dataclass(frozen=True, slots=True, eq=False)
class RidgePath:
    """Ridge fits of the same rows with m penalties.

    Attributes
    ----------
    names : names of the k terms, the intercept first.
    target : name of the target.
    rows : number of rows.
    penalties : (m,) as of :class:`NormalEquation`, increasing.
    coefficients : (m, k).
    trusted_digits : (m, k) digits of them that arithmetic has got right.
    effective_rank : (m,) trace of the hat matrix, the intercept counted.
    residual_sum_of_squares : (m,).
    gcv : (m,) generalised cross-validation n·RSS / (n − effective rank)², an estimate of the
        squared error of predictions (Golub, Heath & Wahba 1979).
    """

    names: tuple[str, ...]
    target: str
    rows: int
    penalties: Vector
    coefficients: Matrix
    trusted_digits: Matrix
    effective_rank: Vector
    residual_sum_of_squares: Vector
    gcv: Vector

    def __post_init__(self) -> None:
        for values in (
            self.penalties, self.coefficients, self.trusted_digits, self.effective_rank,
            self.residual_sum_of_squares, self.gcv,
        ):  # fmt: skip
            values.setflags(write=False)

    @property
    def best(self) -> int:
        """Position of the penalty with the smallest GCV."""
        return int(np.nanargmin(self.gcv))

    @property
    def best_penalty(self) -> float:
        """The penalty with the smallest GCV, for ``NormalEquation(ridge=...)``."""
        return float(self.penalties[self.best])

    def __len__(self) -> int:
        return len(self.penalties)

    def __iter__(self) -> Iterator[float]:
        return iter(self.penalties.tolist())

    def __str__(self) -> str:
        from gausswork import tables

        return tables.printable(tables.ridge_path(self))

    def __repr__(self) -> str:
        return f"RidgePath(target={self.target!r}, penalties={len(self)}, best={self.best_penalty})"


def ridge_path(
    fit: Fit | Moments, penalties: Any = None, *, intercept: bool | None = None
) -> RidgePath:
    """Solve the ridge regression of a fit for many penalties at once.

    All of them come from one set of sums: that of the fit where it has digits enough, otherwise
    taken once more from its rows with all digits. The number of rows costs nothing beyond that.

    Parameters
    ----------
    fit : a fit of the same target and features by any method, or its moments.
    penalties : the penalties, at least 0; by default 50 from light to heavy. Each is on the sum of
        the squares of the coefficients in the units of the data, the intercept's aside.
    intercept : of moments, whether there is one (default: yes); a fit knows.

    Returns
    -------
    RidgePath

    Raises
    ------
    InputError
        A penalty cannot be used, or is lost in the rounding of the sums.

    Examples
    --------
    >>> import gausswork as gw
    >>> fit = gw.fit({"x": [1, 2, 3, 4], "y": [1, 2, 2, 4]}, "y")
    >>> path = gw.ridge_path(fit, [0, 1, 5])
    >>> path.coefficients[:, 1].tolist()
    [0.9, 0.75, 0.45]
    """
    if isinstance(fit, Moments):
        moments, known = fit, None
    elif isinstance(fit, Fit):
        moments, known = _best_moments(fit), fit.solution.intercept
    else:
        raise InputError(f"ridge_path takes a fit or its moments; got {type(fit).__name__}.")
    if known is not None and intercept is not None and intercept != known:
        raise InputError("a fit knows whether it has an intercept: say it of moments only.")
    with_intercept = known if known is not None else intercept is None or bool(intercept)
    grid = _default(moments, with_intercept) if penalties is None else _checked(penalties)
    solutions = [
        solve(moments, intercept=with_intercept, method=NormalEquation(ridge=float(value)))
        for value in grid
    ]
    return _path(moments, with_intercept, grid, solutions)


def _best_moments(fit: Fit) -> Moments:
    if fit.source is None or fit.moments.error <= default_backend().gram_error[TIERS - 1]:
        return fit.moments
    return accumulate(fit.source, tier=TIERS - 1, exponents=fit.moments.exponents)


def _checked(penalties: Any) -> Vector:
    try:
        grid = np.atleast_1d(np.asarray(penalties, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"penalties must be numbers of at least 0; got {penalties!r}.") from None
    if grid.ndim != 1 or not len(grid):
        raise InputError(f"penalties must be a list of at least one number; got {penalties!r}.")
    for value in grid.tolist():
        check_penalty(value, name="each of the penalties")
    return np.unique(grid)


def _default(moments: Moments, intercept: bool) -> Vector:
    system = assemble(moments, intercept=intercept, backend=default_backend())
    square = system.matrix[0].diagonal() / system.scale / system.scale
    usual = float(np.mean(square[~system.constant])) if (~system.constant).any() else 1.0
    if not 0.0 < usual < 1e300:
        raise InputError(
            "the squares of the predictors leave the range in which penalties can be chosen. "
            "Rescale the columns, or give penalties=."
        )
    return np.asarray(usual * np.logspace(*_REACH, _COUNT))


def _path(moments: Moments, intercept: bool, grid: Vector, solutions: list[Solution]) -> RidgePath:
    n = moments.rows
    rank = np.array([s.effective_rank for s in solutions])
    square = np.array([s.residual_sum_of_squares for s in solutions])
    left = n - rank
    with np.errstate(divide="ignore", invalid="ignore"):
        gcv = np.where(left > 1e-9 * n, n * square / np.square(left), np.nan)
    return RidgePath(
        names=(*(("intercept",) if intercept else ()), *moments.names),
        target=moments.target,
        rows=n,
        penalties=grid,
        coefficients=np.array([s.coefficients for s in solutions]),
        trusted_digits=np.array([s.trusted_digits for s in solutions]),
        effective_rank=rank,
        residual_sum_of_squares=square,
        gcv=gcv,
    )
