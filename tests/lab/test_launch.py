"""Promise: ``gausswork lab`` starts on any machine, says where it is, and ends when told to."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from gausswork import cli, errors
from gausswork.errors import InputError
from gausswork.lab import launch


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of loopback that somebody else uses."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_is_taken_is_left_to_its_owner(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "PORT", taken)
    monkeypatch.setattr(launch, "_TRIED", 1)  # the next try takes whatever is free
    opened = launch.open_port()
    with opened.socket:
        assert opened.port != taken
        assert opened.address.startswith(f"http://127.0.0.1:{opened.port}/?token=")
        assert str(taken) in opened.remark
        assert str(opened.port) in opened.remark


def test_a_port_asked_for_and_taken_is_said(taken: int) -> None:
    with pytest.raises(InputError, match=f"port {taken} is taken.*--port"):
        launch.open_port(port=taken)


def test_an_address_of_another_machine_is_said() -> None:
    with pytest.raises(InputError, match="Leave --host out"):
        launch.open_port("192.0.2.1", 0)  # RFC 5737: belongs to nobody


def test_every_launch_has_a_token_of_its_own() -> None:
    opened = [launch.open_port(port=None) for _ in range(5)]
    for one in opened:
        one.socket.close()
    assert len({one.token for one in opened}) == 5
    assert all(len(one.token) >= 32 for one in opened)


def test_without_a_screen_no_browser_of_the_terminal_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", lambda address: pytest.fail("was opened"))
    assert not launch.open_browser("http://127.0.0.1:1/")


@pytest.mark.parametrize("outcome", [False, webbrowser.Error("none"), OSError("none")])
def test_a_machine_without_a_browser_is_told_the_address(
    monkeypatch: pytest.MonkeyPatch, outcome: Any
) -> None:
    def opened(address: str) -> bool:
        if isinstance(outcome, Exception):
            raise outcome
        return bool(outcome)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", opened)
    assert not launch.open_browser("http://127.0.0.1:1/")
    said: list[str] = []
    launch._browse("http://127.0.0.1:1/", said.append)
    assert "open the address" in said[0]


def test_what_is_missing_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(module: str, *, purpose: str, extra: str) -> Any:
        raise errors.MissingPackageError(f"{purpose} need {module}. pip install gausswork[{extra}]")

    monkeypatch.setattr(errors, "require", absent)
    assert cli.main(["lab"]) == 2
    assert "gausswork[lab]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.csv"], "missing.csv"),
        (["--port", "0"], "--port must be from 1 to 65535"),
        (["--port", "70000"], "--port must be from 1 to 65535"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["lab", "--no-browser", *arguments]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_the_command_serves_the_table_until_it_is_stopped(
    tmp_path: Path, number: int, code: int
) -> None:
    (tmp_path / "small.csv").write_text("x,y\n1,2\n3,4\n5,9\n")
    environment = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
    command = [sys.executable, "-m", "gausswork", "lab", "small.csv"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "No browser" in line:
                break
        found = re.search(r"http://(127\.0\.0\.1:\d+)(/\?token=\S+)", "".join(lines))
        assert found is not None
        connection = http.client.HTTPConnection(found[1], timeout=20)
        connection.request("GET", found[2])
        entered = connection.getresponse()
        entered.read()
        cookie = str(entered.headers["set-cookie"]).partition(";")[0]
        connection.request("GET", "/lab.json", headers={"cookie": cookie})
        assert b'"small.csv"' in connection.getresponse().read()
        connection.close()
        process.send_signal(number)
        assert process.wait(20) == code
