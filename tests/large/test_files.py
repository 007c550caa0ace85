"""Promise: large files take flat memory; one that is damaged is an error that says where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import gausswork as gw
from gausswork.errors import DataFileError

LINUX = Path("/proc/self/status").exists()


def parts(rows: int) -> Iterator[pa.Table]:
    """Rows of which every 500,000 repeat: to draw and to print others takes longer than a fit."""
    rng = np.random.default_rng(7)
    size = min(500_000, rows)
    a, b = rng.normal(size=(2, size)).round(6)
    y = a - b + rng.normal(size=size).round(6)
    part = pa.table({"a": a, "unused": b, "b": b, "y": y})
    for start in range(0, rows, size):
        yield part.slice(0, rows - start)


def write(path: Path, rows: int, group: int) -> Path:
    if path.suffix == ".csv":
        text = pa.BufferOutputStream()
        pa.csv.write_csv(next(parts(rows)), text)
        head, _, body = text.getvalue().to_pybytes().partition(b"\n")
        with path.open("wb") as out:
            out.write(head + b"\n")
            for part in parts(rows):
                whole = len(part) == min(500_000, rows)
                out.write(body if whole else b"".join(body.splitlines(True)[: len(part)]))
    else:
        pq.write_table(pa.concat_tables(parts(rows)), path, row_group_size=group)
    return path


PEAK = """
import sys, gausswork as gw
fit = gw.fit(sys.argv[1], "y", features="a,b")
fit.robust("HC3")
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


@pytest.mark.skipif(not LINUX, reason="the peak of a process is read from /proc")
@pytest.mark.parametrize(
    ("name", "rows", "group"),
    [
        ("t.csv", 400_000, 1),
        ("t.parquet", 400_000, 122_880),
        ("one.parquet", 400_000, 10**9),
    ],
)
def test_memory_is_flat(name, rows, group, tmp_path) -> None:
    """Sixteen times the rows take no more than 1.05 times the memory, a second pass included."""

    def peak(path: Path) -> int:
        run = [sys.executable, "-c", PEAK, str(path)]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        return int(subprocess.check_output(run, env=environment))

    paths = [write(tmp_path / f"{size}-{name}", size * rows, group) for size in (1, 16)]
    small, large = map(peak, paths)
    if large > 1.05 * small:  # allocators keep what they like: the least of two is needed
        small, large = min(small, peak(paths[0])), min(large, peak(paths[1]))
    assert large <= 1.05 * small, (small, large)


LIMITED = """
import resource, sys, json, gausswork as gw
gw.fit(sys.argv[1], "y", features="a,b")
data = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")][0]
limit = data * 1024 + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
print(gw.fit(sys.argv[2], "y", features="a,b").rows)
try:
    bytearray(int(sys.argv[3]) * 2)
except MemoryError:
    print("limited")
"""


@pytest.mark.skipif(not LINUX, reason="the limit is Linux's")
def test_a_file_ten_times_the_memory_limit(tmp_path) -> None:
    """Threads, blocks of rows and the text in flight fit into a tenth of the file."""
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    line = ",".join(["7"] + ["a note that nobody reads"] * 8)
    block = "".join(f"{n % 97}.5,{n % 89},{n % 83},{line}\n" for n in range(50_000))
    header = "a,b,y," + ",".join(f"note{n}" for n in range(9)) + "\n"
    small.write_text(header + block[: block.index("\n", 200_000) + 1])
    with large.open("w") as stream:
        stream.write(header)
        for _ in range(50):
            stream.write(block)
    rows = 50 * 50_000
    limit = large.stat().st_size // 10
    run = [sys.executable, "-c", LIMITED, str(small), str(large), str(limit)]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.stdout.split() == [str(rows), "limited"], done.stderr


