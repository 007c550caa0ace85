"""Arrays are read where they lie, converted only where they must be, and refused with a reason."""

from __future__ import annotations

import decimal
import fractions

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gausswork as gw
from gausswork.data import open_data
from gausswork.data.arrays import ArraySource, ColumnsSource
from gausswork.errors import InputError

from .data_rows import matrix, rows_of

Y = np.arange(4.0)


def numbers(dtype: str = "f8") -> np.ndarray:
    return np.arange(8).reshape(4, 2).astype(dtype)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_are_passed_through_as_views(dtype: str, order: str) -> None:
    """Promise: float64 and float32 in any order reach the engine without a copy."""
    x = np.array(numbers(dtype), order=order)
    source = open_data(x, Y).source
    for batch in source.batches(3):
        assert batch.x.dtype == x.dtype
        assert np.shares_memory(batch.x, x)
        assert np.shares_memory(batch.y, Y)


def test_strided_and_read_only_arrays_are_views_too() -> None:
    """Promise: slices, reversed and read-only arrays are read where they lie."""
    whole = np.arange(40.0).reshape(8, 5)
    x = whole[::-2, 1::2]
    x.flags.writeable = False
    (batch,) = open_data(x, Y).source.batches(10)
    assert np.shares_memory(batch.x, whole)
    assert np.array_equal(batch.x, whole[::-2, 1::2])


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "i8", "u8", "?", "f2", ">f8", ">i4", "g"])
def test_other_numbers_are_converted_to_float64(dtype: str) -> None:
    """Promise: integers, booleans, half, long and foreign-endian floats arrive as float64."""
    x = numbers(dtype)
    (batch,) = open_data(x, Y).source.batches(10)
    assert batch.x.dtype == np.float64
    assert batch.x.dtype.isnative
    assert np.array_equal(batch.x, x.astype(np.float64))


def test_fields_of_packed_records_are_read() -> None:
    """Promise: numbers that lie across word boundaries, as in packed records, are no obstacle."""
    packed = np.zeros(4, dtype=[("mark", "i1"), ("x", "f8"), ("z", "f4"), ("y", "f8")])
    packed["x"], packed["z"], packed["y"] = [1.0, 2.0, 4.0, 8.0], [3.0, 1.0, 4.0, 1.0], Y
    assert not packed["x"].flags.aligned
    for data, target in (
        (packed, "y"),
        (packed["x"], packed["y"]),
        ({"x": packed["x"], "z": packed["z"], "y": packed["y"]}, "y"),
    ):
        for batch in open_data(data, target).source.batches(3):
            columns = batch.x if isinstance(batch.x, tuple) else (batch.x,)
            assert all(column.flags.aligned for column in (*columns, batch.y))
    fit = gw.fit(packed, "y", features="x,z")
    plain = gw.fit(np.column_stack([packed["x"], packed["z"]]), Y)
    assert np.array_equal(fit.coefficients, plain.coefficients)


def test_conversion_happens_a_block_at_a_time() -> None:
    """Promise: converting integers never copies the whole array."""
    x = np.zeros((1000, 2), dtype=np.int32)
    sizes = [batch.x.nbytes for batch in open_data(x, np.zeros(1000)).source.batches(100)]
    assert sizes == [1600] * 10


def test_objects_that_are_numbers_are_converted() -> None:
    """Promise: Python ints, floats, decimals, fractions and None in object arrays are numbers."""
    x = np.array([[1, 2.5], [decimal.Decimal("0.1"), fractions.Fraction(1, 3)], [None, True],
                  [np.float32(0.5), np.int64(7)]], dtype=object)  # fmt: skip
    (batch,) = open_data(x, Y).source.batches(10)
    expected = [[1, 2.5], [0.1, 1 / 3], [np.nan, 1], [0.5, 7]]
    assert np.array_equal(batch.x, expected, equal_nan=True)


def test_a_list_of_mixed_values_is_not_turned_into_text() -> None:
    """Promise: a text in a list of numbers is named by row, column and value."""
    with pytest.raises(InputError, match=r"row 1, column 0 \(counted from 0\) is 'z', of type str"):
        open_data([[1, 2], ["z", 3]], [1, 2])


