"""One PostgreSQL for all tests of databases."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.large.databases.server import PASSWORD, Server, binaries, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running PostgreSQL; the test is skipped where there is none installed."""
    programs = binaries()
    if programs is None:
        reason = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        if os.environ.get("GAUSSWORK_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with running(programs) as started:
        yield started


@pytest.fixture
def postgresql(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, with its password where libpq looks for it."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return server
