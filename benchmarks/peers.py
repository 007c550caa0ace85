"""The contestants: each takes predictors and target and returns coefficients, intercept first.

Peers that want the column of ones in the table get it ready-made, outside the measured time; the
lines of a tutorial add it themselves, as everybody who types them must.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

import gausswork as gw
from benchmarks.common import kernels

Array: TypeAlias = npt.NDArray[np.floating]
Fitter: TypeAlias = Callable[[], Array]


@dataclass(frozen=True, slots=True)
class Data:
    """A problem for everybody.

    Attributes
    ----------
    x : (n, p) predictors.
    y : (n,) target.
    table : (n, k) what goes to those who build no intercept themselves: x, with ones if asked for.
    intercept : whether there is one.
    """

    x: Array
    y: Array
    table: Array
    intercept: bool

    @classmethod
    def of(cls, x: Array, y: Array, *, intercept: bool = True, ones: bool = True) -> Data:
        """Prepare the table with the column of ones, in the memory order of x.

        ``ones=False`` leaves it out where no contestant needs it.
        """
        if not intercept or not ones:
            return cls(x, y, x, intercept)
        order = "F" if x.flags.f_contiguous and not x.flags.c_contiguous else "C"
        table = np.empty((len(x), x.shape[1] + 1), x.dtype, order=order)
        table[:, 0] = 1
        table[:, 1:] = x
        return cls(x, y, table, intercept)


def ours(data: Data, *, digits: float | None = None, threads: int | None = None) -> gw.Fit:
    """Fit with gausswork."""
    method = gw.NormalEquation(digits=digits)
    return gw.fit(data.x, data.y, intercept=data.intercept, method=method, threads=threads)


def _ours(data: Data) -> Array:
    return ours(data).coefficients


def _ours_15(data: Data) -> Array:
    return ours(data, digits=15.0).coefficients


def _ours_numpy(data: Data) -> Array:
    with kernels("numpy"):
        return ours(data).coefficients


def _scikit_learn(data: Data) -> Array:
    from sklearn.linear_model import LinearRegression

    fit = LinearRegression(fit_intercept=data.intercept).fit(data.x, data.y)
    return np.append(fit.intercept_, fit.coef_) if data.intercept else np.asarray(fit.coef_)


def _adapter(data: Data) -> Array:
    from gausswork.sklearn import LinearRegression

    fit = LinearRegression(fit_intercept=data.intercept).fit(data.x, data.y)
    return np.append(fit.intercept_, fit.coef_) if data.intercept else np.asarray(fit.coef_)


def _statsmodels(method: str) -> Callable[[Data], Array]:
    def fit(data: Data) -> Array:
        import statsmodels.api as sm

        return np.asarray(sm.OLS(data.y, data.table).fit(method=method).params)

    return fit


def _lstsq(data: Data) -> Array:
    return np.linalg.lstsq(data.table, data.y, rcond=None)[0]


def _numpy_qr(data: Data) -> Array:
    q, r = np.linalg.qr(data.table)
    return np.linalg.solve(r, q.T @ data.y)


def textbook(data: Data) -> Array:
    """Return inv(X'X) X'y, the cheaper product first."""
    return np.linalg.inv(data.table.T @ data.table) @ (data.table.T @ data.y)


def tutorial(data: Data) -> Array:
    """Return inv(X'X) X'y as tutorials write it: the ones added to X, products from the left."""
    x = np.column_stack([np.ones(len(data.x), data.x.dtype), data.x]) if data.intercept else data.x
    return np.linalg.inv(x.T @ x) @ x.T @ data.y


FITTERS: dict[str, Callable[[Data], Array]] = {
    "gausswork": _ours,
    "gausswork, 15 digits": _ours_15,
    "gausswork without compiler": _ours_numpy,
    "gausswork.sklearn": _adapter,
    "scikit-learn": _scikit_learn,
    "statsmodels pinv": _statsmodels("pinv"),
    "statsmodels QR": _statsmodels("qr"),
    "NumPy lstsq": _lstsq,
    "NumPy QR": _numpy_qr,
    "textbook inv(X'X)": textbook,
    "tutorial": tutorial,
}


def quietly(fitter: Callable[[Data], Array], data: Data) -> tuple[Array, str]:
    """Fit and return the coefficients and what was said about it: warnings, findings, errors.

    A refusal gives NaN.
    """
    width = data.x.shape[1] + int(data.intercept)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            found = np.asarray(fitter(data), dtype=np.float64)
        except (np.linalg.LinAlgError, ValueError, ArithmeticError) as error:
            return np.full(width, np.nan), f"{type(error).__name__}: {error}"
    return found, "; ".join(sorted({str(w.message).splitlines()[0] for w in caught}))