def test_text_that_spells_a_number_is_still_text() -> None:
    """Promise: the text "1.5" in an object array is refused, not read as a number."""
    with pytest.raises(InputError, match=r"row 0, column 0 .* is '1\.5'"):
        open_data(np.array([["1.5"], [2.0]], dtype=object), [1, 2])


def test_masked_elements_are_missing() -> None:
    """Promise: masked means missing, for floats and integers alike."""
    for dtype in ("f8", "i4"):
        x = np.ma.masked_equal(numbers(dtype), 4)
        kept = open_data(x, Y).source.without_missing()
        assert kept.tally.missing == {"x1": 1}
        assert rows_of(kept)[:, 0].tolist() == [0, 2, 6]


def test_masked_array_without_mask_is_a_view() -> None:
    """Promise: a masked array that masks nothing is not copied."""
    x = np.ma.masked_array(numbers())
    (batch,) = open_data(x, Y).source.batches(10)
    assert np.shares_memory(batch.x, x.data)


def test_matrix_and_lists_and_vectors_get_a_shape() -> None:
    """Promise: np.matrix, nested lists and a single vector are (n, p)."""
    with pytest.warns(PendingDeprecationWarning):
        old = np.matrix(numbers())
    for x in (old, numbers().tolist(), tuple(map(tuple, numbers()))):
        assert np.array_equal(rows_of(open_data(x, Y).source)[:, :2], numbers())
    assert open_data(np.arange(4.0), Y).source.names == ("x1",)
    assert open_data(range(4), Y).source.names == ("x1",)


def test_target_as_a_single_column_is_a_vector() -> None:
    """Promise: y of shape (n, 1) is taken as (n,), without a copy."""
    (batch,) = open_data(numbers(), Y[:, np.newaxis]).source.batches(9)
    assert batch.y.shape == (4,)
    assert np.shares_memory(batch.y, Y)


def test_no_columns_is_the_mean_alone() -> None:
    """Promise: zero predictors are allowed and reach the engine as (m, 0)."""
    (batch,) = open_data(np.empty((4, 0)), Y).source.batches(10)
    assert batch.x.shape == (4, 0)


def test_names_come_from_features() -> None:
    """Promise: features= names the columns of an array, one name each."""
    assert open_data(numbers(), Y, features="a, b").source.names == ("a", "b")
    with pytest.raises(InputError, match="needs 2 different names; got 'a'"):
        open_data(numbers(), Y, features=["a"])


def test_a_column_of_the_array_can_be_the_target() -> None:
    """Promise: target='x2' takes a column of the array and explains it by the others."""
    opened = open_data(numbers(), "x2")
    assert opened.source.names == ("x1",)
    assert rows_of(opened.source).tolist() == numbers().tolist()


@pytest.mark.parametrize(
    ("values", "beyond"),
    [
        ([2**53, -(2**53)], False),
        ([2**53 + 1, 0], True),
        ([0, -(2**53) - 1], True),
        ([np.iinfo(np.int64).min, 0], True),
    ],
)
def test_integers_that_float64_cannot_hold_are_reported(values: list[int], beyond: bool) -> None:
    """Promise: integers beyond 2^53 lose digits only with a finding that names the column."""
    opened = open_data(np.array([[1, values[0]], [2, values[1]]]), [1.0, 2.0])
    found = [f.evidence["column"] for f in opened.findings if f.code == "integers-rounded"]
    assert found == (["x2"] if beyond else [])


def test_opening_looks_at_no_float() -> None:
    """Promise: NaN and inf pass unseen until without_missing is asked: no scan on the way in."""
    x = numbers()
    x[1, 1], x[2, 0] = np.nan, np.inf
    opened = open_data(x, Y)
    assert np.array_equal(next(opened.source.batches(10)).x, x, equal_nan=True)
    with pytest.raises(InputError, match=r"column 'x1' is inf at row 2"):
        opened.source.without_missing()


def test_infinity_is_named_by_its_first_row() -> None:
    """Promise: of several infinities the first in row order is named, the sign kept."""
    x = np.zeros((300, 3))
    x[200, 0], x[100, 2] = np.inf, -np.inf
    with pytest.raises(InputError, match=r"column 'x3' is -inf at row 100 \(counted from 0\)"):
        open_data(x, np.zeros(300)).source.without_missing()