def test_columns_that_are_not_used_are_not_read(tmp_path) -> None:
    """A broken page or a bad value in an unused column is nobody's business."""
    table = next(parts(50_000))
    text = write(tmp_path / "t.csv", 50_000, 1).read_text().replace("unused", "note", 1).split("\n")
    for number in range(1, len(text) - 1):
        fields = text[number].split(",")
        text[number] = ",".join([fields[0], f"word {number}", *fields[2:]])
    (tmp_path / "t.csv").write_text("\n".join(text))
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    column = pq.ParquetFile(tmp_path / "t.parquet").metadata.row_group(0).column(1)
    data = bytearray((tmp_path / "t.parquet").read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start + 30 : start + column.total_compressed_size] = b"\xff" * (
        column.total_compressed_size - 30
    )
    (tmp_path / "t.parquet").write_bytes(data)
    wanted = gw.fit(table, "y", features="a,b")
    for name in ("t.csv", "t.parquet"):
        found = gw.fit(tmp_path / name, "y", features="a,b")
        np.testing.assert_array_equal(found.coefficients, wanted.coefficients)
    with pytest.raises(DataFileError, match=r"t\.parquet cannot be read as parquet"):
        gw.fit(tmp_path / "t.parquet", "y", features="a,unused")


def test_a_parquet_file_broken_in_the_middle_says_where(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(next(parts(300_000)), path, row_group_size=100_000, compression="zstd")
    column = pq.ParquetFile(path).metadata.row_group(2).column(0)
    data = bytearray(path.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    with pytest.raises(
        DataFileError, match=r"t\.parquet cannot be read as parquet in group 3 of its 3 groups"
    ):
        gw.fit(path, "y", features="a,b")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99, 0.99999])
@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.csv.gz", "t.csv.bz2", "t.csv.zst"])
def test_a_file_that_was_cut_anywhere_is_noticed(name, share, tmp_path) -> None:
    """Half a file is never taken for a whole one, and the error names it."""
    table, path = next(parts(30_000)), tmp_path / name
    if name.endswith("arrow"):
        with pa.OSFile(str(path), "wb") as raw, pa.ipc.new_file(raw, table.schema) as out:
            out.write_table(table, max_chunksize=5000)
    elif name.endswith("parquet"):
        pq.write_table(table, path, row_group_size=5000)
    else:
        with pa.output_stream(path) as out:
            pa.csv.write_csv(table, out)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataFileError, match=rf"{name}"):
        gw.fit(path, "y", features="a,b")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,2,3", "line 150002: 3 fields where the header names 4 columns"),
        ("1,2,3,4,5", "line 150002: 5 fields where the header names 4 columns"),
        ("1,2,three,4", "line 150002, column 'b': 'three' is not a number"),
        ("a,unused,b,y", "line 150002, column 'a': 'a' is not a number"),
        ('1,2,"3,4', 'line 150002: a quote (") opens a field there and none'),
        ("1;2;3;4", "line 150002: 1 field where the header names 4 columns"),
        ("1,2,inf,4", "inf at line 150002"),
    ],
)
def test_a_csv_file_that_changes_midway_says_where(line, said, tmp_path) -> None:
    path = write(tmp_path / "t.csv", 200_000, 1)
    lines = path.read_text().split("\n")
    lines.insert(150_001, line)
    path.write_text("\n".join(lines))
    with pytest.raises(gw.errors.InputError) as refused:
        gw.fit(path, "y", features="a,b")
    assert said in str(refused.value)


def test_late_decimals_and_gaps_are_no_surprise(tmp_path) -> None:
    """A late 1.75 stays 1.75, a late NA is a gap, a blank line is nothing, whatever the reader."""
    path = tmp_path / "t.csv"
    body = "".join(f"{n % 7},{n % 11}\n" for n in range(400_000))
    path.write_text(f"a,y\n{body}1.75,2.5\nNA,3\n\n,4\n5,\n")
    fit = gw.fit(path, "y", features="a")
    assert (fit.tally.read, fit.tally.dropped) == (400_004, 3)
    assert fit.tally.missing == {"a": 2, "y": 1}
    a = np.append(np.arange(400_000) % 7, 1.75)
    y = np.append(np.arange(400_000) % 11, 2.5)
    np.testing.assert_array_equal(fit.coefficients, gw.fit(a, y).coefficients)


