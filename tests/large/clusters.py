"""Clusters as an operator starts them: ``dask scheduler`` and ``dask worker``, over TCP."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def cluster(
    folder: Path, *, workers: int = 2, options: Sequence[str] = (), python: str = sys.executable
) -> Iterator[str]:
    """Start a scheduler and workers on loopback, all processes of their own; give the address.

    They end with this process, even if it is killed.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    commands = [["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard",
                 "--no-show"]]  # fmt: skip
    commands += [
        ["worker", address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "60",
         "--local-directory", str(folder / f"w{number}"), *options]
        for number in range(workers)
    ]  # fmt: skip
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with contextlib.ExitStack() as stack:
        running = []
        for number, command in enumerate(commands):
            log = stack.enter_context((folder / f"{number}.log").open("w"))
            running.append(
                subprocess.Popen(
                    [python, "-m", "tests.large.orderly", "dask", *command],
                    stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT,
                    env=environment,
                )
            )  # fmt: skip
        try:
            yield address
        finally:
            for process in running:
                assert process.stdin is not None
                process.stdin.close()  # the end of the pipe is the end of them
            for process in running:
                process.wait(30)
