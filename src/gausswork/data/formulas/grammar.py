"""The grammar of formulas, as R and its followers have it: text becomes a target and terms.

``+`` and ``-`` add and remove terms, ``a:b`` is the product, ``a*b`` is ``a + b + a:b``, ``a/b`` is
``a + a:b``, ``(a + b)^2`` all products of up to two (Wilkinson & Rogers, 1973). Inside a function
the signs are arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gausswork.data.formulas.expressions import (
    ALIASES,
    FUNCTIONS,
    Call,
    Column,
    Expression,
    Negative,
    Number,
    Operation,
    columns_in,
)
from gausswork.data.formulas.tokens import (
    END,
    NAME,
    NUMBER,
    SIGN,
    STRING,
    FormulaError,
    Token,
    complain,
    tokens_of,
)
from gausswork.data.kinds import nearest

MOST_DEPTH = 50  # of brackets
MOST_TERMS = 2_000
MOST_DEGREE = 30

TREATMENT = "treatment"
SUM = "sum"
_CONTRASTS = {
    "Treatment": TREATMENT,
    "treatment": TREATMENT,
    "contr.treatment": TREATMENT,
    "Sum": SUM,
    "sum": SUM,
    "contr.sum": SUM,
}


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

SCALINGS = ("center", "scale", "standardize")
_TERM_FUNCTIONS = ("C", "I", "Q", "poly", *SCALINGS)


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


@dataclass(slots=True)
class _Terms:
    """Terms under construction; ``intercept`` is None where nothing was said of it."""

    listed: dict[frozenset[Factor], Term] = field(default_factory=dict)
    intercept: bool | None = None


def parse(text: str, others: Sequence[str] = (), *, names: Sequence[str] | None = None) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text : such as ``"y ~ a + C(kind) + log(c)"``.
    others : what ``.`` stands for: the columns that are not in the target.
    names : the columns of the data, to refuse others; None checks none.

    Raises
    ------
    FormulaError
        The formula cannot be read, or names what is not there; it points at the character.
    """
    return _Reader(text, others, names).formula()


