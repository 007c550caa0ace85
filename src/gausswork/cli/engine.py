"""The options --engine and --scheduler: who reads the files of a fit and adds up its sums."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options that choose a cluster."""
    command.add_argument(
        "--engine",
        choices=("dask",),
        help="let the workers of a dask cluster read the files; without --scheduler a local one",
    )
    command.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="the scheduler of the cluster, as in tcp://10.0.0.1:8786; every worker must reach the "
        "files by the same path",
    )


@contextlib.contextmanager
def engaged(arguments: argparse.Namespace, data: Any) -> Iterator[Any]:
    """Give the data as the engine reads them, and keep the cluster until the end."""
    engine, scheduler = arguments.engine, arguments.scheduler
    if engine is None:
        if scheduler is not None:
            arguments.refuse("--scheduler needs --engine dask")
        yield data
        return
    if getattr(arguments, "sql", None) is not None:
        arguments.refuse("--engine reads files: leave --sql out")
    for option in ("state", "resume"):
        if getattr(arguments, option, None):
            arguments.refuse(
                f"--{option} goes on from where one machine stopped reading, and a cluster reads "
                f"everywhere at once: leave --{option} out, or --engine; a worker that "
                "dies is made good without it"
            )
    from gausswork.data.distributed.clients import client_at_hand
    from gausswork.data.distributed.files import FilesOnCluster

    files = FilesOnCluster(data)
    with _quiet(), client_at_hand(scheduler):
        yield files


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the logs of dask out of the output; what fails is said once, by us."""
    import logging

    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)
