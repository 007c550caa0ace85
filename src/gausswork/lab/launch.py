"""Start the lab: a port, a token, the server, the browser."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gausswork.errors import InputError, require
from gausswork.lab import wire
from gausswork.lab.guard import access

PORT = 8765  # a fixed one first: a browser keeps what was done per address and port
_TRIED = 20
PURPOSE = "The lab and its page"


@dataclass(frozen=True, slots=True)
class Opened:
    """A socket that listens, and the address that leads to it.

    Attributes
    ----------
    socket : bound, not yet listening.
    port : its port.
    address : what to open in the browser, with the token.
    token : the token alone.
    remark : what is worth saying about the choice of the port; mostly empty.
    """

    socket: socket.socket
    port: int
    address: str
    token: str
    remark: str


def open_port(host: str = "127.0.0.1", port: int | None = None) -> Opened:
    """Take a port: the one asked for, or the usual one, or the next that is free.

    Raises
    ------
    InputError
        The port asked for is taken or not allowed, or the host is none of this machine.
    """
    tried = [port] if port is not None else [*range(PORT, PORT + _TRIED), 0]
    taken = ""
    for number in tried:
        try:
            bound = _bound(host, number)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port is None:
                taken = taken or f"Port {number} is taken, perhaps by another lab"
                continue
            raise _refused(host, number, error) from None
        actual = bound.getsockname()[1]
        token = secrets.token_urlsafe(24)
        name = "127.0.0.1" if host in {"0.0.0.0", "::"} else host
        name = f"[{name}]" if ":" in name else name
        remark = f"{taken}: this one uses port {actual}." if taken else ""
        address = f"http://{name}:{actual}/?token={token}"
        return Opened(bound, actual, address, token, remark)
    raise AssertionError("port 0 is always free")


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere this would share a port that is taken
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except BaseException:
        made.close()
        raise
    return made


def _refused(host: str, port: int, error: OSError) -> InputError:
    if error.errno == errno.EADDRINUSE:
        return InputError(
            f"port {port} is taken by another program, perhaps another lab. Leave --port out to "
            "use the next one that is free."
        )
    if error.errno == errno.EACCES:
        return InputError(
            f"port {port} needs rights that you do not have. Choose one from 1024 to 65535."
        )
    return InputError(
        f"the lab cannot listen on {host!r}: {error.strerror or error}. Leave --host out to listen "
        "on this machine only."
    )


def server(opened: Opened, lab: Any, *, host: str = "127.0.0.1", ready: Any = None) -> Any:
    """Return a server for the lab; its ``run(sockets=[opened.socket])`` serves until stopped."""
    uvicorn = require("uvicorn", purpose=PURPOSE, extra="lab")
    require("starlette", purpose=PURPOSE, extra="lab")
    require("websockets", purpose=PURPOSE, extra="lab")
    from gausswork.lab.app import create

    config = uvicorn.Config(
        create(access(opened.token, opened.port, host), lab),
        log_level="critical",
        access_log=False,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=4 * wire.LARGEST_MESSAGE,  # up to here in words, beyond it closed
        ws_per_message_deflate=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        backlog=128,
    )

    class Server(uvicorn.Server):  # type: ignore[misc, name-defined]
        """One that says when it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if ready is not None and self.started:
                ready()

    return Server(config)


@contextlib.contextmanager
def running(lab: Any, *, host: str = "127.0.0.1") -> Iterator[Opened]:
    """Serve the lab from a thread while the block runs: for tests and notebooks.

    Yields
    ------
    where it is, once it answers.
    """
    opened = open_port(host, 0)
    answering = threading.Event()
    served = server(opened, lab, host=host, ready=answering.set)
    thread = threading.Thread(
        target=served.run, kwargs={"sockets": [opened.socket]}, name="gausswork-lab"
    )
    thread.start()
    try:
        while not answering.wait(0.05) and thread.is_alive():
            pass
        yield opened
    finally:
        served.should_exit = True
        thread.join()
        opened.socket.close()


def open_browser(address: str) -> bool:
    """Open the address in the user's browser; say whether there is one with windows."""
    import webbrowser

    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    ):
        return False  # a browser of the terminal would take the terminal away
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False


def serve(
    lab: Any,
    *,
    host: str,
    port: int | None,
    browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the lab until Ctrl-C.

    Parameters
    ----------
    lab : what is served, a :class:`gausswork.lab.app.Lab`.
    host, port : where to listen; a port of None is chosen.
    browser : whether to open the page in the user's browser.
    say : called with every line for the user.
    """
    opened = open_port(host, port)
    try:
        if opened.remark:
            say(opened.remark)
        if access(opened.token, opened.port, host).hosts[3:]:
            say(
                f"Listening on {host}: everybody who can reach it and has the whole address below "
                "can use the lab, and nothing on the way is encrypted."
            )

        def ready() -> None:
            say(f"The lab is open at {opened.address}")
            threading.Thread(target=lab.warm, name="gausswork-lab-warm", daemon=True).start()
            if browser:
                threading.Thread(target=_browse, args=(opened.address, say), daemon=True).start()
            say("Stop it with Ctrl-C.")

        served = server(opened, lab, host=host, ready=ready)
        with contextlib.suppress(KeyboardInterrupt):
            served.run(sockets=[opened.socket])
    finally:
        opened.socket.close()


def _browse(address: str, say: Callable[[str], None]) -> None:
    if not open_browser(address):
        say("No browser could be opened on this machine: open the address above in one.")
