"""What a pass over the answer of a query has seen, to notice when a later one sees other rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gausswork.data.tables import values_of
from gausswork.errors import InputError

_SAME = 1e-9  # relative difference of sums that another order of adding explains
_DIGITS = 17  # a double is told from its neighbours by so many


@dataclass(slots=True)
class Witness:
    """Sums over the rows of one pass; after several passes, of all columns they have seen.

    Attributes
    ----------
    rows : how many rows.
    columns : for each column how many values it has, their sum and the sum of their magnitudes
        (both 0 for text).
    """

    rows: int = 0
    columns: dict[str, tuple[int, float, float]] = field(default_factory=dict)

    def see(self, name: str, column: Any) -> None:
        """Take note of a run of values, a ``pyarrow.Array``."""
        from pyarrow import types

        values, total, size = self.columns.get(name, (0, 0.0, 0.0))
        values += len(column) - column.null_count
        if types.is_floating(column.type) or types.is_integer(column.type):
            with np.errstate(over="ignore", invalid="ignore"):
                run = values_of(column, gap=0)
                total += float(np.sum(run, dtype=np.float64))
                size += float(np.sum(np.abs(run), dtype=np.float64))
        self.columns[name] = (values, total, size)

    def compare(self, later: Witness, place: str) -> None:
        """Refuse a complete pass that differs from those before; otherwise remember what it saw.

        Raises
        ------
        InputError
            The number of rows or of values differs, or a sum does by more than rounding explains.
        """
        if self.rows and self.rows != later.rows:
            raise _changed(place, f"it gave {self.rows:,} rows, and gives {later.rows:,} now")
        self.rows = later.rows
        for name, (values, total, size) in later.columns.items():
            before = self.columns.setdefault(name, (values, total, size))
            if before[0] != values:
                raise _changed(
                    place, f"column {name!r} had {before[0]:,} values, and has {values:,} now"
                )
            if abs(before[1] - total) > _SAME * (before[2] + size):
                raise _changed(
                    place,
                    f"the values of {name!r} added up to {before[1]:.10g}, and do to {total:.10g} "
                    "now",
                )


def _changed(place: str, how: str) -> InputError:
    return InputError(
        f"the data has changed while it was used: {place} is run for each pass, and {how}. Either "
        "another program has written to the database, or the query itself gives other rows each "
        "time (random(), now(), LIMIT without ORDER BY). Fit again, from a query that stays."
    )


def beyond_double(text: Any) -> str | None:
    """Return a decimal that float64 cannot tell from others of as many digits, if there is one.

    Parameters
    ----------
    text : decimals, a ``pyarrow.Array`` of text or of decimals.
    """
    import pyarrow as pa
    from pyarrow import compute

    text = text.cast(pa.string())
    long = text.filter(compute.greater(compute.utf8_length(text), _DIGITS))
    if not len(long):
        return None
    digits = compute.replace_substring_regex(long, r"[-.]|[eE].*$", "")
    digits = compute.replace_substring_regex(digits, r"^0+|0+$", "")
    beyond = long.filter(compute.greater(compute.utf8_length(digits), _DIGITS))
    return str(beyond[0]) if len(beyond) else None
