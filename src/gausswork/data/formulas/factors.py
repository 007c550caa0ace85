"""What a formula says once it is read: a target and terms, each a product of factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gausswork.data.formulas.expressions import Expression, columns_in

TREATMENT = "treatment"
SUM = "sum"
SCALINGS = ("center", "scale", "standardize")


@dataclass(frozen=True, slots=True)
class Plain:
    """A column as it is: numbers, or a category, whatever the data holds."""

    column: str

    def __str__(self) -> str:
        return self.column


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Numbers computed from columns: ``log(c)``, ``I(a^2)``."""

    expression: Expression
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Category:
    """A column taken as a category: ``C(kind)``, ``C(kind, Sum)``, ``C(kind, Treatment("b"))``."""

    column: str
    contrast: str = TREATMENT
    reference: str | None = None

    def __str__(self) -> str:
        if self.reference is not None:
            return f"C({self.column}, Treatment({self.reference!r}))"
        return f"C({self.column}, Sum)" if self.contrast == SUM else f"C({self.column})"


@dataclass(frozen=True, slots=True)
class Polynomial:
    """``poly(x, k)``: the powers of x up to k, or with ``raw=False`` orthogonal polynomials."""

    expression: Expression
    degree: int
    raw: bool = True

    def __str__(self) -> str:
        kind = "" if self.raw else ", raw=False"
        return f"poly({self.expression}, {self.degree}{kind})"


@dataclass(frozen=True, slots=True)
class Scaled:
    """``center(x)``, ``scale(x)`` or ``standardize(x)``: by mean and spread of the fitted rows."""

    function: str
    expression: Expression

    def __str__(self) -> str:
        return f"{self.function}({self.expression})"


Factor: TypeAlias = Plain | Arithmetic | Category | Polynomial | Scaled
Term: TypeAlias = tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """What a formula says, before any data is looked at.

    Attributes
    ----------
    text : as it was written.
    target : the expression to the left of ``~``.
    terms : the terms to the right in the order of R (main effects first), without the intercept.
    intercept : whether there is one.
    lone_powers : terms such as ``x^2`` of one column, which the grammar reads as ``x``.
    """

    text: str
    target: Expression
    terms: tuple[Term, ...]
    intercept: bool
    lone_powers: tuple[str, ...] = ()

    @property
    def factors(self) -> tuple[Factor, ...]:
        """All factors, each once, in the order of their first appearance."""
        return tuple(dict.fromkeys(factor for term in self.terms for factor in term))


def factor_columns(factor: Factor) -> tuple[str, ...]:
    """Return the columns that a factor reads, each once."""
    if isinstance(factor, Plain | Category):
        return (factor.column,)
    return tuple(dict.fromkeys(columns_in(factor.expression)))
