"""Promise: an interrupted fit of files goes on from its state, to the same bits."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import gausswork as gw
from gausswork.data.csv_table import CsvTable
from gausswork.errors import DataFileError, InputError, ModelFileError

ROWS = 200_000  # three whole blocks of 65,536 rows and a rest


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Rows with gaps, a category, weights, and integers too large for float64."""
    rng = np.random.default_rng(11)
    a, b = rng.normal(size=ROWS), rng.normal(size=ROWS).round(3)
    kind = np.array(["red", "green", "blue"])[rng.integers(3, size=ROWS)]
    y = 1 + 2 * a - b + (kind == "red") + rng.normal(size=ROWS)
    big = np.full(ROWS, 2**53, dtype=np.int64) + np.arange(ROWS) * 3
    gaps = rng.random(ROWS) < 0.01
    return pa.table(
        {
            "a": pa.array(a, mask=gaps), "b": b, "kind": kind, "y": y,
            "w": rng.integers(1, 5, size=ROWS), "big": big,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table in every format."""
    path = tmp_path_factory.mktemp("files")
    pa.csv.write_csv(table, path / "t.csv")
    with pa.output_stream(path / "t.csv.gz", compression="gzip") as out:
        pa.csv.write_csv(table, out)
    pq.write_table(table, path / "t.parquet", row_group_size=70_001)
    pq.write_table(table, path / "giant.parquet", row_group_size=ROWS)
    pa.feather.write_feather(table, path / "t.arrow", compression="uncompressed", chunksize=70_001)
    for number in range(4):
        part = table.slice(number * 50_000, 50_000)
        pq.write_table(part, path / f"part-{number}.parquet")
        pa.csv.write_csv(part, path / f"part-{number}.csv")
    return path


class After:
    """A progress callback that interrupts the fit once so many rows are done."""

    def __init__(self, rows: int, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.rows, self.error, self.first = rows, error, 0

    def __call__(self, rows: int, done: int | None, total: int | None) -> None:
        self.first = self.first or rows
        if rows >= self.rows:
            raise self.error


def bits(fit: gw.Fit) -> str:
    """Everything that a fit knows, to the last bit, where it was not read from."""
    return json.dumps([fit.moments.to_dict(), fit.to_dict()], sort_keys=True)


CASES: dict[str, dict[str, Any]] = {
    "numbers": {"target": "y", "features": "a,b"},
    "category": {"target": "y", "features": "a,kind"},
    "analytic weights": {"target": "y", "features": "a,b", "weights": "w"},
    "frequencies": {"target": "y", "features": "a,b", "frequencies": "w"},
    "formula": {"target": "y ~ a * kind + poly(b, 2)"},
    "integers that were rounded": {"target": "y", "features": "a,big"},
    "fifteen digits": {
        "target": "y", "features": "a,b", "method": gw.NormalEquation(digits=15),
    },
    "descent": {
        "target": "y", "features": "a,b",
        "method": gw.GradientDescent(learning_rate=0.1, epochs=20),
    },
}  # fmt: skip
NAMES = (
    "t.csv",
    "t.csv.gz",
    "t.parquet",
    "giant.parquet",
    "t.arrow",
    "part-*.csv",
    "part-*.parquet",
)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["t.csv", "part-*.parquet"])
def test_every_kind_of_fit_goes_on_to_the_same_bits(case, name, folder, tmp_path) -> None:
    path, state = folder / name, tmp_path / "state"
    whole = gw.fit(path, **CASES[case])
    with pytest.raises(KeyboardInterrupt):
        gw.fit(path, **CASES[case], state=state, progress=After(3 * 65_536))
    # categories are counted in a pass of their own, which an interruption may hit
    resumable = state.exists()
    again = gw.fit(path, **CASES[case], state=state, resume=resumable)
    assert bits(again) == bits(whole)
    assert not state.exists()  # a complete fit needs none
    assert resumable or "kind" in str(CASES[case])


@pytest.mark.parametrize(
    ("name", "rows"),
    [*((name, 131_072) for name in NAMES), *((name, 10**9) for name in NAMES[:5])],
)
def test_any_format_from_any_place(name, rows, folder, tmp_path) -> None:
    """Also from behind the last row, and the pass that goes on does not begin at the first."""
    path, state = folder / name, tmp_path / "state"
    whole = gw.fit(path, "y", features="a,b")
    stop = After(min(rows, whole.rows))
    with pytest.raises(KeyboardInterrupt):
        gw.fit(path, "y", features="a,b", state=state, progress=stop)
    watch = After(10**10)
    again = gw.fit(path, "y", features="a,b", state=state, resume=True, progress=watch)
    assert bits(again) == bits(whole)
    if rows < whole.rows - 65_536:
        assert watch.first == rows + 65_536
    assert again.tally == whole.tally


def test_interrupted_again_and_again(folder, tmp_path) -> None:
    path, state = folder / "t.csv", tmp_path / "state"
    whole = gw.fit(path, "y", features="a,b")
    for stop in (65_536, 131_072):
        with pytest.raises(KeyboardInterrupt):  # the first time there is no state yet
            gw.fit(path, "y", features="a,b", state=state, resume=True, progress=After(stop))
    assert bits(gw.fit(path, "y", features="a,b", state=state, resume=True)) == bits(whole)


def test_other_threads_and_an_error_of_the_callers(folder, tmp_path) -> None:
    path, state = folder / "t.parquet", tmp_path / "state"
    whole = gw.fit(path, "y", features="a,b", threads=2)
    with pytest.raises(ZeroDivisionError):
        gw.fit(
            path, "y", features="a,b", state=state, threads=1, progress=After(1, ZeroDivisionError)
        )
    again = gw.fit(path, "y", features="a,b", state=state, resume=True, threads=2)
    assert bits(again) == bits(whole)


def left_over(path: Path, state: Path) -> None:
    """Leave the state of an interrupted fit."""
    with pytest.raises(KeyboardInterrupt):
        gw.fit(path, "y", features="a,b", state=state, progress=After(65_536))


def test_changed_data_are_refused(table, tmp_path) -> None:
    path, state = tmp_path / "t.parquet", tmp_path / "state"
    pq.write_table(table, path)
    left_over(path, state)
    before = state.read_bytes()
    pq.write_table(table.slice(1), path)
    with pytest.raises(InputError, match=r"other data: t\.parquet has changed.*begin anew"):
        gw.fit(path, "y", features="a,b", state=state, resume=True)
    assert state.read_bytes() == before  # nothing is lost by asking


def test_changed_values_are_noticed_though_size_and_time_are_the_same(table, tmp_path) -> None:
    path, state = tmp_path / "t.csv", tmp_path / "state"
    pa.csv.write_csv(table, path)
    left_over(path, state)
    times = path.stat()
    text = path.read_bytes()
    path.write_bytes(text[:100] + text[100:].replace(b"1", b"2", 1))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(InputError, match=r"t\.csv has changed"):
        gw.fit(path, "y", features="a,b", state=state, resume=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"features": "b"}, "another question"),
        ({"features": "b,a"}, "another question"),
        ({"features": "a,b", "weights": "w"}, "another question"),
        ({"features": "a,b", "missing": "error"}, "missing='drop'"),
    ],
)
def test_another_question_is_refused(arguments, said, folder, tmp_path) -> None:
    state = tmp_path / "state"
    left_over(folder / "t.parquet", state)
    with pytest.raises(InputError, match=said):
        gw.fit(folder / "t.parquet", "y", **arguments, state=state, resume=True)


def test_more_or_other_files_are_refused(folder, tmp_path) -> None:
    state = tmp_path / "state"
    left_over(folder / "part-*.parquet", state)
    paths = sorted(folder.glob("part-*.parquet"))
    with pytest.raises(InputError, match="there were 4 files and now there are 3"):
        gw.fit(paths[:3], "y", features="a,b", state=state, resume=True)
    with pytest.raises(InputError, match=r"part-1\.parquet stands where part-0\.parquet stood"):
        gw.fit([paths[1], paths[0], *paths[2:]], "y", features="a,b", state=state, resume=True)


def test_a_state_of_other_kernels_is_refused(folder, tmp_path, monkeypatch) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("GAUSSWORK_KERNELS", "numpy")
    left_over(folder / "t.parquet", state)
    again = gw.fit(folder / "t.parquet", "y", features="a,b", state=state, resume=True)
    assert bits(again) == bits(gw.fit(folder / "t.parquet", "y", features="a,b"))
    left_over(folder / "t.parquet", state)
    text = state.read_text().replace('"kernels": "numpy"', '"kernels": "numbed"')
    state.write_text(text)
    with pytest.raises(ModelFileError, match="checksum"):
        gw.fit(folder / "t.parquet", "y", features="a,b", state=state, resume=True)


@pytest.mark.parametrize("spoil", ["cut", "changed", "other", "empty", "version"])
def test_a_damaged_state_is_refused(spoil, folder, tmp_path) -> None:
    state = tmp_path / "state"
    left_over(folder / "t.parquet", state)
    text = state.read_text()
    spoiled = {
        "cut": text[: len(text) // 2],
        "changed": text.replace('"rows": 65536', '"rows": 65537'),
        "other": '{"format": "something else"}',
        "empty": "",
        "version": text.replace('"version": 1', '"version": 99'),
    }
    state.write_text(spoiled[spoil])
    with pytest.raises(ModelFileError, match="state"):
        gw.fit(folder / "t.parquet", "y", features="a,b", state=state, resume=True)


def test_what_cannot_be_resumed_is_refused(folder, tmp_path) -> None:
    with pytest.raises(InputError, match=r"state= keeps the state of a fit of CSV"):
        gw.fit({"x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]}, "y", state=tmp_path / "state")
    with pytest.raises(InputError, match="none is named"):
        gw.fit(folder / "t.csv", "y", resume=True)
    with pytest.raises(InputError, match="directory"):
        gw.fit(folder / "t.csv", "y", features="a,b", state=tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        gw.fit(folder / "t.csv", "y", features="a,b", state=tmp_path / "no" / "state")


def test_a_full_disk_costs_nothing_but_the_state(folder, tmp_path, monkeypatch) -> None:
    """The fit is completed and says so; the earlier state stays as it was."""
    path, state = folder / "t.csv", tmp_path / "state"
    whole = gw.fit(path, "y", features="a,b")
    left_over(path, state)
    before = state.read_bytes()

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("gausswork.leastsquares.checkpoint._PAUSE", 0.0)
    monkeypatch.setattr("gausswork.leastsquares.checkpoint._PATIENCE", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(KeyboardInterrupt) as stopped:
            gw.fit(path, "y", features="a,b", state=state, resume=True, progress=After(196_608))
    assert "No space left on device" in stopped.value.__notes__[0]
    assert state.read_bytes() == before
    assert list(tmp_path.iterdir()) == [state]  # no half-written file is left
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        again = gw.fit(path, "y", features="a,b", state=state, resume=True)
    assert [f.code for f in again.findings if f.code == "state-not-written"]
    assert "No space left on device" in str(again.findings)
    assert again.moments.to_dict() == whole.moments.to_dict()


def test_the_state_is_written_while_the_rows_are_read(folder, tmp_path, monkeypatch) -> None:
    """A power cut leaves the latest state: nothing needs to be written at the end."""
    path, state, seen = folder / "t.parquet", tmp_path / "state", []
    monkeypatch.setattr("gausswork.leastsquares.checkpoint._PAUSE", 0.0)
    monkeypatch.setattr("gausswork.leastsquares.checkpoint._PATIENCE", 0.0)

    def look(rows: int, done: int | None, total: int | None) -> None:
        if state.exists():
            seen.append(json.loads(state.read_text())["rows"])

    gw.fit(path, "y", features="a,b", state=state, progress=look)
    assert len(seen) >= 4
    assert seen == sorted(seen)


def test_a_file_that_breaks_off_leaves_the_sums_before(table, tmp_path) -> None:
    path, state = tmp_path / "t.csv", tmp_path / "state"
    pa.csv.write_csv(table.select(["a", "b", "y"]), path)
    lines = path.read_bytes().split(b"\n")
    lines[150_000] = lines[150_000].rpartition(b",")[0]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(DataFileError, match="line 150001: 2 fields"):
        gw.fit(path, "y", features="a,b", state=state)
    assert json.loads(state.read_text())["rows"] >= 65_536


@pytest.mark.parametrize("number", [2, 3])  # a look at the levels and a pass that sums are before
def test_a_pass_that_refines_is_interrupted(number, folder, tmp_path, monkeypatch) -> None:
    """The sums are complete by then: what goes on refines, and sums nothing again."""
    path, state, passes = folder / "t.csv", tmp_path / "state", []
    plain = CsvTable.read

    def read(self: Any, kinds: Any, start: Any = None) -> Any:
        passes.append(start)
        for portion in plain(self, kinds, start):
            yield portion
            if len(passes) == number + 1:
                raise KeyboardInterrupt

    question: dict[str, Any] = {"target": "y ~ a + I(a + 1e-5 * b) + kind"}
    question["method"] = gw.NormalEquation(digits=15)
    whole = gw.fit(path, **question)
    with monkeypatch.context() as patch:
        patch.setattr(CsvTable, "read", read)
        with pytest.raises(KeyboardInterrupt):
            gw.fit(path, **question, state=state)
    rows = json.loads(state.read_text())["rows"]
    again = gw.fit(path, **question, state=state, resume=True)
    assert bits(again) == bits(whole)
    assert rows == whole.rows


SLOW = """
import signal, sys, time
from gausswork.leastsquares import moments
plain = moments.block_sum
def slow(*arguments, note, **options):
    def noted(forest, rows, place):
        note(forest, rows, place)
        print("block", flush=True)
        time.sleep(0.2)
    return plain(*arguments, note=noted, **options)
moments.block_sum = slow
from gausswork.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_goes_on_after_a_signal(kind, named, folder, tmp_path) -> None:
    """Ctrl-C and kill leave a state and say how to go on; kill -9 the one written before."""
    if kind == signal.SIGKILL and not named:
        pytest.skip("nothing can be written when the system ends a process")
    data = str(folder / "t.csv")
    options = ["fit", data, "--target", "y", "--features", "a,b"]
    state = ["--state", "my.state"] if named else []
    run: dict[str, Any] = {"cwd": tmp_path, "text": True}
    whole = subprocess.run(
        [sys.executable, "-m", "gausswork", *options, "--json"], capture_output=True, **run
    )
    pause = "from gausswork.leastsquares import checkpoint; checkpoint._PAUSE = 0.0\n"
    with subprocess.Popen(
        [sys.executable, "-c", pause + SLOW, *options, *state],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **run,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        process.send_signal(kind)
        _, said = process.communicate(timeout=60)
    assert process.returncode == {2: 130, 15: 143, 9: -9}[kind]
    (left,) = [p for p in tmp_path.iterdir() if not p.name.startswith(".")]
    if kind != signal.SIGKILL:
        assert f"the sums so far are in {left.name}. Go on from it with --resume." in said
    again = subprocess.run(
        [sys.executable, "-m", "gausswork", *options, *state, "--resume", "--json"],
        capture_output=True, **run,
    )  # fmt: skip
    assert again.stderr == ""
    assert json.loads(again.stdout) == json.loads(whole.stdout)
    assert not left.exists()


def test_the_command_without_a_state_says_so(folder, tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gausswork", "fit", str(folder / "t.csv"), "--target=y", "--resume"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "there is no state gausswork-" in done.stderr
    assert "Begin anew without --resume" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_state_is_not_mistaken_for_something_else(folder, tmp_path) -> None:
    """A file of the user's that stands where the state goes is neither replaced nor removed."""
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt is not the state of a fit"):
        gw.fit(folder / "t.parquet", "y", features="a,b", state=mine)
    assert mine.read_text() == "mine"
