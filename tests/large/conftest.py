"""A cluster of processes on loopback for all tests here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers, whose nannies start them again."""
    distributed = pytest.importorskip("distributed", reason="needs gausswork[dask]")
    from tests.large.clusters import cluster

    options = ["--memory-limit", "600MB"]
    with cluster(tmp_path_factory.mktemp("cluster"), options=options) as address:
        with distributed.Client(address, timeout=120, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
        yield address


@pytest.fixture
def client(scheduler: str) -> Iterator[Any]:
    """The present client, connected to the cluster of all tests."""
    import distributed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.Client(scheduler, timeout=120) as made:
            made.wait_for_workers(2, timeout=120)  # a test may have killed one
            yield made