def test_infinite_target_is_named() -> None:
    """Promise: an infinite target is refused by its name."""
    with pytest.raises(InputError, match="column 'y' is inf at row 3"):
        open_data(numbers(), [0, 1, 2, np.inf]).source.without_missing()


def test_missing_error_names_the_first_gap() -> None:
    """Promise: missing='error' names column and row of the first gap."""
    x = numbers()
    x[1, 1] = x[2, 0] = np.nan
    source = open_data(x, Y, missing="error").source
    with pytest.raises(InputError, match="column 'x2' has no value at row 1"):
        source.without_missing()
    assert source.without_missing(missing="drop").tally.dropped == 2


def test_gaps_are_counted_by_column() -> None:
    """Promise: the tally counts rows read, rows dropped, and gaps per column, y included."""
    x = numbers()
    x[1] = np.nan
    tally = open_data(x, [np.nan, 1, 2, 3]).source.without_missing().tally
    assert (tally.read, tally.dropped) == (4, 2)
    assert tally.missing == {"x1": 1, "x2": 1, "y": 1}


def test_rows_without_gaps_stay_views() -> None:
    """Promise: dropping copies only the batches that have a gap."""
    x = np.arange(60.0).reshape(30, 2)
    x[14, 0] = np.nan
    batches = list(open_data(x, np.arange(30.0)).source.without_missing().batches(10))
    assert [len(batch) for batch in batches] == [10, 10, 9]
    assert [bool(np.shares_memory(batch.x, x)) for batch in batches] == [True, False, True]


def test_nothing_left_is_an_error() -> None:
    """Promise: data of which every row has a gap is refused with the worst column."""
    x = np.full((4, 2), np.nan)
    x[:, 0] = [1, 2, np.nan, np.nan]
    with pytest.raises(InputError, match=r"none of the 4 rows .* 'x2' alone has none in 4"):
        open_data(x, Y).source.without_missing()


@given(st.data())
def test_dropping_commutes_with_cutting(data: st.DataObject) -> None:
    """Promise: any gaps, any batch size, matrix or columns: the complete rows, in full batches."""
    n = data.draw(st.integers(1, 60))
    p = data.draw(st.integers(0, 3))
    rows = data.draw(st.integers(1, 70))
    x = np.arange(n * p, dtype=float).reshape(n, p)
    y = np.arange(n, dtype=float)
    for row in data.draw(st.lists(st.integers(0, n - 1), max_size=n)):
        column = data.draw(st.integers(0, p))
        (y if column == p else x[:, column])[row] = np.nan
    whole = np.column_stack([x, y])
    complete = whole[~np.isnan(whole).any(axis=1)]
    names = tuple(f"x{j}" for j in range(p))
    for source in (ArraySource(x, y, names, "y"), ColumnsSource(list(x.T), y, names, "y")):
        if not len(complete):
            with pytest.raises(InputError, match="none of the"):
                source.without_missing()
            continue
        kept = source.without_missing()
        lengths = [len(batch) for batch in kept.batches(rows)]
        assert lengths[:-1] == [rows] * (len(lengths) - 1)
        assert np.array_equal(rows_of(kept, rows), complete)
        assert kept.tally.read - kept.tally.dropped == kept.rows == len(complete)


@given(st.integers(1, 50), st.integers(1, 60))
def test_batches_concatenate_to_the_rows(n: int, rows: int) -> None:
    """Promise: batches of any size are the rows in order, all of the size asked but the last."""
    x = np.arange(2.0 * n).reshape(n, 2)
    source = open_data(x, np.arange(float(n))).source
    batches = list(source.batches(rows))
    assert [len(batch) for batch in batches] == [rows] * (n // rows) + [n % rows] * (n % rows > 0)
    assert np.array_equal(np.concatenate([matrix(batch)[:, :2] for batch in batches]), x)
    assert source.tally.read == n


def test_a_batch_size_must_be_positive() -> None:
    """Promise: batches(0) is refused instead of running forever."""
    source = open_data(numbers(), Y).source
    for one in (source, source.without_missing()):
        with pytest.raises(InputError, match="at least one row; got 0"):
            next(one.batches(0))
