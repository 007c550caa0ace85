"""Tables that somebody gave the lab: read by the library's own reader, kept in memory, limited."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gausswork.errors import InputError
from gausswork.lab.kept import Kept

if TYPE_CHECKING:  # the page is there before NumPy is
    import numpy as np
    import numpy.typing as npt

    from gausswork.data.kinds import Kind
    from gausswork.data.tables import Table as Reader
    from gausswork.findings import Finding

LARGEST_FILE = 100_000_000  # bytes as they come
LARGEST_TABLE = 400_000_000  # bytes of one table in memory
MOST_MEMORY = 800_000_000  # bytes of all tables
MOST_COLUMNS = 2_000
MOST_TABLES = 16


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    name : its name.
    kind : ``"number"``, ``"flag"``, ``"text"``, ``"empty"`` or ``"unusable"``.
    holds : the same in words.
    missing : in how many rows it has no value; None where it was not read.
    """

    name: str
    kind: str
    holds: str
    missing: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table in memory.

    Attributes
    ----------
    id : twelve letters made from its bytes: the same file has the same id at every launch.
    name : name of the file, without a folder.
    data : ``pyarrow.Table`` of the columns that can be used; ``gw.fit`` takes it as it is.
    columns : what every column holds.
    findings : what the reader has to say about its choices.
    separator, decimal : how a text file writes its fields; "" for other files.
    kept : what rooms have computed of all rows and need not compute again.
    """

    id: str
    name: str
    data: Any
    columns: tuple[Column, ...]
    findings: tuple[Finding, ...]
    separator: str
    decimal: str
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.data.num_rows)

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return int(self.data.nbytes)

    def require(self, name: str, kind: str = "") -> Column:
        """Return a column, or refuse one that is not there or holds something else."""
        for column in self.columns:
            if column.name == name:
                if kind and column.kind != kind:
                    raise InputError(
                        f"column {name!r} of {self.name} holds {column.holds}, not {kind}s. "
                        "Choose another column."
                    )
                return column
        from gausswork.data.kinds import nearest

        guess = nearest(name, [column.name for column in self.columns])
        meant = f"Did you mean {guess!r}? " if guess is not None else ""
        raise InputError(f"{self.name} has no column {name!r}. {meant}Choose one of its columns.")

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column of numbers: (n,) float64, NaN where there is no value."""
        import numpy as np

        from gausswork.data.tables import as_floats

        self.require(name, "number")
        column = self.data.column(name).combine_chunks()
        return np.array(as_floats(column), dtype=np.float64)

    def column_script(self, name: str, variable: str) -> list[str]:
        """Return lines of Python that read a column of the file into an array without gaps."""
        self.require(name, "number")
        if self.separator:
            options = ""
            if self.separator != ",":
                options += f", parse_options=csv.ParseOptions(delimiter={self.separator!r})"
            if self.decimal != ".":
                options += f", convert_options=csv.ConvertOptions(decimal_point={self.decimal!r})"
            head, read = "from pyarrow import csv", f"csv.read_csv({self.name!r}{options})"
        else:
            head, read = "from pyarrow import parquet", f"parquet.read_table({self.name!r})"
        return [head, "", f"{variable} = {read}[{name!r}].drop_null().to_numpy().astype(float)"]

    def to_dict(self) -> dict[str, Any]:
        """Return what the page shows about it."""
        return {
            "id": self.id,
            "name": self.name,
            "rows": self.rows,
            "columns": [
                {"name": one.name, "kind": one.kind, "holds": one.holds, "missing": one.missing}
                for one in self.columns
            ],
            "findings": [finding.to_dict() for finding in self.findings],
        }


