"""The characters of a formula, cut into tokens that remember where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gausswork.errors import InputError

MOST_CHARACTERS = 10_000

NAME = "name"
NUMBER = "number"
STRING = "string"
SIGN = "sign"
END = "end"

# Names as in R and Python: letters of any script, digits, underscores, and dots between them.
_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)
  | (?P<name>[^\W\d][\w.]*|\.[^\W\d][\w.]*)
  | (?P<quoted>`(?:[^`\\]|\\.)*`)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<sign>%in%|\*\*|<=|>=|==|!=|[-+*/^:~()|,.=<>])
    """,
    re.VERBOSE,
)


class FormulaError(InputError):
    """A formula cannot be read; the message points at the character."""

    drawn = True


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a formula.

    Attributes
    ----------
    kind : ``"name"``, ``"number"``, ``"string"``, ``"sign"`` or ``"end"``.
    text : what it says: of a quoted name or a string, what stands between the quotes.
    start, end : where it stands, counted from 0.
    quoted : whether it is a name in backticks.
    """

    kind: str
    text: str
    start: int
    end: int
    quoted: bool = False


def is_formula(text: object) -> bool:
    """Whether a text is meant as a formula."""
    return isinstance(text, str) and "~" in text


def complain(formula: str, start: int, what: str) -> FormulaError:
    """Return an error that shows the formula with a caret under the character.

    Parameters
    ----------
    formula : the whole text.
    start : the character meant, counted from 0.
    what : what is wrong and what to do, as sentences.
    """
    # A formula is the user's own text, yet a terminal must not obey what is in it.
    shown = "".join(c if c.isprintable() else " " for c in formula)
    from_here = max(0, start - 60)
    piece = shown[from_here : from_here + 100]
    return FormulaError(
        f"{what} (character {start + 1} of the formula)\n"
        f"    {piece}\n    {' ' * (start - from_here)}^"
    )


def tokens_of(formula: str) -> list[Token]:
    """Cut a formula into tokens, the last of kind ``"end"``.

    Raises
    ------
    FormulaError
        A character that no formula has, or a quote that is never closed.
    """
    if len(formula) > MOST_CHARACTERS:
        raise InputError(
            f"a formula may have {MOST_CHARACTERS} characters; this one has {len(formula)}. "
            "Name the columns with features= instead."
        )
    found: list[Token] = []
    at = 0
    while at < len(formula):
        match = _PATTERN.match(formula, at)
        if match is None:
            character = formula[at]
            if character in "`\"'":
                raise complain(formula, at, f"the quote {character} is never closed.")
            raise complain(
                formula,
                at,
                f"{character!r} has no meaning in a formula. A column whose name has such "
                "characters is written in backticks, as in `a column`.",
            )
        kind, text = match.lastgroup or "", match.group()
        if kind in ("quoted", "string"):
            inside = re.sub(r"\\(.)", r"\1", text[1:-1])
            where = NAME if kind == "quoted" else STRING
            found.append(Token(where, inside, at, match.end(), quoted=kind == "quoted"))
        elif kind != "space":
            found.append(Token(kind, "^" if text == "**" else text, at, match.end()))
        at = match.end()
    found.append(Token(END, "the end", len(formula), len(formula)))
    return found
