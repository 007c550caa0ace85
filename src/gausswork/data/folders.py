"""Folders as tables: which of their files are data, told by the ending of the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gausswork.data.kinds import listed
from gausswork.findings import Finding, Severity

if TYPE_CHECKING:
    from gausswork.data.files import DataFile

_KINDS = (".csv", ".tsv", ".parquet", ".pq", ".arrow", ".feather", ".ipc")
_PACKED = ("", ".gz", ".zst", ".bz2")
_ENDINGS = tuple(kind + packed for kind in _KINDS for packed in _PACKED)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that was given as data.

    Attributes
    ----------
    name : what messages call it.
    left_out : names of the files in it that are no data by their names.
    """

    name: str
    left_out: tuple[str, ...]


def is_data(name: str) -> bool:
    """Whether the name of a file ends as those of data files do, and marks no hidden one."""
    return name.lower().endswith(_ENDINGS) and not name.startswith((".", "_"))


def parted(names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of data files in their order, and those of the others that show."""
    others = (name for name in names if not is_data(name) and not name.startswith((".", "_")))
    return sorted(name for name in names if is_data(name)), tuple(sorted(others))


def without_data(shown: str, others: Sequence[str]) -> str:
    """Say that a folder holds no data files, and what helps."""
    ending = next((f"*.{name.rpartition('.')[2]}" for name in others if "." in name), "")
    pattern = f"{shown.rstrip('/')}/{ending or '**/*.parquet'}"
    here = f" It holds {listed(others)}." if others else ""
    return (
        f"{shown} is a folder without data files: none of its files ends in .csv, .tsv, .parquet "
        f"or .arrow.{here} To read others, or those of folders below, pass a pattern: {pattern}"
    )


def folder_findings(files: Sequence[DataFile]) -> tuple[Finding, ...]:
    """Say which files of which folder were taken."""
    found = []
    for folder in dict.fromkeys(file.folder for file in files if file.folder is not None):
        taken = [file.name for file in files if file.folder == folder]
        those = f"its file {taken[0]!r} was read"
        if len(taken) > 1:
            those = (
                f"its {len(taken)} files were read in the order of their names, {taken[0]!r} to "
                f"{taken[-1]!r}"
            )
        left = f" Left out: {listed(folder.left_out)}." if folder.left_out else ""
        found.append(
            Finding(
                "folder-read",
                Severity.NOTE,
                f"{folder.name} is a folder: {those}.{left}",
                "To choose others, pass a pattern such as 'folder/2024-*.parquet'.",
                {"folder": folder.name, "files": taken, "left_out": list(folder.left_out)},
            )
        )
    return tuple(found)
