"""Several fits side by side: estimates with their errors below, and what each fit is worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gausswork import formatting as fmt
from gausswork.data.kinds import listed
from gausswork.errors import InputError
from gausswork.tables.grid import Grid
from gausswork.tables.models import Model, models_of

_STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_TRUSTED = 10.0  # digits that robust errors have at least


def table(
    *fits: Any,
    names: Sequence[str] | None = None,
    stars: bool = False,
    terms: Sequence[str] | None = None,
    title: str = "",
) -> Grid:
    """Put several fits side by side.

    Parameters
    ----------
    fits : fits, or robust errors of fits; or one dict of them by name.
    names : heads of the columns; by default (1), (2), …
    stars : whether to mark p-values below 0.05, 0.01 and 0.001 by stars. They invite to read more
        into a threshold than it says, so nothing is marked unasked.
    terms : which terms to show, in this order; by default all, the intercept last.
    title : one line above the table.

    Returns
    -------
    Grid
        ``print`` it, or call ``.html()``, ``.markdown()``, ``.latex()`` or ``.csv()``.

    Raises
    ------
    InputError
        Something is not a fit, or a term is in none of them.

    Examples
    --------
    >>> import gausswork as gw
    >>> data = {"a": [1, 2, 3, 4, 5], "b": [2, 1, 2, 1, 1], "y": [1, 3, 2, 5, 4]}
    >>> print(gw.table(gw.fit(data, "y", features="a"), gw.fit(data, "y")).csv().splitlines()[1])
    a,estimate,0.8000,0.4500
    """
    if not isinstance(stars, bool):
        raise InputError(f"stars must be True or False; got {stars!r}.")
    models = models_of(fits, names)
    found = list(dict.fromkeys(name for model in models for name in model.fit.names))
    shown = [n for n in found if n != "intercept"] + [n for n in found if n == "intercept"]
    if terms is not None:
        for name in terms:
            if name not in found:
                raise InputError(
                    f"none of the fits has a term {name!r}. Their terms are {listed(found)}."
                )
        shown = list(terms)
    rows: list[tuple[str, ...]] = []
    plain = [("term", "", *(fmt.visible(model.name) for model in models))]
    for name in shown:
        cells = [_cells(model, name, stars) for model in models]
        rows.append((fmt.visible(name), *(estimate for estimate, _ in cells)))
        rows.append(("", *(f"({error})" if error else "" for _, error in cells)))
        plain.append((rows[-2][0], "estimate", *rows[-2][1:]))
        plain.append((rows[-2][0], "std. error", *(error for _, error in cells)))
    rows.append(())
    for label, text in _FIGURES.items():
        if label != "target" or len({model.fit.target for model in models}) > 1:
            rows.append((label, *(text(model) for model in models)))
            plain.append((label, "", *rows[-1][1:]))
    notes = [("( )", "standard errors")]
    if stars:
        notes.append(("*", "p < 0.05, ** p < 0.01, *** p < 0.001"))
    targets = list(dict.fromkeys(model.fit.target for model in models))
    if not title:
        title = f"{', '.join(map(fmt.visible, targets))}: {len(models)} fits" \
            if len(models) > 1 else f"{fmt.visible(targets[0])}: one fit"  # fmt: skip
    heads = ("", *(fmt.visible(model.name) for model in models))
    return Grid(title, heads, tuple(rows), tuple(notes), plain=tuple(plain))


def _cells(model: Model, name: str, stars: bool) -> tuple[str, str]:
    """Return the texts of an estimate and of its error."""
    fit = model.fit
    if name not in fit.names:
        return "", ""
    i = fit.names.index(name)
    value, error = float(fit.coefficients[i]), float(model.standard_errors[i])
    if math.isnan(value):
        return "aliased", ""
    trusted = float(fit.trusted_digits[i])
    of_error = _TRUSTED if model.robust is not None else float(fit.standard_error_digits[i])
    estimate = fmt.estimate(value, error, trusted)
    if stars:
        p = float(model.p_values[i])
        estimate += next((mark for limit, mark in _STARS if p < limit), "")
    return estimate, fmt.standard_error(error, of_error) if math.isfinite(error) else ""


_FIGURES: dict[str, Callable[[Model], str]] = {
    "target": lambda model: fmt.visible(model.fit.target),
    "rows": lambda model: f"{model.fit.rows}",
    "R²": lambda model: fmt.significant(model.fit.r_squared, 4),
    "adjusted R²": lambda model: fmt.significant(model.fit.adjusted_r_squared, 4),
    "residual sd": lambda model: fmt.significant(model.fit.residual_sd, 4),
    "AIC": lambda model: fmt.criterion(model.fit.aic),
    "BIC": lambda model: fmt.criterion(model.fit.bic),
    "errors": lambda model: fmt.visible(model.errors),
}
