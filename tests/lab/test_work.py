"""Promise: long work streams at most 20 times a second, stops when asked, and survives a reload."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gausswork.errors import InputError
from gausswork.lab import work
from gausswork.lab.work import Job, Jobs


def counting(upto: int, gate: threading.Event | None = None) -> work.Work:
    """Work that counts; it waits for ``gate`` before each step."""

    def count(cancelled: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        for k in range(upto):
            while gate is not None and not gate.wait(0.01):
                if cancelled():
                    return
            yield {"k": k}

    return count


def run(coroutine: Any) -> Any:
    """Run a coroutine in a thread of its own: the browser of other tests has a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


async def followed(job: Job, seen: int = 0) -> list[list[str]]:
    """Return the bundles that a follower gets."""
    return [bundle async for bundle in job.follow(seen)]


def test_every_part_arrives_once_and_in_order_in_few_messages() -> None:
    job = Job(counting(5000))
    bundles = run(followed(job))
    parts = [part for bundle in bundles for part in bundle]
    assert parts == [f'{{"k":{k}}}' for k in range(5000)]
    assert len(bundles) < 500  # bundled, not one message each
    job.join(5.0)


def test_two_messages_are_a_twentieth_of_a_second_apart() -> None:
    """Counts sleeps instead of measuring time: each bundle but the last is followed by one."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await real(0.001)

    real = asyncio.sleep
    gate = threading.Event()
    job = Job(counting(40, gate))

    async def follow() -> int:
        gate.set()
        work.asyncio.sleep = sleep  # type: ignore[assignment]
        try:
            return len(await followed(job))
        finally:
            work.asyncio.sleep = real

    bundles = run(follow())
    assert set(waited) <= {0.05}
    assert len(waited) >= bundles - 1
    job.join(5.0)


def test_a_follower_that_comes_later_gets_what_it_has_not_seen() -> None:
    job = Job(counting(20))
    job.join(5.0)
    assert [part for bundle in run(followed(job, 15)) for part in bundle] == [
        f'{{"k":{k}}}' for k in range(15, 20)
    ]
    assert len(run(followed(job))) == 1


def test_work_stops_when_it_is_asked_to() -> None:
    job = Job(counting(10**9, threading.Event()))
    job.stop()
    job.join(5.0)
    assert job.ended
    assert job.stopped
    assert job.error is None


def test_work_that_nobody_follows_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PATIENCE", 0.0)
    job = Job(counting(10**9, threading.Event()))
    job.join(5.0)
    assert job.ended


def test_an_error_in_the_work_is_said_in_words() -> None:
    def broken(cancelled: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        yield {"k": 0}
        raise InputError("the rate is too large. Choose a smaller one.")

    job = Job(broken)
    job.join(5.0)
    assert job.error == {
        "sentence": "The rate is too large.",
        "remedy": "Choose a smaller one.",
    }
    assert job.parts == ['{"k":0}']


def test_work_that_shows_too_much_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "LARGEST_JOB", 1000)
    job = Job(counting(10**6))
    job.join(5.0)
    assert job.error is not None
    assert "fewer steps" in job.error["remedy"]
    assert len(job.parts) < 200


def test_only_so_much_runs_at_once_and_old_work_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work, "MOST_RUNNING", 2)
    monkeypatch.setattr(work, "MOST_KEPT", 3)
    jobs = Jobs()
    gates = [threading.Event() for _ in range(2)]
    running = [jobs.start(counting(10**9, gate)) for gate in gates]
    with pytest.raises(InputError, match="Stop one"):
        jobs.start(counting(1))
    running[0].stop()
    running[0].join(5.0)
    for _ in range(10):
        jobs.start(counting(1)).join(5.0)
    assert len(jobs._jobs) <= 3
    with pytest.raises(InputError, match="same seed gives the same curves"):
        jobs.get(running[0].id)
    jobs.close()
    assert running[1].ended


def test_closing_leaves_no_thread() -> None:
    jobs = Jobs()
    jobs.start(counting(10**9, threading.Event()))
    jobs.close()
    deadline = time.monotonic() + 5.0
    while any(t.name == "gausswork-lab-job" for t in threading.enumerate()):
        assert time.monotonic() < deadline
