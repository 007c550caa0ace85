"""Promise: the server answers, refuses in words, and keeps running whatever it is sent."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx2")

from starlette.testclient import TestClient

from gausswork.errors import InputError
from gausswork.lab import app, rooms, wire
from gausswork.lab import tables as lab_tables
from gausswork.lab.app import Lab, create
from gausswork.lab.guard import Access

HOME = "http://127.0.0.1:8765"
GATE = threading.Event()


def _read(state: Mapping[str, Any]) -> Mapping[str, Any]:
    if "x" not in state:
        raise InputError("x is missing. Give a number.")
    return state


def _answer(state: Mapping[str, Any], tables: Any) -> dict[str, Any]:
    asked = _read(state)["x"]
    if asked == "slow":
        GATE.wait(20.0)
    if asked == "nan":
        return {"shown": {"x": float("nan")}}
    if asked == "mistake":
        raise KeyError("a mistake of the room")
    return {"shown": {"x": asked}}


def _train(
    state: Mapping[str, Any], tables: Any, cancelled: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    for k in range(state["x"]):
        yield {"k": k}
    while state.get("endless") and not cancelled():
        GATE.wait(0.01)


FAKE = SimpleNamespace(
    START={"x": 1.0},
    read=_read,
    answer=_answer,
    script=lambda state, tables: f"x = {_read(state)['x']!r}\n",
    train=_train,
    save=lambda state, tables: ("x.txt", str(state["x"])),
)


@pytest.fixture
def lab() -> Lab:
    """A lab of its own."""
    return Lab()


@pytest.fixture
def client(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A page that is let in, in front of one room that is there for the tests."""
    GATE.clear()
    monkeypatch.setattr(rooms, "available", lambda: ("bell",))
    monkeypatch.setattr(rooms, "room", lambda name: FAKE)
    headers = {"origin": HOME}
    with TestClient(create(Access("t", 8765), lab), base_url=HOME, headers=headers) as made:
        made.get("/?token=t")
        yield made
        GATE.set()


@contextlib.contextmanager
def talking(client: TestClient) -> Iterator[Any]:
    """Open the socket."""
    with client.websocket_connect(f"ws{HOME[4:]}/wire", headers={"origin": HOME}) as socket:
        yield socket


def ask(number: int, x: Any, what: str = "answer", **more: Any) -> dict[str, Any]:
    """Return a question."""
    return {"id": number, "room": "bell", "ask": what, "state": {"x": x, **more}}


def until(socket: Any, number: int, word: str) -> dict[str, Any]:
    """Read messages until one of this number has the word."""
    for _ in range(500):
        message: dict[str, Any] = socket.receive_json()
        if message.get("id") == number and word in message:
            return message
    raise AssertionError(f"no {word} for {number}")


def test_the_page_its_files_and_its_description(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert client.get("/static/main.js").headers["content-type"].startswith("text/javascript")
    told = client.get("/lab.json").json()
    assert told["rooms"] == [{"name": "bell", "start": {"x": 1.0}}]
    assert told["tables"] == []


def test_a_question_is_answered(client: TestClient) -> None:
    with talking(client) as socket:
        socket.send_json(ask(1, 2.5))
        assert socket.receive_json() == {"id": 1, "answer": {"shown": {"x": 2.5}}}
        socket.send_json(ask(2, 2.5, "script"))
        assert socket.receive_json() == {"id": 2, "answer": "x = 2.5\n"}
        socket.send_json(ask(3, 2.5, "save"))
        assert socket.receive_json() == {"id": 3, "answer": {"name": "x.txt", "text": "2.5"}}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("no json", "not JSON"),
        (json.dumps({**ask(1, 1.0), "room": "__init__"}), "no room"),
        (json.dumps({**ask(1, 1.0), "room": "../bell"}), "no room"),
        (json.dumps({"id": 1, "room": "bell", "ask": "answer", "state": {}}), "X is missing"),
        (json.dumps(ask(1, "nan")), "bug"),
        (json.dumps(ask(1, "mistake")), "bug"),
        (json.dumps({"id": 1, "attach": "unknown", "seen": 0}), "same seed"),
        (json.dumps(ask(1, "a" * wire.LARGEST_MESSAGE)), "characters"),
    ],
)
def test_a_bad_message_is_answered_in_words_and_the_next_one_works(
    client: TestClient, message: str, says: str
) -> None:
    with talking(client) as socket:
        socket.send_text(message)
        error = socket.receive_json()["error"]
        assert says in f"{error['sentence']} {error['remedy']}"
        socket.send_json(ask(2, 3.0))
        assert socket.receive_json()["answer"] == {"shown": {"x": 3.0}}


def test_bytes_are_refused_in_words(client: TestClient) -> None:
    with talking(client) as socket:
        socket.send_bytes(b"\x00\x01")
        assert "text" in socket.receive_json()["error"]["sentence"]


def test_of_questions_that_come_faster_than_answers_the_newest_is_answered(
    client: TestClient,
) -> None:
    with talking(client) as socket:
        socket.send_json(ask(1, "slow"))
        for k in range(2, 2000):
            socket.send_json(ask(k, float(k)))
        skipped = [socket.receive_json() for _ in range(1997)]
        assert [one["id"] for one in skipped] == list(range(2, 1999))
        assert all(one["skipped"] for one in skipped)
        GATE.set()
        assert until(socket, 1999, "answer")["answer"] == {"shown": {"x": 1999.0}}


