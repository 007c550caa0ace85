"""The cluster to work on: the one that is there, otherwise a local one for as long as it takes."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from gausswork import processors
from gausswork.errors import ClusterError, GaussworkError, InputError, require


class Fitting(NamedTuple):
    """A fit under way, whose passes follow each other closely.

    Attributes
    ----------
    client : works for all of them.
    release : what to call at the end.
    """

    client: Any
    release: list[Callable[[], None]]


FITTING: ContextVar[Fitting | None] = ContextVar("FITTING", default=None)

_PATIENCE = 10  # seconds to wait for a first worker, or for a scheduler to answer

_OWN = "127.0.0.1:0"


@contextmanager
def client_at_hand(scheduler: str | None = None) -> Iterator[Any]:
    """Give the client to work with.

    Without an address that is the present ``distributed.Client``; where there is none, a cluster of
    threads in this process, which is closed at the end.

    Parameters
    ----------
    scheduler : address of a scheduler to work with instead, such as ``"tcp://10.0.0.1:8786"``.

    Raises
    ------
    ClusterError
        The scheduler does not answer, or it has no workers.
    """
    distributed = require("distributed", purpose="Dask collections", extra="dask")
    under_way = FITTING.get()
    if scheduler is None and under_way is not None:
        yield under_way.client
        return
    if scheduler is not None:
        with _closing(_connected(distributed, scheduler)) as client:
            yield client
        return
    client = _present(distributed)
    if client is not None:
        yield client
        return
    with _closing(
        distributed.Client(
            processes=False,
            n_workers=1,
            threads_per_worker=processors.available(),
            dashboard_address=_OWN,  # None would open ports to the whole network
            worker_dashboard_address=_OWN,
            silence_logs=logging.CRITICAL,  # what fails is raised here
        )
    ) as client:
        yield client


def _present(distributed: Any) -> Any:
    try:
        client = distributed.default_client()
    except ValueError:
        return None
    if client.asynchronous:
        raise InputError(
            "the present dask client is asynchronous, and a fit waits for its result. Make a "
            "client without asynchronous=True, or run the fit in a thread of its own."
        )
    lost = ClusterError(
        f"the present dask client has lost its scheduler at {_address(client)}. Close it, start "
        "the scheduler again or another, and connect to that."
    )
    if client.status != "running":
        raise lost
    try:
        workers = client.nthreads()
    except OSError:
        raise lost from None
    if not workers:
        _wait_for_workers(client)
    return client


def _address(client: Any) -> str:
    scheduler = client.scheduler
    return "an address that it no longer knows" if scheduler is None else str(scheduler.address)


def _connected(distributed: Any, scheduler: str) -> Any:
    if "://" not in scheduler and ":" not in scheduler:
        raise InputError(
            f"the scheduler must be an address such as tcp://127.0.0.1:8786; got {scheduler!r}."
        )
    try:
        _require_answer(scheduler)
        client = distributed.Client(scheduler, timeout=_PATIENCE)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"no dask scheduler answers at {scheduler} ({error}). Start one with 'dask scheduler' "
            "and workers with 'dask worker', and give its address."
        ) from None
    try:
        _wait_for_workers(client)
    except BaseException:
        client.close()
        raise
    return client


def _require_answer(scheduler: str) -> None:
    """Refuse an address where nobody speaks first, as dask does: it would wait there for long.

    Raises
    ------
    OSError, ValueError
        Nobody is there, or somebody who says nothing.
    """
    kind, _, place = scheduler.rpartition("://")
    if kind not in ("", "tcp"):  # others say of themselves what they cannot do
        return
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("an address has a host and a port, as in tcp://127.0.0.1:8786")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE) as spoken:
        try:
            heard = spoken.recv(1)
        except TimeoutError:
            heard = b""
        if not heard:
            raise OSError("something listens there, but it does not speak dask's language")


def _wait_for_workers(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError:
        raise ClusterError(
            f"the dask scheduler at {client.scheduler.address} has no workers, {_PATIENCE} seconds "
            "long. Start some with 'dask worker' and its address."
        ) from None


@contextmanager
def _closing(client: Any) -> Iterator[Any]:
    try:
        yield client
    finally:
        client.close()


@contextmanager
def fitting() -> Iterator[None]:
    """Keep one cluster at hand for passes that follow each other; then let go of all they kept."""
    with client_at_hand() as client:
        release: list[Callable[[], None]] = []
        token = FITTING.set(Fitting(client, release))
        try:
            yield
        finally:
            FITTING.reset(token)
            for call in release:
                call()


def blamed(error: BaseException, key: Any) -> Any:
    """Return the task that killed its workers, if that is the error; otherwise the one given."""
    import distributed

    return error.task if isinstance(error, distributed.KilledWorker) else key


def explained(error: BaseException, where: str) -> BaseException:
    """Turn a failure on the cluster into an error that says where and what to do.

    Parameters
    ----------
    error : as it came from the cluster.
    where : which partitions it is about.
    """
    import distributed

    if isinstance(error, GaussworkError):
        return error
    if isinstance(error, distributed.KilledWorker):
        times = error.allowed_failures + 1
        died = "a worker" if times == 1 else f"{times} workers in a row"
        return ClusterError(
            f"{died} died while working on {where}, the last one at "
            f"{error.last_worker.address}: most likely out of memory. Use smaller partitions, or "
            "workers with more memory; the log of the worker tells more."
        )
    if isinstance(error, CancelledError):
        if "connection-lost" in str(error):
            return ClusterError(
                f"the connection to the dask scheduler was lost while it worked on {where}. Start "
                "the scheduler again, or connect to another, then fit again."
            )
        return ClusterError(
            f"the work on {where} was cancelled by somebody else ({error}). Fit again."
        )
    if isinstance(error, RuntimeError) and "deserialization of the task graph" in str(error):
        return ClusterError(
            "the dask scheduler cannot read what this program sends, because its environment is "
            "another. Install the versions of gausswork, dask and Python of this program where "
            "the scheduler runs, and on all workers."
        )
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("gausswork"):
        return ClusterError(
            f"the workers cannot import gausswork ({error}). Install the version of this program "
            "on all of them."
        )
    if isinstance(error, MemoryError):
        return ClusterError(
            f"a worker ran out of memory in {where}. Use smaller partitions, or workers with more "
            "memory."
        )
    return ClusterError(
        f"{where} failed: {type(error).__name__}: {error}. Mend what makes this partition, "
        "then fit again."
    )
