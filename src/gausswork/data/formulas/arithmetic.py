"""Reading a formula's tokens: where the reader stands, and the arithmetic between columns."""

from __future__ import annotations

from collections.abc import Sequence

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
from gausswork.data.formulas.factors import SCALINGS
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

_TERM_FUNCTIONS = ("C", "I", "Q", "poly", *SCALINGS)


class Cursor:
    """A place among the tokens of a formula, and what may stand there.

    Parameters
    ----------
    text : the formula.
    names : the columns of the data, to refuse others; None checks none.
    """

    def __init__(self, text: str, names: Sequence[str] | None) -> None:
        self.text = text
        self.names = names
        self.tokens = tokens_of(text)
        self.at = 0
        self.depth = 0

    @property
    def here(self) -> Token:
        """The token at this place."""
        return self.tokens[self.at]

    def next(self) -> Token:
        """Return the token at this place and pass over it; the end is never passed."""
        token = self.tokens[self.at]
        if token.kind != END:
            self.at += 1
        return token

    def take(self, sign: str) -> bool:
        """Pass over a sign if it stands here; say whether it did."""
        if self.here.kind == SIGN and self.here.text == sign:
            self.at += 1
            return True
        return False

    def close(self, opened: Token) -> None:
        """Pass over the bracket that closes one."""
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
        """Return the column named by an argument, plain or by ``Q``."""
        token = self.here
        if token.kind != NAME:
            raise self.wrong(f"a column is needed here: {usage}")
        self.next()
        if token.text == "Q" and not token.quoted and self.here.text == "(":
            return self.quoted_name()
        return self.column(token)

    def quoted_name(self) -> str:
        """Return the column named in ``Q("…")``, from its bracket on."""
        bracket = self.next()
        token = self.here
        if token.kind != STRING:
            raise self.wrong('Q needs the name of a column in quotes: Q("a column")')
        self.next()
        self.close(bracket)
        return self.column(token)

    def column(self, token: Token) -> str:
        """Return the column that a token names, if the data has it."""
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
        """Refuse a term that is the same in every row."""
        if not any(True for _ in columns_in(expression)):
            raise complain(
                self.text, token.start,
                "this term reads no column, so it is the same in every row. The intercept does "
                "that already.",
            )  # fmt: skip

    def deeper(self) -> None:
        """Count one more level of brackets."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.wrong(f"the formula is nested more than {MOST_DEPTH} deep")

    def wrong(self, what: str) -> FormulaError:
        """Return the complaint about what stands here."""
        return complain(self.text, self.here.start, f"{what}.")

    def unexpected(self, wanted: str) -> FormulaError:
        """Return the complaint that something else was wanted here."""
        if self.here.text == "|" and self.here.kind == SIGN:
            return self.wrong("random effects such as (1 | g) are beyond least squares")
        found = "the formula ends" if self.here.kind == END else f"{self.here.text!r} stands"
        return complain(self.text, self.here.start, f"{found} where {wanted} should be.")


class ArithmeticReader(Cursor):
    """A descent through arithmetic, one method for each level: from loose to tight."""

    def arithmetic(self) -> Expression:
        """Read comparisons, sums, products, signs and powers."""
        self.deeper()
        left = self.arithmetic_sum()
        if self.here.kind == SIGN and self.here.text in ("<", "<=", ">", ">=", "==", "!="):
            sign = self.next().text
            left = Operation(sign, left, self.arithmetic_sum())
        self.depth -= 1
        return left

    def arithmetic_sum(self) -> Expression:
        """Read ``a + b - c``."""
        left = self.arithmetic_product()
        while self.here.kind == SIGN and self.here.text in ("+", "-"):
            left = Operation(self.next().text, left, self.arithmetic_product())
        return left

    def arithmetic_product(self) -> Expression:
        """Read ``a * b / c``."""
        left = self.signed()
        while self.here.kind == SIGN and self.here.text in ("*", "/"):
            left = Operation(self.next().text, left, self.signed())
        return left

    def signed(self) -> Expression:
        """Read what may have signs before it."""
        negative = False
        while self.here.kind == SIGN and self.here.text in ("+", "-"):
            negative ^= self.next().text == "-"
        operand = self.arithmetic_power()
        return Negative(operand) if negative else operand

    def arithmetic_power(self) -> Expression:
        """Read ``a ^ b``, which binds to the right and tighter than a sign."""
        base = self.operand()
        if self.here.kind == SIGN and self.here.text == "^":
            self.next()
            self.deeper()
            exponent = self.signed()
            self.depth -= 1
            return Operation("^", base, exponent)
        return base

    def operand(self) -> Expression:
        """Read a number, a column, a bracket or a function."""
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

    def column_spelt_at(self, start: int) -> str | None:
        """Return the column whose name, blanks and signs in it, stands here without backticks."""
        here = [name for name in self.names or () if self.text.startswith(name, start)]
        return max((n for n in here if not n.isidentifier()), key=len, default=None)

    def call(self) -> Expression:
        """Read a function of columns."""
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
            column = self.column_spelt_at(token.start)
            if column is not None:
                raise complain(
                    self.text, token.start,
                    f"{name!r} is not a function that a formula knows. If the column {column!r} is "
                    f"meant, write it in backticks: `{column}`.",
                )  # fmt: skip
            raise complain(
                self.text, token.start,
                f"{name!r} is not a function that a formula knows.{meant} A formula runs no code; "
                f"it knows {', '.join(sorted(known, key=str.lower))}.",
            )  # fmt: skip
        bracket = self.next()
        argument = self.arithmetic()
        self.close(bracket)
        return Call(function, argument)
