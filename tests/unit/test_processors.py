"""How many threads are used by default."""

from __future__ import annotations

import os

import pytest

from gausswork import processors


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")
def test_threads_stay_on_the_processors_that_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a process that may use two of sixty-four cores starts two threads; none nine."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 7})
    assert processors.available() == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert processors.available() == 8


def test_where_there_is_no_affinity_the_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: other operating systems are served too."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert processors.available() == 4
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors.available() == 1
