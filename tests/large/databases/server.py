"""A PostgreSQL of the tests' own: on loopback, in a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

USER = "lab"
PASSWORD = "s3cret/wörd:@100%"  # every character that an address must encode
_PATIENCE = 60.0


@dataclass(frozen=True)
class Server:
    """A running server; its only user is ``USER`` with ``PASSWORD``."""

    port: int

    @property
    def address(self) -> str:
        """The address without a password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def address_with_password(self) -> str:
        """The address with the password, encoded."""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/postgres"

    @contextlib.contextmanager
    def connected(self) -> Iterator[Any]:
        """Yield a cursor for what the tests do themselves."""
        from adbc_driver_postgresql import dbapi

        with (
            dbapi.connect(self.address_with_password, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def run(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own."""
        with self.connected() as cursor:
            for statement in statements:
                cursor.execute(statement)


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest there is; None without."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(folders, key=lambda path: float(path.parts[-3]), default=None)
    return None if newest is None else newest.parent


@contextlib.contextmanager
def running(programs: Path) -> Iterator[Server]:
    """Start a server; stop it and remove its folder afterwards, whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="gausswork-pg-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        names = {entry.pw_name for entry in pwd.getpwall()}
        account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        os.chown(folder, account.pw_uid, account.pw_gid)
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    password = folder / "password"
    process: subprocess.Popen[bytes] | None = None
    try:
        password.write_text(PASSWORD + "\n", encoding="utf-8")
        password.chmod(0o644)
        made = subprocess.run(
            [
                programs / "initdb", "-D", folder / "data", "-U", USER, "-A", "scram-sha-256",
                "--pwfile", password, "--no-sync", "-E", "UTF8", "--locale=C",
            ],
            capture_output=True, check=False, cwd=folder, env={"PATH": os.environ["PATH"]}, **who,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr.decode()
        port = _free_port()
        process = _start(programs, folder, port, who)
        if not _ready(process, port):
            raise AssertionError((folder / "log").read_text(encoding="utf-8"))
        yield Server(port)
    finally:
        if process is not None:
            assert process.stdin is not None  # a pipe, see _start
            process.stdin.close()
            process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


# Ends the server when the pipe closes: at the end of the tests, or when they were killed.
_GUARD = """
exec 3<&0
folder=$1; shift
"$@" 3<&- </dev/null & server=$!
(read -r line <&3; kill -INT $server) & guard=$!
wait $server; code=$?
kill $guard 2>/dev/null
rm -rf "$folder/data"
exit $code
"""


def _start(programs: Path, folder: Path, port: int, who: dict[str, Any]) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [
                "/bin/sh", "-c", _GUARD, "sh", folder,
                programs / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder,
                "-h", "127.0.0.1", "-c", "fsync=off", "-c", "max_connections=20",
            ],
            stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder,
            env={"PATH": os.environ["PATH"]}, **who,
        )  # fmt: skip


def _ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server takes connections; False when it has ended."""
    from adbc_driver_postgresql import dbapi

    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            return False
        try:
            dbapi.connect(Server(port).address_with_password, autocommit=True).close()
        except dbapi.Error:
            time.sleep(0.05)
            continue
        return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
