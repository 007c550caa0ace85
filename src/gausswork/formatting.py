"""Numbers and names as people read them: no digit that is not trusted, no control characters."""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections.abc import Sequence

_MISSING = "—"
_ERROR_DIGITS = 4  # significant digits of a standard error
_PLAIN_DIGITS = 10  # of an estimate without a standard error to judge its digits by
_MOST_DIGITS = 15
_MOST_PLACES = 7  # before the point, where fewer digits would do
_SMALLEST_P = 1e-16

# What to write where a stream cannot encode the sign; anything else becomes a \\x escape.
_ASCII = str.maketrans(
    {
        "—": "-",
        "–": "-",
        "−": "-",
        "─": "-",
        "·": "*",
        "…": "...",
        "²": "^2",
        "∞": "inf",
        "×": "x",
        "≥": ">=",
        "≤": "<=",
        "≈": "~",
        "ᵀ": "'",
        "⁻": "^-",
        "¹": "1",
        "θ": "theta",
        "σ": "sigma",
        "Σ": "sum ",
        "√": "sqrt ",
        "±": "+-",
        "χ": "chi",
        "₁": "1",
        **dict(zip("⁰³⁴⁵⁶⁷⁸⁹", "03456789", strict=True)),
        **dict(zip("▁▂▃▄▅▆▇█", ".:-=+*#@", strict=True)),  # the bars of small histograms
        "\u202f": " ",
        "\u00a0": " ",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
    }
)


def for_encoding(text: str, encoding: str | None) -> str:
    """Return ``text`` so that a stream of this encoding can write it."""
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        plain = text.translate(_ASCII)
        known = encoding if encoding and _known(encoding) else "ascii"
        return plain.encode(known, "backslashreplace").decode(known)
    return text


def _known(encoding: str) -> bool:
    try:
        "".encode(encoding)
    except LookupError:
        return False
    return True


def visible(name: str, *, limit: int | None = None) -> str:
    """Return a name from the data on one line, without control characters, at most ``limit`` wide.

    A terminal obeys escape sequences wherever they come from; a column name must not.
    """
    text = "".join(
        c if c == " " or unicodedata.category(c)[0] not in "CZ" else _escaped(c) for c in name
    )
    if limit is None or cell_width(text) <= limit:
        return text
    head, tail = "", ""
    for k in range(len(text)):  # from both ends: names often differ only in their last part
        if cell_width(head + text[k]) + cell_width(tail) > limit - 1:
            break
        head += text[k]
        if cell_width(head) + cell_width(text[-k - 1] + tail) > limit - 1:
            break
        tail = text[-k - 1] + tail
    return f"{head}…{tail}"


def distinct(names: Sequence[str], limit: int) -> list[str]:
    """Return names on one line each, at most ``limit`` wide where they stay different so.

    Those that would look alike are cut around the part in which they differ; where that does not
    tell them apart either, they stay whole.
    """
    shown = [visible(name, limit=limit) for name in names]
    alike: dict[str, list[int]] = {}
    for i, text in enumerate(shown):
        alike.setdefault(text, []).append(i)
    for group in alike.values():
        whole = [visible(names[i]) for i in group]
        if len(set(whole)) > 1:
            for i, text in zip(group, _around(whole, limit), strict=True):
                shown[i] = text
    return shown


