"""Promise: workers of a cluster read files as one machine would, by ``--engine dask`` and library.

The cluster is what an operator starts: ``dask scheduler`` and ``dask worker``, over TCP.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gausswork as gw
from gausswork.cli import main
from gausswork.data.distributed.parquet import parquet_parts
from gausswork.data.distributed.parquet_arrays import parquet_columns
from gausswork.data.kinds import Kind
from gausswork.errors import ClusterError, DataFileError, InputError

distributed = pytest.importorskip("distributed", reason="needs gausswork[dask]")

import dask.dataframe as dd  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in one file and in several, Parquet and CSV."""
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(6)
    n = 140_000
    table = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"]).round(6)
    table["kind"] = rng.choice(["u", "v"], n)
    table["y"] = (table.a + rng.normal(size=n)).round(6)
    table.loc[rng.choice(n, 90), "b"] = np.nan
    table.to_parquet(folder / "one.parquet", row_group_size=9000)
    for number, part in enumerate((table[:70], table[70:100_000], table[100_000:])):
        part.to_parquet(folder / f"part-{number}.parquet")
        part.to_csv(folder / f"part-{number}.csv", index=False)
    (folder / "part-3.csv").write_text("a,b,c,kind,y\n")  # a partition without rows
    return folder


def fitted(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["fit", *arguments, "--json", "--quiet"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.parametrize("files", ["one.parquet", "part-*.parquet", "part-*.csv"])
def test_the_command_gives_the_same_document(
    scheduler: str, folder: Path, files: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = [str(folder / files), "--target", "y"]
    one = fitted(capsys, *data)
    assert fitted(capsys, *data, "--engine", "dask", "--scheduler", scheduler) == one


def test_a_local_cluster_for_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = [str(folder / "part-*.parquet"), "y ~ a + poly(c, 2) + kind"]
    assert fitted(capsys, *data, "--engine", "dask") == fitted(capsys, *data)
    with pytest.raises(ValueError, match="No clients found"):
        distributed.default_client()


def test_check_and_save(
    scheduler: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, again = tmp_path / "one.json", tmp_path / "cluster.json"
    data = ["fit", str(folder / "one.parquet"), "--target", "y", "--check", "--quiet"]
    assert main([*data, "--save", str(saved)]) == 0
    shown = capsys.readouterr().out
    cluster = ["--engine", "dask", "--scheduler", scheduler]
    assert main([*data, *cluster, "--save", str(again)]) == 0
    assert capsys.readouterr().out == shown
    assert again.read_text() == saved.read_text()


def test_files_in_the_library(scheduler: str, folder: Path) -> None:
    with distributed.Client(scheduler):
        fit = gw.fit(gw.FilesOnCluster(folder / "part-*.parquet"), "y")
        robust = fit.robust().standard_errors
    one = gw.fit(folder / "part-*.parquet", "y")
    np.testing.assert_array_equal(fit.coefficients, one.coefficients)
    np.testing.assert_array_equal(robust, one.robust().standard_errors)
    assert fit.description == one.description


def test_folders_that_are_columns_and_columns_judged_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for code, levels in (("12", ["7", "8"]), ("A1", ["u", "v"])):
        (tmp_path / f"code={code}").mkdir()
        x = rng.normal(size=50)
        text = rng.choice(levels, 50)
        table = pd.DataFrame({"x": x, "y": x + rng.normal(size=50), "level": text})
        table.to_csv(tmp_path / f"code={code}" / "rows.csv", index=False)
        table.to_parquet(tmp_path / f"code={code}" / "rows.parquet")
    for pattern, target in (("*.parquet", "y"), ("*.csv", "y ~ x + code")):
        data = str(tmp_path / "*" / pattern)
        one, fit = gw.fit(data, target), gw.fit(gw.FilesOnCluster(data), target)
        assert "code[A1]" in fit.names
        assert fit.names == one.names
        np.testing.assert_array_equal(fit.coefficients, one.coefficients)


def test_what_lacks_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no column 'z'"):
        gw.fit(gw.FilesOnCluster(folder / "one.parquet"), "z")
    with pytest.raises(DataFileError, match="there is no file"):
        gw.fit(gw.FilesOnCluster(tmp_path / "none.parquet"), "y")


def test_a_file_that_is_cut_short_is_named(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "one.parquet").read_bytes()
    spoilt, middle = tmp_path / "spoilt.parquet", len(whole) // 2
    spoilt.write_bytes(whole[:4] + bytes(middle) + whole[4 + middle :])
    with pytest.raises(DataFileError, match=r"spoilt.parquet cannot be read"):
        gw.fit(gw.FilesOnCluster(spoilt), "y")


def test_a_data_frame_of_parquet_files(client: Any, tmp_path: Path) -> None:
    """Plain numbers are read by our own reader, anything else by dask: the bits are the same."""
    rng = np.random.default_rng(1)
    for number, rows in enumerate((70_000, 5, 30_000, 50_000)):
        table = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["b", "a", "c"])
        table["k"], table["kind"] = rng.integers(0, 5, rows), rng.choice(["u", "v"], rows)
        table["y"] = table.a + table.k + rng.normal(size=rows)
        if number == 2:
            table.loc[3:9, "c"] = np.nan
        table.to_parquet(tmp_path / f"p-{number}.parquet", row_group_size=20_000)
    whole = dd.read_parquet(tmp_path)
    plain = {"features": ["a", "b", "c", "k"]}
    one, other = gw.fit(tmp_path / "p-*.parquet", "y", **plain), gw.fit(tmp_path, "y")
    ours = [
        (whole, plain, True),
        (dd.read_parquet(tmp_path, split_row_groups=True), plain, True),
        (whole.astype({"a": "f8"}), plain, False),
        (dd.read_parquet(tmp_path, dtype_backend="pyarrow"), plain, False),
        (whole, {}, False),
    ]
    for frame, options, own in ours:
        used = [*options.get("features", frame.columns[:-1]), "y"]
        assert (parquet_parts(frame[used]) is not None) == own
        fit, wanted = gw.fit(frame, "y", **options), one if options else other
        assert fit.moments.to_dict() == wanted.moments.to_dict()
        assert fit.tally == wanted.tally
    assert parquet_parts(whole[whole.a > 0][["a"]]) is None
    assert parquet_parts(whole.partitions[1][["a"]]) is None
    errors = gw.fit(whole, "y", **plain).robust().standard_errors
    np.testing.assert_array_equal(errors, one.robust().standard_errors)
    os.truncate(tmp_path / "p-3.parquet", 5000)
    with pytest.raises(DataFileError, match=r"p-3.parquet cannot be read as parquet"):
        gw.fit(whole, "y", **plain)


def test_arrays_of_parquet_files(client: Any, tmp_path: Path) -> None:
    """Arrays that only read are read by our own reader, others by dask: the bits are the same."""
    rng = np.random.default_rng(3)
    rows = (70_000, 5, 30_000, 50_000)
    for number, length in enumerate(rows):
        table = pd.DataFrame(rng.normal(size=(length, 5)), columns=["b", "a", "c", "d", "w"])
        table["w"] = table["w"] ** 2 + 0.1
        table["y"] = table.a + rng.normal(size=length)
        if number == 2:
            table.loc[3:9, "c"] = np.nan
        table["k"] = rng.integers(0, 5, length)
        table.to_parquet(tmp_path / f"p-{number}.parquet", row_group_size=20_000)
    whole = dd.read_parquet(tmp_path)
    here = pd.concat([pd.read_parquet(path) for path in sorted(tmp_path.iterdir())])
    all_of_them = whole[["a", "b", "c", "d", "y", "w"]].to_dask_array(lengths=rows)
    one = {
        columns: gw.fit(here[[*columns]].to_numpy(), here.y.to_numpy())
        for columns in ("abcd", "ac", "b")
    }
    numbers = all_of_them[:, 4]
    ours = [
        (all_of_them[:, :4], numbers, "abcd", True),
        (all_of_them[:, :4:2], numbers, "ac", True),
        (all_of_them[:, 1], numbers, "b", True),
        (whole[["a", "c"]].to_dask_array(), whole["y"].to_dask_array(), "ac", None),
        (all_of_them[:, [0, 2]], numbers, "ac", False),
        (all_of_them[:, :4] + 0.0, numbers, "abcd", False),
    ]
    for x, y, columns, own in ours:
        names = [[f"x{number}" for number in range(x.shape[1] if x.ndim > 1 else 1)], ["y"]]
        if own is not None:
            assert (parquet_columns([x, y], names) is not None) == own
        fit, wanted = gw.fit(x, y), one[columns]
        assert fit.moments.to_dict() == wanted.moments.to_dict()
        assert fit.tally == wanted.tally
        assert fit.description == f"dask array {'?' if own is None else sum(rows)}×{len(columns)}"
        errors = fit.robust().standard_errors
        np.testing.assert_array_equal(errors, wanted.robust().standard_errors)
    weighted = gw.fit(all_of_them[:, :4], numbers, weights=all_of_them[:, 5])
    beside = gw.fit(here[[*"abcd"]].to_numpy(), here.y.to_numpy(), weights=here.w.to_numpy())
    np.testing.assert_array_equal(weighted.coefficients, beside.coefficients)
    with pytest.raises(InputError, match=r"'x3' has no value at row 3 \(.* of p-2.parquet"):
        gw.fit(all_of_them[:, :4], numbers, missing="error")
    integers = gw.fit(whole[["k"]].to_dask_array(), whole["y"].to_dask_array())
    np.testing.assert_array_equal(
        integers.coefficients, gw.fit(here[["k"]].to_numpy(), here.y.to_numpy()).coefficients
    )
    os.truncate(tmp_path / "p-3.parquet", 5000)
    with pytest.raises(DataFileError, match=r"p-3.parquet cannot be read as parquet"):
        gw.fit(all_of_them[:, :4], numbers)


def test_a_file_that_the_workers_do_not_have(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "here.parquet"
    path.write_bytes((folder / "one.parquet").read_bytes())
    table = gw.FilesOnCluster(path).open_table()
    path.unlink()
    with pytest.raises(ClusterError, match=r"partition 0 .*here.parquet.* by the same path"):
        list(table.read(dict.fromkeys(["a"], Kind.NUMBER)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scheduler", "tcp://127.0.0.1:9"], "--scheduler needs --engine dask"),
        (["--engine", "dask", "--scheduler", "nowhere"], "must be an address such as tcp://"),
    ],
)
def test_options_that_do_not_go_together(
    folder: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["fit", str(folder / "one.parquet"), "--target", "y", *options])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    assert message in capsys.readouterr().err


def test_the_cluster_keeps_nothing(scheduler: str) -> None:
    deadline = time.monotonic() + 10.0
    with distributed.Client(scheduler, set_as_default=False) as client:
        while client.has_what() and any(client.has_what().values()):
            assert time.monotonic() < deadline  # nothing of the fits is kept
            time.sleep(0.05)
