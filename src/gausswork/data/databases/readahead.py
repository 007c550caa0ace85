"""Batches fetched while the ones before are being summed, and a wait that Ctrl-C ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")
_AHEAD = 2  # batches held; more would only take memory


def read_ahead(batches: Iterator[_T], *, cancel: Callable[[], None]) -> Iterator[_T]:
    """Yield what an iterator yields, which runs in a thread of its own.

    Parameters
    ----------
    batches : advanced by the thread alone.
    cancel : makes a wait inside ``batches`` end; called when the caller stops early.
    """
    waiting: queue.Queue[tuple[bool, Any]] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def fetch() -> None:
        try:
            for batch in batches:
                if not _put(waiting, stopped, (True, batch)):
                    return
            _put(waiting, stopped, (False, None))
        except BaseException as error:  # the caller's to raise
            _put(waiting, stopped, (False, error))

    thread = threading.Thread(target=fetch, name="gausswork-database", daemon=True)
    thread.start()
    ended = False
    try:
        while True:
            more, item = waiting.get()
            if more:
                yield item
                continue
            ended = True
            if item is not None:
                raise item
            return
    finally:
        stopped.set()
        if not ended:
            cancel()
        thread.join()


def _put(waiting: queue.Queue[Any], stopped: threading.Event, item: Any) -> bool:
    """Hand over an item; False when nobody wants it any more."""
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=0.05)
        except queue.Full:
            continue
        return True
    return False