def test_a_stream_that_ends_early_says_after_how_many_rows() -> None:
    table = next(parts(200_000))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table, max_chunksize=20_000)
    data = sink.getvalue().to_pybytes()
    with pytest.raises(DataFileError, match=r"to its end after 140000 rows"):
        gw.fit(pa.ipc.open_stream(data[: int(0.75 * len(data))]), "y", features="a,b")


def test_the_reader_and_the_cut_of_the_file_change_no_bit(tmp_path) -> None:
    """CSV, Parquet with other row groups, many files, compressed: one set of sums."""
    table = next(parts(150_000))
    wanted = json.dumps(gw.fit(table, "y", features="a,b").moments.to_dict())
    pa.csv.write_csv(table, tmp_path / "t.csv")
    with pa.output_stream(tmp_path / "t.csv.zst") as out:
        pa.csv.write_csv(table, out)
    for group in (777, 65_536, 10**6):
        pq.write_table(table, tmp_path / f"{group}.parquet", row_group_size=group)
    for number in range(5):
        piece = table.slice(number * 30_000, 30_000)
        pa.csv.write_csv(piece, tmp_path / f"part-{number}.csv")
    for name in ("t.csv", "t.csv.zst", "777.parquet", "65536.parquet", "1000000.parquet", "part-*"):
        for threads in (1, 3):
            fit = gw.fit(tmp_path / name, "y", features="a,b", threads=threads)
            assert json.dumps(fit.moments.to_dict()) == wanted, name


def test_a_large_file_that_ends_within_a_line_says_so(tmp_path) -> None:
    """Cut at a digit it looks whole: nobody can know, so the last line is shown."""
    path = write(tmp_path / "t.csv", 100_000, 1)
    whole = path.read_bytes()
    assert "open-last-line" not in [f.code for f in gw.fit(path, "y", features="a,b").findings]
    path.write_bytes(whole[: len(whole) // 2 + whole[len(whole) // 2 :].index(b"\n") - 2])
    lines = path.read_bytes().split(b"\n")
    fit = gw.fit(path, "y", features="a,b")
    (found,) = [f for f in fit.findings if f.code == "open-last-line"]
    assert found.evidence == {"file": "t.csv", "line": len(lines)}
    assert lines[-1].decode() in found.sentence


def test_a_damaged_group_of_rows_is_named(tmp_path) -> None:
    """Also where one batch of rows spans several groups."""
    path = tmp_path / "t.parquet"
    pq.write_table(next(parts(100_000)), path, row_group_size=10_000, compression="zstd")
    column = pq.ParquetFile(path).metadata.row_group(3).column(0)
    data = bytearray(path.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    said = r"in group 4 of its 10 groups of rows \(rows 30,000 to 39,999, counted from 0\): \S"
    with pytest.raises(DataFileError, match=said) as refused:
        gw.fit(path, "y", features="a,b")
    assert "\n" not in str(refused.value)


def test_a_page_of_the_web_is_no_table(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n")
    with pytest.raises(DataFileError, match=r"t\.csv is a page of HTML"):
        gw.fit(tmp_path / "t.csv", "y")


def append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"1,2,3,4\n" * 1000)


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[::-1])
    other.replace(path)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("change", [append, truncate, replace, Path.unlink])
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_file_that_changes_while_it_is_read(name, change, tmp_path) -> None:
    """Written to, it is refused; replaced or deleted, it was read as it had been."""
    path, done = write(tmp_path / name, 400_000, 100_000), []

    def hit(rows: int, *bytes_done: int | None) -> None:
        if not done:
            done.append(rows)
            change(path)

    question: dict[str, Any] = {"target": "y", "features": "a,b"}
    question["method"] = gw.NormalEquation(digits=8)
    whole = gw.fit(path, **question)
    if change in (append, truncate):
        with pytest.raises(DataFileError, match=rf"{name} has changed (since|while)"):
            gw.fit(path, **question, progress=hit)
    else:
        fit = gw.fit(path, **question, progress=hit)
        assert fit.moments.to_dict() == whole.moments.to_dict()
        with pytest.raises(DataFileError, match=rf"{name} (has changed|can no longer be read)"):
            fit.check()
