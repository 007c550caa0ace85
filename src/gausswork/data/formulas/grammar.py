"""The grammar of formulas, as R and its followers have it: text becomes a target and terms.

``+`` and ``-`` add and remove terms, ``a:b`` is the product, ``a*b`` is ``a + b + a:b``, ``a/b`` is
``a + a:b``, ``(a + b)^2`` all products of up to two (Wilkinson & Rogers, 1973). Inside a function
the signs are arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gausswork.data.formulas.arithmetic import ArithmeticReader
from gausswork.data.formulas.expressions import Expression, columns_in
from gausswork.data.formulas.factors import (
    SCALINGS,
    SUM,
    TREATMENT,
    Arithmetic,
    Category,
    Factor,
    Formula,
    Plain,
    Polynomial,
    Scaled,
    Term,
)
from gausswork.data.formulas.tokens import (
    END,
    NAME,
    NUMBER,
    SIGN,
    STRING,
    Token,
    complain,
)

MOST_TERMS = 2_000
MOST_DEGREE = 30

_CONTRASTS = {
    "Treatment": TREATMENT,
    "treatment": TREATMENT,
    "contr.treatment": TREATMENT,
    "Sum": SUM,
    "sum": SUM,
    "contr.sum": SUM,
}


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


class _Reader(ArithmeticReader):
    """A descent through the tokens, one method for each level of the grammar."""

    def __init__(self, text: str, others: Sequence[str], names: Sequence[str] | None) -> None:
        super().__init__(text, names)
        self.others = others
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

    # -- limits -----------------------------------------------------------------------------

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
