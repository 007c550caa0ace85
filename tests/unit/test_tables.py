"""Fits side by side and as tidy frames: numbers where they belong, stars only on request."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gausswork as gw
from gausswork.errors import InputError

RNG = np.random.default_rng(71)
N = 60
DATA = {k: RNG.normal(size=N) for k in "abc"}
DATA["y"] = DATA["a"] + 2.0 * DATA["b"] + RNG.normal(size=N)
SMALL, LARGE = gw.fit(DATA, "y", features="a"), gw.fit(DATA, "y", features="a,b,c")


def test_every_term_has_its_row_and_the_intercept_comes_last() -> None:
    table = gw.table(SMALL, LARGE, LARGE.robust("HC3"))
    names = [row[0] for row in table.rows if row]
    assert names[:8:2] == ["a", "b", "c", "intercept"]
    by_name = {row[0]: row for row in table.rows if row}
    assert by_name["b"][1] == ""  # not in the smaller fit
    assert float(by_name["a"][2]) == pytest.approx(LARGE.coefficients[1], abs=1e-3)
    assert by_name["rows"][1:] == ("60", "60", "60")
    assert by_name["errors"][1:] == ("ordinary", "ordinary", "HC3")
    errors = next(row for k, row in enumerate(table.rows) if k and table.rows[k - 1][0] == "a")
    assert float(errors[3].strip("()")) == pytest.approx(
        float(LARGE.robust("HC3").standard_errors[1]), rel=1e-3
    )


def test_stars_only_on_request() -> None:
    assert "*" not in gw.table(SMALL, LARGE).text()
    starred = gw.table(LARGE, LARGE.robust(), stars=True)
    by_name = {row[0]: row for row in starred.rows if row}
    assert LARGE.p_values[2] < 1e-3
    assert by_name["b"][1].endswith("***")
    assert LARGE.p_values[3] > 0.05
    assert not by_name["c"][1].endswith("*")
    assert "p < 0.05" in starred.text()


def test_names_terms_and_several_targets() -> None:
    fits = gw.fit_many(DATA, "y,c", features="a")
    table = gw.table(fits, terms=["a"])
    assert table.heads == ("", "y", "c")
    assert [row[0] for row in table.rows if row][:3] == ["a", "", "target"]
    assert gw.table([SMALL, LARGE], names=["one", "two"]).heads == ("", "one", "two")
    aliased = gw.fit({**DATA, "again": DATA["a"]}, "y", features="a,again")
    assert "aliased" in gw.table(aliased).text()
    ridge = gw.fit(DATA, "y", method=gw.NormalEquation(ridge=1.0))
    assert gw.table(ridge).text()


def test_csv_is_not_misread() -> None:
    """Promise: an error in parentheses would be a negative number in a spreadsheet."""
    hostile = gw.fit({"=1+1": DATA["a"], "y": DATA["y"]}, "y")
    rows = list(csv.reader(io.StringIO(gw.table(hostile, names=["@x"]).csv())))
    assert rows[0] == ["term", "", "'@x"]
    assert rows[1][0] == "'=1+1"
    assert rows[2][1] == "std. error"
    assert float(rows[2][2]) > 0.0
    assert not any(cell.startswith("(") for row in rows for cell in row)


def test_all_forms_have_all_estimates() -> None:
    table = gw.table(SMALL, LARGE)
    cells = [cell for row in table.rows if row for cell in row[1:] if "." in cell]
    for form in (table.text(), table.html(), table.markdown(), table.latex().replace("$-$", "-")):
        for cell in cells:
            assert cell in form


@pytest.mark.parametrize(
    ("make", "kind"),
    [(pd.DataFrame, pd.DataFrame), (pl.DataFrame, pl.DataFrame), (pa.table, pa.Table)],
)
def test_frames_in_the_library_of_the_data(make: Any, kind: type) -> None:
    """Promise: a frame of the library that the data came in."""
    fit = gw.fit(make(DATA), "y", features="a,b")
    assert isinstance(gw.tidy(fit), kind)
    assert isinstance(gw.glance(fit), kind)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_in_a_named_library(library: str) -> None:
    found = gw.tidy(SMALL, LARGE.robust("HC1"), names=["s", "l"], level=0.9, library=library)
    assert type(found).__module__.startswith(library)
    frame = found if library == "pandas" else found.to_pandas()
    assert list(frame["model"]) == ["s"] * 2 + ["l"] * 4
    assert list(frame["term"]) == [*SMALL.names, *LARGE.names]
    robust = LARGE.robust("HC1")
    errors = [*SMALL.standard_errors, *robust.standard_errors]
    np.testing.assert_array_equal(frame["standard_error"], errors)
    np.testing.assert_array_equal(frame["upper"][2:], robust.confidence_intervals(0.9)[:, 1])
    assert list(frame["errors"]) == ["ordinary"] * 2 + ["HC1"] * 4
    figures = gw.glance(SMALL, LARGE, library=library)
    figures = figures if library == "pandas" else figures.to_pandas()
    assert list(figures["aic"]) == [SMALL.aic, LARGE.aic]
    assert list(figures["degrees_of_freedom"]) == [58, 56]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gw.table(), "at least one"),
        (lambda: gw.table(SMALL, 3), "takes fits"),
        (lambda: gw.table(SMALL, names=["a", "b"]), "one name for each"),
        (lambda: gw.table(SMALL, terms=["aa"]), "has a term 'aa'"),
        (lambda: gw.table(SMALL, stars=3), "stars must be True or False"),
        (lambda: gw.tidy(SMALL, library="dplyr"), "library must be one of"),
        (lambda: gw.tidy(SMALL, level=95), "Did you mean 0.95"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
