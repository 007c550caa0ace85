"""Batches worked on by several threads, with the results in the order of the rows.

``concurrent.futures`` would do as well, but it takes half as long to import as a million rows take
to fit.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TypeAlias

from gausswork.data.sources import Batch

_Outcome: TypeAlias = "SimpleQueue[tuple[Any, BaseException | None]]"  # takes one of either


def in_order(
    work: Callable[[Batch], Any], opening: Batch, batches: Iterator[Batch], workers: int
) -> Iterator[Any]:
    """Yield the work of every batch in the order of the rows, some batches ahead at once.

    Parameters
    ----------
    opening, batches : the first batch, and those that follow.
    workers : threads to use at most; 1 means the caller's own.
    """
    if workers == 1:
        yield work(opening)
        for batch in batches:
            yield work(batch)
        return
    second = next(batches, None)
    if second is None:
        yield work(opening)
        return
    tasks: SimpleQueue[tuple[Batch, _Outcome] | None] = SimpleQueue()
    waiting: deque[_Outcome] = deque()
    threads: list[threading.Thread] = []

    def serve() -> None:
        while (task := tasks.get()) is not None:
            batch, outcome = task
            try:
                outcome.put((work(batch), None))
            except BaseException as error:  # raised again where the result is wanted
                outcome.put((None, error))
            del task, batch, outcome  # rows are let go before the next ones come

    def submit(batch: Batch) -> None:
        waiting.append(SimpleQueue())
        tasks.put((batch, waiting[-1]))
        if len(threads) < workers:
            thread = threading.Thread(target=serve, name="gausswork", daemon=True)
            thread.start()
            threads.append(thread)

    try:
        submit(opening)
        submit(second)
        for batch in batches:
            submit(batch)
            if len(waiting) > workers:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())
    finally:
        for _ in threads:
            tasks.put(None)
        for thread in threads:
            thread.join()


def _result(outcome: _Outcome) -> Any:
    value, error = outcome.get()
    if error is not None:
        raise error
    return value
