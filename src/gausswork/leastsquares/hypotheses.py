"""Linear hypotheses such as ``"a = b, 2*c - d = 1"``, read by a grammar of their own.

    hypotheses := equation ("," equation)*
    equation   := sum ("=" sum)*            a sum alone means that it is zero
    sum        := ["+" | "-"] product (("+" | "-") product)*
    product    := factor (("*" | "/") factor)*
    factor     := number | term | "(" sum ")"

A term is a name of the fit, as it is printed: ``kind[b]`` and ``a:log(c)`` need no quotes, a name
with spaces or signs stands in backticks. Numbers are exact decimals; nothing is ever evaluated
but sums, and products and quotients with a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from gausswork.data.formulas.tokens import FormulaError
from gausswork.data.kinds import listed, nearest
from gausswork.errors import InputError

MOST_CHARACTERS = 10_000
_DEEPEST = 50
_LARGEST_POWER = 300  # of ten in a number
_LEAST = Fraction(1, 10**300)

_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_WORD = re.compile(r"[^\W\d][\w.]*")
_QUOTED = re.compile(r"`((?:[^`\\]|\\.)*)`")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One equation over the terms of a fit: Σ weight · coefficient = value.

    Attributes
    ----------
    text : as it was written.
    weights : (k,) in the order of the terms, exact.
    value : what the sum is said to be.
    """

    text: str
    weights: tuple[Fraction, ...]
    value: Fraction


def parse(text: str, names: Sequence[str]) -> tuple[Hypothesis, ...]:
    """Read hypotheses about the terms of a fit.

    Parameters
    ----------
    text : equations, separated by commas.
    names : the k terms.

    Raises
    ------
    FormulaError
        The text cannot be read; the message points at the character.
    InputError
        It is no text, or empty, or an equation says nothing about any coefficient.
    """
    if not isinstance(text, str):
        raise InputError(
            f"a hypothesis is a text such as 'a = b, c = 0'; got {type(text).__name__}."
        )
    if not text.strip():
        raise InputError("the hypothesis is empty. Write one such as 'a = b, c = 0'.")
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"a hypothesis may have {MOST_CHARACTERS} characters; got {len(text)}.")
    return _Reader(text, names).hypotheses()


