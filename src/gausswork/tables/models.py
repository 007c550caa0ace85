"""What a table says of a fit, or of robust errors beside one: the same questions to both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.leastsquares.fit import Fit

if TYPE_CHECKING:
    from gausswork.leastsquares.robust.covariance import Robust

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """One column of a table.

    Attributes
    ----------
    name : what the reader calls it.
    fit : the fit.
    robust : the errors shown, where they are not the ordinary ones.
    """

    name: str
    fit: Fit
    robust: Robust | None

    @property
    def errors(self) -> str:
        """Which standard errors are shown, in words."""
        if self.robust is None:
            return "ordinary"
        if self.robust.clusters:
            return f"clustered by {' and '.join(name for name, _ in self.robust.clusters)}"
        return self.robust.kind

    @property
    def standard_errors(self) -> Array:
        """Standard errors, (k,)."""
        return (self.fit if self.robust is None else self.robust).standard_errors

    @property
    def t_values(self) -> Array:
        """Estimates over errors, (k,)."""
        return (self.fit if self.robust is None else self.robust).t_values

    @property
    def p_values(self) -> Array:
        """Two-sided p-values, (k,)."""
        return (self.fit if self.robust is None else self.robust).p_values

    def confidence_intervals(self, level: float) -> Array:
        """Limits, (k, 2)."""
        return (self.fit if self.robust is None else self.robust).confidence_intervals(level)


def models_of(given: tuple[Any, ...], names: Any = None) -> list[Model]:
    """Return fits and robust errors as models; a dict of fits brings its names along.

    Raises
    ------
    InputError
        There is none, something is neither, or the names do not go with them.
    """
    from gausswork.leastsquares.robust.covariance import Robust

    if len(given) == 1 and isinstance(given[0], dict):
        names = list(given[0]) if names is None else names
        given = tuple(given[0].values())
    elif len(given) == 1 and isinstance(given[0], list | tuple):
        given = tuple(given[0])
    if not given:
        raise InputError("a table needs at least one fit.")
    for each in given:
        if not isinstance(each, Fit | Robust):
            raise InputError(
                f"a table takes fits, and robust errors of fits; got {type(each).__name__}."
            )
    if isinstance(names, str) or (names is not None and len(names) != len(given)):
        raise InputError(f"names needs one name for each of the {len(given)} fits; got {names!r}.")
    labels = [f"({k})" for k in range(1, len(given) + 1)] if names is None else map(str, names)
    return [
        Model(label, each if isinstance(each, Fit) else each.fit,
              None if isinstance(each, Fit) else each)
        for label, each in zip(labels, given, strict=True)
    ]  # fmt: skip