def target_columns(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns left of ``~``: those that ``.`` does not stand for."""
    reader = _Reader(text, (), names)
    return tuple(dict.fromkeys(columns_in(reader.left_side())))


def factor_columns(factor: Factor) -> tuple[str, ...]:
    """Return the columns that a factor reads, each once."""
    if isinstance(factor, Plain | Category):
        return (factor.column,)
    return tuple(dict.fromkeys(columns_in(factor.expression)))


class _Reader:
    """A descent through the tokens, one method for each level of the grammar."""

    def __init__(self, text: str, others: Sequence[str], names: Sequence[str] | None) -> None:
        self.text = text
        self.others = others
        self.names = names
        self.tokens = tokens_of(text)
        self.at = 0
        self.depth = 0
        self.lone_powers: list[str] = []

    # -- the whole ------------------------------------------------------------------------

    def formula(self) -> Formula:
        target = self.left_side()
        if self.here.kind == END:
            raise self.wrong("there is nothing after ~. Write the terms, or 1 for the mean alone")
        terms = self.sum()
        if self.here.kind != END:
            if self.here.text == "~":
                raise self.wrong("a second ~. A formula has one, between target and terms")
            raise self.unexpected("+ or another sign")
        intercept = terms.intercept if terms.intercept is not None else True
        ordered = sorted(terms.listed.values(), key=len)
        return Formula(self.text, target, tuple(ordered), intercept, tuple(self.lone_powers))

    def left_side(self) -> Expression:
        if self.here.text == "~" and self.here.kind == SIGN:
            raise self.wrong("the target is missing before ~, as in y ~ x")
        target = self.arithmetic()
        if not self.take("~"):
            raise self.unexpected("~ between target and terms")
        if not any(True for _ in columns_in(target)):
            raise complain(self.text, 0, "the target reads no column of the data.")
        return target

    # -- terms ----------------------------------------------------------------------------

    def sum(self) -> _Terms:
        self.deeper()
        total = _Terms()
        sign = "-" if self.take("-") else "+"
        if sign == "+":
            self.take("+")
        while True:
            part = self.product()
            if sign == "+":
                total.listed.update({k: v for k, v in part.listed.items() if k not in total.listed})
                if part.intercept is not None:
                    total.intercept = part.intercept
            else:
                for key in part.listed:
                    total.listed.pop(key, None)
                if part.intercept is not None:
                    total.intercept = not part.intercept
            if len(total.listed) > MOST_TERMS:
                raise self.wrong(f"the formula has more than {MOST_TERMS} terms")
            if self.take("+"):
                sign = "+"
            elif self.take("-"):
                sign = "-"
            else:
                self.depth -= 1
                return total

    def product(self) -> _Terms:
        """``a*b`` and ``a/b``."""
        left = self.interaction()
        while self.here.text in ("*", "/") and self.here.kind == SIGN:
            sign = self.next()
            right = self.interaction()
            self.no_numbers(sign, left, right)
            if sign.text == "*":
                crossed = _crossed(left, right)
                merged = {**left.listed, **right.listed, **crossed.listed}
            else:
                # a/b: a + a:b, where a stands for all its factors together.
                whole = tuple(dict.fromkeys(f for term in left.listed.values() for f in term))
                nested = _crossed(_Terms({frozenset(whole): whole}), right)
                merged = {**left.listed, **nested.listed}
            left = _Terms(merged)
            self.limit(left)
        return left

    def interaction(self) -> _Terms:
        """``a:b``; ``a %in% b`` is the same."""
        left = self.power()
        while self.here.text in (":", "%in%") and self.here.kind == SIGN:
            sign = self.next()
            right = self.power()
            self.no_numbers(sign, left, right)
            left = _crossed(left, right)
            self.limit(left)
        return left

    def power(self) -> _Terms:
        start = self.here
        base = self.atom()
        if not (self.here.text == "^" and self.here.kind == SIGN):
            return base
        sign = self.next()
        degree = self.here
        if degree.kind != NUMBER or not degree.text.isdigit() or not 1 <= int(degree.text) <= 20:
            raise self.wrong(
                "between terms ^ needs a whole number from 1 to 20: (a + b)^2 is a + b + a:b. "
                "For arithmetic write I(x^2) or poly(x, 2)"
            )
        self.next()
        self.no_numbers(sign, base)
        if len(base.listed) == 1 and int(degree.text) > 1:
            self.lone_powers.append(self.text[start.start : degree.end])
        power = base
        for _ in range(int(degree.text) - 1):
            power = _Terms({**power.listed, **_crossed(power, base).listed})
            self.limit(power)
        return power

    def atom(self) -> _Terms:
        token = self.here
        if token.kind == NUMBER:
            if token.text not in ("0", "1"):
                raise self.wrong(
                    f"{token.text} as a term: only 1 (the intercept) and 0 (without it) can stand "
                    "here. For arithmetic write I(2 * x)"
                )
            self.next()
            return _Terms(intercept=token.text == "1")
        if self.take("("):
            inside = self.sum()
            self.close(token)
            return inside
        if self.take("."):
            return _Terms({frozenset((f,)): (f,) for f in map(Plain, self.others)})
        if token.kind == NAME:
            factor = self.factor()
            return _Terms({frozenset((factor,)): (factor,)})
        raise self.unexpected("a column, a function, 1, 0 or (")

    def factor(self) -> Factor:
        token = self.next()
        if token.quoted or not (self.here.text == "(" and self.here.kind == SIGN):
            return Plain(self.column(token))
        name = token.text
        if name == "C":
            return self.category()
        if name == "Q":
            return Plain(self.quoted_name())
        if name == "poly":
            return self.polynomial()
        if name in SCALINGS:
            return self.scaled(name)
        if name == "I":
            bracket = self.next()
            expression = self.arithmetic()
            self.close(bracket)
        else:
            self.at -= 1  # the function is part of the arithmetic
            expression = self.call()
        self.reads_columns(expression, token)
        text = f"I({expression})" if name == "I" else str(expression)
        return Arithmetic(expression, text)

    def category(self) -> Category:
        bracket = self.next()
        name = self.name_argument("C(column)")
        contrast, reference = TREATMENT, None
        while self.take(","):
            if self.here.text == "reference":
                raise self.wrong("write the reference level as C(column, Treatment('level'))")
            token = self.here
            kind = _CONTRASTS.get(token.text) if token.kind == NAME else None
            if kind is None:
                raise self.wrong(
                    f"the contrast {token.text!r} is unknown. Known are Treatment, "
                    "Treatment('level') and Sum"
                )
            self.next()
            contrast = kind
            inner = self.here
            if self.take("(") and not self.take(")"):
                self.keyword("reference", "base")
                if kind == SUM or self.here.kind not in (STRING, NUMBER):
                    raise self.wrong("a reference level stands in quotes: Treatment('level')")
                reference = self.next().text
                self.close(inner)
        self.close(bracket)
        return Category(name, contrast, reference)

    def polynomial(self) -> Polynomial:
        bracket = self.next()
        start = self.here
        expression = self.arithmetic()
        self.reads_columns(expression, start)
        if not self.take(","):
            raise self.wrong("poly needs a degree, as in poly(x, 2)")
        self.keyword("degree")
        degree = self.here
        if degree.kind != NUMBER or not degree.text.isdigit():
            raise self.wrong("the degree of poly is a whole number, as in poly(x, 2)")
        if not 1 <= int(degree.text) <= MOST_DEGREE:
            raise self.wrong(f"the degree of poly lies between 1 and {MOST_DEGREE}")
        self.next()
        raw = True
        if self.take(","):
            self.keyword("raw")
            if self.here.text not in ("True", "TRUE", "False", "FALSE"):
                raise self.wrong("raw is True (powers) or False (orthogonal polynomials)")
            raw = self.next().text.lower() == "true"
        self.close(bracket)
        return Polynomial(expression, int(degree.text), raw)

    def scaled(self, function: str) -> Scaled:
        bracket = self.next()
        start = self.here
        expression = self.arithmetic()
        self.reads_columns(expression, start)
        self.close(bracket)
        return Scaled(function, expression)

    # -- arithmetic -----------------------------------------------------------------------

    def arithmetic(self) -> Expression:
        """Comparisons, sums, products, signs, powers: from loose to tight."""
        self.deeper()
        left = self.arithmetic_sum()
        if self.here.kind == SIGN and self.here.text in ("<", "<=", ">", ">=", "==", "!="):
            sign = self.next().text
            left = Operation(sign, left, self.arithmetic_sum())
        self.depth -= 1
        return left

    def arithmetic_sum(self) -> Expression:
        left = self.arithmetic_product()
        while self.here.kind == SIGN and self.here.text in ("+", "-"):
            left = Operation(self.next().text, left, self.arithmetic_product())
        return left

    def arithmetic_product(self) -> Expression:
        left = self.signed()
        while self.here.kind == SIGN and self.here.text in ("*", "/"):
            left = Operation(self.next().text, left, self.signed())
        return left

    def signed(self) -> Expression:
        negative = False
        while self.here.kind == SIGN and self.here.text in ("+", "-"):
            negative ^= self.next().text == "-"
        operand = self.arithmetic_power()
        return Negative(operand) if negative else operand

    def arithmetic_power(self) -> Expression:
        base = self.operand()
        if self.here.kind == SIGN and self.here.text == "^":
            self.next()
            self.deeper()
            exponent = self.signed()
            self.depth -= 1
            return Operation("^", base, exponent)
        return base

    def operand(self) -> Expression:
        token = self.here
        if token.kind == NUMBER:
            self.next()
            return Number(float(token.text))
        if self.take("("):
            inside = self.arithmetic()
            self.close(token)
            return inside
        if token.kind == NAME:
            following = self.tokens[self.at + 1]
            if token.quoted or not (following.text == "(" and following.kind == SIGN):
                self.next()
                return Column(self.column(token))
            return self.call()
        raise self.unexpected("a number, a column or a function")

    def call(self) -> Expression:
        token = self.next()
        name = token.text
        if name == "I":
            bracket = self.next()
            inside = self.arithmetic()
            self.close(bracket)
            return inside
        if name == "Q":
            return Column(self.quoted_name())
        if name in (*SCALINGS, "poly", "C"):
            raise complain(
                self.text, token.start,
                f"{name}() is a term of its own and cannot stand inside another function or in "
                "the target.",
            )  # fmt: skip
        function = name.removeprefix("numpy.").removeprefix("np.")
        function = ALIASES.get(function, function)
        if function not in FUNCTIONS:
            known = (*FUNCTIONS, *ALIASES, *_TERM_FUNCTIONS)
            guess = nearest(name, known)
            meant = f" Did you mean {guess}?" if guess else ""
            raise complain(
                self.text, token.start,
                f"{name!r} is not a function that a formula knows.{meant} A formula runs no code; "
                f"it knows {', '.join(sorted(known, key=str.lower))}.",
            )  # fmt: skip
        bracket = self.next()
        argument = self.arithmetic()
        self.close(bracket)
        return Call(function, argument)

    # -- helpers --------------------------------------------------------------------------

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != END:
            self.at += 1
        return token

    def take(self, sign: str) -> bool:
        if self.here.kind == SIGN and self.here.text == sign:
            self.at += 1
            return True
        return False

    def close(self, opened: Token) -> None:
        if self.take(")"):
            return
        if self.here.kind == END:
            raise complain(self.text, opened.start, "this bracket is never closed.")
        raise self.unexpected(") or a sign")

    def keyword(self, *known: str) -> None:
        """Pass over ``raw=`` and its like."""
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if self.here.kind == NAME and following.text == "=" and following.kind == SIGN:
            if self.here.text not in known:
                raise self.wrong(f"{self.here.text}= is not known here, only {known[0]}=")
            self.at += 2

    def name_argument(self, usage: str) -> str:
        token = self.here
        if token.kind != NAME:
            raise self.wrong(f"a column is needed here: {usage}")
        self.next()
        if token.text == "Q" and not token.quoted and self.here.text == "(":
            return self.quoted_name()
        return self.column(token)

    def quoted_name(self) -> str:
        bracket = self.next()
        token = self.here
        if token.kind != STRING:
            raise self.wrong('Q needs the name of a column in quotes: Q("a column")')
        self.next()
        self.close(bracket)
        return self.column(token)

    def column(self, token: Token) -> str:
        name = token.text
        if self.names is None or name in self.names:
            return name
        guess = nearest(name, self.names)
        meant = f" Did you mean {guess!r}?" if guess is not None else ""
        listed = ", ".join(map(repr, self.names[:12]))
        more = f" and {len(self.names) - 12} more" if len(self.names) > 12 else ""
        raise complain(
            self.text, token.start,
            f"the data has no column {name!r}.{meant} Its columns are {listed}{more}.",
        )  # fmt: skip

    def reads_columns(self, expression: Expression, token: Token) -> None:
        if not any(True for _ in columns_in(expression)):
            raise complain(
                self.text, token.start,
                "this term reads no column, so it is the same in every row. The intercept does "
                "that already.",
            )  # fmt: skip

    def no_numbers(self, sign: Token, *parts: _Terms) -> None:
        if any(part.intercept is not None for part in parts):
            raise complain(
                self.text, sign.start,
                f"0 and 1 speak of the intercept and cannot be joined by {sign.text}. For "
                "arithmetic write I(2 * x).",
            )  # fmt: skip

    def limit(self, terms: _Terms) -> None:
        if len(terms.listed) > MOST_TERMS:
            raise self.wrong(f"the formula has more than {MOST_TERMS} terms")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.wrong(f"the formula is nested more than {MOST_DEPTH} deep")

    def wrong(self, what: str) -> FormulaError:
        return complain(self.text, self.here.start, f"{what}.")

    def unexpected(self, wanted: str) -> FormulaError:
        if self.here.text == "|" and self.here.kind == SIGN:
            return self.wrong("random effects such as (1 | g) are beyond least squares")
        found = "the formula ends" if self.here.kind == END else f"{self.here.text!r} stands"
        return complain(self.text, self.here.start, f"{found} where {wanted} should be.")


def _crossed(left: _Terms, right: _Terms) -> _Terms:
    """Return every term of one side joined to every term of the other."""
    found: dict[frozenset[Factor], Term] = {}
    for a in left.listed.values():
        for b in right.listed.values():
            term = tuple(dict.fromkeys((*a, *b)))
            found.setdefault(frozenset(term), term)
            if len(found) > MOST_TERMS:
                break
    return _Terms(found)