class Tables:
    """The tables of one lab; those not used for longest leave when memory is short."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Table] = OrderedDict()
        self.first = ""  # id of the table that the lab was started with

    def __iter__(self) -> Iterator[Table]:
        with self._lock:
            return iter(list(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    def get(self, number: Any) -> Table:
        """Return a table by its id.

        Raises
        ------
        InputError
            It is not held: never given, or given to an earlier launch.
        """
        with self._lock:
            if isinstance(number, str) and number in self._held:
                self._held.move_to_end(number)
                return self._held[number]
        raise InputError(
            "this lab does not hold that table any more: tables are kept in memory until the lab "
            "is stopped. Give the file again: all choices made for it are kept."
        )

    def add(self, name: str, content: bytes) -> Table:
        """Read the bytes of a file and keep the table.

        Raises
        ------
        InputError
            The file is too large, damaged, or of a format not known here.
        """
        from gausswork.data.files import bytes_table

        refuse_large(len(content), name)
        label = Path(name.replace("\\", "/")).name.strip() or "table.csv"
        number = hashlib.sha256(content).hexdigest()[:12]
        with self._lock:
            if number in self._held:
                self._held.move_to_end(number)
                return self._held[number]
        return self._keep(read(bytes_table(label[-120:], content), number))

    def add_file(self, path: Path) -> Table:
        """Read a file that the lab was started with; it stays first in every list."""
        from gausswork.data.files import file_table

        reader = file_table(path)  # says what is wrong with the path
        refuse_large(reader.bytes_total or 0, path.name)
        number = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        self.first = number
        return self._keep(read(reader, number))

    def add_data(self, name: str, data: Any) -> Table:
        """Keep what is in memory already, such as a data frame; its id belongs to this object.

        Raises
        ------
        InputError
            The data have no named columns that can be used.
        """
        from gausswork.data.opening import as_table

        reader = as_table(data)
        if reader is None:
            raise InputError(
                f"data must have named columns; got {type(data).__name__}. Pass a data frame, a "
                "dict of columns, or the path of a file."
            )
        table = read(reader, hashlib.sha256(f"{name} {id(self)}".encode()).hexdigest()[:12])
        return self._keep(dataclasses.replace(table, name=name))

    def _keep(self, table: Table) -> Table:
        with self._lock:
            self._held[table.id] = table
            others = [number for number in self._held if number not in (table.id, self.first)]
            while others and (
                len(self._held) > MOST_TABLES
                or sum(one.nbytes for one in self._held.values()) > MOST_MEMORY
            ):
                del self._held[others.pop(0)]
        return table


def refuse_large(size: int, name: str) -> None:
    """Refuse a file that is larger than the lab takes."""
    if size > LARGEST_FILE:
        raise InputError(
            f"{name[-80:]} has {size / 1e6:,.0f} MB; the lab takes files of up to "
            f"{LARGEST_FILE / 1e6:.0f} MB. Fit it with: gausswork fit, which reads files of any "
            "size."
        )


def read(reader: Reader, number: str) -> Table:
    """Read all usable columns of a table into memory, and no more than is allowed."""
    import pyarrow as pa

    from gausswork.data.kinds import Kind

    if len(reader.names) > MOST_COLUMNS:
        raise InputError(
            f"{reader.description} has {len(reader.names):,} columns; the lab takes up to "
            f"{MOST_COLUMNS:,}. Save the columns of interest as a file of their own."
        )
    fields = reader.fields(reader.names)
    kinds = {
        name: field.kind
        for name, field in fields.items()
        if field.kind in (Kind.NUMBER, Kind.FLAG, Kind.TEXT)
    }
    if not kinds:
        held = ", ".join(f"{name} {field.holds}" for name, field in list(fields.items())[:5])
        raise InputError(
            f"{reader.description} has no column that can be used: {held}. {reader.hint}".rstrip()
        )
    table = pa.table(_columns(reader, kinds))
    columns = tuple(
        Column(
            name,
            field.kind.name.lower(),
            field.holds or field.kind.name.lower(),
            table.column(name).null_count if name in kinds else None,
        )
        for name, field in fields.items()
    )
    return Table(
        number,
        reader.description,
        table,
        columns,
        tuple(reader.findings),
        getattr(reader, "separator", ""),
        getattr(reader, "decimal", ""),
    )


def _columns(reader: Reader, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    import pyarrow as pa

    parts: dict[str, list[Any]] = {name: [] for name in kinds}
    held = 0
    for portion in reader.read(kinds):
        for name, column in zip(kinds, portion.columns, strict=True):
            array = column if isinstance(column, pa.Array) else pa.array(column, from_pandas=True)
            held += array.nbytes
            parts[name].append(array)
        if held > LARGEST_TABLE:
            raise InputError(
                f"{reader.description} takes more than {LARGEST_TABLE / 1e6:.0f} MB of memory when "
                "it is read. Fit it with: gausswork fit, which reads files of any size."
            )
    return {name: _joined(arrays) for name, arrays in parts.items()}


def _joined(arrays: Sequence[Any]) -> Any:
    import pyarrow as pa

    if not arrays:
        return pa.array([], pa.float64())
    if len({array.type for array in arrays}) > 1:  # whole numbers first, decimals later
        arrays = [array.cast(pa.float64()) for array in arrays]
    return pa.chunked_array(arrays)
