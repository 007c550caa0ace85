"""Standardise columns to mean 0 and standard deviation 1, exactly, in parts, and back again.

The class follows the conventions of scikit-learn's transformers without importing it, so that it
works in its pipelines and passes its ``check_estimator``.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.normal import columns as reading
from gausswork.normal.spreads import Spreads

Array: TypeAlias = npt.NDArray[np.float64]

_SCALE_ONLY = (
    "Standardising changes location and scale, not shape: what was skewed stays as skewed, and no "
    "column becomes more bell-shaped by it."
)


class Standardizer:
    """Subtract each column's mean and divide by its standard deviation.

    This changes location and scale, not shape: a skewed column stays as skewed as it was.

    Parameters
    ----------
    center : whether to subtract the mean.
    scale : whether to divide by the standard deviation. A column that never varies is divided by
        1, so that it becomes 0 everywhere.
    ddof : the standard deviation has the divisor n − ddof; 0 as in scikit-learn, 1 as in a sample's
        estimate.

    Attributes
    ----------
    mean_, sd_, var_ : (p,) of the values seen, those that are missing aside.
    scale_ : (p,) what is divided by: ``sd_``, but 1 where it is 0.
    n_samples_seen_ : how many rows; an array (p,) of values where some are missing.
    n_features_in_ : p.
    feature_names_in_ : (p,) names of the columns, where they have some.

    Notes
    -----
    Values are taken about the first of their column, in two passes, and parts are joined by the
    update of Chan, Golub & LeVeque (1983): an offset of 10⁹ costs no digits of the spread.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1e9 + 1, 5.0], [1e9 + 2, 5.0], [1e9 + 3, 5.0]])
    >>> standardizer = Standardizer().fit(x)
    >>> standardizer.transform(x).round(4)
    array([[-1.2247,  0.    ],
           [ 0.    ,  0.    ],
           [ 1.2247,  0.    ]])
    >>> bool((standardizer.inverse_transform(standardizer.transform(x)) == x).all())
    True
    """

    mean_: Array
    sd_: Array
    var_: Array
    scale_: Array
    n_samples_seen_: Any
    n_features_in_: int

    def __init__(self, *, center: bool = True, scale: bool = True, ddof: int = 0) -> None:
        self.center = center
        self.scale = scale
        self.ddof = ddof

    def fit(self, X: Any, y: Any = None) -> Standardizer:  # noqa: N803 - scikit-learn's name
        """Learn means and standard deviations; what was learnt before is forgotten.

        Parameters
        ----------
        X : (n, p) numbers; NaN is left out, column by column.
        y : not used; there for pipelines.
        """
        for name in ("_spreads", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)
        return self.partial_fit(X, y)

    def partial_fit(self, X: Any, y: Any = None) -> Standardizer:  # noqa: N803
        """Learn from some more rows.

        Parameters
        ----------
        X : (m, p) rows, in any order and any number of parts.
        y : not used.
        """
        if self.ddof not in (0, 1):
            raise InputError(f"ddof must be 0 or 1; got {self.ddof!r}.")
        x, names = reading.as_matrix(X)
        seen: Spreads | None = getattr(self, "_spreads", None)
        if seen is None:
            if names is not None:
                self.feature_names_in_ = names
            self._keep(Spreads.of(x))
        else:
            self._check_columns(x, names)
            self._keep(seen.merge(Spreads.of(x)))
        return self

    def merge(self, other: Standardizer) -> Standardizer:
        """Return the standardizer of both parts of the data; neither is changed.

        Parameters
        ----------
        other : fitted on columns of the same number and names.
        """
        self._check_fitted()
        other._check_fitted()
        if other.n_features_in_ != self.n_features_in_:
            raise InputError(
                f"the other standardizer has {other.n_features_in_} columns, this one "
                f"{self.n_features_in_}: they are no parts of one table."
            )
        mine = getattr(self, "feature_names_in_", None)
        theirs = getattr(other, "feature_names_in_", None)
        if mine is not None and theirs is not None and list(mine) != list(theirs):
            raise InputError("the columns of the other standardizer have other names.")
        both = Standardizer(**self.get_params())
        if mine is not None:
            both.feature_names_in_ = mine
        both._keep(self._spreads.merge(other._spreads))
        return both

    def transform(self, X: Any) -> npt.NDArray[np.floating]:  # noqa: N803
        """Return standardised rows; missing values stay missing.

        Parameters
        ----------
        X : (m, p) rows. They are not written to; float32 stays float32.
        """
        self._check_fitted()
        x, names = reading.as_matrix(X)
        self._check_columns(x, names)
        spreads = self._spreads
        z = np.asarray(x, dtype=np.float64)
        if self.center:
            # about the shift first: the mean itself has fewer digits than the difference
            z = (z - spreads.shift) - spreads.offset
        z = z / self.scale_ if self.scale else np.array(z)
        return z.astype(x.dtype) if x.dtype == np.float32 else z

    def fit_transform(self, X: Any, y: Any = None) -> npt.NDArray[np.floating]:  # noqa: N803
        """Learn from rows and return them standardised."""
        return self.fit(X, y).transform(X)

    def inverse_transform(self, X: Any) -> npt.NDArray[np.floating]:  # noqa: N803
        """Return standardised rows in their units.

        Parameters
        ----------
        X : (m, p) rows as :meth:`transform` returns them.
        """
        self._check_fitted()
        z, _ = reading.as_matrix(X)
        self._check_columns(z, None, warn=False)
        x = np.asarray(z, dtype=np.float64)
        x = x * self.scale_ if self.scale else np.array(x)
        if self.center:
            x = (x + self._spreads.offset) + self._spreads.shift
        return x.astype(z.dtype) if z.dtype == np.float32 else x

    def summary(self) -> str:
        """Return means and standard deviations as a table, and what standardising does not do."""
        self._check_fitted()
        names = self.get_feature_names_out()
        width = max(fmt.cell_width(fmt.visible(str(name), limit=24)) for name in names)
        lines = [f"{'':{width}}  {'mean':>12}  {'sd':>12}"]
        for name, mean, sd in zip(names, self.mean_, self.sd_, strict=True):
            shown = fmt.pad(fmt.visible(str(name), limit=24), width)
            never = "" if sd > 0.0 else "  never varies: becomes 0"
            lines.append(
                f"{shown}  {fmt.significant(float(mean), 6):>12}  "
                f"{fmt.significant(float(sd), 6):>12}{never}"
            )
        return "\n".join([*lines, "", _SCALE_ONLY])

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Return the names of the columns, which do not change."""
        self._check_fitted()
        known = getattr(self, "feature_names_in_", None)
        if input_features is not None:
            given = np.asarray(input_features, dtype=object)
            if known is not None and list(given) != list(known):
                raise InputError("input_features is not equal to feature_names_in_")
            if len(given) != self.n_features_in_:
                raise InputError(
                    "input_features should have length equal to number of features "
                    f"({self.n_features_in_}), got {len(given)}"
                )
            return given
        if known is not None:
            return np.asarray(known, dtype=object)
        return np.array([f"x{k}" for k in range(self.n_features_in_)], dtype=object)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"center": self.center, "ddof": self.ddof, "scale": self.scale}

    def set_params(self, **params: Any) -> Standardizer:
        """Set arguments of the constructor."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise InputError(
                    f"Standardizer has no parameter {name!r}. Its parameters are "
                    f"{', '.join(known)}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = Standardizer().get_params()
        given = {k: v for k, v in self.get_params().items() if v != defaults[k]}
        return f"Standardizer({', '.join(f'{k}={v!r}' for k, v in given.items())})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_spreads")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float64", "float32"]),
            input_tags=InputTags(allow_nan=True),
        )

    def _keep(self, spreads: Spreads) -> None:
        self._spreads = spreads
        self.n_features_in_ = len(spreads.count)
        count = spreads.count
        same = bool((count == count[0]).all())
        self.n_samples_seen_ = int(count[0]) if same else count.copy()
        self.mean_ = spreads.mean
        self.sd_ = spreads.sd(self.ddof)
        with np.errstate(over="ignore"):
            self.var_ = self.sd_**2
        self.scale_ = np.where((self.sd_ > 0.0) | np.isnan(self.sd_), self.sd_, 1.0)

    def _check_fitted(self) -> None:
        if not hasattr(self, "_spreads"):
            raise _not_fitted()

    def _check_columns(self, x: Any, names: Any, *, warn: bool = True) -> None:
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None and list(names) != list(known):
            raise InputError(reading.other_names(list(known), list(names)))
        if x.shape[1] != self.n_features_in_:
            raise InputError(
                f"X has {x.shape[1]} features, but Standardizer is expecting "
                f"{self.n_features_in_} features as input"
            )
        if warn and (names is None) != (known is None):
            missing, where = (
                ("X does not have valid feature names, but", "fitted with")
                if names is None
                else ("X has feature names, but", "fitted without")
            )
            warnings.warn(
                f"{missing} Standardizer was {where} feature names", UserWarning, stacklevel=3
            )


def _not_fitted() -> Exception:
    """Return an error that scikit-learn knows too, where it is loaded."""
    text = (
        "This Standardizer instance is not fitted yet. Call 'fit' with appropriate arguments "
        "before using this estimator."
    )
    exceptions = sys.modules.get("sklearn.exceptions")
    if exceptions is None:
        return NotFittedYetError(text)
    both = type("NotFittedYetError", (NotFittedYetError, exceptions.NotFittedError), {})
    error: Exception = both(text)
    return error


class NotFittedYetError(InputError, AttributeError):
    """A standardizer is asked to transform before it has seen any data."""
