"""Promise: files at an address are read as files on disk are, and a broken line is said."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import gausswork as gw
from gausswork import errors
from gausswork.data.files import file_table
from gausswork.data.remote import _without_secrets
from gausswork.errors import DataFileError, MissingPackageError

ROWS = 100_000


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(3)
    a = rng.normal(size=ROWS)
    kind = np.array(["red", "green"])[rng.integers(2, size=ROWS)]
    return pa.table({"a": a, "kind": kind, "unused": a, "y": 2 * a + rng.normal(size=ROWS)})


@pytest.fixture(scope="module")
def disk(table, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("disk")
    pa.csv.write_csv(table, path / "t.csv")
    with pa.output_stream(path / "t.csv.gz", compression="gzip") as out:
        pa.csv.write_csv(table, out)
    pq.write_table(table, path / "t.parquet", row_group_size=30_000)
    with pa.OSFile(str(path / "t.arrow"), "wb") as raw, pa.ipc.new_file(raw, table.schema) as out:
        out.write_table(table, max_chunksize=30_000)
    for number, year in enumerate((2021, 2022)):
        (path / f"year={year}").mkdir()
        part = table.slice(number * 50_000, 50_000)
        pq.write_table(part, path / f"year={year}" / "part.parquet")
    return path


@pytest.fixture(scope="module")
def memory(disk) -> Iterator[str]:
    """The same files in fsspec's file system in memory."""
    system = fsspec.filesystem("memory")
    system.put(str(disk), "/gausswork-test", recursive=True)
    yield "memory://gausswork-test"
    system.rm("/gausswork-test", recursive=True)


class Plain(http.server.SimpleHTTPRequestHandler):
    """A server as plain as Python's, which cannot begin in the middle of a file."""

    ranges = False
    cut: int | None = None  # break the connection after so many bytes

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        place = Path(self.translate_path(self.path))
        if place.is_dir() or not place.exists():
            super().do_GET()
            return
        data = place.read_bytes()
        wanted = self.headers.get("Range")
        start, stop = 0, len(data)
        if wanted and self.ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop = int(first), int(last) + 1 if last else len(data)
            stop = min(stop, len(data))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        else:
            self.send_response(200)
        if self.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(
                data[start : stop if self.cut is None else min(stop, start + self.cut)]
            )
            if self.cut is not None:
                time.sleep(0.5)  # the client loses what it has not read when the line breaks


class Ranging(Plain):
    """A server that can."""

    ranges = True


class Cutting(Plain):
    """A server whose line breaks."""

    cut = 1_500_000


