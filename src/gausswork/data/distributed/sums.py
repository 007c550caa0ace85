"""The tasks of one pass that ends in a sum: stretches, the blocks between them, their joining."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from gausswork.data.distributed import tasks
from gausswork.data.distributed.blocks import cuts
from gausswork.data.distributed.partitions import (
    Graph,
    Partitions,
    constant,
    reference,
    task,
)
from gausswork.data.distributed.readers import Reader
from gausswork.data.forest import FAN

_AT_ONCE = 2**26  # bytes of sums that come here from the workers, about, before they are joined
_MOST = 256  # of them
_NODES = 4  # of the tree, that a stretch has sums of, about
_TURNS = 4  # stretches for each thread: the last one to finish should not be late by much
_MOST_TURNS = 16  # of them, where each has many blocks: a worker that dies should not lose much
_MANY = 16  # blocks


def stretches(
    lengths: Sequence[int],
    rows: int,
    threads: int,
    lies: Callable[[int], bool],
    places: Sequence[str | None],
) -> list[range]:
    """Divide the partitions into runs of neighbours that one task reads, one after the other.

    What each worker can read by itself is joined, so that few blocks lie across borders, and so is
    what one worker has in memory. Of what tasks of a graph make, or several workers keep, only so
    much as makes a block: more would have to move.

    Parameters
    ----------
    lengths : the rows of each partition.
    rows : of a block.
    threads : of all workers.
    lies : whether a partition is made by tasks, or kept by workers.
    places : the worker that has all of a partition, where one has.
    """
    total = sum(lengths)
    few = max(_MANY * rows, -(-total // (_MOST_TURNS * threads)))
    wanted = max(4 * rows, min(few, -(-total // (_TURNS * threads))))
    found: list[range] = []
    start = held = 0
    for number, length in enumerate(lengths):
        near = not lies(number) or None is not places[number] == places[start]
        if number > start and held + length // 2 > (wanted if near else rows):
            found.append(range(start, number))
            start, held = number, 0
        held += length
    return [*found, range(start, len(lengths))]


class Summation:
    """The tasks of a pass, and what they stand for.

    Attributes
    ----------
    graph : the tasks that :meth:`plan` has added to those of the partitions.
    ends : the tasks whose sums come here, in the order of their blocks.
    """

    def __init__(self, partitions: Partitions, kept: Mapping[int, Any]) -> None:
        self._partitions = partitions
        self._kept = kept
        self.graph: Graph = partitions.graph(
            [number for number in range(len(partitions)) if number not in kept]
        )
        self.ends: list[Any] = []
        self._stretches: dict[Any, range] = {}

    def plan(
        self,
        runs: Sequence[range],
        lengths: Sequence[int],
        work: Callable[[Any], Any],
        add: Callable[[Any, Any], Any],
        rows: int,
        reader: Reader,
    ) -> None:
        """Add the tasks that sum all blocks, and join their sums."""
        token, whole = uuid.uuid4().hex, self._partitions.whole
        graph = self.graph
        job, read = f"gausswork-job-{token}", f"gausswork-reader-{token}"
        graph[job] = constant(job, tasks.Job(work, add, rows, whole))
        graph[read] = constant(read, reader)
        found, across = cuts([sum(lengths[run.start : run.stop]) for run in runs], rows)
        # keys of this form are a group to dask, which then hands them out as workers get free
        keys = [(f"gausswork-stretch-{token}", number) for number in range(len(runs))]
        for key, run, cut in zip(keys, runs, found, strict=True):
            call = partial(
                tasks.sum_stretch, cut, run.start, tuple(lengths[run.start : run.stop]),
                tasks.version(),
            )  # fmt: skip
            graph[key] = task(
                key, call, reference(job), reference(read), [self._source(one) for one in run]
            )
            self._stretches[key] = run
        lying = {each.stretches[0]: each for each in across}
        number = 0
        while number < len(runs):
            reaching = lying.get(number)
            last = number if reaching is None else reaching.stretches[-1]
            sums = (f"gausswork-sums-{token}", number)
            self._stretches[sums] = range(runs[number].start, runs[last].stop)
            if reaching is None:
                graph[sums] = task(sums, tasks.sums_of, reference(keys[number]))
            else:  # where the first of them lies: only what the last one has of the block moves
                head = (f"gausswork-head-{token}", last)
                graph[head] = task(head, tasks.head_of, reference(keys[last]))
                self._stretches[head] = runs[last]
                joined = partial(tasks.sum_across, runs[number].stop - 1, runs[last].start)
                some = [reference(one) for one in keys[number:last]]
                graph[sums] = task(
                    sums, joined, reference(job), reference(read), some, reference(head)
                )
            self.ends.append(sums)
            number = max(last, number + 1)
        self._join(job, reference(job), max(FAN, min(_MOST, _AT_ONCE // _size(reader))))

    def partitions_of(self, key: Any) -> range | None:
        """Return the partitions that a task of the pass reads; None where that is not known."""
        if key in self._stretches:
            return self._stretches[key]
        number = self._partitions.which(key)
        return None if number is None else range(number, number + 1)

    def _source(self, number: int) -> Any:
        if number not in self._kept:
            return self._partitions.expression(number)
        future = self._kept[number]
        self.graph[future.key] = future
        return reference(future.key)

    def _join(self, name: str, job: Any, most: int) -> None:
        """Let workers join neighbouring sums until there are few enough."""
        level = 0
        while len(self.ends) > most:
            level += 1
            bounds = [*range(0, len(self.ends), FAN), len(self.ends)]
            joined = []
            for start, stop in pairwise(bounds):
                joined.append(f"gausswork-join-{name}-{level}-{start}")
                some = self.ends[start:stop]
                self.graph[joined[-1]] = task(
                    joined[-1], tasks.join_some, job, [reference(key) for key in some]
                )
                first, last = self._stretches[some[0]], self._stretches[some[-1]]
                self._stretches[joined[-1]] = range(first.start, last.stop)
            self.ends = joined


def _size(reader: Reader) -> int:
    """Return about how many bytes the sums of a stretch have."""
    return 16 * _NODES * (reader.width + 1) ** 2
