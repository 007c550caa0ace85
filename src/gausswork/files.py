"""Writing files so that they are either complete or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from gausswork.errors import InputError


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuse a path that cannot be written, before the work whose result is to go there."""
    check_path(path)
    target = Path(path)
    try:
        if target.is_dir():
            raise InputError(f"{path} is a directory. Give the name of a file to write.")
        parent = target.resolve().parent
        if not parent.is_dir():
            raise InputError(
                f"the directory of {path} does not exist. Create it, or write somewhere else."
            )
        if not os.access(target if target.exists() else parent, os.W_OK):
            raise PermissionError(13, "Permission denied", str(target))
    except RuntimeError:  # of pathlib before Python 3.13
        raise unwritable(path, OSError(40, "Too many levels of symbolic links")) from None
    except OSError as error:
        raise unwritable(path, error) from error


def check_path(path: object) -> None:
    """Refuse what cannot be the name of a file."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise InputError(
            f"path must be the name of a file; got {path!r}. Give one, such as 'model.json'."
        )


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path to write to; on success it takes the place of ``path``, else nothing changes.

    The new file lies in the same directory, reaches the disk before it is renamed, and is removed
    on any error, a keyboard interrupt included. A link is followed; a pipe or a device, which
    cannot be replaced, is written directly.

    Raises
    ------
    InputError
        The file cannot be written; the old one, if any, is as it was.
    """
    check_writable(path)
    try:
        target = Path(path).resolve()
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            yield target
            return
        temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
        try:
            # Created here and now: an unwritable directory is reported before any work is done.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            if mode is not None:
                temporary.chmod(stat.S_IMODE(mode))
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: str | os.PathLike[str], error: OSError) -> InputError:
    """Build the error for a file that the system refuses to write."""
    return InputError(
        f"cannot write {os.fspath(path)}: {error.strerror or error}. "
        "Choose another place, or free some space."
    )
