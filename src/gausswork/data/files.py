"""Data files: paths and patterns to tables, by what is in the files rather than their names."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

from gausswork.data.folders import Folder, folder_findings, parted, without_data
from gausswork.data.kinds import listed
from gausswork.data.tables import Table
from gausswork.errors import DataFileError
from gausswork.findings import Finding, Severity

PathLike: TypeAlias = str | os.PathLike[str]
# The folders year=2024/month=3 say of all rows below: (("year", "2024"), ("month", "3")).
Partition: TypeAlias = tuple[tuple[str, str | None], ...]

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
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")
_KEY = re.compile(r"([^=]+)=(.*)")  # a folder of a partitioned table, as Hive names them
_NO_VALUE = ("__HIVE_DEFAULT_PARTITION__", "")
_END_BYTES = 1 << 16  # of a file that its identity looks at, on either side
_COMPRESSED = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bz2"))
_SKIPPED_FRAME = b"\x2a\x4d\x18"  # after a byte of 0x5?: parallel compressors put one in front
_JSON = re.compile(rb"\s*(\[\s*)?\{\s*(\"|\})")


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
    label : its name with folders, where its name alone would not tell it from others.
    partition : columns and values that the names of its folders give to all of its rows.
    folder : the folder that was given as data, where one was.
    """

    path: Path
    size: int
    modified: int
    format: str
    compression: str | None
    label: str = field(default="", kw_only=True)
    partition: Partition = field(default=(), kw_only=True)
    folder: Folder | None = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        """What messages call it: its name, with the folders that tell it from others."""
        return self.label or self.path.name

    @property
    def streams(self) -> bool:
        """Whether bytes in order come without a way to skip any."""
        return False

    @property
    def key(self) -> str:
        """The same for every path that leads to this file."""
        return str(self.path.resolve())

    def opened(self, *, in_order: bool = False) -> Any:
        """Return its bytes as an Arrow file, to be closed by the caller.

        Parameters
        ----------
        in_order : whether the bytes will be read from the first to the last.
        """
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

    @property
    def key(self) -> str:
        """Bytes in memory are nowhere else."""
        return self.name

    def opened(self, *, in_order: bool = False) -> Any:
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

    The files of a pattern or a folder are read in the order of their names, those of a list as
    listed.

    Raises
    ------
    DataFileError
        A file is missing, no regular file, not readable, empty or of a format not known here.
    """
    files, description = data_files(data)
    return table_of(files, description=description)


def data_files(data: PathLike | Sequence[PathLike]) -> tuple[list[DataFile], str]:
    """Look at the files that a path, a pattern or a list means; return also what to call them."""
    patterns = [data] if isinstance(data, str | os.PathLike) else list(data)
    base = _common(patterns) if len(patterns) > 1 else None
    files = [file for pattern in patterns for file in found(pattern, base)]
    _refuse_repeated(files)
    description = files[0].name
    if len(files) > 1:
        what = os.fspath(patterns[0]) if len(patterns) == 1 else f"{files[0].name} and others"
        description = f"{_shown(what)} ({len(files)} files)"
    return files, description


def _shown(what: str) -> str:
    """Return what to call several files: a pattern with its folder."""
    path = Path(what.partition("://")[2] or what)
    if not glob.has_magic(what):
        return path.name or what
    there = "://" in what or path.is_absolute()
    return str(Path(*path.parts[-2:])) if there else str(path)


def bytes_table(name: str, content: bytes) -> Table:
    """Open the bytes of a file, such as an upload, without writing them anywhere.

    Raises
    ------
    DataFileError
        They are empty or of a format not known here.
    """
    path = Path(name)
    kind, compression = format_of(path.name, content[:16])
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

        table: Any = CsvTable(files, description=description)
    else:
        from gausswork.data.columnar import ColumnarTable

        table = ColumnarTable(files, description=description)
    table.findings = (*folder_findings(files), *table.findings)
    if any(file.partition for file in files):
        from gausswork.data.partitions import partitioned

        return partitioned(table, files)
    return cast(Table, table)


def found(pattern: PathLike, base: Path | None = None) -> Sequence[DataFile]:
    """Look at the files that a path, a pattern, a folder or an address means.

    Parameters
    ----------
    base : the folder below which names such as year=2024 are columns, where it is known.
    """
    text = os.fspath(pattern)
    if "://" in text and not _there(text):
        from gausswork.data.remote import remote_files

        return remote_files(text)
    paths = resolve(pattern)
    if glob.has_magic(text) and not _there(text):
        base = _base(Path(text).expanduser())
    folder = None
    if len(paths) == 1 and _is_folder(paths[0]):
        inside, base = paths[0], paths[0]
        paths = files_below(inside)
        folder = Folder(os.path.relpath(inside) if inside.name in ("", "..") else inside.name, ())
        if not paths:
            names, others = parted([entry.name for entry in _entries(inside) if entry.is_file()])
            if not names:
                raise DataFileError(without_data(str(inside), others))
            folder, paths = replace(folder, left_out=others), [inside / name for name in names]
    if base is None:
        return [inspect(path) for path in paths]
    files = []
    for path in paths:
        inner = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
        keys = partition_of(inner.parts[:-1])
        files.append(inspect(path, inner.as_posix() if keys else "", keys))
    return [replace(file, folder=folder) for file in files] if folder is not None else files


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise DataFileError(f"{folder} cannot be read: {error.strerror or error}.") from None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long: whoever opens it says so
        return False


def _there(text: str) -> bool:
    """Whether something has this very name, signs of a pattern included."""
    try:
        return os.path.lexists(text)
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def _common(paths: Sequence[PathLike]) -> Path | None:
    """Return the folder that holds all of these files, as a shell lists them for a pattern."""
    folders = [Path(path).expanduser().parent for path in paths]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # absolute and relative paths
        return None


def _base(pattern: Path) -> Path:
    """Return the folders before the first one that a pattern leaves open."""
    fixed: list[str] = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return Path(*fixed)


def files_below(folder: Path) -> list[Path]:
    """Return the data files of a folder partitioned by year=2024/… in the order of their paths.

    Hidden files and those that begin with an underscore are notes of the program that wrote it.
    None where the folder is not partitioned.
    """
    if not any(_KEY.fullmatch(entry.name) and entry.is_dir() for entry in _entries(folder)):
        return []
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not is_note(path.relative_to(folder).parts))


def is_note(parts: Sequence[str]) -> bool:
    """Whether a path leads to a note of the program that wrote the table, such as ``_SUCCESS``."""
    return any(part.startswith((".", "_")) for part in parts)


def partition_of(folders: Sequence[str]) -> Partition:
    """Read columns and values from the names of folders, None where a value is missing."""
    from urllib.parse import unquote

    keys = (match for folder in folders if (match := _KEY.fullmatch(folder)))
    return tuple(
        (unquote(key[1]), None if key[2] in _NO_VALUE else unquote(key[2])) for key in keys
    )


def _refuse_repeated(files: Sequence[DataFile]) -> None:
    """Refuse a file that is given twice, by whatever path: its rows would count twice."""
    seen: dict[str, Path] = {}
    for file in files:
        real = file.key
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
    if "://" in text and not _there(text):  # an address: no path leads there
        return []
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


def inspect(path: Path, label: str = "", partition: Partition = ()) -> DataFile:
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
    kind, compression = format_of(label or path.name, head)
    return DataFile(
        path, status.st_size, status.st_mtime_ns, kind, compression, label=label,
        partition=partition,
    )  # fmt: skip


def format_of(name: str, head: bytes) -> tuple[str, str | None]:
    """Tell format and compression from the first bytes; refuse what cannot be read."""
    if not head:
        raise DataFileError(
            f"{name} is empty (0 bytes). Did the program that writes it fail, or is it still "
            "writing? Write the file again, with a line of column names and then the rows."
        )
    for magic, what, remedy in _FOREIGN:
        if head.startswith(magic):
            raise DataFileError(f"{name} is {what}, which is not read here. {remedy}")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise DataFileError(
            f"{name} is a page of HTML or XML, not a table. Was it saved from a link that leads to "
            "a page, or to a sign-in? Fetch the data file itself."
        )
    if _JSON.match(head.removeprefix(b"\xef\xbb\xbf")):
        raise DataFileError(
            f"{name} is JSON, which is not read here. Read it into a data frame and pass that, or "
            "save it as CSV or Parquet."
        )
    compression = next((sort for magic, sort in _COMPRESSED if head.startswith(magic)), None)
    if head[1:4] == _SKIPPED_FRAME and head[0] >> 4 == 5:
        compression = "zstd"
    kind = "csv"
    if head.startswith(b"PAR1"):
        kind = "parquet"
    elif head.startswith(b"ARROW1"):
        kind = "ipc"
    elif head.startswith((b"FEA1", b"\xff\xff\xff\xff")):
        raise DataFileError(
            f"{name} is in an Arrow format that cannot be read again from its start "
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
    close = difflib.get_close_matches(path.name, here, n=1, cutoff=0.75)
    meant = f"Did you mean {str(folder / close[0])!r}?" if close else "Check name and folder."
    return f"there is no file {str(path)!r}. {meant}"


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
        raise DataFileError(
            f"{file.name} can no longer be read: {error.strerror or error}."
        ) from None
    if stamp != (file.size, file.modified):
        raise DataFileError(
            f"{file.name} has changed since it was opened. Wait until it is complete, then fit it "
            "anew."
        )


def refuse_rewritten(file: DataFile, raw: Any) -> None:
    """Refuse a file on disk that was written to while it was read, as one that grows is.

    A file that has been replaced by another one was read as it had been, and is left in peace.

    Parameters
    ----------
    raw : the open file.
    """
    try:
        status = os.fstat(raw.fileno())
    except (AttributeError, OSError, ValueError):  # elsewhere, or in memory
        return
    if (status.st_size, status.st_mtime_ns) != (file.size, file.modified):
        raise DataFileError(
            f"{file.name} has changed while it was read. Wait until it is complete, then fit it "
            "anew."
        )


def identity(file: DataFile) -> list[Any]:
    """Return what tells a file from any other, and from itself once it has changed, for JSON.

    Its name, size and time of change, and a digest of its first and last bytes.
    """
    import hashlib

    try:
        with file.opened(in_order=True) as stream:
            ends = stream.read(_END_BYTES)
            if not file.streams:
                stream.seek(max(0, file.size - _END_BYTES))
                ends += stream.read(_END_BYTES)
    except OSError as error:
        raise DataFileError(
            f"{file.name} can no longer be read: {error.strerror or error}."
        ) from None
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
