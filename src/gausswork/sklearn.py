"""Estimators for scikit-learn: its interface, this library's arithmetic.

They go into pipelines, cross-validation and searches wherever scikit-learn's own of the same names
do. This module needs scikit-learn; nothing else here does.
"""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from gausswork.data.matrices import default_names
from gausswork.data.sources import Batch, Tally
from gausswork.data.weights import ANALYTIC
from gausswork.errors import InputError, require

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

require("sklearn", purpose="The estimators in gausswork.sklearn", extra="sklearn")

from sklearn.base import BaseEstimator, RegressorMixin  # noqa: E402
from sklearn.utils.validation import (  # noqa: E402
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

__all__ = ["LinearRegression", "Ridge"]

_SPARSE = ("csr",)

Array = npt.NDArray[np.float64]


class _Linear(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators do alike."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Fit the model.

        Parameters
        ----------
        X : (n_samples, n_features) predictors; sparse ones are read a block of rows at a time.
        y : (n_samples,) or (n_samples, n_targets) target.
        sample_weight : (n_samples,) weights, or one number for all.

        Returns
        -------
        The estimator itself.
        """
        _check_settings(self)
        x, y, weights = _checked(self, X, y, sample_weight)
        fits = _fits(self, x, y, weights)
        _keep(self, fits, one=y.ndim == 1)
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return predictions, (n_samples,) or (n_samples, n_targets)."""
        check_is_fitted(self)
        x = validate_data(
            self, X, reset=False, dtype=(np.float64, np.float32), accept_sparse=_SPARSE
        )
        predicted: Array = x @ self.coef_.T + self.intercept_
        return predicted

    def _penalties(self, targets: int) -> list[float]:
        """Return the ridge of each target."""
        return [0.0] * targets

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = True
        return tags


class LinearRegression(_Linear):
    """Ordinary least squares with digits to trust, in place of scikit-learn's of the same name.

    Where columns depend on each other the coefficients are those of minimum norm, as scikit-learn
    defines them; ``rank_`` says how many there are in truth.

    Parameters
    ----------
    fit_intercept : whether to fit one.
    copy_X, tol : taken for compatibility: X is never written to, and nothing is cut off.
    n_jobs : threads; None for one a core, -1 likewise.
    positive : must be False; scikit-learn's own has coefficients that are at least zero.
    digits : correct digits to ask for; None for 15 on small data and 8 on large.

    Attributes
    ----------
    coef_ : (n_features,) or (n_targets, n_features) coefficients.
    intercept_ : float or (n_targets,) intercept, 0.0 without one.
    rank_ : number of independent columns, the intercept left out.
    trusted_digits_ : significant digits of each coefficient that arithmetic has got right, shaped
        like ``coef_``; NaN where columns depend on each other.
    standard_errors_ : standard errors of the coefficients, shaped alike, under the assumptions of
        ordinary least squares.
    findings_ : what the fit has noticed.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from gausswork.sklearn import LinearRegression
    >>> model = LinearRegression().fit(np.arange(1.0, 6.0).reshape(-1, 1), np.arange(2.0, 11.0, 2))
    >>> model.coef_, model.intercept_
    (array([2.]), 0.0)
    """

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,  # noqa: N803
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
        digits: float | None = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.digits = digits


class Ridge(_Linear):
    """Ridge regression with digits to trust, in place of scikit-learn's of the same name.

    Minimises the sum of squared errors plus alpha times the sum of squared coefficients, the
    intercept spared. Every alpha above zero has one solution, whatever the columns.

    Parameters
    ----------
    alpha : penalty, at least 0; one number, or one for each target.
    fit_intercept, copy_X, n_jobs, digits : as of :class:`LinearRegression`.

    Attributes
    ----------
    coef_, intercept_, rank_, trusted_digits_, findings_ : as of :class:`LinearRegression`.
    n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from gausswork.sklearn import Ridge
    >>> model = Ridge(alpha=10.0).fit(np.arange(1.0, 6.0).reshape(-1, 1), np.arange(2.0, 11.0, 2))
    >>> model.coef_, model.intercept_
    (array([1.]), 3.0)
    """

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,  # noqa: N803
        n_jobs: int | None = None,
        digits: float | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.n_jobs = n_jobs
        self.digits = digits

    def _penalties(self, targets: int) -> list[float]:
        alphas = np.asarray(self.alpha)
        if alphas.dtype.kind not in "iuf" or alphas.ndim > 1 or alphas.size not in (1, targets):
            raise InputError(
                f"alpha must be a number, or one for each of the {targets} targets; got "
                f"{self.alpha!r}."
            )
        if not (np.isfinite(alphas) & (alphas >= 0.0)).all():
            raise InputError(f"alpha must be finite and at least 0; got {self.alpha!r}.")
        return [float(alpha) for alpha in np.broadcast_to(alphas, targets)]


class SparseSource:
    """A sparse matrix as a source: rows become dense a block at a time.

    Attributes
    ----------
    x : (n, p) matrix in compressed rows.
    y, weight : (n,) target and weights, the latter None without.
    names, target, replayable, tally, weighting : as in :class:`gausswork.data.sources.Source`.
    """

    replayable = True
    target = "y"

    def __init__(self, x: Any, y: npt.NDArray[Any], weight: npt.NDArray[Any] | None) -> None:
        self.x = x
        self.y = np.asarray(y, dtype=np.float64)
        self.weight = weight
        self.names = default_names(x.shape[1])
        self.weighting = None if weight is None else ANALYTIC
        self.tally = Tally(read=0, dropped=0, missing={})

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield all rows in order, ``rows`` at a time."""
        n = len(self.y)
        for start in range(0, n, rows):
            here = slice(start, min(start + rows, n))
            weight = None if self.weight is None else self.weight[here]
            yield Batch(self.x[here].toarray(), self.y[here], weight)
        self.tally = Tally(read=n, dropped=0, missing={})


def _check_settings(estimator: Any) -> None:
    """Refuse parameters that mean nothing: scikit-learn leaves that to the time of fitting."""
    if not isinstance(estimator.fit_intercept, bool | np.bool_):
        raise InputError(f"fit_intercept must be True or False; got {estimator.fit_intercept!r}.")
    jobs = estimator.n_jobs
    if jobs is not None and (not isinstance(jobs, Integral) or jobs == 0 or jobs < -1):
        raise InputError(f"n_jobs must be None, -1 or at least 1; got {jobs!r}.")
    digits = estimator.digits
    if digits is not None and not isinstance(digits, Real):
        raise InputError(f"digits must be None or a number; got {digits!r}.")
    if getattr(estimator, "positive", False):
        raise InputError(
            "positive=True is not supported: its coefficients are no least squares. Use "
            "sklearn.linear_model.LinearRegression(positive=True)."
        )


def _checked(
    estimator: Any, x: Any, y: Any, sample_weight: Any
) -> tuple[Any, npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Return data as arrays; what is not finite is looked for when the sums are not."""
    if sample_weight is None and _as_they_are(x, y):
        # Looking at such arrays would take scikit-learn longer than fitting a small table takes.
        estimator.n_features_in_ = x.shape[1]
        if hasattr(estimator, "feature_names_in_"):  # of an earlier fit
            del estimator.feature_names_in_
        return x, y, None
    x, y = validate_data(
        estimator, x, y,
        dtype=(np.float64, np.float32), accept_sparse=_SPARSE, y_numeric=True, multi_output=True,
        ensure_all_finite=False,
    )  # fmt: skip
    if sample_weight is None:
        return x, y, None
    return x, y, _check_sample_weight(sample_weight, x, dtype=x.dtype, ensure_non_negative=True)


def _as_they_are(x: Any, y: Any) -> bool:
    """Whether two arrays are predictors and one target without any doubt."""
    return (
        type(x) is np.ndarray
        and type(y) is np.ndarray
        and x.dtype in (np.float64, np.float32)
        and y.dtype in (np.float64, np.float32)
        and x.ndim == 2
        and y.ndim == 1
        and len(x) == len(y) > 0 < x.shape[1]
    )


def _fits(
    estimator: Any, x: Any, y: npt.NDArray[Any], weights: npt.NDArray[Any] | None
) -> list[Fit]:
    """Fit every target; say in scikit-learn's words what is not finite."""
    from gausswork.leastsquares.fitting import fit
    from gausswork.leastsquares.several import fit_many
    from gausswork.leastsquares.solution import NormalEquation

    columns = y.reshape(len(y), -1)
    penalties = estimator._penalties(columns.shape[1])
    jobs = estimator.n_jobs
    methods = [NormalEquation(digits=estimator.digits, ridge=ridge) for ridge in penalties]
    options: dict[str, Any] = {
        "intercept": bool(estimator.fit_intercept),
        "threads": None if jobs in (None, -1) else int(jobs),
    }
    try:
        if not isinstance(x, np.ndarray):
            sources = [SparseSource(x, column, weights) for column in columns.T]
            return [
                fit(source, method=method, **options)
                for source, method in zip(sources, methods, strict=True)
            ]
        options |= {"weights": weights, "missing": "error"}
        if len(methods) > 1 and len(set(penalties)) == 1:
            return list(fit_many(x, columns, method=methods[0], **options).values())
        return [
            fit(x, column, method=method, **options)
            for column, method in zip(columns.T, methods, strict=True)
        ]
    except InputError:
        validate_data(
            estimator, x, y,
            reset=False, dtype=None, accept_sparse=_SPARSE, y_numeric=True, multi_output=True,
        )  # fmt: skip
        raise


def _keep(estimator: Any, fits: list[Fit], *, one: bool) -> None:
    """Store what scikit-learn expects, and no more: the estimator is pickled with the model."""
    solved = [_of_minimum_norm(fit) for fit in fits]
    first = int(bool(estimator.fit_intercept))
    coefficients = np.array([coefficients for coefficients, _ in solved])
    intercepts = np.array([intercept for _, intercept in solved])
    digits = np.array([fit.trusted_digits[first:] for fit in fits])
    errors = np.array([fit.standard_errors[first:] for fit in fits])
    # one target in a matrix of one column: scikit-learn's Ridge has flat coefficients too
    flat = one or (len(fits) == 1 and isinstance(estimator, Ridge))
    estimator.coef_ = coefficients[0] if flat else coefficients
    estimator.intercept_ = (float(intercepts[0]) if one else intercepts) if first else 0.0
    estimator.trusted_digits_ = digits[0] if flat else digits
    if isinstance(estimator, LinearRegression):  # a penalised fit is biased and has none
        estimator.standard_errors_ = errors[0] if one else errors
    estimator.rank_ = fits[0].rank - first
    said = {(finding.code, finding.sentence): finding for fit in fits for finding in fit.findings}
    estimator.findings_ = tuple(said.values())


def _of_minimum_norm(fit: Fit) -> tuple[Array, float]:
    """Return coefficients and intercept; of all that fit alike, those of the smallest norm."""
    solution = fit.solution
    coefficients = np.array(fit.coefficients[int(solution.intercept) :])
    if not solution.dependencies:
        return coefficients, fit.intercept
    names = {name: k for k, name in enumerate(fit.moments.names)}
    coefficients[np.isnan(coefficients)] = 0.0
    # Along each of these the fit does not change: a column less the combination that it equals.
    flat = np.zeros((len(coefficients), len(solution.dependencies)))
    for k, dependency in enumerate(solution.dependencies):
        flat[names[dependency.column], k] = 1.0
        for name, factor in dependency.combination.items():
            if name in names:
                flat[names[name], k] -= factor
    coefficients -= flat @ np.linalg.lstsq(flat, coefficients, rcond=None)[0]
    intercept = solution.target_mean - float(solution.predictor_means @ coefficients)
    return coefficients, intercept if solution.intercept else 0.0
