"""Several targets at once give the fits that each would have by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gausswork as gw
from gausswork.errors import InputError

RNG = np.random.default_rng(21)
N = 120
X = RNG.normal(size=(N, 3)) + np.array([0.0, 100.0, -5.0])
Y = X @ RNG.normal(size=(3, 3)) + RNG.normal(size=(N, 3))
W = RNG.uniform(0.5, 2.0, N)
COLUMNS = {**{f"x{j}": X[:, j] for j in range(3)}, **{f"t{j}": Y[:, j] for j in range(3)}}


def same(one: gw.Fit, other: gw.Fit) -> None:
    """Two fits that say the same."""
    assert one.names == other.names
    assert (one.rows, one.rank, one.target) == (other.rows, other.rank, other.target)
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-14)
    # standard errors are asked to 13 digits
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-11)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)
    np.testing.assert_array_equal(one.predict(), other.predict(X))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weights", [None, W])
def test_arrays(intercept: bool, weights: Any) -> None:
    fits = gw.fit_many(X, Y, weights=weights, intercept=intercept)
    assert list(fits) == ["y1", "y2", "y3"]
    for j, (name, fit) in enumerate(fits.items()):
        y = pd.Series(Y[:, j], name=name)
        same(fit, gw.fit(X, y, weights=weights, intercept=intercept))


@pytest.mark.parametrize("door", ["dict", "pandas", "polars", "arrow", "csv", "frames"])
def test_tables(tmp_path: Path, door: str) -> None:
    frame = pd.DataFrame(COLUMNS)
    frame.to_csv(tmp_path / "data.csv", index=False)
    data: Any = {
        "dict": COLUMNS, "pandas": frame, "polars": pl.DataFrame(COLUMNS),
        "arrow": pa.table(COLUMNS), "csv": str(tmp_path / "data.csv"),
        "frames": frame[["x0", "x1", "x2"]],
    }[door]  # fmt: skip
    targets: Any = ["t0", "t1", "t2"] if door != "frames" else frame[["t0", "t1", "t2"]]
    fits = gw.fit_many(data, targets)
    for name, fit in fits.items():
        same(fit, gw.fit(COLUMNS, name, features="x0,x1,x2"))
    features = fits["t1"].findings[0].evidence["features"]
    assert features == ["x0", "x1", "x2"]  # the other targets are no features


def test_targets_of_very_different_fit() -> None:
    """Promise: each target gets the passes that it needs, also where one is fitted perfectly."""
    perfect = X @ [1.0, 2.0, 3.0]
    y = np.column_stack([perfect, Y[:, 0], 1e-8 * Y[:, 1] + X[:, 0], np.zeros(N)])
    fits = gw.fit_many(X, y)
    for j, (name, fit) in enumerate(fits.items()):
        alone = gw.fit(X, pd.Series(y[:, j], name=name))
        np.testing.assert_allclose(fit.coefficients, alone.coefficients, rtol=1e-14, atol=1e-300)
        assert {f.code for f in fit.findings} == {f.code for f in alone.findings}


def test_ill_conditioned_predictors_share_a_whitened_factor() -> None:
    x = np.column_stack([X[:, 0], X[:, 0] + 1e-11 * X[:, 1]])
    fits = gw.fit_many(x, Y)
    for j, (name, fit) in enumerate(fits.items()):
        alone = gw.fit(x, pd.Series(Y[:, j], name=name))
        np.testing.assert_allclose(fit.coefficients, alone.coefficients, rtol=1e-12)
        assert fit.trusted_digits.min() >= 14.0


def test_the_rows_are_read_once_for_all() -> None:
    """Promise: one pass where eight digits are asked of well-conditioned data."""
    passes = []

    class Counted(dict):  # type: ignore[type-arg]
        pass

    from gausswork.data import targets as module

    opened = module.open_targets(X, Y)
    joint = opened.source
    original = type(joint).batches

    def counted(self: Any, rows: int) -> Any:
        passes.append(rows)
        return original(self, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(joint), "batches", counted)
        gw.fit_many(X, Y, method=gw.NormalEquation(digits=6))
    assert len(passes) == 1


def test_a_gap_in_any_target_leaves_the_row_out_of_all() -> None:
    y = Y.copy()
    y[5, 2] = np.nan
    fits = gw.fit_many(X, y)
    kept = np.delete(np.arange(N), 5)
    for j, (name, fit) in enumerate(fits.items()):
        same_rows = gw.fit(X[kept], pd.Series(Y[kept, j], name=name))
        np.testing.assert_allclose(fit.coefficients, same_rows.coefficients, rtol=1e-14)
        assert (fit.rows, fit.tally.dropped, fit.tally.missing) == (N - 1, 1, {"y3": 1})


def test_categories_and_frequencies() -> None:
    counts = RNG.poisson(2.0, N)
    data = {**COLUMNS, "kind": np.array(["u", "v"])[np.arange(N) % 2], "n": counts}
    fits = gw.fit_many(data, "t0,t2", features="x0,kind", frequencies="n")
    alone = gw.fit(data, "t2", features="x0,kind", frequencies="n")
    np.testing.assert_allclose(fits["t2"].coefficients, alone.coefficients, rtol=1e-14)
    assert fits["t2"].rows == counts.sum()


def test_ridge_of_several_targets() -> None:
    method = gw.NormalEquation(ridge=3.0)
    for name, fit in gw.fit_many(COLUMNS, "t0,t1", features="x0,x1", method=method).items():
        alone = gw.fit(COLUMNS, name, features="x0,x1", method=method)
        np.testing.assert_allclose(fit.coefficients, alone.coefficients, rtol=1e-14)


def test_each_fit_is_whole(tmp_path: Path) -> None:
    """Promise: a fit from several targets is saved, loaded and shown like any other."""
    fit = gw.fit_many(X, Y)["y2"]
    fit.save(tmp_path / "m.json")
    np.testing.assert_array_equal(gw.load(tmp_path / "m.json").coefficients, fit.coefficients)
    assert "y2: least squares" in str(fit)
    assert fit.show_work()


@pytest.mark.parametrize(
    ("data", "targets", "message"),
    [
        (X, ["t0", "t1"], "no column names"),
        (COLUMNS, [], "names no column"),
        (COLUMNS, ["t0", "t0"], "more than once"),
        (COLUMNS, ["t0", "tt1"], "no column 'tt1'"),
        (X, Y[:-1], "119 values"),
        ({**COLUMNS, "text": ["a"] * N}, ["t0", "text"], "must be numbers"),
    ],
)
def test_what_cannot_be_targets(data: Any, targets: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gw.fit_many(data, targets)


def test_a_target_that_is_a_feature_too_is_said() -> None:
    data = {"a": [1.0, 2, 4, 3], "b": [1.0, 3, 2, 2], "y": [1.0, 2, 5, 4]}
    with pytest.raises(InputError, match="'b' cannot be a target and a feature too"):
        gw.fit_many(data, ["y", "b"], features=["a", "b"])
