"""What was computed of some data and is asked for again: the latest few results, by a key."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")

MOST = 16


class Kept:
    """Results that belong to one table or to one set of points, and leave with it.

    A slider that only changes how a fit is looked at need not fit a million rows again. What has
    not been asked for longest leaves first; what raised an error is tried anew.

    Parameters
    ----------
    most : how many results are kept.
    """

    __slots__ = ("_lock", "_made", "_most")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, Any] = OrderedDict()

    def __len__(self) -> int:
        return len(self._made)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._made

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return the result under a key; made by ``make``, outside the lock, if it is not there."""
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                found: Made = self._made[key]
                return found
        made = make()
        with self._lock:
            self._made[key] = made
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return made
