"""How many threads to use when nobody says."""

from __future__ import annotations

import os

_MOST_THREADS = 8  # more would wait for memory, and each holds a block of rows


def available() -> int:
    """Return the processors that this process may use, at most eight."""
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this operating system
        processors = os.cpu_count() or 1
    return min(processors, _MOST_THREADS)
