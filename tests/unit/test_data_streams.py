"""Arrow streams and datasets: read once or again, and never silently empty."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as pads
import pytest

from gausswork.data import open_data, open_predictors
from gausswork.errors import DataFileError, InputError

from .data_rows import rows_of

TABLE = pa.table({"a": [1.0, 2.0, None, 4.0], "g": ["u", "v", "u", "v"], "y": [1.0, 2.0, 3.0, 5.0]})
EXPECTED = [[1, 1], [2, 2], [4, 5]]


class OnlyStream:
    """What any library offers that speaks nothing but the Arrow C stream interface."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("kind", [lambda t: t.to_reader(max_chunksize=2), OnlyStream])
def test_streams_are_read_once(kind) -> None:
    """Promise: a stream says that it is one; a second pass is refused, not empty."""
    source = open_data(kind(TABLE), "y").source
    assert not source.replayable
    assert rows_of(source).tolist() == EXPECTED
    assert (source.tally.read, source.tally.dropped) == (4, 1)
    with pytest.raises(InputError, match="has been read already and cannot be read again"):
        next(source.batches(10))


def test_a_stream_used_up_by_somebody_else_is_noticed() -> None:
    """Promise: a consumed reader, which ends at once without an error, is refused."""
    reader = TABLE.to_reader()
    reader.read_all()
    with pytest.raises(InputError, match=r"gave no rows\. Was it read before"):
        rows_of(open_data(reader, "y").source)


def test_text_of_a_stream_is_left_out_aloud_or_refused() -> None:
    """Promise: levels cannot be collected from a stream, and that is said."""
    opened = open_data(TABLE.to_reader(), "y")
    assert "read only once" in opened.findings[0].evidence["left_out"]["g"]
    with pytest.raises(InputError, match=r"Keep its rows with pyarrow\.table\(stream\)"):
        open_data(TABLE.to_reader(), "y", features="g")


def test_a_stream_that_breaks_off_is_an_error() -> None:
    """Promise: an error in the middle of a stream is not the end of the data."""

    def batches():
        yield TABLE.to_batches()[0]
        raise OSError("connection lost")

    reader = pa.RecordBatchReader.from_batches(TABLE.schema, batches())
    with pytest.raises(DataFileError, match="connection lost"):
        rows_of(open_data(reader, "y").source)


def test_predictions_for_a_stream_know_its_categories() -> None:
    """Promise: with a recipe at hand a stream with text is no problem."""
    recipe = open_data(TABLE, "y").recipe
    (x,) = open_predictors(TABLE.to_reader(), recipe)
    assert x[[0, 1, 3]].tolist() == [[1, 0], [2, 1], [4, 1]]


def test_datasets_and_scanners(tmp_path: Path) -> None:
    """Promise: a dataset of the user's own can be read again, a scanner once."""
    pads.write_dataset(TABLE, tmp_path / "d", format="parquet")
    dataset = pads.dataset(tmp_path / "d")
    source = open_data(dataset, "y", features="a").source
    assert rows_of(source).tolist() == rows_of(source).tolist() == EXPECTED
    assert open_data(dataset, "y").recipe.names == ("a", "g[v]")
    assert rows_of(open_data(dataset.scanner(), "y").source).tolist() == EXPECTED


def test_relations_of_duckdb_are_read_again() -> None:
    """Promise: a DuckDB relation is a query that can be run again."""
    duckdb = pytest.importorskip("duckdb")
    rows = TABLE  # noqa: F841 - DuckDB finds it by its name
    source = open_data(duckdb.sql("select * from rows"), "y").source
    assert source.replayable
    assert source.names == ("a", "g[v]")
    assert len(rows_of(source)) == len(rows_of(source)) == 3


def test_narwhals_frames_are_unwrapped() -> None:
    """Promise: a narwhals frame is read as the frame that it wraps."""
    narwhals = pytest.importorskip("narwhals")
    opened = open_data(narwhals.from_native(TABLE, eager_only=True), "y", features="a")
    assert opened.source.replayable
    assert rows_of(opened.source).tolist() == EXPECTED


def test_a_stream_cannot_take_a_target_beside_it() -> None:
    """Promise: values of y beside a stream or file are refused: nothing says they match."""
    with pytest.raises(InputError, match="must be one of its columns"):
        open_data(TABLE.to_reader(), [1, 2, 3, 4])
