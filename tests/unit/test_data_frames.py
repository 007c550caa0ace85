"""Tables in memory: read where they lie, whatever library made them."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import compute

import gausswork as gw
from gausswork.data import open_data
from gausswork.data.arrays import ColumnsSource
from gausswork.data.encode import EncodedSource
from gausswork.errors import InputError

from .data_rows import codes_of, opened_rows, rows_of

COLUMNS = {"a": [1.5, 2.5, 4.0], "b": np.array([1, 2, 3], dtype=np.int32), "y": [1.0, 2.0, 5.0]}
EXPECTED = [[1.5, 1, 1], [2.5, 2, 2], [4, 3, 5]]


def frames() -> dict[str, object]:
    table = pa.table(COLUMNS)
    structured = np.array([(1.5, 1, 1.0), (2.5, 2, 2.0), (4.0, 3, 5.0)],
                          dtype=[("a", "f8"), ("b", "i4"), ("y", "f8")])  # fmt: skip
    return {
        "pandas": pd.DataFrame(COLUMNS),
        "pandas nullable": pd.DataFrame(COLUMNS).convert_dtypes(),
        "pandas arrow": pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
        "polars": pl.DataFrame(COLUMNS),
        "arrow table": table,
        "arrow batch": table.to_batches()[0],
        "arrow chunks": pa.concat_tables([table[:1], table[1:]]),
        "polars chunks": pl.concat([pl.DataFrame(table[:2]), pl.DataFrame(table[2:])]),
        "dict": COLUMNS,
        "dict of series": {name: pd.Series(values) for name, values in COLUMNS.items()},
        "structured": structured,
    }


@pytest.mark.parametrize("kind", frames())
def test_every_library_gives_the_same_numbers(kind: str) -> None:
    """Promise: the same columns from any library are the same rows."""
    opened = open_data(frames()[kind], "y")
    assert opened.recipe.names == ("a", "b")
    assert rows_of(opened.source).tolist() == EXPECTED
    assert opened.source.rows == 3


def test_float_columns_are_not_copied() -> None:
    """Promise: float64 and float32 columns without nulls reach the engine as views."""
    a, b = np.arange(4.0), np.arange(4, dtype=np.float32)
    arrow = pa.table({"a": pa.array(a), "b": pa.array(b), "y": pa.array(a)})
    pandas = pd.DataFrame({"a": a, "b": b, "y": a}, copy=False)
    polars = pl.DataFrame(arrow)
    originals = {
        "dict": ({"a": a, "b": b, "y": a}, [a, b, a]),
        "arrow": (arrow, [c.chunk(0).to_numpy() for c in arrow.columns]),
        "pandas": (pandas, [pandas[name].to_numpy() for name in pandas]),
        "polars": (polars, [polars[name].to_numpy() for name in polars.columns]),
    }
    for kind, (frame, columns) in originals.items():
        source = open_data(frame, "y").source
        assert isinstance(source, ColumnsSource), kind
        (batch,) = source.batches(10)
        assert [column.dtype for column in batch.x] == [np.float64, np.float32], kind
        for found, original in zip((*batch.x, batch.y), columns, strict=True):
            assert np.shares_memory(found, original), kind


def test_chunked_columns_are_views_within_a_chunk() -> None:
    """Promise: a column in several chunks is copied only where a batch straddles two."""
    one, two = np.arange(10.0), np.arange(10.0, 20.0)
    column = pa.chunked_array([one, two])
    source = open_data(pa.table({"a": column, "y": column}), "y").source
    batches = list(source.batches(5))
    assert np.shares_memory(batches[1].x[0], one)
    assert np.shares_memory(batches[2].x[0], two)
    assert np.array_equal(rows_of(source, 8)[:, 0], np.arange(20))


def test_pandas_columns_of_one_matrix_are_views() -> None:
    """Promise: a frame made of one matrix is read with strides, not copied."""
    x = np.arange(12.0).reshape(4, 3)
    frame = pd.DataFrame(x, columns=list("aby"), copy=False)
    (batch,) = open_data(frame, "y").source.batches(10)
    assert np.shares_memory(batch.x[1], frame["b"].to_numpy())
    assert batch.x[1].tolist() == [1, 4, 7, 10]


def test_every_way_to_be_missing() -> None:
    """Promise: NaN, None, pandas.NA, NaT-free nulls of pandas, polars and Arrow are all missing."""
    gap = [1.0, None, 3.0, 4.0]
    y = [1.0, 2.0, 3.0, 4.0]
    for frame in (
        pd.DataFrame({"a": gap, "y": y}),
        pd.DataFrame({"a": pd.array(gap, dtype="Float64"), "y": y}),
        pd.DataFrame({"a": pd.Series([1, None, 3, 4], dtype=object), "y": y}),
        pd.DataFrame({"a": pd.Series([1, pd.NA, 3, 4], dtype=object), "y": y}),
        pl.DataFrame({"a": gap, "y": y}),
        pl.DataFrame({"a": [1.0, float("nan"), 3.0, 4.0], "y": y}),
        pa.table({"a": gap, "y": y}),
        {"a": gap, "y": y},
    ):
        source = open_data(frame, "y").source.without_missing()
        assert rows_of(source).tolist() == [[1, 1], [3, 3], [4, 4]]
        assert source.tally.missing == {"a": 1}
        assert (source.tally.read, source.tally.dropped) == (4, 1)


def test_both_kinds_of_missing_in_one_column() -> None:
    """Promise: a polars column with null and NaN counts both."""
    frame = pl.DataFrame({"a": [None, float("nan"), 1.0], "y": [1.0, 2.0, 3.0]})
    source = open_data(frame, "y").source.without_missing()
    assert rows_of(source).tolist() == [[1, 3]]
    assert source.tally.missing == {"a": 2}


def test_arrow_types_become_numbers() -> None:
    """Promise: every numeric Arrow type is used, decimals rounded correctly."""
    digits = ["0.1", "-123456789.123456789", "0.3", None]
    table = pa.table({
        "decimal": pa.array([None if d is None else decimal.Decimal(d) for d in digits]),
        "half": pa.array(np.array([1, 2, 3, 4], dtype=np.float16)),
        "u1": pa.array([1, 2, 3, 4], pa.uint8()),
        "ree": compute.run_end_encode(pa.array([1.0, 1.0, 2.0, 2.0])),
        "flag": [True, False, True, None],
        "y": [1.0, 2.0, 3.0, 4.0],
    })  # fmt: skip
    opened = open_data(table, "y")
    assert opened.recipe.names == ("decimal", "half", "u1", "ree", "flag")
    expected = [[float(digits[n]), n + 1, n + 1, ree, flag, n + 1]
                for n, (ree, flag) in enumerate([(1, 1), (1, 0), (2, 1)])]  # fmt: skip
    assert rows_of(opened.source).tolist() == expected


def test_every_way_to_store_text_is_a_category() -> None:
    """Promise: string, large string, string view, dictionary: one coding."""
    values = ["b", "a", "b", None, "a"]
    plain = pa.array(values)
    table = pa.table({
        "string": plain,
        "large": plain.cast(pa.large_string()),
        "view": plain.cast(pa.string_view()),
        "dictionary": plain.dictionary_encode(),
        "y": [1.0, 2, 3, 4, 5],
    })  # fmt: skip
    opened = open_data(table, "y")
    assert set(opened.recipe.references.values()) == {"a"}
    assert rows_of(opened.source)[:, :4].tolist() == [[1] * 4, [0] * 4, [1] * 4, [0] * 4]


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ([datetime.datetime(2020, 1, 1)] * 3, "timestamps"),
        ([datetime.date(2020, 1, 1)] * 3, "dates"),
        ([datetime.time(1)] * 3, "times of day"),
        ([datetime.timedelta(1)] * 3, "durations"),
        ([[1], [2], [3]], "nested values"),
        ([{"k": 1}] * 3, "nested values"),
        ([b"x"] * 3, "values of type binary"),
        ([None] * 3, "no value"),
    ],
)
def test_unusable_columns_are_left_out_aloud_and_refused_by_name(values: list, holds: str) -> None:
    """Promise: what is no number and no category is left out with the reason, or refused."""
    frame = pa.table({"a": [1.0, 2.0, 4.0], "odd": pa.array(values), "y": [1.0, 2.0, 3.0]})
    opened = open_data(frame, "y")
    assert opened.recipe.names == ("a",)
    assert holds in opened.findings[0].evidence["left_out"]["odd"]
    assert "'odd'" in opened.findings[0].sentence
    with pytest.raises(InputError, match=f"column 'odd'.*{holds}"):
        open_data(frame, "y", features=["a", "odd"])


def test_mixed_objects_name_row_and_value() -> None:
    """Promise: a pandas column of mixed objects is left out aloud, refused by row and value."""
    frame = pd.DataFrame({"a": [1.0, 2, 3], "odd": [1, "x", 2.5], "y": [1.0, 2, 3]})
    assert "odd" in open_data(frame, "y").findings[0].evidence["left_out"]
    with pytest.raises(InputError, match=r"'odd'.*row 1 \(counted from 0\) is 'x', of type str"):
        open_data(frame, "y", features="odd")


def test_object_columns_of_numbers_are_numbers() -> None:
    """Promise: pandas columns of Python numbers are used, however large."""
    columns = {"a": [1, 2.5, True], "b": [10**30, 1, 2], "y": [1, 2, 3]}
    frame = pd.DataFrame(columns, dtype=object)
    assert opened_rows(frame)[:, :2].tolist() == [[1, 1e30], [2.5, 1], [1, 2]]


def test_pandas_category_order_is_kept() -> None:
    """Promise: the first category of a pandas Categorical is the reference; unused ones vanish."""
    order = ["mid", "low", "high", "never"]
    frame = pd.DataFrame({"g": pd.Categorical(["low", "mid", "high"] * 2, order), "y": range(6)})
    assert open_data(frame, "y").recipe.categories["g"] == ("mid", "low", "high")


def test_order_of_other_categories() -> None:
    """Promise: polars Enums and ordered dictionaries keep their order, others are sorted."""
    values = ["low", "mid", "low", "mid"]
    enum = pl.Series(values, dtype=pl.Enum(["mid", "low"]))
    loose = pl.Series(values, dtype=pl.Categorical)
    frame = pl.DataFrame({"enum": enum, "loose": loose, "y": [1, 2, 3, 4]})
    assert open_data(frame, "y").recipe.references == {"enum": "mid", "loose": "low"}
    for ordered, reference in ((True, "mid"), (False, "low")):
        codes = pa.DictionaryArray.from_arrays([1, 0, 1, 0], ["mid", "low"], ordered=ordered)
        table = pa.table({"g": codes, "y": [1, 2, 3, 4]})
        assert open_data(table, "y").recipe.references == {"g": reference}


def test_categories_of_numbers_and_flags_have_text_levels() -> None:
    """Promise: categories need not be text; their levels are written as text."""
    frame = pd.DataFrame({"n": pd.Categorical([3, 1, 3, 1]), "f": pd.Categorical([True, False] * 2),
                          "y": [1, 2, 3, 4]})  # fmt: skip
    assert open_data(frame, "y").recipe.names == ("n[3]", "f[true]")


def test_intervals_of_pandas_cut_are_categories() -> None:
    """Promise: binned columns are categories in the order of their bins, gaps included."""
    age = pd.Series([5, 15, 25, 15, 99])
    frame = pd.DataFrame({"age": pd.cut(age, [0, 10, 20, 30]), "y": range(5)})
    opened = open_data(frame, "y")
    assert opened.recipe.categories["age"] == ("(0, 10]", "(10, 20]", "(20, 30]")
    assert rows_of(opened.source)[:, :2].tolist() == [[0, 0], [1, 0], [0, 1], [1, 0]]
    assert opened.source.tally.missing == {"age": 1}


def test_column_names_that_are_no_text() -> None:
    """Promise: pandas columns called 0, 1, 2 are found by number or by text."""
    frame = pd.DataFrame(np.arange(9.0).reshape(3, 3))
    assert open_data(frame, 2, features=[0]).source.names == ("0",)
    assert open_data(frame, "2").source.names == ("0", "1")


def test_frames_of_predictors_with_a_target_beside() -> None:
    """Promise: a frame X and a series y of any library, or an array, are joined by position."""
    x = pd.DataFrame({"a": [1.0, 2, 3], "g": ["u", "v", "u"]})
    expected = [[1, 0, 5], [2, 1, 6], [3, 0, 7]]
    h = [5, 6, 7]
    for y in (pd.Series(h), np.array(h), h, pl.Series(h), pa.array(h), pd.DataFrame({"h": h})):
        assert rows_of(open_data(x, y).source).tolist() == expected
    opened = open_data(x, pd.Series([5, 6, 7], name="h"))
    assert opened.source.target == "h"
    assert opened.findings[0].code == "category-coded"


def test_disagreeing_indexes_are_refused() -> None:
    """Promise: rows are never paired by position when their labels say otherwise."""
    x = pd.DataFrame({"a": [1.0, 2, 3]}, index=list("pqr"))
    y = pd.Series([1.0, 2, 3], index=list("prq"))
    with pytest.raises(InputError, match=r"row 1 .* labelled 'q' in X and 'r' in y"):
        open_data(x, y)
    with pytest.raises(InputError, match="X has 3 rows and y has 2"):
        open_data(x, y.iloc[:2])
    with pytest.raises(InputError, match="different pandas indexes"):
        open_data({"a": x["a"], "y": y}, "y")
    aligned = open_data(x, y.loc[x.index]).source
    assert rows_of(aligned).tolist() == [[1, 1], [2, 3], [3, 2]]


def test_a_target_left_in_the_predictors_is_refused() -> None:
    """Promise: y among the columns of X is an error, not a perfect fit."""
    frame = pd.DataFrame({"a": [1.0, 2, 3], "y": [1.0, 2, 3]})
    with pytest.raises(InputError, match="'y' is also a column of X"):
        open_data(frame, frame["y"])


def test_sources_are_chosen_by_need() -> None:
    """Promise: plain numbers are not scanned; gaps and categories are handled while reading."""
    plain = {"a": [1.0, 2.0], "y": [1.0, 2.0]}
    assert isinstance(open_data(plain, "y").source, ColumnsSource)
    assert isinstance(
        open_data(pa.table({"a": [1.0, None], "y": [1, 2]}), "y").source, EncodedSource
    )


def test_integers_beyond_float64_in_frames() -> None:
    """Promise: identifiers beyond 2^53 are reported by column, in every library."""
    columns = {"id": [2**60 + 1, 2**60 + 2], "y": [1.0, 2.0]}
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        assert "integers-rounded" in codes_of(frame)
    gaps = open_data(pa.table({"id": [2**60 + 1, None, 5], "y": [1.0, 2.0, 3.0]}), "y").source
    list(gaps.batches(10))
    assert [finding.evidence["column"] for finding in gaps.findings] == ["id"]


def test_rows_are_counted_from_zero_in_frames() -> None:
    """Promise: the row of an error is the position that iloc takes, over portions too."""
    n = 70_000
    flag = np.zeros(n, dtype=bool)
    a = pa.array([None if k == 3 else float(k) for k in range(n)])
    table = pa.table({"a": a, "f": flag, "y": np.where(np.arange(n) == 65_540, np.inf, 0.0)})
    with pytest.raises(InputError, match="column 'y' is inf at row 65540"):
        list(open_data(table, "y").source.batches(100))


@pytest.mark.parametrize(
    ("data", "target", "message"),
    [
        (pl.LazyFrame({"a": [1], "y": [1]}), "y", r"lazy query.*query\.collect\(\)"),
        (pd.DataFrame({"a": [1.0], "y": [1.0]}).iloc[:0], "y", "has no rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a", "several columns .* name: 'a'"),
        (pd.DataFrame({"a": [1j], "y": [1.0]}), "y", "'a' holds complex numbers"),
        (pd.DataFrame({"a": [1.0], "t": ["x"]}), "t", "must be numbers; column 't' holds text"),
        ({"a": [1, 2, 3], "y": [1, 2]}, "y", "'y' has 2 values and 'a' has 3"),
        ({}, "y", "empty dict"),
        ({"a": [[1, 2], [3, 4]], "y": [1, 2]}, "y", "column 'a' must be one-dimensional"),
        ({"a": np.zeros((2, 2)), "y": [1, 2]}, "y", r"its shape is \(2, 2\)"),
        ({"Height": [1, 2], "y": [1, 2]}, "hight", "no column 'hight'. Did you mean 'Height'"),
        ({"a": [1, 2], "y": [1, 2]}, None, "the target is missing"),
    ],
)  # fmt: skip
def test_refusals(data: object, target: str | None, message: str) -> None:
    """Promise: a frame that cannot be used is refused with the reason."""
    with pytest.raises(InputError, match=message):
        open_data(data, target)


def test_a_target_of_several_columns_is_refused() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 4], "b": [1.0, 3, 2], "y": [1.0, 2, 5]})
    with pytest.raises(InputError, match="one column of values; it is a data frame of 2 columns"):
        open_data(frame[["a"]], frame[["b", "y"]])


def test_names_in_the_place_of_a_name_are_refused() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 4], "b": [1.0, 3, 2], "y": [1.0, 2, 5]})
    with pytest.raises(InputError, match="not a list: pass target='y'"):
        open_data(frame, ["y"])
    with pytest.raises(InputError, match=r"names 2 columns: 'b', 'y'.*fit_many"):
        open_data(frame, ("b", "y"))


def test_columns_of_several_levels_are_called_by_their_tuples() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 4, 3], "b": [1.0, 3, 2, 2], "y": [1.0, 2, 5, 4]})
    frame.columns = pd.MultiIndex.from_tuples([("g", "a"), ("g", "b"), ("h", "y")])
    opened = open_data(frame, ("h", "y"), features=[("g", "b")])
    assert (opened.source.target, opened.source.names) == ("('h', 'y')", ("('g', 'b')",))


def test_labels_in_messages_are_plain() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 4], "y": [1.0, 2, 5]})
    with pytest.raises(InputError, match="labelled 0 in X and 2 in y"):
        open_data(frame[["a"]], frame["y"].iloc[::-1])


def test_a_frame_without_columns_says_so() -> None:
    with pytest.raises(InputError, match="it has no columns at all"):
        open_data(pd.DataFrame(index=range(3)), "y")


def test_whole_decimals_beyond_floats_are_said_to_be_rounded() -> None:
    frame = {"big": pa.array([decimal.Decimal(10) ** 30 + k for k in range(6)]), "y": range(6)}
    fit = gw.fit(pa.table(frame), "y")
    assert "integers-rounded" in [finding.code for finding in fit.findings]
