"""Promise: a fit can look at its rows again without being given them; it never keeps a copy, never
saves them, and says when they are no longer there or no longer what was fitted."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.leastsquares.rows import source_of, spread_rows


def arrays() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    x = rng.normal([1e6, 0.0], 1.0, size=(60, 2))
    return x, x @ [1.0, -2.0] + rng.normal(size=60)


def written(folder: Path, rows: int = 60) -> Path:
    x, y = arrays()
    lines = ["a,b,y", *(",".join(map(repr, r)) for r in np.column_stack((x, y)).tolist()[:rows])]
    (folder / "d.csv").write_text("\n".join(lines) + "\n")
    return folder / "d.csv"


def test_the_rows_are_kept_by_reference() -> None:
    x, y = arrays()
    fit = gw.fit(x, y)
    assert fit.source is not None
    assert fit.source.x is x
    np.testing.assert_array_equal(fit.predict(), fit.predict(x))
    lower = fit.predict(interval="confidence").lower
    np.testing.assert_array_equal(lower, fit.predict(x, interval="confidence").lower)


def test_rows_with_gaps_are_not_among_the_fitted_values() -> None:
    x, y = arrays()
    x[3, 1] = np.nan
    fit = gw.fit(x, y)
    np.testing.assert_array_equal(fit.predict(), np.delete(fit.predict(x), 3))


def test_nothing_of_the_rows_is_saved_pickled_or_written_out(tmp_path) -> None:
    x, y = arrays()
    fit = gw.fit(x, y)
    fit.save(tmp_path / "m.json")
    for other in (gw.load(tmp_path / "m.json"), pickle.loads(pickle.dumps(fit))):
        assert other.source is None
        np.testing.assert_array_equal(other.coefficients, fit.coefficients)
        np.testing.assert_array_equal(other.predict(x), fit.predict(x))
        with pytest.raises(InputError, match=r"does not have its rows.*Pass the data"):
            other.predict()
    assert "source" in fit.to_dict()  # its description, as before
    assert fit.to_dict()["source"] == "arrays 60×2"
    assert copy.copy(fit).source is fit.source
    assert copy.deepcopy(fit).source is fit.source


def test_a_stream_that_has_passed_by_is_not_kept() -> None:
    pa = pytest.importorskip("pyarrow")
    x, y = arrays()
    fit = gw.fit(pa.table({"a": x[:, 0], "b": x[:, 1], "y": y}).to_reader(), "y")
    assert fit.source is None
    with pytest.raises(InputError, match="read only once"):
        source_of(fit)
    np.testing.assert_allclose(fit.predict(x), gw.fit(x, y).predict(), rtol=1e-12)


def test_a_file_that_has_changed_is_told(tmp_path) -> None:
    path = written(tmp_path)
    fit = gw.fit(path, "y")
    assert len(spread_rows(fit, None, 1000)[1]) == 60
    written(tmp_path, rows=50)
    with pytest.raises(InputError, match=r"d\.csv has changed since it was opened.*fit it anew"):
        fit.predict()


def test_rows_that_have_gone_are_told() -> None:
    pa = pytest.importorskip("pyarrow")
    duckdb = pytest.importorskip("duckdb")
    x, y = arrays()
    rows = pa.table({"a": x[:, 0], "b": x[:, 1], "y": y})
    with duckdb.connect() as database:
        database.execute("create table t as select * from rows")
        fit = gw.fit(database.sql("select * from t"), "y")
        assert len(spread_rows(fit, None, 1000)[1]) == 60
        database.execute("delete from t where rowid >= 50")
        with pytest.raises(InputError, match=r"changed since the fit: it has 50 usable rows now"):
            fit.predict()
        with pytest.raises(InputError, match="changed"):
            spread_rows(fit, None, 1000)
    assert len(rows) == 60


@pytest.mark.parametrize("column", [0, 1, 2])
def test_values_that_have_changed_are_told(column) -> None:
    x, y = arrays()
    fit = gw.fit(x, y)
    if column < 2:
        x[5, column] += 0.5 * max(1.0, 1e-2 * abs(x[5, column]))
    else:
        y[5] *= 1.01
    with pytest.raises(InputError, match=f"values of '{['x1', 'x2', 'y'][column]}' add up to"):
        fit.predict()


def test_other_rows_may_be_looked_at_when_they_are_given() -> None:
    x, y = arrays()
    fit = gw.fit(x, y)
    assert len(spread_rows(fit, (x[:20], y[:20]), 1000)[1]) == 20


def test_two_looks_at_once_do_not_mix_up_the_rows_left_out() -> None:
    n = 200_000
    x = np.arange(n, dtype=float)
    x[::7] = np.nan
    data = {"x": x, "y": x**2 % 11.0, "kind": np.where(np.arange(n) % 3, "a", "b")}
    one = gw.fit(data, "y")
    of_many = gw.fit_many(data | {"z": x % 5.0}, ["y", "z"])["z"]
    for fit in (one, of_many):
        first: Any = source_of(fit)
        whole = first.batches(n)
        next(whole)
        seen = np.asarray(first.dropped_rows)
        next(source_of(fit).batches(1000))  # as a thread does that shares the fit
        np.testing.assert_array_equal(first.dropped_rows, seen)
        np.testing.assert_array_equal(seen, np.arange(0, n, 7))
