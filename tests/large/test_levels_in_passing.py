"""Promise: levels of categories cost no pass of their own, and the bits are those of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import gausswork as gw
from gausswork.data import csv_table, firstlook
from gausswork.errors import InputError
from gausswork.leastsquares import growing
from gausswork.leastsquares.moments import block_rows

ROWS = 210_000  # three blocks of 65,536 rows and a rest
LOOK = 20_000


@pytest.fixture(scope="module")
def numbers() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, ROWS))
    return {"a": a, "b": b, "y": 1 + a - b + rng.normal(size=ROWS), "rng": rng}


def kinds_from(where: dict[str, int], rng: np.random.Generator) -> np.ndarray:
    """Levels that begin at some row each, drawn evenly among those that have begun."""
    found = np.empty(ROWS, dtype=object)
    starts = [*sorted(set(where.values())), ROWS]
    for start, stop in pairwise(starts):
        begun = [level for level, first in where.items() if first <= start]
        found[start:stop] = np.array(begun)[rng.integers(len(begun), size=stop - start)]
        for level in begun:
            if where[level] == start:
                found[start + 3] = level  # at once, for its first row to be known
    return found


# where each level begins
CASES: dict[str, dict[str, int]] = {
    "all at once": {"red": 0, "green": 0, "blue": 0},
    "one late": {"red": 0, "blue": 0, "green": 150_000},
    "many late": {f"k{k:02d}": 0 if k < 2 else 15_000 * (k - 1) for k in range(14)},
    "a late reference": {"red": 0, "green": 0, "blue": 140_000},
    "in the first block": {"red": 0, "blue": 0, "green": 50_000},
    "in the last rows": {"red": 0, "blue": 0, "green": ROWS - 10},
}


def write(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    elif path.suffix == ".gz":
        with pa.output_stream(path, compression="gzip") as out:
            pa.csv.write_csv(table, out)
    else:
        pq.write_table(table, path, row_group_size=50_000)
    return path


def bits(fit: gw.Fit) -> str:
    return json.dumps([fit.moments.to_dict(), fit.to_dict()], sort_keys=True)


@pytest.fixture
def short(monkeypatch) -> None:
    """A first look that sees less than a block."""
    monkeypatch.setattr(firstlook, "LOOK_ROWS", LOOK)


@pytest.fixture
def passes(monkeypatch) -> list[int]:
    """Whether each pass over CSV files began at the first row, and how many rows it gave."""
    seen: list[int] = []
    plain = csv_table.CsvTable.read

    def read(self: Any, kinds: Any, start: Any = None) -> Any:
        seen.append(0)
        for portion in plain(self, kinds, start):
            seen[-1] += portion.rows
            yield portion

    monkeypatch.setattr(csv_table.CsvTable, "read", read)
    return seen


def in_two_passes(monkeypatch, run: Callable[[], gw.Fit]) -> gw.Fit:
    """Fit with all levels collected first."""
    with monkeypatch.context() as patch:
        patch.setattr(growing, "first_look", lambda data, *rest: data)
        return run()


@pytest.mark.parametrize(
    ("case", "name"),
    [
        *((case, "t.parquet") for case in CASES),
        ("many late", "t.csv"),
        ("one late", "t.csv.gz"),
    ],
)
def test_the_bits_are_those_of_levels_known_before(
    case, name, numbers, short, monkeypatch, tmp_path
) -> None:
    table = {k: v for k, v in numbers.items() if k != "rng"}
    table["kind"] = kinds_from(CASES[case], numbers["rng"])
    path = write(pa.table(table), tmp_path / name)
    for target, features in (("y", "a,kind"), ("y", None), ("y ~ a * kind + log(abs(b))", None)):

        def run(target: str = target, features: str | None = features) -> gw.Fit:
            return gw.fit(path, target, features=features)

        found, wanted = run(), in_two_passes(monkeypatch, run)
        assert bits(found) == bits(wanted)
        assert found.findings == wanted.findings
        assert found.tally == wanted.tally
        assert found.source is not None
        assert type(found.source.table) is type(wanted.source.table)  # type: ignore[union-attr]


def test_large_files_are_read_once(numbers, short, passes, tmp_path) -> None:
    """One look at the first rows, and one pass; a late level costs some blocks, not a pass."""
    table = {k: numbers[k] for k in ("a", "y")}
    for case, most in (("all at once", 1.2), ("one late", 1.9)):
        table["kind"] = kinds_from(CASES[case], numbers["rng"])
        path = write(pa.table(table), tmp_path / "t.csv")
        passes.clear()
        gw.fit(path, "y", method=gw.NormalEquation(digits=8))
        assert sum(passes) < most * ROWS, passes


def test_gaps_weights_and_lonely_levels(numbers, short, monkeypatch, tmp_path) -> None:
    """Levels count also in rows that are left out; one of a single row is a finding."""
    rng = numbers["rng"]
    kind = kinds_from(CASES["one late"], rng)
    kind[ROWS - 5] = "white"
    kind[170_000] = None
    gaps = rng.random(ROWS) < 0.01
    gaps[180_000] = True
    kind[180_000] = "yellow"  # only in a row without a value of a
    table = {
        "a": pa.array(numbers["a"], mask=gaps), "y": numbers["y"], "kind": kind,
        "w": rng.integers(0, 4, size=ROWS),
    }  # fmt: skip
    path = write(pa.table(table), tmp_path / "t.parquet")

    def run() -> gw.Fit:
        return gw.fit(path, "y", features="a,kind", frequencies="w")

    found, wanted = run(), in_two_passes(monkeypatch, run)
    assert bits(found) == bits(wanted)
    assert found.findings == wanted.findings
    lonely = next(f for f in found.findings if f.code == "level-of-one-row")
    assert lonely.evidence["levels"] == ["white", "yellow"]


def test_blocks_that_shrink_begin_anew(numbers, short, monkeypatch, tmp_path) -> None:
    """More than 127 columns are summed in smaller blocks: what was summed cannot stay."""
    where = {f"k{k:03d}": 0 if k < 100 else 150_000 for k in range(150)}
    assert block_rows(100) != block_rows(151)
    table = {"a": numbers["a"], "y": numbers["y"], "kind": kinds_from(where, numbers["rng"])}
    path = write(pa.table(table), tmp_path / "t.parquet")

    def run() -> gw.Fit:
        return gw.fit(path, "y", features="a,kind")

    assert bits(run()) == bits(in_two_passes(monkeypatch, run))


def test_decisions_of_all_rows_stand(numbers, short, monkeypatch, tmp_path) -> None:
    """What the first rows suggest is not the last word: too many levels, one that varies late."""
    late = np.array(["same"] * ROWS, dtype=object)
    late[180_000:] = "other"
    many = kinds_from({"x": 0, "z": 0}, numbers["rng"])
    many[150_000:] = [f"n{k}" for k in range(ROWS - 150_000)]
    names = [f"person {k}" for k in range(ROWS)]
    table = {"a": numbers["a"], "y": numbers["y"], "late": late, "many": many, "name": names}
    for columns in (["late"], ["many"], ["name"], ["late", "many", "name"]):
        part = {k: table[k] for k in ("a", "y", *columns)}
        path = write(pa.table(part), tmp_path / "t.parquet")

        def run(path: Path = path) -> gw.Fit:
            return gw.fit(path, "y")

        found, wanted = run(), in_two_passes(monkeypatch, run)
        assert bits(found) == bits(wanted)
        assert found.findings == wanted.findings
    with pytest.raises(InputError, match="more than 10000 different values"):
        gw.fit(path, "y", features="many")


@pytest.mark.parametrize("case", ["one late", "many late", "a late reference"])
@pytest.mark.parametrize("stop", [65_536, 196_608])
def test_an_interrupted_fit_goes_on_without_a_pass_for_levels(
    case, stop, numbers, short, passes, tmp_path
) -> None:
    table = {"a": numbers["a"], "y": numbers["y"]}
    table["kind"] = kinds_from(CASES[case], numbers["rng"])
    path, state = write(pa.table(table), tmp_path / "t.csv"), tmp_path / "state"
    whole = gw.fit(path, "y", features="a,kind")

    def halt(rows: int, done: int | None, total: int | None) -> None:
        if rows >= stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gw.fit(path, "y", features="a,kind", state=state, progress=halt)
    passes.clear()
    again = gw.fit(path, "y", features="a,kind", state=state, resume=True)
    assert bits(again) == bits(whole)
    assert again.findings == whole.findings
    assert passes[0] <= ROWS - stop + 70_000  # it begins where the sums end
    assert not state.exists()
    with pytest.raises(KeyboardInterrupt):
        gw.fit(path, "y", features="a,kind", state=state, progress=halt)
    text = state.read_text()
    state.write_text(text.replace('"red"', '"rot"').replace('"k00"', '"rot"'))
    with pytest.raises(InputError, match="checksum"):
        gw.fit(path, "y", features="a,kind", state=state, resume=True)


def test_levels_that_folders_name_need_no_look(numbers, passes, monkeypatch, tmp_path) -> None:
    rng = np.random.default_rng(1)
    for region in ("east", "north", "south"):
        folder = tmp_path / "t" / f"region={region}"
        folder.mkdir(parents=True)
        a = rng.normal(size=70_000)
        part = pa.table({"a": a, "y": a + rng.normal(size=70_000)})
        write(part, folder / "p.csv")

    def run() -> gw.Fit:
        return gw.fit(tmp_path / "t", "y", method=gw.NormalEquation(digits=8))

    found = run()
    assert sum(passes) == 210_000
    assert bits(found) == bits(in_two_passes(monkeypatch, run))
    empty = tmp_path / "t" / "region=west"
    empty.mkdir()
    (empty / "p.csv").write_text("a,y\n")
    assert run().moments.to_dict() == found.moments.to_dict()


def test_without_the_compiled_kernels(numbers, short, monkeypatch, tmp_path) -> None:
    """BLAS may sum in another order where there are more columns: nothing is kept."""
    monkeypatch.setenv("GAUSSWORK_KERNELS", "numpy")
    table = {"a": numbers["a"], "y": numbers["y"]}
    table["kind"] = kinds_from(CASES["one late"], numbers["rng"])
    path = write(pa.table(table), tmp_path / "t.parquet")

    def run() -> gw.Fit:
        return gw.fit(path, "y")

    assert bits(run()) == bits(in_two_passes(monkeypatch, run))
