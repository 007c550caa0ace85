"""Promise: folders year=2024/… are columns, many files are one table, and what is amiss is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import gausswork as gw
from gausswork.errors import DataFileError, InputError


def rows(count: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=count)
    return pa.table({"a": a, "y": 2 * a + rng.normal(size=count)})


def write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    else:
        pq.write_table(table, path)


@pytest.fixture(params=["parquet", "csv"])
def folder(request, tmp_path) -> tuple[Path, pa.Table]:
    """A partitioned table of three years and two regions, and the same in memory."""
    whole = []
    for number, year in enumerate((2021, 2022, 2024)):
        for region in ("north", "süd ost"):
            part = rows(50, 10 * number + len(region))
            name = f"region={region.replace(' ', '%20')}"
            write(part, tmp_path / "t" / f"year={year}" / name / f"part-0.{request.param}")
            part = part.append_column("year", pa.array([year] * 50))
            whole.append(part.append_column("region", pa.array([region] * 50)))
    (tmp_path / "t" / "_SUCCESS").write_text("")
    (tmp_path / "t" / "year=2021" / ".hidden").write_text("no data")
    return tmp_path / "t", pa.concat_tables(whole)


def same(found: gw.Fit, wanted: gw.Fit) -> None:
    assert found.names == wanted.names
    np.testing.assert_array_equal(found.coefficients, wanted.coefficients)
    np.testing.assert_array_equal(found.standard_errors, wanted.standard_errors)


@pytest.mark.parametrize("features", ["a,year,region", "a,year", "year", "region", None])
def test_a_folder_and_patterns_read_as_the_table(folder, features) -> None:
    """Numbers and categories, by folder, pattern, and the list that a shell makes of one."""
    path, table = folder
    wanted = gw.fit(table, "y", features=features)
    ways = [path, str(path / "*" / "*" / "part-*"), str(path / "**" / "part-*")]
    for data in (*ways, sorted(path.glob("*/*/part-*"))):
        same(gw.fit(data, "y", features=features), wanted)
    assert gw.fit(path, "y").names == wanted.names or features is not None


def test_formula_weights_and_second_passes(folder) -> None:
    path, table = folder
    formula = "y ~ a * C(region) + poly(year, 2)"
    found, wanted = gw.fit(path, formula), gw.fit(table, formula)
    same(found, wanted)
    np.testing.assert_array_equal(
        found.robust("HC3").standard_errors, wanted.robust("HC3").standard_errors
    )
    np.testing.assert_array_equal(
        found.robust("cluster", clusters="region").standard_errors,
        wanted.robust("cluster", clusters="region").standard_errors,
    )
    assert len(found.check().findings) == len(wanted.check().findings)
    by_year = gw.fit(path, "y", features="a", weights="year")
    same(by_year, gw.fit(table, "y", features="a", weights="year"))
    np.testing.assert_array_equal(found.predict(path), wanted.predict(table))


def test_folders_outside_the_pattern_are_no_columns(folder) -> None:
    """Whoever names one year has no column of years; one that varies below it there is."""
    path, _ = folder
    fit = gw.fit(str(path / "year=2021" / "*" / "part-*"), "y")
    assert fit.names == ("intercept", "a", "region[süd ost]")
    (one,) = (path / "year=2022" / "region=north").iterdir()
    assert gw.fit(one, "y").names == ("intercept", "a")


def test_arrows_own_reader_agrees(tmp_path) -> None:
    """What pyarrow writes as a partitioned data set is read back to the same fit."""
    table = rows(400, 1).append_column("year", pa.array([2000, 2001, 2002, 2003] * 100))
    pa.dataset.write_dataset(
        table, tmp_path / "t", format="parquet", partitioning=["year"],
        partitioning_flavor="hive",
    )  # fmt: skip
    wanted = gw.fit(pa.dataset.dataset(tmp_path / "t", partitioning="hive"), "y", features="a,year")
    same(gw.fit(tmp_path / "t", "y", features="a,year"), wanted)


def test_missing_values_and_codes(tmp_path) -> None:
    """Hive's sign for no value is a gap; 07 is a code, as in CSV files."""
    for month in ("07", "12", "__HIVE_DEFAULT_PARTITION__"):
        write(rows(30, 3), tmp_path / "t" / f"month={month}" / "p.parquet")
    fit = gw.fit(tmp_path / "t", "y", features="a,month")
    assert fit.names == ("intercept", "a", "month[12]")
    assert fit.tally.dropped == 30
    assert fit.tally.missing == {"month": 30}
    with pytest.raises(InputError, match=r"month.*HIVE_DEFAULT_PARTITION__/p\.parquet"):
        gw.fit(tmp_path / "t", "y", features="a,month", missing="error")


