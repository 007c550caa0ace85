"""One look at a database for a whole computation, however many passes it takes."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

_QUERIES = "gausswork.data.databases."


def one_snapshot(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function whose first argument may be a query read it in one snapshot throughout.

    Other data is passed on as it is, at no price: the part that knows databases is not loaded.
    """

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        data = args[0] if args else kwargs.get("data")
        if not type(data).__module__.startswith(_QUERIES):
            return function(*args, **kwargs)
        call: Callable[..., _R] = function  # the table stands where the query stood
        with snapshot(data) as table:
            if args:
                return call(table, *args[1:], **kwargs)
            return call(**{**kwargs, "data": table})

    return run


@contextlib.contextmanager
def snapshot(data: Any) -> Iterator[Any]:
    """Yield a query as a table that keeps one connection until the end of the block.

    Any other data is yielded as it is.
    """
    if not type(data).__module__.startswith(_QUERIES):
        yield data
        return
    from gausswork.data.databases.table import query_table

    table = query_table(data)
    assert table is not None  # what that package makes is one
    with table.held():
        yield table
