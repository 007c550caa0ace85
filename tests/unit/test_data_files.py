"""Paths, patterns and columnar files: found, recognised by content, read with flat memory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from gausswork.data import open_data, open_predictors
from gausswork.data.files import file_table, resolve
from gausswork.errors import DataFileError, InputError

from .data_rows import codes_of, opened_rows, rows_of


def table(start: int, stop: int) -> pa.Table:
    n = np.arange(start, stop)
    return pa.table({
        "a": n / 7,
        "g": pa.array([f"level {k % 3}" if k % 5 else None for k in n]),
        "a.b": n.astype(np.float32),
        "y": n.astype(float),
    })  # fmt: skip


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for number in range(3):
        rows = table(1000 * number, 1000 * (number + 1))
        pq.write_table(rows, tmp_path / f"part-{number}.parquet", row_group_size=300)
    return tmp_path


def test_patterns_are_read_in_the_order_of_names(parts: Path) -> None:
    """Promise: a pattern means its files in sorted order, as one table."""
    opened = open_data(str(parts / "part-*.parquet"), "y", features=["a"])
    assert opened.description == f"{parts.name}/part-*.parquet (3 files)"
    assert np.array_equal(rows_of(opened.source)[:, 1], np.arange(3000))
    assert opened.source.rows == 3000


def test_lists_are_read_as_listed(parts: Path) -> None:
    """Promise: a list of paths keeps its order."""
    files = [parts / "part-2.parquet", str(parts / "part-0.parquet")]
    target = opened_rows(files, features=["a"])[:, 1]
    assert np.array_equal(target, np.r_[2000:3000, 0:1000])


def test_names_with_dots_are_columns(parts: Path) -> None:
    """Promise: "a.b" is a column of that name, not a field of a struct; float32 stays."""
    source = open_data(parts / "part-0.parquet", "y", features=["a.b"]).source
    (batch,) = source.batches(1000)
    assert batch.x[0].dtype == np.float32
    assert np.array_equal(batch.x[0], np.arange(1000))


def test_categories_and_gaps_of_files(parts: Path) -> None:
    """Promise: levels are collected over all files; gaps are counted over all files."""
    opened = open_data(str(parts / "*.parquet"), "y")
    assert opened.recipe.categories["g"] == ("level 0", "level 1", "level 2")
    rows = rows_of(opened.source)
    assert opened.source.tally.missing == {"g": 600}
    n = np.array([k for k in range(3000) if k % 5])
    assert np.array_equal(rows[:, 1], n % 3 == 1)
    assert np.array_equal(rows[:, -1], n)


def test_progress_of_columnar_files(parts: Path) -> None:
    """Promise: bytes_done reaches the size of all files on disk."""
    source = open_data(str(parts / "*.parquet"), "y", features="a").source
    assert source.bytes_total == sum(path.stat().st_size for path in parts.iterdir())
    seen = [source.bytes_done for _ in source.batches(500)]
    assert seen == sorted(seen)
    assert source.bytes_done == source.bytes_total


def test_places_name_file_and_row(tmp_path: Path) -> None:
    """Promise: an infinity in one of several files is named by file and row in that file."""
    for number in range(3):
        a = np.zeros(100)
        a[17] = np.inf if number == 1 else 0
        pq.write_table(pa.table({"a": a, "y": np.zeros(100)}), tmp_path / f"{number}.parquet")
    with pytest.raises(InputError, match=r"'a' is inf at row 17 \(counted from 0\) of 1\.parquet"):
        opened_rows(str(tmp_path / "*.parquet"))


def test_arrow_files(tmp_path: Path) -> None:
    """Promise: Arrow IPC and Feather files are read like Parquet."""
    feather.write_feather(table(0, 500), tmp_path / "t.feather", compression="lz4")
    with pa.ipc.new_file(str(tmp_path / "t.arrow"), table(0, 500).schema) as writer:
        writer.write_table(table(0, 500), max_chunksize=77)
    one, two = (opened_rows(tmp_path / name) for name in ("t.feather", "t.arrow"))
    assert len(one) == 400
    assert one.tobytes() == two.tobytes()


def test_files_that_store_a_number_differently(tmp_path: Path) -> None:
    """Promise: integers in one file and decimals in another are one column of numbers."""
    for name, values in (("0", [1, 2]), ("1", [2.5, 3.5]), ("2", [None, None])):
        pq.write_table(pa.table({"a": values, "y": [1.0, 2.0]}), tmp_path / f"{name}.parquet")
    source = open_data(str(tmp_path / "*.parquet"), "y").source
    assert rows_of(source)[:, 0].tolist() == [1, 2, 2.5, 3.5]
    assert source.tally.missing == {"a": 2}


def test_files_that_disagree(tmp_path: Path) -> None:
    """Promise: files of different kinds of columns are refused by file and column, if used."""
    pq.write_table(pa.table({"a": [1.0], "b": [1.0], "y": [1.0]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"a": ["x"], "c": [1.0], "y": [1.0]}), tmp_path / "1.parquet")
    pattern = str(tmp_path / "*.parquet")
    with pytest.raises(DataFileError, match=r"'a' holds text in 1\.parquet and numbers in 0\.parq"):
        open_data(pattern, "y", features="a")
    with pytest.raises(DataFileError, match=r"1\.parquet has no column 'b', which 0\.parquet has"):
        open_data(pattern, "y", features="b")
    assert "extra-columns" in codes_of(pattern, features=[])


def test_csv_files_that_disagree(tmp_path: Path) -> None:
    """Promise: the same for CSV; columns in another order are no disagreement."""
    (tmp_path / "0.csv").write_text("a,b,y\n1,2,3\n")
    (tmp_path / "1.csv").write_text("y;a;c\n6;4;5\n")
    pattern = str(tmp_path / "*.csv")
    assert opened_rows(pattern, features="a").tolist() == [[1, 3], [4, 6]]
    assert set(codes_of(pattern, features="a")) == {"separator-detected", "extra-columns"}
    with pytest.raises(DataFileError, match=r"1\.csv has no column 'b'"):
        open_data(pattern, "y")
    (tmp_path / "3.csv").write_text("y;a;c\n6,5;4;5\n")
    said = {f.code: str(f) for f in open_data([str(tmp_path / n) for n in ("1.csv", "3.csv")], "y",
                                              features="a").findings}  # fmt: skip
    assert "1.csv and 1 more file separate their fields by semicolons" in said["separator-detected"]
    assert "3.csv writes its numbers" in said["decimal-comma"]
    (tmp_path / "2.csv").write_text("a,y\n1,2\nx,3\n")
    with pytest.raises(DataFileError, match=r"2\.csv, line 3, column 'a': 'x' is not a number"):
        opened_rows(pattern, features="a")


def test_formats_cannot_be_mixed(parts: Path) -> None:
    """Promise: CSV and Parquet are not one table."""
    (parts / "x.csv").write_text("a,y\n1,2\n")
    with pytest.raises(DataFileError, match=r"part-.\.parquet is parquet and x\.csv is csv"):
        file_table(str(parts / "*"))


def test_content_counts_not_the_name(parts: Path) -> None:
    """Promise: a Parquet file called .csv is a Parquet file."""
    path = parts / "part-0.parquet"
    renamed = path.rename(parts / "data.csv")
    assert len(opened_rows(renamed, features="a")) == 1000


def test_damaged_files(parts: Path) -> None:
    """Promise: a Parquet file that was cut or has a broken page is an error that names it."""
    whole = (parts / "part-0.parquet").read_bytes()
    (parts / "part-1.parquet").write_bytes(whole[:-100])
    with pytest.raises(DataFileError, match=r"part-1\.parquet cannot be read as parquet"):
        open_data(str(parts / "*.parquet"), "y", features="a")
    pq.write_table(table(0, 1000), parts / "part-1.parquet", compression="zstd")
    broken = bytearray((parts / "part-1.parquet").read_bytes())
    broken[40:400] = b"\xff" * 360
    (parts / "part-1.parquet").write_bytes(broken)
    with pytest.raises(DataFileError, match=r"part-1\.parquet cannot be read as parquet"):
        opened_rows(parts / "part-1.parquet", features="a")


def test_a_name_with_brackets_is_a_file(tmp_path: Path) -> None:
    """Promise: a file that exists is that file, even if its name looks like a pattern."""
    path = tmp_path / "data[1].csv"
    path.write_text("a,y\n1,2\n")
    assert resolve(path) == [path]
    assert len(opened_rows(str(path))) == 1


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: ~ means the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t.csv").write_text("a,y\n1,2\n")
    assert len(opened_rows("~/t.csv")) == 1


def test_missing_files_name_the_nearest(tmp_path: Path) -> None:
    """Promise: a misspelt name is answered with the nearest that exists."""
    (tmp_path / "heights.csv").write_text("a,y\n1,2\n")
    with pytest.raises(DataFileError, match=r"Did you mean '.*heights\.csv'"):
        open_data(tmp_path / "hieghts.csv", "y")
    with pytest.raises(DataFileError, match=r"its folder '.*nowhere' does not exist"):
        open_data(tmp_path / "nowhere" / "t.csv", "y")
    with pytest.raises(DataFileError, match=r"no file matches '.*\.parquet"):
        open_data(str(tmp_path / "*.parquet"), "y")


def test_folders_are_read_and_refused_among_others(parts: Path) -> None:
    """Promise: a folder stands for the data files in it; among other files it is refused."""
    in_order = open_data(sorted(parts.glob("*.parquet")), "y").source
    assert open_data(parts, "y").source.table.identity() == in_order.table.identity()
    with pytest.raises(DataFileError, match=r"is a folder.*\*\.parquet"):
        open_data([next(parts.glob("*.parquet")), parts.parent], "y")


def test_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a file that may not be read says so (root may read all, so the refusal is made)."""
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,2\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataFileError, match=r"t\.csv cannot be read: permission denied"):
        open_data(path, "y")


