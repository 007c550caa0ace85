"""Promise: however many threads work on the batches, the results come in the order of the rows, an
error comes out where its result would have, and no thread outlives the iteration."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from gausswork.data.sources import Batch
from gausswork.leastsquares.ordered import in_order


def numbered(count: int) -> Iterator[Batch]:
    for number in range(count):
        yield Batch(np.full((1, 1), float(number)), np.zeros(1))


def number_of(batch: Batch) -> int:
    return int(batch.x[0][0])


def results(work, count: int, workers: int) -> Iterator[int]:
    batches = numbered(count)
    return in_order(work, next(batches), batches, workers)


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gausswork"]


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_results_are_in_order_whichever_is_ready_first(workers: int, count: int) -> None:
    def work(batch: Batch) -> int:
        time.sleep(0.002 * (3 - number_of(batch) % 4))
        return number_of(batch)

    assert list(results(work, count, workers)) == list(range(count))
    assert not ours()


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_work_is_done_by_that_many_threads_and_some_batches_ahead(workers: int) -> None:
    seen: set[str] = set()
    most, read = 0, 0
    both = threading.Barrier(min(workers, 2))

    def work(batch: Batch) -> int:
        nonlocal most
        seen.add(threading.current_thread().name)
        if number_of(batch) < 2:
            both.wait(timeout=30)  # the first two are worked on at once, or this breaks
        most = max(most, len(ours()))
        return number_of(batch)

    def counted() -> Iterator[Batch]:
        nonlocal read
        for batch in numbered(40):
            read += 1
            yield batch

    batches = counted()
    for done, _ in enumerate(in_order(work, next(batches), batches, workers), 1):
        assert read <= done + workers + 2  # memory stays flat however many batches there are
    assert seen == ({"gausswork"} if workers > 1 else {threading.current_thread().name})
    assert most <= workers


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_comes_out_where_its_result_would_have(workers: int) -> None:
    def work(batch: Batch) -> int:
        if number_of(batch) == 5:
            raise KeyError("the fifth")
        return number_of(batch)

    found = results(work, 20, workers)
    assert [next(found) for _ in range(5)] == list(range(5))
    with pytest.raises(KeyError, match="the fifth"):
        next(found)
    assert not ours()


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_of_the_source_and_an_iteration_given_up_leave_no_thread(workers: int) -> None:
    def failing() -> Iterator[Batch]:
        yield from numbered(6)
        raise OSError("the disk is gone")

    batches = failing()
    with pytest.raises(OSError, match="disk"):
        list(in_order(number_of, next(batches), batches, workers))
    assert not ours()
    given_up = results(number_of, 20, workers)
    assert next(given_up) == 0
    given_up.close()
    assert not ours()
