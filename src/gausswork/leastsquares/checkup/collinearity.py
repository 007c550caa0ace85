"""How far the predictors can be told apart: variance inflation, condition indexes, their sources.

Everything follows from the solution: Σ(x − x̄)(x − x̄)ᵀ from the moments in double-double, its
inverse from the triangular factor that was certified with the coefficients. No row is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares.checkup.geometry import Geometry

if TYPE_CHECKING:
    from gausswork.data.recipe import Recipe
    from gausswork.leastsquares.fit import Fit
    from gausswork.leastsquares.moments import Moments

Array = npt.NDArray[np.float64]

_DIRECT = 1e-5  # singular values above this share of the largest come from the Gram matrix itself


@dataclass(frozen=True, slots=True, eq=False)
class Collinearity:
    """What the predictors have in common.

    Attributes
    ----------
    names : the p predictors.
    variance_inflation : (p,) by what factor the variance of each coefficient exceeds that of
        unrelated predictors with the same spread: 1 / (1 − R²) of the predictor on the others and
        the intercept (without an intercept about zero, not about the mean). Infinite where aliased.
    columns : the columns of the data behind them; a category has several predictors.
    generalized : (c,) the same for all predictors of a column together (Fox & Monette 1992).
    generalized_df : (c,) how many predictors of each column have a coefficient.
    terms : the k estimated terms, the intercept among them.
    condition_indexes : (k,) largest over each singular value of the columns scaled to unit length,
        the intercept's among them, not centred (Belsley, Kuh & Welsch 1980); ascending.
    variance_proportions : (k, k) share of each term's variance (columns) that belongs to each
        condition index (rows); every column adds up to one.
    """

    names: tuple[str, ...]
    variance_inflation: Array
    columns: tuple[str, ...]
    generalized: Array
    generalized_df: npt.NDArray[np.int64]
    terms: tuple[str, ...]
    condition_indexes: Array
    variance_proportions: Array


def collinearity(fit: Fit) -> Collinearity:
    """Return what the predictors of a fit have in common."""
    g = Geometry.of(fit.solution)
    centred = _centred(fit.moments, g)
    # the inverse of the centred Gram matrix, in the same units
    inverse = g.root @ g.root.T
    inflation = np.full(len(fit.moments.names), np.inf)
    inflation[g.kept] = np.maximum(centred.diagonal() * inverse.diagonal(), 1.0)
    columns, generalized, freedom = _generalized(fit.design, g, centred, inverse)
    indexes, proportions = _belsley(fit, g)
    first = ("intercept",) if g.intercept else ()
    return Collinearity(
        names=fit.moments.names,
        variance_inflation=inflation,
        columns=columns,
        generalized=generalized,
        generalized_df=freedom,
        terms=(*first, *(fit.moments.names[j] for j in g.kept)),
        condition_indexes=indexes,
        variance_proportions=proportions,
    )


def _centred(moments: Moments, g: Geometry) -> Array:
    """Return the Gram matrix of u = (x − mean)·scale over the kept predictors, (r, r)."""
    from gausswork.leastsquares.backend import default_backend
    from gausswork.leastsquares.system import assemble

    with np.errstate(all="ignore"):
        system = assemble(moments, intercept=g.intercept, backend=default_backend())
    ratio = g.scales / system.scale[g.kept]  # powers of two
    return np.asarray(system.matrix[0][np.ix_(g.kept, g.kept)] * ratio[:, None] * ratio)


def _generalized(
    design: Recipe, g: Geometry, centred: Array, inverse: Array
) -> tuple[tuple[str, ...], Array, npt.NDArray[np.int64]]:
    """Return for each column det(R₁₁)·det(R⁻¹₁₁), with R the correlations of the predictors."""
    where = {int(j): at for at, j in enumerate(g.kept)}
    names, values, freedom, start = [], [], [], 0
    for name, width in _groups(design):
        own = [where[j] for j in range(start, start + width) if j in where]
        start += width
        names.append(name)
        freedom.append(len(own))
        if not own:
            values.append(np.inf)
            continue
        unit = np.sqrt(centred.diagonal()[own])
        of_columns = np.linalg.slogdet(centred[np.ix_(own, own)] / unit[:, None] / unit)[1]
        of_inverse = np.linalg.slogdet(inverse[np.ix_(own, own)] * unit[:, None] * unit)[1]
        values.append(max(float(np.exp(of_columns + of_inverse)), 1.0))
    return tuple(names), np.array(values), np.array(freedom, dtype=np.int64)


def _groups(design: Recipe) -> list[tuple[str, int]]:
    """Return the columns of the data, or the terms of a formula, with their predictors' number."""
    if design.formula is None:
        return [(column.name, len(column.names)) for column in design.columns]
    return [
        (piece.names[0] if len(piece.names) == 1 else f"{piece.names[0]} …", len(piece.names))
        for piece in design.formula.pieces
    ]


def _belsley(fit: Fit, g: Geometry) -> tuple[Array, Array]:
    """Return condition indexes, ascending, and variance proportions, indexes by terms."""
    r, n = len(g.kept), g.total_weight
    m = fit.moments
    k = r + int(g.intercept)
    if not k:
        return np.empty(0), np.empty((0, 0))
    # X·V = Q: the singular values of X are those of V⁻¹
    # condition indexes do not depend on units: those of the sums keep squares within float64
    v = g.factor()
    first, second = m.first_high[g.kept], m.second_high[np.ix_(g.kept, g.kept)]
    shift, scale = m.shift[g.kept], m.scale[g.kept]
    raw = second + np.outer(first, shift) + np.outer(shift, first) + n * np.outer(shift, shift)
    gram = np.empty((k, k))
    gram[k - r :, k - r :] = raw
    if g.intercept:
        gram[0, 0] = n
        gram[0, 1:] = gram[1:, 0] = first + n * shift
    v[k - r :] /= scale[:, None]
    length = np.sqrt(gram.diagonal())
    left, inverses, _ = np.linalg.svd(length[:, None] * v)
    values = np.sort(
        np.linalg.eigvalsh(gram / length[:, None] / length)
    )  # ascending, as 1/inverses
    # The Gram matrix knows the large singular values, its inverse factor the small ones.
    direct = np.sqrt(np.maximum(values, 0.0))
    singular = np.where(direct > _DIRECT * direct[-1], direct, 1.0 / inverses)
    parts = np.square(left * inverses)  # terms by singular values
    shares = parts / parts.sum(axis=1, keepdims=True)
    order = np.arange(k)[::-1]
    return direct[-1] / singular[order], shares.T[order]