def test_a_column_in_the_files_is_read_from_them(tmp_path) -> None:
    part = rows(30, 3).append_column("year", pa.array(np.arange(30)))
    for year in (1, 2):
        write(part, tmp_path / "t" / f"year={year}" / "p.parquet")
    same(gw.fit(tmp_path / "t", "y"), gw.fit(pa.concat_tables([part, part]), "y"))


def test_an_interrupted_fit_of_a_folder_goes_on(folder, tmp_path) -> None:
    path, _ = folder
    whole = gw.fit(path, "y", features="a,year")

    def stop(rows: int, done: int | None, total: int | None) -> None:
        raise KeyboardInterrupt

    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        gw.fit(path, "y", features="a,year", state=state, progress=stop)
    again = gw.fit(path, "y", features="a,year", state=state, resume=True)
    same(again, whole)
    assert again.moments.to_dict() == whole.moments.to_dict()


def test_folders_partitioned_in_two_ways_are_refused(tmp_path) -> None:
    write(rows(30, 3), tmp_path / "t" / "year=1" / "p.parquet")
    write(rows(30, 3), tmp_path / "t" / "year=2" / "month=1" / "p.parquet")
    with pytest.raises(DataFileError, match=r"year=2/month=1/p\.parquet.*year, month.*year=1/p"):
        gw.fit(tmp_path / "t", "y")


def test_files_whose_schemas_differ_are_refused_by_name(folder) -> None:
    path, _ = folder
    (bad,) = (path / "year=2022" / "region=north").iterdir()
    write(rows(5, 1).rename_columns(["b", "y"]), bad)
    with pytest.raises(
        DataFileError, match=r"year=2022/region=north/part-0\.\w+ has no column 'a'"
    ):
        gw.fit(path, "y", features="a")


def test_an_empty_partition_counts_for_nothing(folder) -> None:
    """No rows are no error; no bytes are one, which says where."""
    path, table = folder
    (one,) = (path / "year=2022" / "region=north").iterdir()
    header_only = rows(0, 1)
    write(header_only, path / "year=2023" / "region=north" / one.name)
    same(gw.fit(path, "y", features="a,year"), gw.fit(table, "y", features="a,year"))
    one.write_bytes(b"")
    with pytest.raises(DataFileError, match=r"year=2022/region=north/part-0\.\w+ is empty"):
        gw.fit(path, "y", features="a,year")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_plain_folder_is_a_table_and_says_what_was_read(ending, tmp_path) -> None:
    parts = [rows(30, k) for k in range(3)]
    for k, part in enumerate(parts):
        write(part, tmp_path / "t" / f"2024-0{k}.{ending}")
    for note in ("README.md", "_SUCCESS", ".hidden.csv"):
        (tmp_path / "t" / note).write_text("no data")
    fit = gw.fit(tmp_path / "t", "y")
    same(fit, gw.fit(pa.concat_tables(parts), "y"))
    (found,) = [finding for finding in fit.findings if finding.code == "folder-read"]
    assert found.evidence["files"] == [f"2024-0{k}.{ending}" for k in range(3)]
    assert found.evidence["left_out"] == ["README.md"]
    assert "t is a folder: its 3 files" in found.sentence


def test_a_partitioned_folder_says_what_was_read(folder) -> None:
    path, _ = folder
    (found,) = [f for f in gw.fit(path, "y").findings if f.code == "folder-read"]
    assert len(found.evidence["files"]) == 6


def test_a_folder_of_two_kinds_of_files_is_refused(tmp_path) -> None:
    write(rows(5, 1), tmp_path / "t" / "a.csv")
    write(rows(5, 1), tmp_path / "t" / "b.parquet")
    with pytest.raises(DataFileError, match=r"a\.csv is csv and b\.parquet is parquet"):
        gw.fit(tmp_path / "t", "y")


def test_a_folder_without_data_says_what_it_holds(tmp_path) -> None:
    (tmp_path / "t").mkdir()
    with pytest.raises(DataFileError, match=r"is a folder without data files.*\*\*/\*\.parquet"):
        gw.fit(tmp_path / "t", "y")
    (tmp_path / "t" / "notes.txt").write_text("a,y\n1,2\n")
    with pytest.raises(DataFileError, match=r"It holds 'notes\.txt'.*/t/\*\.txt"):
        gw.fit(tmp_path / "t", "y")
