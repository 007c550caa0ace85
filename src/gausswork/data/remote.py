"""Files elsewhere, through fsspec: ``s3://…``, ``https://…``, ``memory://…`` and whatever it knows.

They are read like files on disk: in batches, as often as needed, each column only where it is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from gausswork.data.files import DataFile, format_of, is_note, partition_of
from gausswork.data.folders import Folder, parted, without_data
from gausswork.errors import DataFileError, require

# What file systems say of a file that changes when the file does.
_TRACES = (
    *("mtime", "LastModified", "last_modified", "Last-Modified", "created", "updated", "modified"),
    *("ETag", "etag", "Content-MD5", "md5Hash", "crc32c", "checksum", "version_id", "generation"),
)
_ON_THE_WEB = ("http", "https")


@dataclass(frozen=True, slots=True)
class RemoteFile(DataFile):
    """A file of an fsspec file system; ``path`` is its place there.

    Attributes
    ----------
    system : the ``fsspec.AbstractFileSystem``.
    place : what the file system calls it.
    """

    system: Any
    place: str

    @property
    def key(self) -> str:
        """The place in its file system."""
        return f"{self.system.to_json() if hasattr(self.system, 'to_json') else ''} {self.place}"

    @property
    def streams(self) -> bool:
        """Whether it comes by one request: many servers cannot begin in the middle."""
        return _protocol(self.system) in _ON_THE_WEB

    def opened(self, *, in_order: bool = False) -> Any:
        """Return its bytes as an Arrow file; whatever goes wrong while reading is an OSError."""
        import pyarrow as pa

        options: dict[str, Any] = {}
        if in_order and self.streams:
            options["block_size"] = 0
        with failing(self.name):
            stream = self.system.open(self.place, "rb", **options)
        return pa.PythonFile(_Reader(stream, self.size), mode="r")

    def stamp(self) -> tuple[int, int]:
        """Ask for its size and traces of change."""
        self.system.invalidate_cache()
        return _stamp(self.system.info(self.place))


class _Reader:
    """A stream whose every error is an OSError, and that misses bytes that do not come."""

    def __init__(self, stream: Any, size: int) -> None:
        self._stream = stream
        self._size = size
        self._at = 0
        self.closed = False

    def read(self, count: int = -1) -> bytes:
        """Read at most so many bytes; fewer than promised is an error."""
        try:
            data = bytes(self._stream.read(count))
        except OSError:
            raise
        except Exception as error:  # each file system has errors of its own
            raise OSError(_words(error)) from error
        self._at += len(data)
        if not data and count and self._at < self._size:
            raise OSError(f"it ends after {self._at} of {self._size} bytes")
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        """Move."""
        self._at = int(self._stream.seek(place, whence))
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def seekable(self) -> bool:
        """Say yes: those who read in order do not ask."""
        return True

    def readable(self) -> bool:
        """Say yes."""
        return True

    def writable(self) -> bool:
        """Say no."""
        return False

    def close(self) -> None:
        """Close the stream."""
        if not self.closed:
            self.closed = True
            self._stream.close()

    def flush(self) -> None:
        """Do nothing."""


def remote_files(address: str) -> list[RemoteFile]:
    """Look at the files that an address means: one, a pattern, or a folder year=2024/….

    Raises
    ------
    DataFileError
        There is no such file, or it cannot be read; passwords in the address are not repeated.
    MissingPackageError
        fsspec is not installed.
    """
    require("fsspec", purpose="Files at an address", extra="remote")
    from fsspec.core import url_to_fs

    shown = _without_secrets(address)
    try:
        with failing(shown):
            system, place = url_to_fs(address)
    except ImportError as error:  # fsspec names the package that this protocol needs
        raise DataFileError(f"{shown} cannot be read: {_words(error)}.") from None
    except ValueError as error:
        raise DataFileError(f"{shown} cannot be read: {error}.") from None
    magic = "*[" if _protocol(system) in _ON_THE_WEB else "*?["
    base, folder = place, None
    with failing(shown):
        if any(sign in place for sign in magic):
            places = sorted(map(str, system.glob(place)))
            base = place[: min(place.find(sign) for sign in magic if sign in place)]
            base = base.rpartition("/")[0]
            places = [each for each in places if not system.isdir(each)]
        elif _protocol(system) not in _ON_THE_WEB and system.isdir(place):
            places = [each for each in sorted(system.find(place)) if "=" in each[len(place) :]]
            places = [each for each in places if not is_note(each[len(place) :].split("/"))]
            folder = Folder(shown, ())
            if not places:
                within = {str(each["name"]).rstrip("/").rpartition("/")[2]: each["type"]
                          for each in system.ls(place, detail=True)}  # fmt: skip
                names, others = parted([name for name in within if within[name] == "file"])
                if not names:
                    raise DataFileError(without_data(shown, others))
                places = [f"{place.rstrip('/')}/{name}" for name in names]
                folder = Folder(shown, others)
        else:
            places, base = [place], place.rpartition("/")[0]
    if not places:
        raise DataFileError(f"no file matches {shown}. Check the address and the pattern.")
    return [replace(_inspected(system, each, base, shown), folder=folder) for each in places]


def _inspected(system: Any, place: str, base: str, shown: str) -> RemoteFile:
    inner = PurePosixPath(place[len(base) :].lstrip("/") if place.startswith(base) else place)
    keys = partition_of(inner.parts[:-1])
    path = Path(place.partition("?")[0])
    with failing(shown if place.endswith(path.name) and not keys else path.name):
        size, modified = _stamp(system.info(place))
        options = {"block_size": 0} if _protocol(system) in _ON_THE_WEB else {}
        with system.open(place, "rb", **options) as stream:
            head = stream.read(16)
    label = str(inner) if keys else ""
    kind, compression = format_of(label or path.name, head)
    return RemoteFile(
        path, size, modified, kind, compression, system, place, label=label, partition=keys
    )


@contextmanager
def failing(shown: str) -> Iterator[None]:
    """Turn whatever a file system raises into an error that names the file."""
    try:
        yield
    except (DataFileError, ImportError, ValueError):
        raise
    except FileNotFoundError:
        # a server that does not answer looks like this too
        raise DataFileError(
            f"there is no file {shown}, or what serves it does not answer. Check the address."
        ) from None
    except PermissionError as error:
        raise DataFileError(
            f"{shown} cannot be read: permission denied ({_words(error)}). Check the credentials "
            "in the environment."
        ) from None
    except Exception as error:  # each file system has errors of its own
        raise DataFileError(f"{shown} cannot be read: {_words(error)}.") from None


def _stamp(about: Any) -> tuple[int, int]:
    """Return the size of a file, 0 where nobody knows, and a number that changes with it."""
    traces = "|".join(f"{name}={about[name]}" for name in _TRACES if about.get(name) is not None)
    digest = hashlib.sha256(traces.encode()).digest()
    return int(about.get("size") or 0), int.from_bytes(digest[:6], "big")


def _protocol(system: Any) -> str:
    protocol = system.protocol
    return str(protocol if isinstance(protocol, str) else protocol[0])


def _words(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _without_secrets(address: str) -> str:
    """Return an address without user and password, and without what follows a question mark."""
    start, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    path = path.partition("?")[0] if start.rpartition(":")[2] in _ON_THE_WEB else path
    return f"{start}://{host.rpartition('@')[2]}{slash}{path}"
