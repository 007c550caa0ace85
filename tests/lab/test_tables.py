"""Promise: a file given to the lab is read as the library reads it, in memory, within limits."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab import tables as lab_tables
from gausswork.lab.tables import Tables

GALTON = Path(__file__).resolve().parents[2] / "examples" / "galton-families.csv"


def test_a_fit_of_the_table_is_the_fit_of_the_file() -> None:
    table = Tables().add("galton.csv", GALTON.read_bytes())
    columns = {"target": "childHeight", "features": "midparentHeight,gender"}
    here, there = gw.fit(table.data, **columns), gw.fit(GALTON, **columns)
    assert here.names == there.names
    assert np.array_equal(here.coefficients, there.coefficients)


def test_a_file_has_the_same_id_at_every_launch_and_is_read_once() -> None:
    first, second = Tables(), Tables()
    one = first.add("a.csv", b"x,y\n1,2\n3,4\n")
    assert second.add("b.csv", b"x,y\n1,2\n3,4\n").id == one.id
    assert first.add("a.csv", b"x,y\n1,2\n3,4\n") is one
    assert len(first) == 1


def test_columns_say_what_they_hold_and_what_is_missing() -> None:
    content = b"n,word,yes,day\n1,a,true,2020-01-01\n,b,false,2020-01-02\n3,,true,2020-01-03\n"
    table = Tables().add("mixed.csv", content)
    told = {column.name: (column.kind, column.missing) for column in table.columns}
    assert told["n"] == ("number", 1)
    assert told["word"][0] == "text"
    assert told["yes"][0] in {"flag", "text"}
    numbers = table.numbers("n")
    assert np.array_equal(numbers, [1.0, np.nan, 3.0], equal_nan=True)
    with pytest.raises(InputError, match="not numbers"):
        table.numbers("word")
    with pytest.raises(InputError, match="Did you mean 'word'"):
        table.numbers("wrod")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", b"x,y\n1.5,2\n,4\n3.5,6\n"),
        ("semi.csv", b"x;y\n1,5;2\n;4\n3,5;6\n"),
        ("tab.tsv", b"x\ty\n1.5\t2\n\t4\n3.5\t6\n"),
    ],
)
def test_the_script_of_a_column_reads_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> None:
    table = Tables().add(name, content)
    (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    bound: dict[str, object] = {}
    exec("\n".join(table.column_script("x", "values")), bound)  # what the user would run
    assert np.array_equal(bound["values"], [1.5, 3.5])  # type: ignore[arg-type]


def test_the_name_of_a_file_is_no_path() -> None:
    for name in ("../../etc/passwd.csv", "C:\\secret\\passwd.csv"):
        assert Tables().add(name, b"x\n1\n2\n").name == "passwd.csv"
    assert Tables().add("", b"x\n1\n2\n").name == "table.csv"


def zip_bomb() -> bytes:
    """A zip archive of zeros."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.csv", b"0" * 1_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "empty"),
        ("blank.csv", b"\n\n\n", "blank"),
        ("head.csv", b"x,y\n", "no rows"),
        ("archive.csv", zip_bomb(), "zip archive"),
        ("noise.csv", bytes(range(256)) * 40, "."),
        ("latin.csv", "größe\n1\n2\n".encode("latin-1"), "UTF-8"),
        ("twice.csv", b"x,x\n1,2\n", "same name"),
        ("cut.csv.gz", gzip.compress(b"x\n" + b"1\n" * 5000, mtime=0)[:-30], "damaged|breaks off"),
        ("parquet.parquet", b"PAR1" + b"\0" * 100, "end is missing"),
        (
            "wide.csv",
            b",".join(b"c%d" % k for k in range(5000)) + b"\n" + b"1," * 4999 + b"1\n",
            "columns",
        ),
    ],
)
def test_what_is_no_table_is_refused_in_words(name: str, content: bytes, says: str) -> None:
    held = Tables()
    with pytest.raises(InputError, match=says) as refused:
        held.add(name, content)
    assert "Traceback" not in str(refused.value)
    assert len(held) == 0


def test_a_bomb_stops_where_memory_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 kB of gzip that unpack to 10 MB; the limit is lowered so that the test stays small."""
    monkeypatch.setattr(lab_tables, "LARGEST_TABLE", 2_000_000)
    bomb = gzip.compress(b"x\n" + b"1.5\n" * 2_500_000)
    assert len(bomb) < 60_000
    with pytest.raises(InputError, match="memory"):
        Tables().add("bomb.csv.gz", bomb)


def test_a_file_above_the_limit_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lab_tables, "LARGEST_FILE", 100)
    with pytest.raises(InputError, match="gausswork fit"):
        Tables().add("large.csv", b"x\n" + b"1\n" * 100)
    (tmp_path / "large.csv").write_bytes(b"x\n" + b"1\n" * 100)
    with pytest.raises(InputError, match="gausswork fit"):
        Tables().add_file(tmp_path / "large.csv")


def test_the_table_of_the_launch_stays_when_others_leave(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lab_tables, "MOST_TABLES", 2)
    (tmp_path / "first.csv").write_bytes(b"x\n1\n2\n")
    held = Tables()
    first = held.add_file(tmp_path / "first.csv")
    second, third = (held.add("more.csv", b"x\n%d\n9\n" % k) for k in (3, 4))
    assert held.first == first.id
    assert {table.id for table in held} == {first.id, third.id}
    with pytest.raises(InputError, match="Give the file again"):
        held.get(second.id)
    with pytest.raises(InputError, match="Give the file again"):
        held.get({"not": "an id"})
