"""The partitions of a collection as tasks: one graph is sent for a whole pass over them."""

from __future__ import annotations

import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any, NoReturn, TypeAlias, TypeVar

from gausswork.data.distributed.clients import client_at_hand, explained
from gausswork.data.distributed.readers import Beside, named
from gausswork.data.distributed.waiting import as_they_come, result_of
from gausswork.errors import ClusterError

T = TypeVar("T")
Graph: TypeAlias = dict[Any, Any]


class Partitions:
    """The partitions of a collection, and what is known about them.

    Attributes
    ----------
    parts : what each is made of: something delayed, a tuple of such, a frame with columns beside
        it, or a value that travels. Given as a function where they are made when they are needed,
        and ``count`` of them.
    whole : what they are part of, in words.
    lengths : rows of each; None where only reading can tell.
    """

    def __init__(
        self,
        parts: Sequence[Any] | Callable[[], Sequence[Any]],
        whole: str,
        lengths: Sequence[int] | None = None,
        *,
        count: int | None = None,
    ) -> None:
        self._parts = parts
        self.whole = whole
        self.lengths = None if lengths is None else tuple(lengths)
        self._count = len(self.parts) if count is None else count
        if not self._count:
            raise ClusterError(f"the {whole} has no partitions, so there is nothing to fit.")

    @cached_property
    def parts(self) -> tuple[Any, ...]:
        """What each is made of."""
        return tuple(self._parts() if callable(self._parts) else self._parts)

    def __len__(self) -> int:
        return self._count

    def expression(self, number: int) -> Any:
        """Return a partition as an argument of a task."""
        return _expression(self.parts[number])

    def graph(self, numbers: Sequence[int]) -> Graph:
        """Return the tasks that make some partitions."""
        from dask.optimization import cull

        if len(numbers) == len(self.parts):
            return dict(self._graph)
        keys = {key for number in numbers for key in _keys(self.parts[number])}
        wanted = list(keys & self._graph.keys())
        return dict(cull(self._graph, wanted)[0])

    @cached_property
    def _graph(self) -> Graph:
        from dask.utils import ensure_dict

        graphs = {id(graph): graph for part in self.parts for graph in _graphs(part)}
        merged: Graph = {}
        for graph in graphs.values():
            merged.update(ensure_dict(graph))
        return merged

    def each(self, work: Callable[..., T], *given: Any, most: int | None = None) -> Iterator[T]:
        """Yield ``work(*given, number, whole, raw)`` of every partition, in order.

        Parameters
        ----------
        most : how many results may wait on the workers at a time; None where they are small.
        """
        with client_at_hand() as client:
            step = most or len(self)
            ahead: deque[list[Any]] = deque()
            try:
                for start in range(0, len(self) + step, step):
                    numbers = range(start, min(start + step, len(self)))
                    if numbers:
                        ahead.append(self._submitted(client, work, given, numbers))
                    if start:
                        yield from self._results(client, ahead[0], start - step)
                        ahead.popleft()
            finally:
                drop(client, [future for futures in ahead for future in futures])

    def _results(self, client: Any, futures: Sequence[Any], start: int) -> list[Any]:
        """Wait for the results of some partitions, and let go of them on the cluster."""
        numbers = {future.key: number for number, future in enumerate(futures, start)}
        found: dict[int, Any] = {}
        for key, result, error in as_they_come(client, futures, f"the {self.whole}"):
            number = numbers[key]
            if error is not None:
                self.fail(error, range(number, number + 1))
            found[number] = result
        return [found[number] for number in sorted(found)]

    def _submitted(
        self, client: Any, work: Callable[..., Any], given: Sequence[Any], numbers: Sequence[int]
    ) -> list[Any]:
        graph = self.graph(numbers)
        token = uuid.uuid4().hex
        keys = []
        for number in numbers:
            keys.append(f"gausswork-{work.__name__}-{token}-{number}")
            call = partial(work, *given, number, self.whole)
            graph[keys[-1]] = task(keys[-1], call, self.expression(number))
        return send(client, graph, keys)

    def result(self, future: Any, number: int | None) -> Any:
        """Wait for a result."""
        try:
            return result_of(future.client, future, f"the {self.whole}")
        except Exception as error:
            self.fail(error, None if number is None else range(number, number + 1))

    def fail(self, error: BaseException, numbers: range | None) -> NoReturn:
        """Raise a failure of the cluster as an error that says where."""
        where = f"the {self.whole}"
        if numbers is not None and len(numbers) == 1:
            where = named(numbers[0], self.whole)
        elif numbers is not None and len(numbers) < len(self):
            where = f"partitions {numbers[0]} to {numbers[-1]} (counted from 0) of the {self.whole}"
        better = explained(error, where)
        if better is error:
            raise error
        raise better from error

    def is_made(self, number: int) -> bool:
        """Whether tasks make a partition, rather than its value alone that says where it lies."""
        return next(_delayed(self.parts[number]), None) is not None

    def places(self, client: Any) -> list[str | None]:
        """Return for each partition the worker that has in memory all that it is made of.

        None where nothing of it is there yet, where several workers have parts of it, or where it
        is made of nothing that workers keep.
        """
        held = {key: node for key, node in self._graph.items() if is_future(node)}
        if not held:
            return [None] * len(self)
        needed = [self._needed(part, held) for part in self.parts]
        there = client.who_has([held[key] for key in {key for keys in needed for key in keys}])
        return [place_of([there.get(held[key].key, ()) for key in keys]) for keys in needed]

    def _needed(self, part: Any, among: Mapping[Any, Any]) -> set[Any]:
        """Return those of some keys that the tasks of a partition come down to."""
        found: set[Any] = set()
        waiting, seen = list(_keys(part)), set()
        while waiting:
            key = waiting.pop()
            if key in seen or key not in self._graph:
                continue
            seen.add(key)
            if key in among:
                found.add(key)
            else:
                waiting += self._graph[key].dependencies
        return found

    def which(self, key: Any) -> int | None:
        """Return the number of the partition that a task makes, or helps to make."""
        from dask.optimization import cull

        for number, part in enumerate(self.parts):
            wanted = [one for one in _keys(part) if one in self._graph]
            if key in wanted or key in cull(self._graph, wanted)[0]:
                return number
        return None


