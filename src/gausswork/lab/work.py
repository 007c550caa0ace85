"""Long work: in a thread of its own, followed by whoever asks, stopped when nobody does.

A job keeps all of its parts while it runs and for a while after: a page that was reloaded in the
middle of it names the job and gets the parts that it has not seen. So a reload loses nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from gausswork.errors import InputError
from gausswork.lab import wire

PERIOD = 0.05  # seconds between two messages of one job: 20 a second
PATIENCE = 60.0  # seconds for which a job without followers goes on
MOST_RUNNING = 4
MOST_KEPT = 12
LARGEST_JOB = 32_000_000  # characters of JSON
_LAST_PARTS = 3  # after it was asked to stop

Work = Callable[[Callable[[], bool]], Iterator[dict[str, Any]]]


class Job:
    """One piece of long work and the parts that it has made."""

    def __init__(self, work: Work) -> None:
        self.id = secrets.token_urlsafe(9)
        self.parts: list[str] = []
        self.error: dict[str, str] | None = None
        self.followers = 0
        self._size = 0
        self._left = time.monotonic()
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(work,), name="gausswork-lab-job", daemon=True
        )
        self._thread.start()

    @property
    def stopped(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._stop.is_set()

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to come."""
        return self._ended.is_set()

    def stop(self) -> None:
        """Ask it to stop; it does so before its next step."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for its thread to end."""
        self._thread.join(seconds)

    def _cancelled(self) -> bool:
        if self.followers == 0 and time.monotonic() - self._left > PATIENCE:
            self._stop.set()
        return self._stop.is_set()

    def _run(self, work: Work) -> None:
        late = 0
        try:
            for part in work(self._cancelled):
                text = wire.write(part)
                self._size += len(text)
                self.parts.append(text)
                if self._size > LARGEST_JOB:
                    raise InputError(
                        "this training has shown more than the lab keeps. Train for fewer steps."
                    )
                # who is stopped may still say how it stands: that is a part or two
                late += self._cancelled()
                if late > _LAST_PARTS:
                    break
        except Exception as error:
            self.error = wire.refusal(error)
        finally:
            self._ended.set()

    async def follow(self, seen: int) -> AsyncIterator[list[str]]:
        """Yield the parts from number ``seen`` on, bundled, at most 20 times a second."""
        self.followers += 1
        try:
            while True:
                ended = self.ended  # before the parts are looked at: none may come between
                new = self.parts[seen:]
                if new:
                    seen += len(new)
                    yield new
                if ended:
                    return
                await asyncio.sleep(PERIOD)
        finally:
            self.followers -= 1
            self._left = time.monotonic()


class Jobs:
    """The long work of one lab."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def start(self, work: Work) -> Job:
        """Start a piece of work.

        Raises
        ------
        InputError
            Too many are running.
        """
        running = [job for job in self._jobs.values() if not job.ended]
        if len(running) >= MOST_RUNNING:
            raise InputError(
                f"{len(running)} trainings are running already. Stop one of them, or wait until "
                "one has ended."
            )
        for number in [number for number, job in self._jobs.items() if job.ended]:
            if len(self._jobs) >= MOST_KEPT and not self._jobs[number].followers:
                del self._jobs[number]
        job = Job(work)
        self._jobs[job.id] = job
        return job

    def get(self, number: str) -> Job:
        """Return a job that runs, or ended a while ago.

        Raises
        ------
        InputError
            It is not known: the lab was started anew, or it ended long ago.
        """
        if number not in self._jobs:
            raise InputError(
                "the training was stopped, because the lab was stopped. Start it again: the same "
                "seed gives the same curves."
            )
        return self._jobs[number]

    def close(self) -> None:
        """Stop everything."""
        for job in self._jobs.values():
            job.stop()
        for job in self._jobs.values():
            job.join(5.0)
