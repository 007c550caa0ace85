"""Which columns of a CSV file hold numbers, judged once, from a sample of complete records."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gausswork.data.csv_head import CsvHead
from gausswork.data.kinds import Field, Kind, field_of
from gausswork.data.tables import EXACT_INTEGERS

# Empty fields are missing, and so are these, in numbers and in text alike. "None" is not
# among them: it is a level of many a category.
_MISSING = (
    *("NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>"),
    *("NaN", "nan", "-NaN", "-nan", "NULL", "null"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
MISSING = ("", " ", *_MISSING, *(f" {mark}" for mark in _MISSING))
TRUE = ("1", "True", "TRUE", "true")
FALSE = ("0", "False", "FALSE", "false")

# As text for RE2: what a reader of numbers accepts, with a point and with a comma.
_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
_NUMBER_WITH_COMMA = r"^\s*[-+]?([0-9]+,?[0-9]*|,[0-9]+)([eE][-+]?[0-9]+)?\s*$"
_WHOLE = r"^\s*[-+]?[0-9]+\s*$"
_LEADING_ZERO = r"^\s*0[0-9]"

# Numbers as people write them: $1,000 or 5 %.
_DECORATED = re.compile(r"\s*[-+]?\s*[$€£¥]?\s*[-+]?[0-9.][0-9., '_]*[%$€£¥]?\s*")
_DECORATION = re.compile(r"[\s$€£¥%,'_]")
_PLAIN = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)")

MENDING = (
    "Write missing values as NA or leave the field empty, and write numbers without thousands "
    "separators, currency or percent signs."
)

# A text column of which nearly every value is a number is a number column with typing errors.
MOSTLY_NUMBERS = 0.9


def parse_options(head: CsvHead) -> Any:
    """Options of Arrow's parser for one file."""
    from pyarrow import csv

    return csv.ParseOptions(
        delimiter=head.separator.decode(), quote_char='"', double_quote=True, escape_char=False
    )


def read_options(head: CsvHead, length: int) -> Any:
    """Options that make Arrow read ``length`` bytes of records as one block in this thread."""
    from pyarrow import csv

    # one block: a quoted field that holds a line break cannot be cut in two
    return csv.ReadOptions(use_threads=False, block_size=length + 1, column_names=head.names)


def convert_options(types: Mapping[str, Any] | None, names: Sequence[str], decimal: str) -> Any:
    """Options that convert the columns ``names``, guessing the types that are not given."""
    from pyarrow import csv

    return csv.ConvertOptions(
        column_types=types,
        include_columns=list(names),
        null_values=list(MISSING),
        true_values=list(TRUE),
        false_values=list(FALSE),
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        decimal_point=decimal,
    )


