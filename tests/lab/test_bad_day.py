"""Promise: what nobody hopes for is said in words, nothing is lost, and the lab keeps running.

The lab is a process of its own here, as a user starts it: files of a gigabyte, messages made to
hurt, a table of a million rows in every room, a lab that is killed and comes back.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from gausswork.lab import rooms, wire

from .conftest import Watched

GIGABYTE = 1_000_000_000
pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes of POSIX")


@dataclass
class Started:
    """A lab in a process of its own."""

    process: subprocess.Popen[str]
    address: str
    cookie: str

    @property
    def host(self) -> str:
        """Host and port."""
        return self.address.removeprefix("http://").partition("/")[0]

    @property
    def headers(self) -> dict[str, str]:
        """What the page's own requests carry."""
        return {"cookie": self.cookie, "origin": f"http://{self.host}"}

    def memory(self) -> int:
        """Return the largest resident memory that the process has had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            pytest.skip("the memory of a process is read from /proc")
        found = re.search(r"VmHWM:\s+(\d+)", status.read_text(encoding="utf-8"))
        assert found is not None
        return 1024 * int(found[1])

    def talk(self) -> Any:
        """Open the socket as the page does."""
        from websockets.sync.client import connect

        return connect(
            f"ws://{self.host}/wire",
            origin=f"http://{self.host}",  # type: ignore[arg-type]
            additional_headers={"cookie": self.cookie},
            max_size=None,
        )


@contextlib.contextmanager
def started(*arguments: str, folder: Path | None = None) -> Iterator[Started]:
    """Run ``gausswork lab`` while the block runs."""
    for package in ("starlette", "uvicorn", "websockets"):
        pytest.importorskip(package)
    command = [sys.executable, "-m", "gausswork", "lab", "--no-browser", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = None
            for line in process.stdout:
                if found := re.search(r"http://[^/]+(/\?token=\S+)", line):
                    break
            assert found is not None
            lab = Started(process, found[0], "")
            connection = http.client.HTTPConnection(lab.host, timeout=20)
            connection.request("GET", found[1])
            lab.cookie = str(connection.getresponse().headers["set-cookie"]).partition(";")[0]
            connection.close()
            yield lab
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def served() -> Iterator[Started]:
    """A lab that all tests of this file hurt in turn; each sees that it still answers."""
    with started() as lab:
        yield lab
        assert lab.process.poll() is None


def answers(lab: Started) -> bool:
    """Whether the lab still answers a question."""
    state = rooms.room("bell").START
    with lab.talk() as talk:
        talk.send(json.dumps({"id": 1, "room": "bell", "ask": "answer", "state": dict(state)}))
        return "answer" in json.loads(talk.recv(20))


def test_an_upload_of_a_gigabyte_is_refused_before_it_is_read(served: Started) -> None:
    before = served.memory()
    connection = http.client.HTTPConnection(served.host, timeout=20)
    connection.putrequest("POST", "/tables?name=large.csv")
    for name, value in {**served.headers, "content-length": str(GIGABYTE)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(b"x,y\n" + b"1,2\n" * 1000)  # and no more: the answer does not wait for it
    reply = connection.getresponse()
    error = json.loads(reply.read())["error"]
    connection.close()
    assert reply.status == 422
    assert "1,000 MB" in error["sentence"]
    assert "100 MB" in error["sentence"]
    assert "gausswork fit" in error["remedy"]
    assert served.memory() - before < 20_000_000
    assert answers(served)


def test_an_upload_that_hides_its_size_is_refused_when_it_is_too_large(served: Started) -> None:
    before = served.memory()
    pieces = (b"1.5\n" * (1 << 18) for _ in range(GIGABYTE >> 20))

    connection = http.client.HTTPConnection(served.host, timeout=60)
    refused = False
    try:
        connection.request("POST", "/tables?name=l.csv", pieces, served.headers)
        reply = connection.getresponse()
        refused = reply.status == 422 and "100 MB" in json.loads(reply.read())["error"]["sentence"]
    except (BrokenPipeError, ConnectionResetError):
        refused = True  # the lab has hung up: the browser of a user says that it could not be sent
    connection.close()
    assert refused
    assert served.memory() - before < 260_000_000  # the 100 MB that are allowed, and their join
    assert answers(served)


def test_a_file_of_a_gigabyte_on_the_command_line_is_said_to_be_too_large(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.write(b"x,y\n" + b"1,2\n3,5\n" * 50_000)
        file.truncate(GIGABYTE)  # a hole: no disk is filled
    command = [sys.executable, "-m", "gausswork", "lab", "--no-browser", "large.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "large.csv has 1,000 MB; the lab takes files of up to 100 MB" in done.stderr
    assert "gausswork fit" in done.stderr
    assert "Traceback" not in done.stderr


HOSTILE = {
    "deep": "[" * 200_000,
    "deep state": '{"id":1,"room":"bell","ask":"answer","state":' + '{"a":' * 90_000 + "1",
    "long number": '{"id":' + "9" * 100_000 + "}",
    "long name": json.dumps({"id": 1, "room": "x" * 900_000, "ask": "answer", "state": {}}),
    "no number": '{"id":1,"room":"bell","ask":"answer","state":{"mean":NaN}}',
    "overflow": '{"id":1,"room":"bell","ask":"answer","state":{"mean":1e999}}',
    "path": json.dumps({"id": 1, "room": "../tables", "ask": "answer", "state": {}}),
    "attribute": json.dumps({"id": 1, "room": "bell", "ask": "__init__", "state": {}}),
    "markup": json.dumps({"id": 1, "room": "bell", "ask": "answer", "state": {"mean": "<script>"}}),
    "a million points": json.dumps(
        {"id": 1, "room": "regression", "ask": "answer", "state": {"x": [1] * 400_000, "y": []}}
    ),
    "too many points": json.dumps(
        {
            "id": 1,
            "room": "regression",
            "ask": "answer",
            "state": {"x": [1] * 9000, "y": [1] * 9000},
        }
    ),
    "half a surrogate": '{"id":1,"room":"\\ud800","ask":"answer","state":{}}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_answered_in_words(served: Started, name: str) -> None:
    with served.talk() as talk:
        talk.send(HOSTILE[name])
        error = json.loads(talk.recv(30))["error"]
        assert error["sentence"]
        assert "bug" not in error["remedy"]
        assert len(error["sentence"]) < 400
        talk.send(json.dumps({"cancel": 1}))  # the same socket goes on
        state = dict(rooms.room("bell").START)
        talk.send(json.dumps({"id": 2, "room": "bell", "ask": "answer", "state": state}))
        assert json.loads(talk.recv(30))["id"] == 2


def test_a_message_beyond_all_measure_closes_its_own_socket_only(served: Started) -> None:
    from websockets.exceptions import ConnectionClosed

    before = served.memory()
    with contextlib.suppress(ConnectionClosed), served.talk() as talk:
        talk.send("x" * (5 * wire.LARGEST_MESSAGE))
        talk.recv(20)
    assert served.memory() - before < 60_000_000
    assert answers(served)


def test_bytes_that_are_no_websocket_are_let_go(served: Started) -> None:
    port = int(served.host.rpartition(":")[2])
    rubbish = (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 500,  # somebody speaks TLS
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
        b"\x00" * 10_000,
    )
    for sent in rubbish:
        made = socket.create_connection(("127.0.0.1", port), timeout=20)
        with made as raw, contextlib.suppress(OSError):
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            raw.recv(4096)
    assert answers(served)


MILLION = re.compile("^1\u202f?000\u202f?000$")


def test_a_million_rows_are_at_home_in_every_room_of_data(
    watch: Callable[..., Watched], tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=1_000_000).round(4)
    b = (2.0 * a + rng.normal(size=len(a))).round(4)
    csv.write_csv(pa.table({"a": a, "b": b}), tmp_path / "million.csv")
    with started("million.csv", folder=tmp_path) as lab:
        seen = watch(lab.address)
        page = seen.open("regression")
        page.locator("main[data-room=regression] [data-shown=rows]", has_text=MILLION).wait_for()
        seen.settled("regression")
        assert page.get_by_text("evenly spread, are drawn").count()
        page.get_by_role("radio", name="of new points").check()
        seen.settled("regression")
        seen.open("data")
        page.locator("main[data-room=data] [data-shown=rows]", has_text=MILLION).wait_for()
        seen.settled("data")
        seen.open("descent")
        page.get_by_label("Points", exact=True).select_option(label="million.csv")
        seen.settled("descent")
        assert page.get_by_role("slider", name="Learning rate").count()
        for room, choose in (("bell", "my column"), ("limit", None)):
            seen.open(room)
            if choose:
                page.get_by_label(choose).check()
            else:
                page.get_by_label("Draw from").select_option("column")
            page.locator("option:checked", has_text=re.compile(r"^a$")).wait_for(state="attached")
            seen.settled(room)
            assert page.locator("main .problem-box").all_inner_texts() == []
        page.close()


def test_a_lab_that_was_killed_and_started_again_goes_on_where_it_was(
    watch: Callable[..., Watched],
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with started("--port", port) as lab:
        seen = watch(lab.address)
        seen.allowed = ["ERR_CONNECTION_REFUSED", "WebSocket", "Failed to load resource", "403"]
        page = seen.open("bell")
        page.locator("input[name=mean]").fill("55")
        page.keyboard.press("Enter")
        shown = seen.shown("bell")
    page.get_by_text("The lab does not answer").wait_for()
    with started("--port", port) as again:
        # the address that was printed is opened, in another tab: there is everything again
        other = Watched(page.context.new_page(), again.address)
        other.open("bell")
        assert other.shown("bell") == shown
        # and the first tab has found the lab by itself, and goes on
        page.get_by_text("The lab does not answer").wait_for(state="detached")
        page.locator("input[name=mean]").fill("54")
        page.keyboard.press("Enter")
        assert seen.shown("bell") != shown
        page.context.close()


def test_gaps_are_left_out_and_what_is_infinite_is_said(
    watch: Callable[..., Watched], tmp_path: Path
) -> None:
    rows = "".join(f"{k},{k % 7 + k},{'inf' if k == 5 else k}\n" for k in range(40))
    (tmp_path / "gaps.csv").write_text(f"u,v,w\nNaN,1,1\n,3,2\n7,,3\n{rows}")
    with started("gaps.csv", folder=tmp_path) as lab:
        seen = watch(lab.address)
        page = seen.open("regression")
        problem = page.locator("main .problem-box")
        problem.wait_for()  # the last column is offered first
        assert "column 'w' is inf at row" in problem.inner_text().lower()
        page.get_by_label("Upwards (y)").select_option("v")
        seen.settled("regression")
        assert problem.count() == 0
        assert seen.shown("regression")["rows"] == "40"
        assert page.get_by_text("3 rows have a gap and are left out").count()
        page.reload()
        seen.settled("regression")
        assert seen.shown("regression")["rows"] == "40"
        seen.open("data")
        assert "is inf at row" in page.locator(".problem-box").first.inner_text()
        page.locator('[data-column="v"]').get_by_role("radio", name="target").check()
        page.locator('[data-column="w"]').get_by_role("radio", name="not").check()
        seen.settled("data")
        assert seen.shown("data")["rows"] == "40"
        words = set(page.locator("main").inner_text().lower().split())
        assert not words & {"nan", "bug", "undefined", "null"}
        page.close()
