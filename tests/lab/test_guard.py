"""Promise: only the page that the lab itself opened can use the lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx2")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from gausswork.lab.app import Lab, create
from gausswork.lab.guard import Access, access

HOME = "http://127.0.0.1:8765"
ALLOWED = Access("the-token", 8765)
ORIGIN = {"origin": HOME}


@pytest.fixture
def stranger() -> Iterator[TestClient]:
    """A client that knows no token."""
    with TestClient(create(ALLOWED, Lab()), base_url=HOME, follow_redirects=False) as client:
        yield client


@pytest.fixture
def guest(stranger: TestClient) -> TestClient:
    """A client that came by the launched address."""
    entered = stranger.get("/?token=the-token")
    assert entered.status_code == 303
    assert entered.headers["location"] == "/"
    return stranger


def test_the_token_becomes_a_cookie_that_no_script_and_no_other_page_can_use(
    stranger: TestClient,
) -> None:
    cookie = stranger.get("/?token=the-token").headers["set-cookie"]
    assert "gausswork-lab-8765=the-token" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert stranger.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/lab.json", "/static/main.js", "/nothing"])
def test_nothing_is_served_without_the_token(stranger: TestClient, path: str) -> None:
    refused = stranger.get(path)
    assert refused.status_code == 403
    assert "gausswork lab" in refused.text


@pytest.mark.parametrize("token", ["", "wrong", "the-token2", "thé-token"])
def test_a_wrong_token_opens_nothing(stranger: TestClient, token: str) -> None:
    refused = stranger.get("/", params={"token": token})
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize(
    "host",
    ["evil.example:8765", "127.0.0.1:8766", "127.0.0.1", "", "127.0.0.1.evil.example:8765", "8765"],
)
def test_a_wrong_host_is_refused_even_with_the_token(guest: TestClient, host: str) -> None:
    assert guest.get("/", headers={"host": host}).status_code == 421
    assert guest.get("/?token=the-token", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"]
)
def test_every_name_of_loopback_is_right(host: str) -> None:
    assert ALLOWED.allows_host(host)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:8766", "https://127.0.0.1:8765"]
)
def test_a_foreign_origin_is_refused_even_with_the_cookie(guest: TestClient, origin: str) -> None:
    assert guest.get("/lab.json", headers={"origin": origin}).status_code == 403
    sent = guest.post("/tables?name=a.csv", content=b"x\n1\n", headers={"origin": origin})
    assert sent.status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        guest.websocket_connect(f"ws{HOME[4:]}/wire", headers={"origin": origin}),
    ):
        pass


def test_what_changes_something_must_say_where_it_comes_from(guest: TestClient) -> None:
    assert guest.post("/tables?name=a.csv", content=b"x\n1\n").status_code == 403
    with pytest.raises(WebSocketDisconnect), guest.websocket_connect(f"ws{HOME[4:]}/wire"):
        pass


def test_a_socket_needs_the_token(stranger: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        stranger.websocket_connect(f"ws{HOME[4:]}/wire", headers=ORIGIN),
    ):
        pass


def test_every_answer_forbids_inline_script_framing_and_guessing_of_types(
    guest: TestClient,
) -> None:
    for path in ("/", "/static/main.js", "/lab.json", "/nothing"):
        fields = guest.get(path).headers
        policy = fields["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert fields["x-content-type-options"] == "nosniff"
        assert fields["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/",
        "/static/core",
        "/static/%00",
    ],
)
def test_only_files_of_the_page_are_served(guest: TestClient, path: str) -> None:
    assert guest.get(path).status_code in {303, 404}


@pytest.mark.parametrize(
    ("host", "right", "wrong"),
    [
        ("127.0.0.1", ["127.0.0.1:1", "localhost:1"], ["192.168.0.7:1", "lab.example:1"]),
        ("0.0.0.0", ["192.168.0.7:1", "[fe80::1]:1"], ["evil.example:1", "192.168.0.7:2"]),
        ("192.168.0.7", ["192.168.0.7:1", "localhost:1"], ["192.168.0.8:1", "evil.example:1"]),
    ],
)
def test_a_lab_on_another_address_still_refuses_names_that_can_be_rebound(
    host: str, right: list[str], wrong: list[str]
) -> None:
    allowed: Any = access("t", 1, host)
    assert all(allowed.allows_host(one) for one in right)
    assert not any(allowed.allows_host(one) for one in wrong)
