"""Random numbers into files, a portion at a time: memory does not grow with their number."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork import files
from gausswork.errors import InputError

PORTION = 1 << 20  # values at a time
FORMATS = (".csv", ".npy", ".parquet")
Progress = Callable[[int, int | None, int | None], None]


@dataclass(frozen=True, slots=True)
class Draw:
    """What to draw: a function of :mod:`gausswork.sampling`, arguments, how many, from where."""

    function: Callable[..., npt.NDArray[Any]]
    arguments: dict[str, Any]
    size: int
    offset: int
    column: str

    def part(self, start: int, count: int) -> npt.NDArray[Any]:
        """Return the values from ``start`` on, counted from the first of this draw."""
        return self.function(count, offset=self.offset + start, **self.arguments)

    def portions(self) -> Iterator[npt.NDArray[Any]]:
        """Yield all values in order."""
        for start in range(0, self.size, PORTION):
            yield self.part(start, min(PORTION, self.size - start))

    def check(self) -> npt.NDArray[Any]:
        """Refuse what cannot be drawn before a file is made; return no value, of the right type."""
        if self.size < 0:
            raise InputError(f"size must be a whole number from 0 on; got {self.size}.")
        if self.size:
            self.part(self.size - 1, 1)  # the end of the stream may come before the end of the file
        return self.part(0, 0)


def write(draw: Draw, path: str, progress: Progress | None) -> None:
    """Write a draw as the ending of the path says, complete or not at all.

    Raises
    ------
    InputError
        The ending is unknown, the draw is refused, or the file cannot be written.
    """
    files.check_writable(path)
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InputError(
            f"values are written as {', '.join(FORMATS)} by the ending of the name; got {path!r}. "
            f"Call it {Path(path).stem or 'draws'}.parquet, for example."
        )
    empty = draw.check()
    with files.atomic(path) as temporary:
        (_write_npy if suffix == ".npy" else _write_table)(draw, temporary, suffix, empty, progress)


def _write_npy(
    draw: Draw, path: Path, suffix: str, empty: npt.NDArray[Any], progress: Progress | None
) -> None:
    header = {
        "descr": np.lib.format.dtype_to_descr(empty.dtype),
        "fortran_order": False,
        "shape": (draw.size,),
    }
    done = 0
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for values in draw.portions():
            file.write(values.data)
            done += values.size
            if progress:
                progress(done, done, draw.size)


def _write_table(
    draw: Draw, path: Path, suffix: str, empty: npt.NDArray[Any], progress: Progress | None
) -> None:
    import pyarrow as pa

    if suffix == ".csv":
        from pyarrow.csv import CSVWriter as Writer
    else:
        from pyarrow.parquet import ParquetWriter as Writer
    schema = pa.schema([(draw.column, pa.array(empty).type)])
    done = 0
    with Writer(path, schema) as writer:
        for values in draw.portions():
            writer.write_table(pa.table([pa.array(values)], schema=schema))
            done += values.size
            if progress:
                progress(done, done, draw.size)


def print_values(draw: Draw) -> None:
    """Print values, one a line, with the digits that tell each from its neighbours."""
    draw.check()
    for values in draw.portions():
        if values.dtype.kind == "b":
            values = values.astype(np.uint8)
        text = values.astype(str) if values.dtype == np.float32 else map(repr, values.tolist())
        sys.stdout.write("".join(f"{line}\n" for line in text))