def send(client: Any, graph: Mapping[Any, Any], keys: Sequence[Any]) -> list[Any]:
    """Send tasks to the cluster; return the futures of some of them."""
    with warnings.catch_warnings():
        # that a collection carries its data along is its owner's affair
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return list(client.get(_unnamed(graph), list(keys), sync=False))


def _unnamed(graph: Mapping[Any, Any]) -> Any:
    """Wrap a graph with a name of its own: dask would name it by all data that it carries."""
    from dask._expr import LLGExpr

    name = uuid.uuid4().hex
    return LLGExpr(dict(graph), _determ_token=name)


def drop(client: Any, futures: Sequence[Any]) -> None:
    """Let go of tasks that nobody waits for any more."""
    unfinished = [future for future in futures if not future.done()]
    if unfinished:
        with suppress(Exception):  # whatever failed has been said already
            client.cancel(unfinished)
    for future in futures:
        with suppress(Exception):
            future.release()


def task(key: Any, call: Callable[..., Any], *arguments: Any) -> Any:
    """Return a task of a graph; references among its arguments are those of :func:`reference`."""
    from dask._task_spec import Task, parse_input

    return Task(key, call, *map(parse_input, arguments))


def reference(key: Any) -> Any:
    """Refer to the result of another task."""
    from dask._task_spec import TaskRef

    return TaskRef(key)


def constant(key: str, value: Any) -> Any:
    """Return a node of a graph that is a value."""
    from dask._task_spec import DataNode

    return DataNode(key, value)


def place_of(holders: Sequence[Sequence[str]]) -> str | None:
    """Return the worker that has several things, of which each has some holders."""
    common = set.intersection(*map(set, holders)) if holders else set()
    return min(common) if common else None


def is_future(node: Any) -> bool:
    """Whether a node of a graph is what workers already have, or are about to."""
    return type(node).__module__ == "distributed.client"


def _expression(part: Any) -> Any:
    if isinstance(part, Beside):
        names = list(part.columns)
        values = [_expression(one) for one in part.columns.values()]
        return task(None, partial(_beside, names), _expression(part.frame), values)
    if isinstance(part, tuple):
        return [_expression(each) for each in part]
    return reference(part.key) if _is_delayed(part) else part


def _beside(names: Sequence[str], frame: Any, values: Sequence[Any]) -> Beside:
    return Beside(frame, dict(zip(names, values, strict=True)))


def _is_delayed(part: Any) -> bool:
    return type(part).__module__.startswith("dask")


def _delayed(part: Any) -> Iterator[Any]:
    if isinstance(part, Beside):
        yield from _delayed(part.frame)
        for values in part.columns.values():
            yield from _delayed(values)
    elif isinstance(part, tuple):
        for each in part:
            yield from _delayed(each)
    elif _is_delayed(part):
        yield part


def _graphs(part: Any) -> Iterator[Any]:
    for each in _delayed(part):
        yield each.__dask_graph__()


def _keys(part: Any) -> Iterator[Any]:
    for each in _delayed(part):
        yield each.key
