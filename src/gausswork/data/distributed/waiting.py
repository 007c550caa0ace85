"""Wait for results of a cluster, and look now and then whether anybody is still working on them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from gausswork.errors import ClusterError

_LOOK = 2.0  # seconds between looks at the cluster
_ALONE = 30.0  # seconds without any worker after which nobody is expected to come back


class Watch:
    """Looks after a cluster while a result of it is awaited."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._alone_since: float | None = None

    def look(self, what: str) -> None:
        """Refuse to wait any longer where nobody is left who could do the work.

        Raises
        ------
        ClusterError
            The cluster has had no worker for half a minute.
        """
        if self._client.status != "running":
            return  # the futures learn of it by themselves
        if self._client.nthreads():
            self._alone_since = None
            return
        now = time.monotonic()
        self._alone_since = self._alone_since or now
        if now - self._alone_since > _ALONE:
            raise ClusterError(
                f"the cluster has had no worker for {_ALONE:.0f} seconds, while {what} was waited "
                "for. If they died one after the other while working on it, they most likely ran "
                "out of memory: use smaller partitions, or workers with more memory. Start "
                "workers, then fit again."
            )


def result_of(client: Any, future: Any, what: str) -> Any:
    """Wait for one result; raise what its task has raised."""
    ((_, result, error),) = as_they_come(client, [future], what, release=False)
    if error is not None:
        raise error
    return result


def as_they_come(
    client: Any, futures: Sequence[Any], what: str, *, release: bool = True
) -> Iterator[tuple[Any, Any, BaseException | None]]:
    """Yield the key of every future with its result, or its error, as soon as it is there.

    Parameters
    ----------
    what : is waited for, in words.
    release : whether to let go of each future then: what has come is not computed again where the
        worker that had it dies.
    """
    from distributed import as_completed

    watch = Watch(client)
    coming = as_completed(futures, loop=client.loop, with_results=True, raise_errors=False)
    while coming.count():
        with coming.thread_condition:
            if not coming.has_ready():
                coming.thread_condition.wait(_LOOK)
        if not coming.has_ready():
            watch.look(what)
            continue
        future, result = next(coming)
        error = None
        if future.status != "finished":
            result, error = None, result[1] if isinstance(result, tuple) else result
        key = future.key
        if release:
            future.release()
        yield key, result, error
