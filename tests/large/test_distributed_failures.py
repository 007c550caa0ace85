"""Promise: whatever becomes of a cluster, the caller hears soon and clearly, and nothing stays."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gausswork as gw
from gausswork.data.distributed import clients, tasks, waiting
from gausswork.errors import ClusterError
from tests.large.clusters import ROOT, cluster

dask = pytest.importorskip("dask", reason="needs gausswork[dask]")
distributed = pytest.importorskip("distributed", reason="needs gausswork[dask]")


def rows(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=1000)
    return pd.DataFrame({"x": x, "y": x + rng.normal(size=1000)})


def _die(seed: int) -> Any:
    return os.kill(os.getpid(), signal.SIGKILL)


def _allow(dask_scheduler: Any) -> None:
    dask_scheduler.allowed_failures = 9


def _nobody(address: str) -> ClusterError:
    with pytest.raises(ClusterError) as raised, clients.client_at_hand(address):
        pass
    return raised.value


def test_nobody_listens() -> None:
    start = time.monotonic()
    assert "no dask scheduler answers at tcp://127.0.0.1:9 (" in str(_nobody("tcp://127.0.0.1:9"))
    assert time.monotonic() - start < clients._PATIENCE  # it did not wait for somebody to come


def test_somebody_else_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as other:
        error = _nobody(f"tcp://127.0.0.1:{other.getsockname()[1]}")
    assert "it does not speak dask's language" in str(error)


def test_an_address_without_a_port() -> None:
    assert "a host and a port" in str(_nobody("tcp://127.0.0.1"))


def test_nobody_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_LOOK", 0.1)
    monkeypatch.setattr(waiting, "_ALONE", 0.5)
    with (
        cluster(tmp_path, workers=1, options=["--no-nanny"]) as address,
        distributed.Client(address, timeout=60) as client,
    ):
        client.wait_for_workers(1, timeout=60)
        client.run_on_scheduler(_allow)
        with pytest.raises(ClusterError, match=r"no worker for .*list of 2 delayed frames"):
            gw.fit([dask.delayed(rows)(0), dask.delayed(_die)(1)], "y")
        pid = client.run_on_scheduler(os.getpid)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ClusterError, match=r"scheduler"):
            gw.fit([dask.delayed(rows)(number) for number in range(3)], "y")


def test_workers_with_another_version(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "version", lambda: "gausswork 9.9")
    with pytest.raises(ClusterError, match=r"worker tcp://\S+ has gausswork \d.* has gausswork 9"):
        gw.fit([dask.delayed(rows)(0)], "y")


def test_an_environment_that_cannot_read_what_is_sent() -> None:
    error = RuntimeError("Error during deserialization of the task graph. See ...")
    said = clients.explained(error, "partition 3")
    assert "environment is another" in str(said)
    assert "partition 3" not in str(said)


def test_the_present_client_is_left_as_it_is(client: Any) -> None:
    gw.fit([dask.delayed(rows)(0), dask.delayed(rows)(1)], "y")
    assert distributed.default_client() is client
    assert client.status == "running"
    assert len(client.nthreads()) == 2


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_an_interrupted_fit_closes_its_local_cluster() -> None:
    with pytest.raises(KeyboardInterrupt):
        gw.fit([dask.delayed(rows)(number) for number in range(3)], "y", progress=_interrupt)
    with pytest.raises(ValueError, match="No clients found"):
        distributed.default_client()


def test_processes_of_tests_end_with_them() -> None:
    """The ones that these tests start, even where the tests are killed."""
    child = [sys.executable, "-m", "tests.large.orderly", "timeit", "-n1", "-r1",
             "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]  # fmt: skip
    code = f"import subprocess, time; p = subprocess.Popen({child!r}, stdin=-1); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    assert int(parent.stdout.readline()) != parent.pid
    start = time.monotonic()
    parent.kill()
    parent.wait()
    parent.stdout.read()  # comes to its end when the child has ended
    parent.stdout.close()
    assert time.monotonic() - start < 55  # it did not sleep to the end