def _around(names: list[str], limit: int) -> list[str]:
    """Cut names so that what follows their common beginning is seen; whole if that is no help."""
    common = _shared(min(names), max(names))
    while common and names[0][common - 1].isdigit():
        common -= 1  # a number is not cut in two
    head = max(limit // 4, 1)
    cut = [f"{n[:head]}…{n[common:]}" if common > head + 1 else n for n in names]
    short = [_beginning(text, limit) for text in cut]
    return short if len(set(short)) == len(set(names)) else names


def _shared(one: str, other: str) -> int:
    """Return how many signs two names share at their beginning."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
                min(len(one), len(other)))  # fmt: skip


def _beginning(text: str, limit: int) -> str:
    if cell_width(text) <= limit:
        return text
    while cell_width(text) > limit - 1:
        text = text[:-1]
    return f"{text}…"


def folded(name: str, width: int) -> list[str]:
    """Cut a name into parts at most ``width`` cells wide, nothing of it lost.

    The cut is after a sign that ends a word, where there is one in the second half of the line.
    """
    parts, wide = [""], 0
    for character in name:
        cells = cell_width(character)
        if wide + cells > width and parts[-1]:
            line = parts[-1]
            at = max((i + 1 for i, c in enumerate(line) if not c.isalnum()), default=0)
            at = at if 2 * at > len(line) else len(line)
            parts[-1] = line[:at]
            parts.append(line[at:])
            wide = cell_width(line[at:])
        parts[-1] += character
        wide += cells
    return parts


def _escaped(character: str) -> str:
    code = ord(character)
    width, letter = (2, "x") if code < 256 else (4, "u") if code < 65536 else (8, "U")
    return f"\\{letter}{code:0{width}x}"


def cell_width(text: str) -> int:
    """Return how many terminal cells a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def pad(text: str, width: int, *, left: bool = False) -> str:
    """Fill a text with spaces to a width in cells."""
    space = " " * max(width - cell_width(text), 0)
    return space + text if left else text + space


def exponent(value: float) -> int:
    """Return the decimal exponent of a finite number, 0 for zero."""
    return int(f"{abs(value):.16e}".partition("e")[2]) if value else 0


def significant(value: float, digits: int, *, strip: bool = False) -> str:
    """Return a number with so many significant digits, in powers of ten where it is far from 1."""
    if math.isnan(value):
        return _MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0.0:
        return "0"
    digits = max(1, min(digits, 17))
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    size = int(power)
    if -5 < size < digits:
        text = f"{value:.{digits - 1 - size}f}"
        return _stripped(text) if strip else text
    return f"{_stripped(mantissa) if strip else mantissa}e{size:+03d}"


def _whole(value: float, digits: int, known: float) -> int:
    """Return digits enough for all places before the point, if so many are known: 45678."""
    places = exponent(value) + 1
    return max(digits, places) if places <= min(known, _MOST_PLACES) else digits


def _stripped(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def standard_error(value: float, trusted: float = math.inf) -> str:
    """Return a standard error with up to four digits, all of them trusted."""
    if not math.isfinite(value) or value == 0.0:
        return significant(value, _ERROR_DIGITS)
    if trusted < 1.0:
        return f"~{significant(value, 1)}"
    return significant(value, _whole(value, int(min(trusted, _ERROR_DIGITS)), trusted))


def estimate(value: float, error: float, trusted: float) -> str:
    """Return an estimate to the decimals of its standard error, and no digit beyond the trusted.

    ``~`` marks a number of which only the order of magnitude is known.
    """
    return at_decimals(value, _decimals(value, error, trusted), trusted)


def interval_limits(
    lower: float, upper: float, value: float, error: float, trusted: float
) -> tuple[str, str]:
    """Return the limits of an interval to the decimals of its estimate."""
    decimals = _decimals(value, error, trusted)
    return at_decimals(lower, decimals, math.inf), at_decimals(upper, decimals, math.inf)


def _decimals(value: float, error: float, trusted: float) -> int | None:
    """Return the decimals worth showing; ``None`` where no standard error tells."""
    if not math.isfinite(error) or not math.isfinite(value) or error <= 1e-13 * abs(value):
        return None
    decimals = _ERROR_DIGITS - 1 - exponent(float(f"{error:.{_ERROR_DIGITS - 1}e}"))
    if value != 0.0:
        known = min(math.floor(trusted), _MOST_DIGITS) if not math.isnan(trusted) else _MOST_DIGITS
        decimals = min(decimals, known - 1 - exponent(value))
    return decimals


def at_decimals(value: float, decimals: int | None, trusted: float) -> str:
    """Return a number to so many decimals, or in powers of ten where that reads better."""
    if not math.isfinite(value) or value == 0.0:
        return significant(value, 1)
    known = _MOST_DIGITS if math.isnan(trusted) else int(min(max(trusted, 0.0), _MOST_DIGITS))
    if decimals is None:
        digits = min(known, _PLAIN_DIGITS)
        return significant(value, digits, strip=True) if digits else f"~{significant(value, 1)}"
    size = exponent(value)
    if size >= 7 or size < -4:
        shown = decimals + 1 + size
        if shown < 1:
            return significant(value, min(known, 2)) if known else f"~{significant(value, 1)}"
        return significant(value, min(shown, max(known, 1)))
    text = f"{value:.{max(decimals, 0)}f}"
    if decimals < 0 or float(text) == 0.0:
        digits = _whole(value, min(known, max(decimals + 1 + size, 2)), known)
        return significant(value, digits) if digits else f"~{significant(value, 1)}"
    return text


def t_value(value: float) -> str:
    """Return a t or F statistic."""
    if not math.isfinite(value):
        return significant(value, 1)
    return f"{value:.2f}" if abs(value) < 1e5 else significant(value, 3)


def criterion(value: float) -> str:
    """Return a log-likelihood, AIC or BIC: differences of one matter, however large they are."""
    return f"{value:.3f}" if math.isfinite(value) else significant(value, 1)


def p_value(value: float) -> str:
    """Return a p-value; one too small to matter as a bound, never as zero."""
    if math.isnan(value):
        return _MISSING
    if value < _SMALLEST_P:
        return "< 1e-16"
    return f"{value:.1e}" if value < 1e-3 else significant(value, 3)


def percent(level: float) -> str:
    """Return a level as people say it: 0.95 is ``95 %``."""
    return f"{level * 100:.12g} %"


def rows(number: int) -> str:
    """Return so many rows in words: ``"1 row"``, ``"1,000 rows"``."""
    return counted(number, "row")


def counted(number: int, noun: str) -> str:
    """Return so many of a thing: ``"1 value"``, ``"1,000 values"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def share_has(part: int, whole: int) -> str:
    """Begin a sentence on some of the rows: ``"1 of 5 rows has"``, ``"2 of 5 rows have"``."""
    return f"{part:,} of {rows(whole)} {'has' if part == 1 else 'have'}"


# Spaces at which a line must not end: within "p < 1e-16", "95 %", "1 − 2e-9".
_HELD = re.compile(
    r"(?<=[=<>≤≥±≈×−]) (?=[\d.−-])|(?<=\bp) (?=[<=>])|(?<=\d) (?=%)|(?<=\d) (?=− \d)"
)


def held(text: str) -> str:
    """Return a text whose numbers stay with their signs wherever it is broken into lines."""
    return _HELD.sub("\u00a0", text)


def wrap(text: str, width: int, *, first: str = "", further: str = "") -> list[str]:
    """Break a text into lines, never between a sign and its number: ``p < 1e-16`` stays whole."""
    lines = textwrap.wrap(held(text), width, initial_indent=first, subsequent_indent=further)
    return [line.replace("\u00a0", " ") for line in lines]


def bytes_of(done: int, total: int) -> str:
    """Return how many of so many bytes: ``"640 of 1,077 MB"``."""
    units = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "bytes"))
    unit, name = next(each for each in units if total >= 10 * each[0] or each[0] == 1)
    return f"{done // unit:,} of {total // unit:,} {name}"


def duration(seconds: float) -> str:
    """Return a time as hours, minutes and seconds: ``"0:01:40"``."""
    whole = max(0, math.ceil(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