@contextlib.contextmanager
def serving(handler: type, folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def same(found: gw.Fit, wanted: gw.Fit) -> None:
    assert found.moments.to_dict() == wanted.moments.to_dict()
    np.testing.assert_array_equal(found.coefficients, wanted.coefficients)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.arrow", "*/part.parquet"])
def test_in_memory(name, memory, disk) -> None:
    """Numbers, categories in a pass of their own, and second passes."""
    found = gw.fit(f"{memory}/{name}", "y", features="a,kind")
    wanted = gw.fit(disk / name, "y", features="a,kind")
    same(found, wanted)
    np.testing.assert_array_equal(
        found.robust("HC3").standard_errors, wanted.robust("HC3").standard_errors
    )
    assert found.description == wanted.description


def test_partitions_in_memory(memory, disk) -> None:
    folder = f"{memory}-years"
    fsspec.filesystem("memory").put(
        [str(disk / f"year={y}" / "part.parquet") for y in (2021, 2022)],
        [f"/gausswork-test-years/year={y}/part.parquet" for y in (2021, 2022)],
    )
    found = gw.fit(folder, "y", features="a,year")
    assert found.names == ("intercept", "a", "year")
    same(found, gw.fit(disk / "year=*" / "part.parquet", "y", features="a,year"))


@pytest.mark.parametrize(
    ("handler", "name"),
    [(Plain, "t.csv"), (Plain, "t.csv.gz"), (Ranging, "t.csv"), (Ranging, "t.parquet")],
)
def test_over_http(handler, name, disk) -> None:
    with serving(handler, disk) as address:
        same(
            gw.fit(f"{address}/{name}?token=secret", "y", features="a,kind"),
            gw.fit(disk / name, "y", features="a,kind"),
        )


def test_an_interrupted_fit_over_http_goes_on(disk, tmp_path) -> None:
    def stop(rows: int, done: int | None, total: int | None) -> None:
        raise KeyboardInterrupt

    state = tmp_path / "state"
    with serving(Plain, disk) as address:
        data = f"{address}/t.csv"
        with pytest.raises(KeyboardInterrupt):
            gw.fit(data, "y", features="a", state=state, progress=stop)
        same(
            gw.fit(data, "y", features="a", state=state, resume=True),
            gw.fit(disk / "t.csv", "y", features="a"),
        )


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_connection_that_breaks_is_said_and_loses_nothing(name, disk, tmp_path) -> None:
    """The error names file and line, and what was summed is kept."""
    state = tmp_path / "state"
    with (
        serving(Cutting, disk) as address,
        pytest.raises(DataFileError, match=rf"{name}.* line \d"),
    ):
        gw.fit(f"{address}/{name}", "y", features="a", state=state)


def test_a_file_that_shrinks_while_it_is_read_is_said(table, tmp_path) -> None:
    """Half a file is not taken for a whole one."""
    system = fsspec.filesystem("memory")
    with system.open("/gausswork-shrinks.csv", "wb") as out:
        pa.csv.write_csv(table, out)
    opened = file_table("memory://gausswork-shrinks.csv")
    kinds = {name: field.kind for name, field in opened.fields(["a", "y"]).items()}
    next(iter(opened.read(kinds)))
    with system.open("/gausswork-shrinks.csv", "wb") as out:
        out.write(b"a,y\n1,2\n2,3\n")
    with pytest.raises(DataFileError, match="has changed since it was opened"):
        list(opened.read(kinds))
    system.rm("/gausswork-shrinks.csv")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://nowhere.csv", r"there is no file memory://nowhere\.csv"),
        ("memory://nowhere/*.csv", "no file matches memory://nowhere"),
        ("memory://gausswork-plain", r"is a folder without.*gausswork-plain/\*\.txt"),
        ("nosuch://a/b.csv", "nosuch://a/b.csv cannot be read: .*nosuch"),
        (
            "http://127.0.0.1:9/t.csv",
            r"there is no file http://127\.0\.0\.1:9/t\.csv, or what serves it",
        ),
    ],
)
def test_what_is_not_there_is_said(address, said, disk) -> None:
    fsspec.filesystem("memory").pipe("/gausswork-plain/x.txt", b"a,y\n1,2\n")
    with pytest.raises(DataFileError, match=said):
        gw.fit(address, "y")


def test_a_missing_page_and_a_server_without_ranges(disk) -> None:
    with serving(Plain, disk) as address:
        with pytest.raises(DataFileError, match=r"there is no file http://127.*none\.csv"):
            gw.fit(f"{address}/none.csv", "y")
        with pytest.raises(DataFileError, match=r"t\.parquet cannot be read as parquet"):
            gw.fit(f"{address}/t.parquet", "y")


def test_a_file_given_twice_is_refused(memory) -> None:
    with pytest.raises(DataFileError, match=r"t\.csv is given twice"):
        gw.fit([f"{memory}/t.csv", f"{memory}/t.csv"], "y")


def test_passwords_are_not_repeated() -> None:
    assert _without_secrets("ftp://me:pass@host/a/b.csv") == "ftp://host/a/b.csv"
    assert _without_secrets("https://host/a.csv?sig=abc") == "https://host/a.csv"
    with pytest.raises(DataFileError) as refused:
        gw.fit("http://me:hidden@127.0.0.1:9/t.csv?key=hidden", "y")
    assert "hidden" not in str(refused.value)


def test_without_fsspec_it_is_said_what_to_install(monkeypatch) -> None:
    def gone(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(errors.importlib, "import_module", gone)
    with pytest.raises(MissingPackageError, match=r"gausswork\[remote\]"):
        gw.fit("s3://bucket/t.csv", "y")
