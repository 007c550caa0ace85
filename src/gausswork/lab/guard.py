"""Who may ask the lab, and what its page may do: a wall in front of every request and socket.

A page of somebody else that is open in the same browser can send requests to loopback. It cannot
set the Host of an address it does not own (DNS rebinding), cannot hide its Origin, does not know
the token, and gets no cookie along (SameSite=Strict). All four are checked, each alone suffices.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

_CLOSED_POLICY_VIOLATION = 1008
_HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><title>gausswork lab</title>
<meta name="viewport" content="width=device-width"><h1>{title}</h1><p>{text}</p></html>
"""


@dataclass(frozen=True, slots=True)
class Access:
    """What a launch decides.

    Attributes
    ----------
    token : the secret of this launch, in the address that it prints and then in a cookie.
    port : the port of the lab.
    hosts : what the Host of a request may be, without the port.
    any_address : whether any address written in digits is a right Host as well: for a lab that
        listens on all of them. A name is needed to rebind; digits cannot be.
    """

    token: str
    port: int
    hosts: tuple[str, ...] = LOOPBACK
    any_address: bool = False

    @property
    def cookie(self) -> str:
        """Name of the cookie; browsers do not keep the cookies of two ports apart."""
        return f"gausswork-lab-{self.port}"

    def allows_host(self, host: str) -> bool:
        """Whether a request may be addressed so."""
        name, colon, port = host.rpartition(":")
        if not colon or name.endswith(":"):
            name, port = host, "80"
        if port != str(self.port):
            return False
        if name.lower() in self.hosts:
            return True
        return self.any_address and _is_address(name)

    def allows_origin(self, origin: str, host: str) -> bool:
        """Whether a request may come from a page of this origin: the lab's own only."""
        return origin == f"http://{host}"

    def knows(self, token: str) -> bool:
        """Whether this is the token, compared in constant time."""
        return secrets.compare_digest(token.encode(), self.token.encode())


def access(token: str, port: int, host: str) -> Access:
    """Return what a lab that listens on ``host`` allows."""
    if host in {"127.0.0.1", "localhost", "::1"}:
        return Access(token, port)
    if host in {"0.0.0.0", "::"}:
        names = (*LOOPBACK, socket.gethostname().lower())
        return Access(token, port, names, any_address=True)
    name = f"[{host}]" if ":" in host else host.lower()
    return Access(token, port, (*LOOPBACK, name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def policy(host: str) -> str:
    """Return the content security policy: own files only, no inline script, no framing."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def headers(host: str) -> list[tuple[bytes, bytes]]:
    """Return the headers that every answer carries."""
    return [
        (b"content-security-policy", policy(host).encode("latin-1")),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    ]


class Guard:
    """The wall: an ASGI application around another."""

    def __init__(self, app: ASGIApp, allowed: Access) -> None:
        self.app = app
        self.allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, turn into a cookie, or refuse."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] not in {"http", "websocket"}:
            return
        given = _Headers(scope["headers"])
        host = given.one("host")
        if not self.allowed.allows_host(host):
            await _refuse(
                scope, receive, send, 421, "Another address", "This is not the address of the lab."
            )
            return
        origin = given.one("origin")
        must_tell = scope["type"] == "websocket" or scope["method"] not in {"GET", "HEAD"}
        if (origin or must_tell) and not self.allowed.allows_origin(origin, host):
            text = "Pages from elsewhere may not use the lab."
            await _refuse(scope, receive, send, 403, "Not from here", text)
            return
        cookies = given.cookies(self.allowed.cookie)
        if not any(self.allowed.knows(value) for value in cookies):
            await self._enter(scope, receive, send, host)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                message = {**message, "headers": [*message["headers"], *headers(host)]}
            await send(message)

        if scope["type"] == "http" and scope["path"] == "/" and scope["query_string"]:
            await _redirect(send, None, host)  # the token leaves the address bar
            return
        await self.app(scope, receive, send_guarded)

    async def _enter(self, scope: Scope, receive: Receive, send: Send, host: str) -> None:
        """Turn the token of the launched address into a cookie; refuse without it."""
        if scope["type"] == "http" and scope["path"] == "/" and scope["method"] == "GET":
            query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8)
            if any(self.allowed.knows(value) for value in query.get("token", [])):
                cookie = (
                    f"{self.allowed.cookie}={self.allowed.token}; Path=/; HttpOnly; SameSite=Strict"
                )
                await _redirect(send, cookie, host)
                return
        await _refuse(
            scope,
            receive,
            send,
            403,
            "The key is missing",
            "Open the whole address that <code>gausswork lab</code> printed when it started. "
            "Each start makes a new one; what you did is kept in this browser.",
        )


class _Headers:
    """The headers of a request."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._raw = list(raw)

    def one(self, name: str) -> str:
        """Return the value of a header that is there once; "" where it is not, or twice."""
        found = [value for key, value in self._raw if key == name.encode()]
        return found[0].decode("latin-1") if len(found) == 1 else ""

    def cookies(self, name: str) -> list[str]:
        """Return the values of a cookie."""
        pairs = [
            pair.strip().partition("=")
            for key, value in self._raw
            if key == b"cookie"
            for pair in value.decode("latin-1").split(";")
        ]
        return [value for key, _, value in pairs if key == name]


async def _redirect(send: Send, cookie: str | None, host: str) -> None:
    fields: list[tuple[bytes, bytes]] = [
        (b"location", b"/"),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        *headers(host),
    ]
    if cookie:
        fields.append((b"set-cookie", cookie.encode("latin-1")))
    await send({"type": "http.response.start", "status": 303, "headers": fields})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: int, title: str, text: str
) -> None:
    """Say no: to a socket before it opens, to a request with a short page."""
    if scope["type"] == "websocket":
        opening: Any = await receive()
        if opening["type"] == "websocket.connect":
            # closed before it is accepted: the browser sees a plain 403
            await send(
                {"type": "websocket.close", "code": _CLOSED_POLICY_VIOLATION, "reason": title}
            )
        return
    body = _HTML.format(title=title, text=text).encode()
    fields: list[tuple[bytes, bytes]] = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
