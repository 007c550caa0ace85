"""The same data gives the same bits in the same blocks, whatever it comes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from gausswork.data import csv_table, open_data

from .data_rows import bits_of

ROWS = 3001
BLOCK = 700


def table() -> pa.Table:
    rng = np.random.default_rng(1)
    gap = rng.random(ROWS) < 0.02
    return pa.table({
        "a": pa.array(rng.normal(size=ROWS) * 10.0 ** rng.integers(-300, 300, ROWS)),
        "b": pa.array(rng.normal(size=ROWS), mask=gap),
        "c": pa.array(rng.integers(-(2**40), 2**40, ROWS)),
        "f": pa.array(rng.random(ROWS) < 0.5),
        "g": pa.array(rng.choice(["u", "v, w", 'x"y', "two\nlines"], ROWS).tolist(),
                      mask=np.roll(gap, 7)),
        "y": pa.array(rng.normal(size=ROWS)),
    })  # fmt: skip


TABLE = table()
NUMBERS = TABLE.drop_columns(["g"])


def split(whole: pa.Table) -> list[pa.Table]:
    return [whole[:1111], whole[1111:1112], whole[1112:]]


def as_csv(whole: pa.Table, path: Path, codec: str | None = None, separator: str = ",") -> Path:
    options = pcsv.WriteOptions(delimiter=separator)
    with pa.OSFile(str(path), "wb") as sink:
        if codec is None:
            pcsv.write_csv(whole, sink, options)
        else:
            with pa.CompressedOutputStream(sink, codec) as stream:
                pcsv.write_csv(whole, stream, options)
    return path


def as_parquet(whole: pa.Table, path: Path) -> Path:
    pq.write_table(whole, path, row_group_size=123)
    return path


def csv_parts(whole: pa.Table, folder: Path) -> str:
    for number, part in enumerate(split(whole)):
        as_csv(part, folder / f"part-{number}.csv", separator=",;\t"[number])
    return str(folder / "part-*.csv")


def parquet_parts(whole: pa.Table, folder: Path) -> str:
    for number, part in enumerate(split(whole)):
        as_parquet(part, folder / f"part-{number}.parquet")
    return str(folder / "part-*.parquet")


def as_feather(whole: pa.Table, path: Path) -> Path:
    feather.write_feather(whole, path, chunksize=77)
    return path


READERS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "arrow": lambda t, _: t,
    "arrow chunks": lambda t, _: pa.concat_tables(split(t)),
    "arrow batch": lambda t, _: t.combine_chunks().to_batches()[0],
    "pandas": lambda t, _: t.to_pandas(),
    "pandas arrow": lambda t, _: t.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda t, _: pl.DataFrame(t),
    "polars chunks": lambda t, _: pl.concat([pl.DataFrame(p) for p in split(t)], rechunk=False),
    "dict": lambda t, _: {name: t[name].to_pylist() for name in t.column_names},
    "csv": lambda t, d: as_csv(t, d / "t.csv"),
    "csv.gz": lambda t, d: as_csv(t, d / "t.csv.gz", "gzip"),
    "csv.zst": lambda t, d: as_csv(t, d / "t.csv.zst", "zstd"),
    "csv.bz2": lambda t, d: as_csv(t, d / "t.csv.bz2", "bz2"),
    "csv parts": csv_parts,
    "parquet": lambda t, d: as_parquet(t, d / "t.parquet"),
    "parquet parts": parquet_parts,
    "feather": lambda t, d: as_feather(t, d / "t.feather"),
}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "CHUNK_BYTES", 5000)


def expected(whole: pa.Table) -> list[bytes]:
    """Compute the blocks here, by another way than the readers."""
    complete = [row for row in whole.to_pylist() if None not in row.values()]
    levels = sorted({row["g"] for row in complete}) if "g" in whole.column_names else []
    rows = np.array([
        [row["a"], row["b"], row["c"], row["f"], *(row["g"] == level for level in levels[1:]),
         row["y"]] for row in complete
    ], dtype=np.float64)  # fmt: skip
    return [rows[start : start + BLOCK].tobytes() for start in range(0, len(rows), BLOCK)]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.usefixtures("small_chunks")
def test_every_reader_gives_the_same_bits(reader: str, tmp_path: Path) -> None:
    """Promise: values, coding, dropped rows and blocks are equal to the last bit."""
    source = open_data(READERS[reader](TABLE, tmp_path), "y", features="a,b,c,f,g").source
    assert bits_of(source, BLOCK) == expected(TABLE)
    assert bits_of(source, BLOCK) == expected(TABLE)  # and again in the next pass
    assert (source.tally.read, source.tally.missing) == (
        ROWS,
        {"b": TABLE["b"].null_count, "g": TABLE["g"].null_count},
    )


@pytest.mark.parametrize("reader", [*READERS, "array", "Fortran array", "stream", "list"])
@pytest.mark.usefixtures("small_chunks")
def test_numbers_alone_give_the_same_bits(reader: str, tmp_path: Path) -> None:
    """Promise: the same for data without categories, arrays and one-shot streams among it."""
    x = np.column_stack([NUMBERS[name].cast("float64").to_numpy() for name in "abcf"])
    y = NUMBERS["y"].to_numpy()
    special = {
        "array": (x, y),
        "Fortran array": (np.asfortranarray(x), y),
        "list": (x.tolist(), y.tolist()),
        "stream": (NUMBERS.to_reader(max_chunksize=501), "y"),
    }
    data, target = special.get(reader) or (READERS[reader](NUMBERS, tmp_path), "y")
    source = open_data(data, target).source.without_missing()
    assert bits_of(source, BLOCK) == expected(NUMBERS)


def test_one_bit_is_seen() -> None:
    """Promise: these tests would notice a change of one unit in the last place."""
    y = NUMBERS["y"].to_numpy().copy()
    y[2000] = np.nextafter(y[2000], np.inf)
    changed = NUMBERS.set_column(4, "y", pa.array(y))
    assert bits_of(open_data(changed, "y").source, BLOCK) != expected(NUMBERS)