def test_pipes_are_refused(tmp_path: Path) -> None:
    """Promise: a named pipe, which cannot be read twice, is refused instead of waited for."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(DataFileError, match="not a regular file"):
        open_data(path, "y")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"", r"is empty \(0 bytes\)\..*Write the file again"),
        (b"PK\x03\x04....", "zip archive or an Excel workbook.*save the sheet as CSV"),
        (b"\x93NUMPY\x01", r"NumPy file.*numpy\.load"),
        (b"SQLite format 3\0", "SQLite database"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"\x80\x04\x95", "pickle"),
        (b"\xff\xff\xff\xff\x10", "Arrow format that cannot be read again"),
        (b"PAR1broken", "cannot be read as parquet"),
        (b"ARROW1\0\0broken", "cannot be read as ipc"),
    ],
)
def test_foreign_files(tmp_path: Path, head: bytes, message: str) -> None:
    """Promise: what is no table is named for what it is, with the way out."""
    path = tmp_path / "data.csv"
    path.write_bytes(head)
    with pytest.raises(DataFileError, match=message):
        open_data(path, "y")


@pytest.mark.parametrize(
    "path", ["", "a\0b", "https://127.0.0.1:9/a.csv", "s3://bucket/a", "x" * 5000]
)
def test_strings_that_are_no_path(path: str) -> None:
    """Promise: addresses, empty strings and overlong names get an answer, not a traceback."""
    with pytest.raises(DataFileError):
        open_data(path, "y")


def test_predictions_from_files(parts: Path) -> None:
    """Promise: new files are read by the recipe, gaps as rows of NaN, in order."""
    recipe = open_data(str(parts / "*.parquet"), "y").recipe
    blocks = list(open_predictors(str(parts / "*.parquet"), recipe))
    x = np.concatenate(blocks)
    assert x.shape == (3000, 4)
    assert np.array_equal(np.isnan(x).all(axis=1), np.arange(3000) % 5 == 0)
    assert np.array_equal(np.isnan(x).any(axis=1), np.arange(3000) % 5 == 0)
    assert x[7].tolist() == [1.0, 1, 0, 7]


def test_integers_beyond_float64_in_files(tmp_path: Path) -> None:
    """Promise: Parquet and Arrow files report integers that float64 rounds, target included."""
    data = pa.table({"a": [2**53 + 1, 2**53 + 3, 5], "y": [2**60 + 1, 7, 8]})
    pq.write_table(data, tmp_path / "t.parquet")
    feather.write_feather(data, tmp_path / "t.arrow")
    for name in ("t.parquet", "t.arrow"):
        source = open_data(tmp_path / name, "y").source
        list(source.batches(10))
        assert [finding.evidence["column"] for finding in source.findings] == ["a", "y"]


@pytest.mark.parametrize("second", ["0.csv", "sub/../0.csv", "*.csv", "link"])
def test_a_file_given_twice_is_refused(tmp_path: Path, second: str) -> None:
    """Promise: rows never count twice, whichever two paths lead to them."""
    (tmp_path / "sub").mkdir()
    for name in ("0.csv", "1.csv"):
        (tmp_path / name).write_text("a,y\n1,2\n2,3\n")  # equal content is no repetition
    (tmp_path / "link").symlink_to(tmp_path / "0.csv")
    with pytest.raises(DataFileError, match=r"(0\.csv|link) is given twice.*Name each file once"):
        file_table([tmp_path / "0.csv", tmp_path / second])
    assert len(opened_rows([tmp_path / "0.csv", tmp_path / "1.csv"])) == 4


def test_standard_input_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: '-' leads to the advice to write a file, unless there is a file of that name."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataFileError, match=r"standard input is not read.*Write them to a file"):
        file_table("-")
    Path("-").write_text("a,y\n1,2\n")
    assert opened_rows("-").tolist() == [[1, 2]]
