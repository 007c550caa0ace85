"""What is read is not written over: an output may not take the place of its own input."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gausswork.errors import InputError

_QUOTED = re.compile(r"""'((?:[^']|'')+)'|"([^"]+)\"""")


def spare_inputs(output: str | None, data: Any, *, option: str) -> None:
    """Refuse an output that is a file of the data, under this name or another.

    Parameters
    ----------
    data : a path, a pattern, a list of paths, or what was made of them for a cluster; or a query,
        whose files are those that it names in quotes.
    option : the option that named the output.

    Raises
    ------
    InputError
        Writing would destroy what the command reads.
    """
    if not output or not Path(output).exists():
        return
    for path in _files(data):
        with contextlib.suppress(OSError):
            if path.samefile(output) or (path.is_dir() and path.samefile(Path(output).parent)):
                raise InputError(
                    f"the output {output!r} would replace {str(path)!r}, which this command reads. "
                    f"Give {option} another name."
                )


def _files(data: Any) -> Iterator[Path]:
    from gausswork.data.files import is_path, resolve

    sql = getattr(data, "sql", None)
    if isinstance(sql, str):
        data = [single.replace("''", "'") or double for single, double in _QUOTED.findall(sql)]
    data = getattr(data, "data", data)  # files on a cluster
    if not is_path(data):
        return
    for each in [data] if isinstance(data, str | os.PathLike) else data:
        with contextlib.suppress(InputError, OSError, ValueError):  # told where it is read
            yield from resolve(each)