class _Sum:
    """Σ weight · coefficient + constant, exact."""

    __slots__ = ("constant", "weights")

    def __init__(self, constant: Fraction, weights: dict[int, Fraction] | None = None) -> None:
        self.constant = constant
        self.weights = weights or {}

    def plus(self, other: _Sum, factor: Fraction) -> _Sum:
        weights = dict(self.weights)
        for at, weight in other.weights.items():
            weights[at] = weights.get(at, Fraction(0)) + factor * weight
        return _Sum(self.constant + factor * other.constant, weights)

    def times(self, factor: Fraction) -> _Sum:
        return _Sum(Fraction(0)).plus(self, factor)


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text = text
        self.names = names
        self.at = 0
        self.depth = 0
        # the longest first: a:b before a
        self.plain = sorted((n for n in names if _is_plain(n)), key=len, reverse=True)

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        found: list[Hypothesis] = []
        while True:
            found += self.equation()
            self.skip()
            if self.at == len(self.text):
                return tuple(found)
            if self.text[self.at] != ",":
                raise self.complain(self.at, f"{self.text[self.at]!r} is not expected here.")
            self.at += 1

    def equation(self) -> list[Hypothesis]:
        self.skip()
        start = self.at
        left, found = self.sum(), []
        self.skip()
        while self.peek() == "=":
            self.at += 1
            if self.peek() == "=":
                raise self.complain(self.at, "write one '=' between two sides.")
            self.skip()
            after = self.at
            right = self.sum()
            self.skip()
            found.append(self.made(left.plus(right, Fraction(-1)), start))
            left, start = right, after
        return found or [self.made(left, start)]

    def made(self, difference: _Sum, start: int) -> Hypothesis:
        weights = tuple(difference.weights.get(j, Fraction(0)) for j in range(len(self.names)))
        numbers = [abs(number) for number in (*weights, difference.constant) if number]
        if any(not _LEAST <= number <= 1 / _LEAST for number in numbers):
            raise self.complain(start, "a number in this is beyond the range of float64.")
        said = " ".join(self.text[start : self.at].split())
        if not any(weights):
            raise self.complain(
                start, f"{said!r} says nothing about any coefficient: no term is left in it."
            )
        return Hypothesis(said, weights, -difference.constant)

    def sum(self) -> _Sum:
        total = _Sum(Fraction(0))
        sign, first = Fraction(1), True
        while True:
            self.skip()
            if self.peek() in ("+", "-"):
                sign = Fraction(-1) if self.peek() == "-" else Fraction(1)
                self.at += 1
            elif not first:
                return total
            total = total.plus(self.product(), sign)
            first = False

    def product(self) -> _Sum:
        value = self.factor()
        while True:
            self.skip()
            sign = self.peek()
            if sign not in ("*", "/"):
                return value
            at = self.at
            self.at += 1
            other = self.factor()
            if sign == "/":
                if other.weights:
                    raise self.complain(at, "only numbers can divide: a hypothesis is linear.")
                if not other.constant:
                    raise self.complain(at, "this divides by zero.")
                value = value.times(1 / other.constant)
            elif not other.weights:
                value = value.times(other.constant)
            elif not value.weights:
                value = other.times(value.constant)
            else:
                raise self.complain(
                    at, "two coefficients are multiplied, and a hypothesis must be linear."
                )

    def factor(self) -> _Sum:
        self.skip()
        start = self.at
        if self.peek() == "(":
            self.at += 1
            self.depth += 1
            if self.depth > _DEEPEST:
                raise self.complain(start, f"parentheses may be {_DEEPEST} deep.")
            inside = self.sum()
            self.skip()
            if self.peek() != ")":
                raise self.complain(start, "this parenthesis is never closed.")
            self.at += 1
            self.depth -= 1
            return inside
        number = _NUMBER.match(self.text, start)
        if number:
            return self.number(number)
        return _Sum(Fraction(0), {self.term(): Fraction(1)})

    def number(self, match: re.Match[str]) -> _Sum:
        self.at = match.end()
        after = _WORD.match(self.text, self.at)
        if after:
            raise self.complain(
                self.at,
                f"write a '*' between a number and a term: {match.group()}*{after.group()}.",
            )
        power = match.group(2)
        if power and abs(int(power[1:])) > _LARGEST_POWER:
            raise self.complain(match.start(), f"{match.group()} is beyond the range of numbers.")
        return _Sum(Fraction(match.group()))

    def term(self) -> int:
        start = self.at
        quoted = _QUOTED.match(self.text, start)
        if quoted:
            self.at = quoted.end()
            name = re.sub(r"\\(.)", r"\1", quoted.group(1))
            if name in self.names:
                return list(self.names).index(name)
            raise self.unknown(start, name)
        for name in self.plain:
            end = start + len(name)
            if self.text.startswith(name, start) and not _goes_on(self.text, end):
                self.at = end
                return list(self.names).index(name)
        word = _WORD.match(self.text, start)
        if word:
            raise self.unknown(start, self.text[start : _end_of_name(self.text, word.end())])
        if self.peek() == "`":
            raise self.complain(start, "the quote ` is never closed.")
        what = "the hypothesis ends" if start == len(self.text) else f"{self.text[start]!r} stands"
        raise self.complain(start, f"{what} where a term or a number is expected.")

    def unknown(self, start: int, name: str) -> FormulaError:
        guess = nearest(name, self.names)
        if guess is not None:
            meant = guess if _is_plain(guess) else f"`{guess}`"
            hint = f"Did you mean {meant}?"
        else:
            hint = f"Its terms are {listed(self.names)}."
        if any(name != n and name in n and not _is_plain(n) for n in self.names):
            hint += " A name with spaces or signs is written in backticks, as in `a name`."
        return self.complain(start, f"the fit has no term {name!r}. {hint}")

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def complain(self, start: int, what: str) -> FormulaError:
        shown = "".join(c if c.isprintable() else " " for c in self.text)
        begin = max(0, start - 60)
        return FormulaError(
            f"{what} (character {start + 1} of the hypothesis)\n"
            f"    {shown[begin : begin + 100]}\n    {' ' * (start - begin)}^"
        )


def _is_plain(name: str) -> bool:
    """Whether a name is recognised as it stands: a word, with signs inside brackets only."""
    word = _WORD.match(name)
    return word is not None and _end_of_name(name, word.end()) == len(name)


def _end_of_name(text: str, at: int) -> int:
    """Return where a name goes on to that began with a word: ``[…]``, ``(…)`` and ``:`` a word."""
    while at < len(text):
        if text[at] in "[(":
            end = _closing(text, at)
            if end is None:
                return at
            at = end
            continue
        more = _WORD.match(text, at + 1) if text[at] == ":" else None
        if more is None:
            return at
        at = more.end()
    return at


def _closing(text: str, at: int) -> int | None:
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] in "[(") - (text[place] in "])")
        if depth == 0:
            return place + 1
    return None


def _goes_on(text: str, at: int) -> bool:
    """Whether a name that ends here is only the beginning of a longer one."""
    return at < len(text) and (text[at].isalnum() or text[at] in "_.[(:")
