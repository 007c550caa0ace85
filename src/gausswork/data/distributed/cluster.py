"""Passes over the rows of partitions: count them, sum their blocks, bring them here."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from gausswork.data.distributed import tasks
from gausswork.data.distributed.clients import FITTING, blamed, client_at_hand
from gausswork.data.distributed.partitions import (
    Graph,
    Partitions,
    constant,
    drop,
    place_of,
    reference,
    send,
    task,
)
from gausswork.data.distributed.readers import Count, Reader, Rows, named
from gausswork.data.distributed.sums import Summation, stretches
from gausswork.data.distributed.waiting import as_they_come
from gausswork.data.forest import Forest
from gausswork.data.sources import Batch
from gausswork.errors import ClusterError

T = TypeVar("T")

_KEEP = 0.25  # of the memory of all workers: what may be kept between the passes of one fit
_AHEAD = 4  # runs of partitions read before they are wanted here, at most
_MUCH = 4  # times the rows that are asked for: what may travel at once


class Cluster:
    """Rows on a cluster, as a reader makes them of partitions.

    Attributes
    ----------
    partitions : where the rows come from.
    reader : makes rows of a partition.
    counts : what each partition has; None until a pass has seen them all.
    """

    def __init__(self, partitions: Partitions, reader: Reader) -> None:
        self.partitions = partitions
        self.reader = reader
        self.counts: tuple[Count, ...] | None = None
        self._kept: dict[int, Any] = {}  # partitions that their workers keep, as futures
        self._keeper: Any = None  # the client that they belong to

    def block_sum(
        self,
        work: Callable[[Batch], T],
        add: Callable[[T, T], T],
        rows: int,
        progress: Callable[[int], None] | None = None,
    ) -> T:
        """Sum over blocks of so many rows, in the fixed tree; see :class:`Forest`."""
        with client_at_hand() as client:
            if self.counts is None and self.partitions.lengths is None:
                self._count(client)
            while True:
                before = self.counts
                total = self._summed(client, work, add, rows, self._lengths(), progress)
                if total is not None:
                    return cast(T, total.total())
                if before is not None:  # these were read, not merely told
                    raise self._changed(before)

    def stream(self, rows: int) -> Iterator[Rows]:
        """Bring all rows here, in order, about so many at a time.

        What the partitions have is known afterwards.
        """
        with client_at_hand() as client:
            if self.counts is None and self.partitions.lengths is None:
                self._count(client)
            groups = self._groups(rows)
            if FITTING.get() is not None:  # the first block is wanted before all others
                self._keep(client, groups[0])
            counts: list[Count] = []
            ahead: deque[tuple[list[int], list[Any]]] = deque()
            try:
                waiting, most = iter(groups), 1
                while True:
                    while len(ahead) < most and (numbers := next(waiting, None)) is not None:
                        ahead.append((numbers, self._fetched(client, numbers, rows)))
                    if not ahead:
                        break
                    most = min(2 * most, _AHEAD)
                    numbers, futures = ahead[0]
                    first = numbers[0] if len(numbers) == 1 else None
                    counts += self.partitions.result(futures[0], first)
                    if len(futures) == 2:
                        yield self.partitions.result(futures[1], first)
                    else:
                        yield from self._slices(client, futures[2], numbers[0], counts[-1], rows)
                    self._drop(client, ahead.popleft()[1])
                self.counts = tuple(counts)
            finally:
                for _, futures in ahead:
                    self._drop(client, futures)

    def _changed(self, before: Sequence[Count]) -> ClusterError:
        """Say which partition has other rows than when it was read before."""
        pairs = zip(before, self.counts or (), strict=True)
        number = next(i for i, (old, new) in enumerate(pairs) if old.kept != new.kept)
        self.counts, now = tuple(before), (self.counts or ())[number].kept
        return ClusterError(
            f"{named(number, self.partitions.whole)} had {before[number].kept:,} complete rows at "
            f"first, and now has {now:,}. A fit reads its rows several times, and they must "
            "be the same each time: keep what makes them with persist(), or write them to files."
        )

    def _drop(self, client: Any, futures: Sequence[Any]) -> None:
        kept = list(self._kept.values())
        drop(client, [one for one in futures if one is not None and one not in kept])

    def _lengths(self) -> tuple[int, ...]:
        """Return how many rows each partition has, as far as it is known."""
        if self.counts is not None:
            return tuple(count.kept for count in self.counts)
        return self.partitions.lengths or ()

    def _groups(self, rows: int) -> list[list[int]]:
        """Return runs of partitions that have about so many rows together, or one that has more."""
        lengths = self._lengths()
        groups: list[list[int]] = [[]]
        held = 0
        for number, length in enumerate(lengths):
            if groups[-1] and (held >= rows or length > _MUCH * rows):
                groups.append([])
                held = 0
            groups[-1].append(number)
            held += length
        return groups

    def _fetched(self, client: Any, numbers: Sequence[int], rows: int) -> list[Any]:
        """Have some partitions read; return the futures of their counts and of their rows.

        Of a partition that has more rows than should travel at once, the third is the partition.
        """
        graph, loaded = self._tasks(client, numbers)
        token = uuid.uuid4().hex
        some = [reference(key) for key in loaded]
        counts, all_rows = f"gausswork-counts-{token}", f"gausswork-rows-{token}"
        graph[counts] = task(counts, tasks.counts_of, some)
        if self._lengths()[numbers[0]] > _MUCH * rows:
            kept = self._kept.get(numbers[0])
            found = send(client, graph, [counts, *(() if kept is not None else loaded)])
            return [found[0], None, kept if kept is not None else found[1]]
        call = partial(tasks.rows_of, self.partitions.whole, self.reader)
        graph[all_rows] = task(all_rows, call, some)
        return send(client, graph, [counts, all_rows])

    def release(self) -> None:
        """Let go of what the workers keep between passes."""
        drop(self._keeper, list(self._kept.values()))
        self._kept = {}
        self._keeper = None

    def _slices(
        self, client: Any, loaded: Any, number: int, count: Count, rows: int
    ) -> Iterator[Rows]:
        """Bring the rows of one partition here, one slice ahead."""
        waiting: deque[Any] = deque()
        try:
            for start in range(0, count.kept, rows):
                stop = min(start + rows, count.kept)
                call = partial(tasks.slice_of, start, stop, self.partitions.whole, self.reader)
                waiting.append(client.submit(call, loaded, pure=False))
                if len(waiting) > 1:
                    yield self.partitions.result(waiting.popleft(), number)
            while waiting:
                yield self.partitions.result(waiting.popleft(), number)
        finally:
            drop(client, waiting)

    def _tasks(self, client: Any, numbers: Sequence[int]) -> tuple[Graph, list[Any]]:
        """Return the tasks that read partitions, and their keys."""
        if self._keeper is not client:
            self.release()
        graph = self.partitions.graph([n for n in numbers if n not in self._kept])
        token = uuid.uuid4().hex
        reader = f"gausswork-reader-{token}"
        graph[reader] = constant(reader, self.reader)
        keys = []
        for number in numbers:
            if number in self._kept:
                keys.append(self._kept[number].key)
                graph[keys[-1]] = self._kept[number]
                continue
            keys.append(f"gausswork-load-{token}-{number}")
            call = partial(tasks.load, number, self.partitions.whole, tasks.version())
            graph[keys[-1]] = task(
                keys[-1], call, reference(reader), self.partitions.expression(number)
            )
        return graph, keys

    def _load(self, client: Any, numbers: Sequence[int]) -> list[Any]:
        """Have partitions read; what they give stays on the workers."""
        if all(number in self._kept for number in numbers) and self._keeper is client:
            return [self._kept[number] for number in numbers]
        return send(client, *self._tasks(client, numbers))

    def _keep(self, client: Any, numbers: Sequence[int]) -> None:
        """Have partitions read and kept until :meth:`release`."""
        fitting = FITTING.get()
        if fitting is not None:
            fitting.release.append(self.release)
        loaded = self._load(client, numbers)
        self._kept = {**self._kept, **dict(zip(numbers, loaded, strict=True))}
        self._keeper = client

    def _count(self, client: Any) -> None:
        """Read all partitions once for their lengths, and keep them if memory has room."""
        everything = range(len(self.partitions))
        self._keep(client, [0])
        opening = client.submit(tasks.count_of, self._kept[0], pure=False)
        try:
            size = self.partitions.result(opening, 0).size * len(self.partitions)
        finally:
            drop(client, [opening])
        if size <= _KEEP * _memory(client):
            self._keep(client, everything)
        graph, loaded = self._tasks(client, everything)
        graph, counting = _counting(graph, loaded)
        numbers = {key: number for number, key in enumerate(counting)}
        futures = send(client, graph, counting)
        counts: dict[int, Count] = {}
        try:
            for key, count, error in as_they_come(client, futures, self.partitions.whole):
                number = numbers[key]
                if error is not None:
                    self.partitions.fail(error, range(number, number + 1))
                counts[number] = count
        finally:
            drop(client, futures)
            if FITTING.get() is None:  # a pass alone
                self.release()
        self.counts = tuple(counts[number] for number in everything)

    def _summed(
        self,
        client: Any,
        work: Callable[[Batch], Any],
        add: Callable[[Any, Any], Any],
        rows: int,
        lengths: Sequence[int],
        progress: Callable[[int], None] | None,
    ) -> Forest[Any] | None:
        """Sum over all blocks; None where the partitions have other lengths than was thought."""
        if self._keeper is not client:
            self.release()
        summation = Summation(self.partitions, self._kept)
        threads = sum(client.nthreads().values()) or 1
        runs = stretches(lengths, rows, threads, self._lies, self._places(client))
        summation.plan(runs, lengths, work, add, rows, self.reader)
        futures = send(client, summation.graph, summation.ends)
        found: dict[Any, tasks.Sums] = {}
        done = 0
        try:
            for key, sums, error in as_they_come(client, futures, self.partitions.whole):
                if error is not None:
                    self.partitions.fail(error, summation.partitions_of(blamed(error, key)))
                found[key] = sums
                done += sum(count.kept for count in sums.counts)
                if progress is not None and sums.counts:
                    progress(done)
        finally:
            drop(client, futures)
        total = tasks.join(add, [found[key] for key in summation.ends])
        self.counts = total.counts
        if [one.kept for one in total.counts] != list(lengths):
            return None
        return Forest(add, total.start, total.stop, total.nodes)

    def _lies(self, number: int) -> bool:
        return number in self._kept or self.partitions.is_made(number)

    def _places(self, client: Any) -> list[str | None]:
        """Return the worker that has all of a partition in memory, for each where one has."""
        places = self.partitions.places(client)
        if self._kept:
            there = client.who_has(list(self._kept.values()))
            for number, future in self._kept.items():
                places[number] = place_of([there.get(future.key, ())])
        return places


def _counting(graph: Graph, loaded: Sequence[Any]) -> tuple[Graph, list[Any]]:
    """Add the tasks that count what was read."""
    token = uuid.uuid4().hex
    graph, keys = dict(graph), []
    for number, one in enumerate(loaded):
        keys.append(f"gausswork-count-{token}-{number}")
        graph[keys[-1]] = task(keys[-1], tasks.count_of, reference(one))
    return graph, keys


def _memory(client: Any) -> float:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    # where there is no limit, what the least of machines have
    return float(sum(worker["memory_limit"] or 2**30 for worker in workers))