def arrow_types(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Arrow types as which columns of these kinds are read."""
    import pyarrow as pa

    table = {
        Kind.NUMBER: pa.float64(),
        Kind.FLAG: pa.bool_(),
        Kind.TEXT: pa.dictionary(pa.int32(), pa.string()),
        Kind.EMPTY: pa.dictionary(pa.int32(), pa.string()),
    }
    return {name: table[kind] for name, kind in kinds.items()}


def read_sample(
    head: CsvHead, sample: bytes | bytearray, types: Any, names: Sequence[str], point: str
) -> Any:
    """Parse a sample of records into a ``pyarrow.Table``."""
    import pyarrow as pa
    from pyarrow import csv

    return csv.read_csv(
        pa.BufferReader(sample),
        read_options=read_options(head, len(sample)),
        parse_options=parse_options(head),
        convert_options=convert_options(types, names, point),
    )


def sniff_decimal(head: CsvHead, sample: bytes) -> str:
    """Return ``","`` if the numbers of a file are written with a decimal comma, else ``"."``.

    A comma between digits is a decimal comma only where it does not separate fields, some
    column would otherwise be text, and no number has a point.
    """
    if head.separator == b"," or b"," not in sample:
        return "."
    import pyarrow as pa
    from pyarrow import compute

    text = read_sample(head, sample, dict.fromkeys(head.names, pa.string()), head.names, ".")
    commas = False
    for column in text.columns:
        values = column.drop_null()
        if not len(values):
            continue
        if _all(_matches(values, _NUMBER)):
            if compute.any(compute.match_substring(values, ".")).as_py():
                return "."
        elif _all(_matches(values, _NUMBER_WITH_COMMA)):
            commas = True
    return "," if commas else "."


def judge(
    head: CsvHead,
    sample: bytes,
    names: Sequence[str],
    decimal: str,
    where: Callable[[int], str],
) -> dict[str, Field]:
    """Describe columns by their values in a sample; ``where`` says where one of its rows lies.

    Integers are read as numbers with decimals from the start, so that a late 1.75 is no
    surprise; codes such as ``001`` stay text.
    """
    import pyarrow as pa

    text = read_sample(head, sample, dict.fromkeys(names, pa.string()), names, decimal)
    guessed = read_sample(head, sample, None, names, decimal)
    judged = {
        name: _judge_column(name, guessed.column(name), text.column(name), decimal, where)
        for name in names
    }
    return {name: replace(field, unnamed=name in head.unnamed) for name, field in judged.items()}


def huge(column: Any) -> bool:
    """Whether a column of float64 reaches 2^53, so that integers may have been rounded."""
    if isinstance(column, np.ndarray):
        return bool((np.abs(column) >= EXACT_INTEGERS).any())
    from pyarrow import compute

    ends = compute.min_max(column).as_py()
    return ends["min"] is not None and max(-ends["min"], ends["max"]) >= EXACT_INTEGERS


def _judge_column(
    name: str, guessed: Any, text: Any, decimal: str, where: Callable[[int], str]
) -> Field:
    from pyarrow import compute, types

    guess = guessed.type
    values = text.drop_null()
    field = replace(field_of(name, guess), seen=_seen(len(values)))
    if types.is_integer(guess):
        if compute.any(_matches(values, _LEADING_ZERO)).as_py():
            return replace(field, kind=Kind.TEXT, holds="codes with leading zeros")
        return replace(field, whole=True)
    if types.is_floating(guess):  # also integers of more than 64 bits
        return replace(field, whole=huge(guessed) and _all(_matches(values, _WHOLE)))
    if field.kind is Kind.TEXT:
        numeric = _matches(text, _NUMBER if decimal == "." else _NUMBER_WITH_COMMA)
        codes = compute.any(_matches(values, _LEADING_ZERO)).as_py()
        return _judge_text(field, text, numeric, codes, where)
    return field


def _seen(values: int) -> str:
    if values < 2:
        return "its first value is" if values else "its other values are"
    return f"all of its first {values} values are"


def _judge_text(
    field: Field, text: Any, numeric: Any, codes: bool, where: Callable[[int], str]
) -> Field:
    """Judge a column that holds something else than numbers, ``numeric`` where it holds some."""
    from pyarrow import compute

    # compute.index would import pandas to make its scalar
    row = compute.indices_nonzero(compute.invert(numeric))[0].as_py()
    first = text[row].as_py()
    shown = repr(first if len(first) <= 40 else f"{first[:40]}…")
    count, values = compute.sum(numeric).as_py(), len(text) - text.null_count
    if codes or (not count and not decorated(first)):
        return replace(field, holds=f"text such as {shown}")
    if count >= MOSTLY_NUMBERS * values:
        seen = f"{count} of its first {values} values are"
        return replace(field, kind=Kind.NUMBER, holds="mostly numbers", seen=seen)
    remedy = MENDING if 2 * count >= values or decorated(first) else ""
    if not count:
        return replace(field, holds=f"text such as {shown}", remedy=remedy)
    are = "is a number" if count == 1 else "are numbers"
    holds = f"text: {count} of its first {values} values {are}, {shown} in {where(row)} is not"
    return replace(field, holds=holds, remedy=remedy)


def decorated(text: str) -> bool:
    """Whether a text is a number with thousands separators, a currency or a percent sign."""
    return bool(_DECORATED.fullmatch(text) and _PLAIN.fullmatch(_DECORATION.sub("", text)))


def _matches(values: Any, pattern: str) -> Any:
    from pyarrow import compute

    return compute.match_substring_regex(values, pattern)


def _all(values: Any) -> bool:
    from pyarrow import compute

    return bool(compute.all(values).as_py())
