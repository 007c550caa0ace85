"""Tidy frames of coefficients and of model figures, in the reader's own library."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from gausswork.data.kinds import listed
from gausswork.errors import InputError, require
from gausswork.leastsquares.inference import check_level
from gausswork.tables.models import Model, models_of

LIBRARIES = ("pandas", "polars", "pyarrow")
_DESCRIBED = {"pandas ": "pandas", "polars ": "polars", "Arrow ": "pyarrow"}


def tidy(
    *fits: Any,
    names: Sequence[str] | None = None,
    level: float = 0.95,
    library: str | None = None,
) -> Any:
    """Return the coefficients of fits as a data frame, one row a term and fit.

    Parameters
    ----------
    fits : fits, or robust errors of fits; or one dict of them by name.
    names : what the column ``model`` calls them; by default (1), (2), …
    level : of the intervals, in (0, 1).
    library : ``"pandas"``, ``"polars"`` or ``"pyarrow"``; by default that of the data that was
        fitted, else one that is loaded, else pyarrow.

    Returns
    -------
    A frame with the columns model, target, term, estimate, standard_error, t, p, lower, upper,
    trusted_digits, errors. What is undefined is NaN.
    """
    models, level = models_of(fits, names), check_level(level)
    columns: dict[str, list[Any]] = {name: [] for name in (
        "model", "target", "term", "estimate", "standard_error", "t", "p", "lower", "upper",
        "trusted_digits", "errors",
    )}  # fmt: skip
    for model in models:
        fit, k = model.fit, len(model.fit.names)
        limits = model.confidence_intervals(level)
        columns["model"] += [model.name] * k
        columns["target"] += [fit.target] * k
        columns["term"] += fit.names
        columns["estimate"] += fit.coefficients.tolist()
        columns["standard_error"] += model.standard_errors.tolist()
        columns["t"] += model.t_values.tolist()
        columns["p"] += model.p_values.tolist()
        columns["lower"] += limits[:, 0].tolist()
        columns["upper"] += limits[:, 1].tolist()
        columns["trusted_digits"] += fit.trusted_digits.tolist()
        columns["errors"] += [model.errors] * k
    return _frame(columns, library, models)


def glance(*fits: Any, names: Sequence[str] | None = None, library: str | None = None) -> Any:
    """Return the figures of fits as a data frame, one row a fit.

    Parameters
    ----------
    fits, names, library : as in :func:`tidy`.

    Returns
    -------
    A frame with the columns model, target, rows, rank, degrees_of_freedom, r_squared,
    adjusted_r_squared, residual_sd, f, f_p, log_likelihood, aic, bic, weights, errors.
    """
    models = models_of(fits, names)
    fitted = [model.fit for model in models]
    columns: dict[str, list[Any]] = {
        "model": [model.name for model in models],
        "target": [fit.target for fit in fitted],
        "rows": [fit.rows for fit in fitted],
        "rank": [fit.rank for fit in fitted],
        "degrees_of_freedom": [fit.degrees_of_freedom for fit in fitted],
        "r_squared": [fit.r_squared for fit in fitted],
        "adjusted_r_squared": [fit.adjusted_r_squared for fit in fitted],
        "residual_sd": [fit.residual_sd for fit in fitted],
        "f": [fit.f_test.statistic for fit in fitted],
        "f_p": [fit.f_test.p_value for fit in fitted],
        "log_likelihood": [fit.log_likelihood for fit in fitted],
        "aic": [fit.aic for fit in fitted],
        "bic": [fit.bic for fit in fitted],
        "weights": [fit.weights or "" for fit in fitted],
        "errors": [model.errors for model in models],
    }
    return _frame(columns, library, models)


def _frame(columns: dict[str, list[Any]], library: str | None, models: list[Model]) -> Any:
    if library is not None and library not in LIBRARIES:
        raise InputError(f"library must be one of {listed(LIBRARIES)}; got {library!r}.")
    name = library or library_of([model.fit.description for model in models])
    if name == "pyarrow":
        return require("pyarrow", purpose="Arrow tables", extra="pyarrow").table(columns)
    return require(name, purpose="Data frames", extra=name).DataFrame(columns)


def library_of(descriptions: Sequence[str]) -> str:
    """Return the library of the data that was fitted, or one that is at hand."""
    for description in descriptions:
        for beginning, library in _DESCRIBED.items():
            if description.startswith(beginning):
                return library
    return next((name for name in ("pandas", "polars") if name in sys.modules), "pyarrow")
