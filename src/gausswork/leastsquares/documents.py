"""JSON documents on disk: written all or nothing, read with suspicion. Reading one runs nothing."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gausswork import files
from gausswork.errors import InputError, ModelFileError
from gausswork.leastsquares.moments import Moments

LARGEST_FILE = 2**30  # bytes; a model of 5,000 predictors takes half of that

_DEEPEST = 12
_MOMENTS_VERSION = 1
_LONG_NUMBER = re.compile(r"[0-9]{401}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a document is, in the file and in messages.

    Attributes
    ----------
    format : the value of its first key, ``"format"``.
    name : ``"gausswork model"``.
    wanted : what to give instead of something else: ``"saved model"``.
    made_by : how such a file comes about: ``"fit.save() or --save"``.
    """

    format: str
    name: str
    wanted: str
    made_by: str

    @property
    def opening(self) -> str:
        """The first characters of such a file."""
        return f'{{"format": "{self.format}"'


MOMENTS = Kind(
    "gausswork-moments", "file of gausswork moments", "file of moments", "moments.save()"
)


def save_moments(moments: Moments, path: str | os.PathLike[str]) -> None:
    """Write moments; see :meth:`gausswork.Moments.save`."""
    document = {
        "format": MOMENTS.format, "version": _MOMENTS_VERSION, "moments": moments.to_dict(),
    }  # fmt: skip
    write(document, path, MOMENTS)


def load_moments(path: str | os.PathLike[str]) -> Moments:
    """Read moments; see :meth:`gausswork.Moments.load`."""
    return read(path, MOMENTS, _moments)


def _moments(document: Any) -> Moments:
    if not isinstance(document, dict) or document.get("format") != MOMENTS.format:
        raise ModelFileError(f"this is not a {MOMENTS.name}: its format is not {MOMENTS.format!r}.")
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise ModelFileError("it has no version.")
    if version > _MOMENTS_VERSION:
        raise ModelFileError(
            f"it has format version {version}, and this gausswork reads up to {_MOMENTS_VERSION}. "
            "Upgrade gausswork."
        )
    if not isinstance(document.get("moments"), dict):
        raise ModelFileError("it has no 'moments'.")
    return Moments.from_dict(document["moments"])


def write(document: dict[str, Any], path: str | os.PathLike[str], kind: Kind) -> None:
    """Write a document. An older one of its kind is replaced; any other file is left alone.

    Raises
    ------
    InputError
        The file cannot be written, or something else has that name.
    """
    check_place(path, kind)
    text = json.dumps(document, allow_nan=False, ensure_ascii=False)
    if len(text) > LARGEST_FILE // 4 and len(text.encode()) > LARGEST_FILE:
        raise InputError(
            f"this {kind.name} is larger than {LARGEST_FILE} bytes, the most that can be read "
            "again. Use fewer columns, or keep what to_dict() returns instead."
        )
    with files.atomic(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.write("\n")


def check_place(path: str | os.PathLike[str], kind: Kind) -> None:
    """Refuse a path where no such document can be written, before the work that it is to hold."""
    files.check_writable(path)
    target = Path(path)
    if target.is_file() and target.stat().st_size > 0 and not _opens_as(target, kind):
        raise InputError(
            f"{path} exists and is not a {kind.name}, so it was not replaced. "
            "Choose another name, or delete it first."
        )


def read(path: str | os.PathLike[str], kind: Kind, decode: Callable[[Any], T]) -> T:
    """Read a document that :func:`write` wrote.

    Parameters
    ----------
    decode : makes of the plain data what it describes, checking every part of it.

    Raises
    ------
    ModelFileError
        The file is not a complete, consistent document of that kind.
    """
    files.check_path(path)
    document = _parsed(_text(Path(path), kind), str(path), kind)
    try:
        return decode(document)
    except ModelFileError as error:
        said = f"{path}: {error}"
        if not said.endswith(("Upgrade gausswork.", "save again.")):
            said += " The file is damaged or was not written by gausswork; fit and save again."
        raise ModelFileError(said) from error


def _opens_as(path: Path, kind: Kind) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(kind.opening)) == kind.opening.encode()
    except OSError as error:
        raise files.unwritable(path, error) from error


def _text(path: Path, kind: Kind) -> str:
    try:
        found = path.stat()  # before it is opened: opening a pipe waits for somebody to write
        if not stat.S_ISREG(found.st_mode):
            what = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise ModelFileError(f"{path} is {what}. Give the path of a {kind.wanted}.")
        if found.st_size > LARGEST_FILE:
            raise ModelFileError(
                f"{path} has {found.st_size} bytes, more than the {LARGEST_FILE} that a "
                f"{kind.wanted} may have. Is it the data file?"
            )
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1).decode("utf-8")
    except FileNotFoundError:
        raise ModelFileError(
            f"there is no file {path}. Make one with {kind.made_by} first."
        ) from None
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ModelFileError(
            f"{path} is not a {kind.name}: byte {error.start} is not UTF-8 text."
        ) from None


def _parsed(text: str, path: str, kind: Kind) -> Any:
    try:
        document = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant,
            # a call for each integer is slow: only where one is suspiciously long
            parse_int=_integer if _LONG_NUMBER.search(text) else None,
        )  # fmt: skip
    except json.JSONDecodeError as error:
        cut = " It seems to end early." if error.pos >= len(text.rstrip()) else ""
        raise ModelFileError(
            f"{path} is not a {kind.name}: not valid JSON at line {error.lineno}, "
            f"column {error.colno} ({error.msg}).{cut}"
        ) from None
    except RecursionError:
        raise ModelFileError(f"{path} is not a {kind.name}: nested too deeply.") from None
    except ValueError as error:
        raise ModelFileError(f"{path} is not a {kind.name}: {error}.") from None
    if _too_deep(document, _DEEPEST):
        raise ModelFileError(f"{path} is not a {kind.name}: nested too deeply.")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON knows")


def _integer(digits: str) -> int:
    if len(digits) > 400:  # no float64 is that long; int() of a huge one takes quadratic time
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _too_deep(value: Any, left: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return left == 0 or any(_too_deep(v, left - 1) for v in value if isinstance(v, (dict, list)))