def test_a_slow_answer_does_not_hold_up_other_kinds_of_questions(client: TestClient) -> None:
    with talking(client) as socket:
        socket.send_json(ask(1, "slow"))
        socket.send_json(ask(2, 5.0, "script"))
        assert socket.receive_json()["id"] == 2
        GATE.set()
        assert socket.receive_json()["id"] == 1


def test_long_work_streams_and_ends(client: TestClient) -> None:
    with talking(client) as socket:
        socket.send_json(ask(1, 100, "train"))
        assert socket.receive_json()["job"]
        parts: list[Any] = []
        while "parts" in (message := socket.receive_json()):
            parts += message["parts"]
        assert parts == [{"k": k} for k in range(100)]
        assert message == {"id": 1, "done": {"stopped": False}}


def test_long_work_is_stopped_when_asked(client: TestClient) -> None:
    with talking(client) as socket:
        socket.send_json(ask(1, 3, "train", endless=True))
        until(socket, 1, "parts")
        socket.send_json({"cancel": 1})
        assert until(socket, 1, "done")["done"] == {"stopped": True}


def test_long_work_that_has_not_begun_is_stopped_too(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FAKE, "read", lambda state: GATE.wait(20.0))
    with talking(client) as socket:
        socket.send_json(ask(1, 3, "train", endless=True))
        socket.send_json({"cancel": 1})
        socket.send_json({"cancel": 2})  # which is nothing
        socket.send_json({"id": 3, "room": "nowhere"})
        until(socket, 3, "error")  # so all of them have been read
        GATE.set()
        assert until(socket, 1, "done")["done"] == {"stopped": True}


def test_a_reload_finds_the_work_again_and_loses_nothing(client: TestClient) -> None:
    with talking(client) as socket:
        socket.send_json(ask(1, 30, "train", endless=True))
        job = until(socket, 1, "job")["job"]
        until(socket, 1, "parts")
    with talking(client) as socket:
        socket.send_json({"id": 1, "attach": job, "seen": 10})
        assert until(socket, 1, "parts")["parts"] == [{"k": k} for k in range(10, 30)]
        socket.send_json({"cancel": 1})
        until(socket, 1, "done")


def test_a_state_that_cannot_be_trained_is_refused_at_once(client: TestClient) -> None:
    with talking(client) as socket:
        socket.send_json({"id": 1, "room": "bell", "ask": "train", "state": {}})
        assert "missing" in socket.receive_json()["error"]["sentence"]


def test_a_page_that_leaves_in_the_middle_leaves_nothing_behind(
    client: TestClient, lab: Lab
) -> None:
    for _ in range(20):
        with talking(client) as socket:
            socket.send_json(ask(1, "slow"))
            socket.send_json(ask(2, 4, "train"))
    GATE.set()
    with talking(client) as socket:
        socket.send_json(ask(1, 1.0))
        assert until(socket, 1, "answer")
        assert lab.sockets == 1


def test_too_many_pages_are_refused(
    client: TestClient, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "MOST_SOCKETS", 1)
    with talking(client), talking(client) as second:
        message = second.receive()
        assert message["type"] == "websocket.close"
        assert "close some" in message["reason"]


def test_a_file_is_taken_and_told_to_all_rooms(client: TestClient, lab: Lab) -> None:
    content = "näme,<b>x</b>\n1,2\n3,4\n5,7\n".encode()
    reply = client.post("/tables?name=b%C3%BCrger%20%3Cimg%3E.csv", content=content).json()
    assert reply["table"]["name"] == "bürger <img>.csv"
    assert [one["name"] for one in reply["table"]["columns"]] == ["näme", "<b>x</b>"]
    assert client.get("/lab.json").json()["tables"] == reply["tables"]
    assert lab.tables.get(reply["table"]["id"]).rows == 3


def test_a_file_that_cannot_be_used_is_refused_in_words(client: TestClient) -> None:
    for content in (b"", b"\x00\xff" * 100, b"x,x\n1,2\n"):
        refused = client.post("/tables?name=bad.csv", content=content)
        assert refused.status_code == 422
        assert refused.json()["error"]["sentence"]
        assert refused.json()["error"]["remedy"]


def test_a_large_file_is_refused_by_its_announced_and_by_its_true_size(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab_tables, "LARGEST_FILE", 1000)
    sent: list[int] = []

    def pieces() -> Iterator[bytes]:
        for k in range(100):
            sent.append(k)
            yield b"1\n" * 100

    for content in (b"x\n" + b"1\n" * 1000, pieces()):
        refused = client.post("/tables?name=large.csv", content=content)
        assert refused.status_code == 422
        assert "gausswork fit" in refused.json()["error"]["remedy"]


def test_only_few_files_are_read_at_a_time(client: TestClient, lab: Lab) -> None:
    lab.uploads = app.MOST_UPLOADS
    refused = client.post("/tables?name=a.csv", content=b"x\n1\n2\n")
    assert refused.status_code == 503
    assert "Try again" in refused.json()["error"]["remedy"]
    lab.uploads = 0
    assert client.post("/tables?name=a.csv", content=b"x\n1\n2\n").status_code == 200
    assert lab.uploads == 0
