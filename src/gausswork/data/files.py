"""Data files: paths and patterns to tables, by what is in the files rather than their names."""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from gausswork.data.kinds import listed
from gausswork.data.tables import Table
from gausswork.errors import DataFileError
from gausswork.findings import Finding, Severity

PathLike: TypeAlias = str | os.PathLike[str]

# What a file starts with, and what to do about it if it is nothing that can be read here.
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "Unpack it, or save the sheet as CSV."),
    (b"\x93NUMPY", "a NumPy file", "Load it with numpy.load and pass the array."),
    (b"SQLite format 3\0", "an SQLite database", "Read the table into a data frame and pass that."),
    (b"\x89HDF", "an HDF5 file", "Read the table into a data frame and pass that."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save the sheet as CSV."),
    (b"%PDF", "a PDF document", "Copy its table into a CSV file."),
    (b"\x80\x04", "a Python pickle", "Pickles run code when read; save the data as Parquet."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it with xz -d, or use .gz or .zst."),
)
_END_BYTES = 1 << 16  # of a file that its identity looks at, on either side
_COMPRESSED = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bz2"))


@dataclass(frozen=True, slots=True)
class DataFile:
    """A regular, readable file.

    Attributes
    ----------
    path : where it is.
    size : its size in bytes.
    modified : time of its last change in nanoseconds, to notice a change between two passes.
    format : ``"csv"``, ``"parquet"`` or ``"ipc"``.
    compression : ``"gzip"``, ``"zstd"``, ``"bz2"``, or None.
    """

    path: Path
    size: int
    modified: int
    format: str
    compression: str | None

    @property
    def name(self) -> str:
        """Its name without the folder, for messages."""
        return self.path.name

    def opened(self) -> Any:
        """Return its bytes as an Arrow file, to be closed by the caller."""
        import pyarrow as pa

        return pa.OSFile(str(self.path))

    def stamp(self) -> tuple[int, int]:
        """Return what its size and time of change are now."""
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns


@dataclass(frozen=True, slots=True)
class MemoryFile(DataFile):
    """A file that was handed over as bytes and lies on no disk; ``path`` is its name."""

    content: bytes

    def opened(self) -> Any:
        """Return its bytes as an Arrow file."""
        import pyarrow as pa

        return pa.BufferReader(self.content)

    def stamp(self) -> tuple[int, int]:
        """Return size and time: bytes in memory do not change."""
        return self.size, self.modified


def is_path(data: object) -> bool:
    """Whether the data is a path, a pattern, or a list of them."""
    if isinstance(data, str | os.PathLike):
        return True
    return (
        isinstance(data, list | tuple)
        and len(data) > 0
        and all(isinstance(item, str | os.PathLike) for item in data)
    )


def file_table(data: PathLike | Sequence[PathLike]) -> Table:
    """Open files as one table: CSV, Parquet or Arrow, a pattern such as ``"part-*.csv"``, a list.

    The files of a pattern are read in the order of their names, those of a list as listed.

    Raises
    ------
    DataFileError
        A file is missing, no regular file, not readable, empty or of a format not known here.
    """
    patterns = [data] if isinstance(data, str | os.PathLike) else list(data)
    files = [inspect(path) for pattern in patterns for path in resolve(pattern)]
    _refuse_repeated(files)
    description = files[0].name
    if len(files) > 1:
        what = os.fspath(patterns[0]) if len(patterns) == 1 else f"{files[0].name} and others"
        description = f"{Path(what).name} ({len(files)} files)"
    return table_of(files, description=description)


def bytes_table(name: str, content: bytes) -> Table:
    """Open the bytes of a file, such as an upload, without writing them anywhere.

    Raises
    ------
    DataFileError
        They are empty or of a format not known here.
    """
    path = Path(name)
    kind, compression = _format(path, content[:16])
    return table_of(
        [MemoryFile(path, len(content), 0, kind, compression, content)], description=path.name
    )


def table_of(files: Sequence[DataFile], *, description: str) -> Table:
    """Open files that have been looked at as one table."""
    formats = {file.format: file for file in files}
    if len(formats) > 1:
        first, second = list(formats.values())[:2]
        raise DataFileError(
            f"files of one table must have one format; {first.name} is {first.format} and "
            f"{second.name} is {second.format}. Fit them apart, or convert one of them."
        )
    if files[0].format == "csv":
        from gausswork.data.csv_table import CsvTable

        return CsvTable(files, description=description)
    from gausswork.data.columnar import ColumnarTable

    return ColumnarTable(files, description=description)


def _refuse_repeated(files: Sequence[DataFile]) -> None:
    """Refuse a file that is given twice, by whatever path: its rows would count twice."""
    seen: dict[Path, Path] = {}
    for file in files:
        real = file.path.resolve()
        if real in seen:
            first = seen[real]
            ways = "" if file.path == first else f" (as {str(first)!r} and as {str(file.path)!r})"
            raise DataFileError(
                f"{file.name} is given twice{ways}: each of its rows would count twice. Name each "
                "file once, or use patterns that do not overlap."
            )
        seen[real] = file.path


def resolve(pattern: PathLike) -> list[Path]:
    """Turn a path or a pattern into the files that it means."""
    text = os.fspath(pattern)
    shown = repr(text) if len(text) <= 200 else f"{text[:200]!r}…"
    if not text or "\0" in text:
        raise DataFileError(f"{shown} is not a path. Pass the path of a data file.")
    if text == "-" and not os.path.lexists(text):
        raise DataFileError(
            "'-' is no file: standard input is not read, since data are read more than once. "
            "Write them to a file first and pass its path."
        )
    if "://" in text:
        raise DataFileError(f"{shown} is an address; download the file and pass its path.")
    try:
        path = Path(text).expanduser()
        if os.path.lexists(path) or not glob.has_magic(text):
            return [path]
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns too
    except RuntimeError as error:  # ~name of an unknown user
        raise DataFileError(f"{shown} is not a usable path: {error}.") from None
    except OSError as error:
        raise DataFileError(f"{shown} cannot be read: {error.strerror or error}.") from None
    if not matches:
        raise DataFileError(f"no file matches {shown}. Check the folder and the pattern.")
    return [Path(match) for match in matches if not Path(match).is_dir()] or [path]


def inspect(path: Path) -> DataFile:
    """Look at the first bytes of a file, and refuse what cannot be read with the reason."""
    try:
        if path.is_dir():
            raise DataFileError(_directory(path))
        if path.exists() and not path.is_file():
            raise DataFileError(
                f"{path} is not a regular file. Files are read more than once: "
                "save the data to a file first."
            )
        with path.open("rb") as stream:
            head = stream.read(16)
            status = os.fstat(stream.fileno())
    except FileNotFoundError:
        raise DataFileError(_not_found(path)) from None
    except PermissionError:
        raise DataFileError(
            f"{path} cannot be read: permission denied. Change its permissions, or copy it."
        ) from None
    except OSError as error:
        raise DataFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    kind, compression = _format(path, head)
    return DataFile(path, status.st_size, status.st_mtime_ns, kind, compression)


def _format(path: Path, head: bytes) -> tuple[str, str | None]:
    """Tell format and compression from the first bytes; refuse what cannot be read."""
    if not head:
        raise DataFileError(
            f"{path.name} is empty (0 bytes). Did the program that writes it fail, or is it still "
            "writing? Write the file again, with a line of column names and then the rows."
        )
    for magic, what, remedy in _FOREIGN:
        if head.startswith(magic):
            raise DataFileError(f"{path.name} is {what}, which is not read here. {remedy}")
    compression = next((name for magic, name in _COMPRESSED if head.startswith(magic)), None)
    kind = "csv"
    if head.startswith(b"PAR1"):
        kind = "parquet"
    elif head.startswith(b"ARROW1"):
        kind = "ipc"
    elif head.startswith((b"FEA1", b"\xff\xff\xff\xff")):
        raise DataFileError(
            f"{path.name} is in an Arrow format that cannot be read again from its start "
            "(Feather 1 or an IPC stream). Write it as Parquet or as an Arrow IPC file."
        )
    return kind, compression


def _not_found(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {str(path)!r}: its folder {str(folder)!r} does not exist."
    try:
        here = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        here = []
    close = difflib.get_close_matches(path.name, here, n=1, cutoff=0.5)
    meant = f" Did you mean {str(folder / close[0])!r}?" if close else ""
    return f"there is no file {str(path)!r}.{meant}"


def _directory(path: Path) -> str:
    try:
        endings = sorted({entry.suffix for entry in path.iterdir() if entry.is_file()} - {""})
    except OSError:
        endings = []
    example = endings[0] if endings else ".parquet"
    return f"{path} is a folder. To read the files in it, pass a pattern: {path / '*'!s}{example}"


def refuse_changed(file: DataFile) -> None:
    """Refuse a file that is no longer what it was when it was opened."""
    try:
        stamp = file.stamp()
    except OSError as error:
        raise DataFileError(f"{file.name} can no longer be read: {error.strerror}.") from None
    if stamp != (file.size, file.modified):
        raise DataFileError(
            f"{file.name} has changed since it was opened. Wait until it is complete, then fit it "
            "anew."
        )


def identity(file: DataFile) -> list[Any]:
    """Return what tells a file from any other, and from itself once it has changed, for JSON.

    Its name, size and time of change, and a digest of its first and last bytes.
    """
    import hashlib

    try:
        with file.path.open("rb") as stream:
            ends = stream.read(_END_BYTES)
            stream.seek(max(0, file.size - _END_BYTES))
            ends += stream.read(_END_BYTES)
    except OSError as error:
        raise DataFileError(f"{file.name} can no longer be read: {error.strerror}.") from None
    return [file.name, file.size, file.modified, hashlib.sha256(ends).hexdigest()]


def missing_in_file(name: str, place: str, first: str) -> str:
    """Say that one file of several lacks a column."""
    return (
        f"{place} has no column {name!r}, which {first} has. "
        "All files of one table must have the columns used."
    )


def extra_columns(files: Sequence[tuple[str, Sequence[str]]]) -> tuple[Finding, ...]:
    """Say which columns of a later file are not in the first one and so never used.

    Parameters
    ----------
    files : the name and the columns of each file.
    """
    known = set(files[0][1])
    for name, columns in files[1:]:
        extra = [column for column in columns if column not in known]
        if extra:
            finding = Finding(
                "extra-columns",
                Severity.CAUTION,
                f"{name} has columns that {files[0][0]} lacks: {listed(extra)}. They are not used.",
                "Give every file the same columns.",
                {"file": name, "columns": extra},
            )
            return (finding,)
    return ()
