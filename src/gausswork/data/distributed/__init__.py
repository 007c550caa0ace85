"""Rows that lie on the machines of a cluster: dask collections, and files read by its workers.

The sums travel, the rows stay where they are, but for the few at the borders of partitions: blocks
of rows are the same whatever the partitions, so the answer is that of one machine, bit for bit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def is_distributed(data: Any) -> bool:
    """Whether data is a dask collection, something delayed, or a list of such."""
    if isinstance(data, list | tuple):
        return bool(data) and is_distributed(data[0])
    module = type(data).__module__.partition(".")[0]
    if module == "gausswork":
        return bool(getattr(data, "distributed", False))
    return module in ("dask", "distributed")


def attended(function: Callable[P, R]) -> Callable[P, R]:
    """Keep one cluster at hand during the whole of a fit of distributed data, its first argument.

    What the workers keep between the passes of the fit is let go at its end.
    """

    @functools.wraps(function)
    def wrapped(*given: P.args, **named: P.kwargs) -> R:
        if not is_distributed(given[0] if given else named.get("data")):
            return function(*given, **named)
        from gausswork.data.distributed.clients import fitting

        with fitting():
            return function(*given, **named)

    return wrapped
