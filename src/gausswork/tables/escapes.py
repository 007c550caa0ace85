"""Texts from data inside other languages: nothing in a name is read as markup or as a formula."""

from __future__ import annotations

_MARKDOWN = str.maketrans({
    **{sign: f"\\{sign}" for sign in "\\`*_[]|~$"},
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "\n": " ",
    "\r": " ",
})  # fmt: skip
_LATEX = str.maketrans({
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "-": "-{}",  # no ligature: -- is two signs, not a dash
    "[": "{[}",  # after \\ a bracket would be a length
    "]": "{]}",
    "*": "{*}",
    "\n": " ",
    "\r": " ",
    "−": "$-$",
    "—": "---",
    "–": "--",
    "…": r"\dots{}",
    "²": "$^2$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "σ": r"$\sigma$",
    "√": r"$\surd$",
    "∞": r"$\infty$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "≈": r"$\approx$",
    "χ": r"$\chi$",
    "→": r"$\to$",
})  # fmt: skip
# Signs by which a spreadsheet knows a formula, wide ones among them.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "=", "+", "-", "@", "|", "%")


def markdown(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    shown = text.translate(_MARKDOWN)
    return shown if _number(text) is None else text


def latex(text: str) -> str:
    """Return a text that LaTeX shows as it is; a negative number gets a minus, not a hyphen."""
    if _number(text) is not None and text.startswith("-"):
        return f"$-${text[1:]}"
    return text.translate(_LATEX)


def spreadsheet(text: str) -> str:
    """Return a text that no spreadsheet runs: an apostrophe before what would be a formula."""
    plain = text.replace("−", "-")
    if _number(plain) is not None:
        return plain
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) else text


def _number(text: str) -> float | None:
    """Return the number that a text is, stars and a marker of doubt aside."""
    try:
        return float(text.rstrip("*").lstrip("~"))
    except ValueError:
        return None
