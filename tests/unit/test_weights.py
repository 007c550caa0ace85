"""Weights through every door: arrays, frames, files, streams, models; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gausswork as gw
from gausswork import work
from gausswork.data import Batch
from gausswork.errors import InputError
from gausswork.leastsquares.weights import weight_sums

RNG = np.random.default_rng(11)
N = 60
X = RNG.normal(size=(N, 2))
Y = X @ [2.0, -1.0] + RNG.normal(size=N)
W = RNG.uniform(0.5, 4.0, N)
COUNTS = RNG.poisson(2.0, N)
COLUMNS = {"a": X[:, 0], "b": X[:, 1], "y": Y, "w": W, "n": COUNTS}


def codes(fit: gw.Fit) -> set[str]:
    return {finding.code for finding in fit.findings}


def frames(directory: Path) -> dict[str, Any]:
    table = pa.table(COLUMNS)
    frame = pd.DataFrame(COLUMNS)
    frame.to_csv(directory / "data.csv", index=False)
    pq.write_table(table, directory / "data.parquet")
    return {
        "dict": COLUMNS,
        "pandas": frame,
        "polars": pl.DataFrame(COLUMNS),
        "arrow": table,
        "csv": str(directory / "data.csv"),
        "parquet": str(directory / "data.parquet"),
        "stream": table.to_reader(),
    }


DOORS = ["dict", "pandas", "polars", "arrow", "csv", "parquet", "stream"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("argument", "column"), [("weights", "w"), ("frequencies", "n")])
def test_a_column_of_weights_from_any_door(
    tmp_path: Path, door: str, argument: str, column: str
) -> None:
    """Promise: the same fit from every reader, and the column is no predictor."""
    data = frames(tmp_path)[door]
    if door == "stream":  # read once: the columns to leave out must be known
        data = pa.table({k: v for k, v in COLUMNS.items() if k in ("a", "b", "y", column)})
        data = data.to_reader()
    features = None if door == "stream" else "a,b"
    fit = gw.fit(data, "y", features=features, **{argument: column})
    direct = gw.fit(X, Y, **{argument: COLUMNS[column]})
    assert fit.names == ("intercept", "a", "b")
    assert (fit.weights, fit.weighting) == (
        column,
        "analytic" if argument == "weights" else "frequency",
    )
    # a stream has no second pass: the digits of better sums, not all fifteen
    tolerance = 1e-12 if door == "stream" else 1e-14
    np.testing.assert_allclose(fit.coefficients, direct.coefficients, rtol=tolerance)
    np.testing.assert_allclose(fit.standard_errors, direct.standard_errors, rtol=1e-12)
    assert fit.log_likelihood == pytest.approx(direct.log_likelihood, rel=1e-12)


@pytest.mark.parametrize("door", ["dict", "pandas", "polars", "arrow"])
def test_values_beside_a_frame(tmp_path: Path, door: str) -> None:
    """Promise: weights need not be a column of the frame, nor have a name that is free there."""
    data = frames(tmp_path)[door]
    fit = gw.fit(data, "y", features="a,b", weights=W)
    assert fit.weights == "weights"
    named = gw.fit(data, "y", features="a,b", weights=pd.Series(W, name="w"))
    np.testing.assert_array_equal(fit.coefficients, named.coefficients)
    beside = {k: v for k, v in COLUMNS.items() if k in "ab"}
    both = gw.fit(beside, Y, weights=W)
    np.testing.assert_allclose(both.coefficients, fit.coefficients, rtol=1e-15)


def test_a_frame_of_another_index_is_not_matched_by_position() -> None:
    frame = pd.DataFrame(COLUMNS)
    with pytest.raises(InputError, match="index"):
        gw.fit(frame, "y", weights=pd.Series(W, index=range(1, N + 1)))


def test_float32_and_integer_and_boolean_weights() -> None:
    counts = gw.fit(X, Y, weights=COUNTS)
    np.testing.assert_allclose(
        counts.coefficients, gw.fit(X, Y, weights=COUNTS.astype(float)).coefficients, rtol=1e-15
    )
    single = W.astype(np.float32)
    np.testing.assert_allclose(
        gw.fit(X, Y, weights=single).coefficients,
        gw.fit(X, Y, weights=single.astype(float)).coefficients,
        rtol=1e-15,
    )
    some = W > 2.0
    subset = gw.fit(X[some], Y[some])
    np.testing.assert_allclose(
        gw.fit(X, Y, weights=some).coefficients, subset.coefficients, rtol=1e-14
    )


def test_rows_with_gaps_are_left_out_with_their_weights() -> None:
    x = X.copy()
    x[[3, 17], [0, 1]] = np.nan
    keep = np.isfinite(x).all(axis=1)
    fit, kept = gw.fit(x, Y, weights=W), gw.fit(x[keep], Y[keep], weights=W[keep])
    assert fit.tally.dropped == 2
    np.testing.assert_array_equal(fit.coefficients, kept.coefficients)


def test_the_weights_may_also_be_a_predictor(tmp_path: Path) -> None:
    """Promise: where features= names the column, it is both."""
    for data in (COLUMNS, frames(tmp_path)["csv"]):
        fit = gw.fit(data, "y", features="a,w", weights="w")
        direct = gw.fit(np.column_stack([X[:, 0], W]), Y, weights=W)
        np.testing.assert_allclose(fit.coefficients, direct.coefficients, rtol=1e-14)


def test_categories_and_weights(tmp_path: Path) -> None:
    """Promise: a table that must be encoded carries its weights along."""
    kind = np.array(["u", "v", "w"])[np.arange(N) % 3]
    data = {**COLUMNS, "kind": kind}
    fit = gw.fit(data, "y", features="a,kind", weights="w")
    coded = np.column_stack([X[:, 0], kind == "v", kind == "w"]).astype(float)
    np.testing.assert_allclose(
        fit.coefficients, gw.fit(coded, Y, weights=W).coefficients, rtol=1e-13
    )


@pytest.mark.parametrize(("argument", "column"), [("weights", "w"), ("frequencies", "n")])
def test_a_weighted_fit_is_saved_and_loaded(tmp_path: Path, argument: str, column: str) -> None:
    fit = gw.fit(COLUMNS, "y", features="a,b", **{argument: column})
    fit.save(tmp_path / "model.json")
    loaded = gw.load(tmp_path / "model.json")
    assert (loaded.weights, loaded.weighting) == (column, fit.weighting)
    assert (loaded.rows, loaded.log_likelihood) == (fit.rows, fit.log_likelihood)
    np.testing.assert_array_equal(loaded.covariance, fit.covariance)
    new = X[:4]
    np.testing.assert_array_equal(loaded.predict(new, interval=0.95), fit.predict(new, 0.95))


def test_fitted_values_of_the_rows_that_the_fit_has_kept() -> None:
    fit = gw.fit(X, Y, weights=W)
    np.testing.assert_array_equal(fit.predict(), fit.predict(X))


def test_what_weights_mean_is_said() -> None:
    assert "analytic-weights" in codes(gw.fit(X, Y, weights=W))
    assert "frequency-weights" in codes(gw.fit(X, Y, frequencies=COUNTS))
    assert not codes(gw.fit(X, Y)) & {"analytic-weights", "frequency-weights"}


@pytest.mark.parametrize(
    ("argument", "values", "message"),
    [
        ("weights", np.where(np.arange(N) == 7, -1.0, W), r"-1 at row 7.*at least 0"),
        ("weights", np.where(np.arange(N) == 7, np.nan, W), r"no value at row 7"),
        ("weights", np.where(np.arange(N) == 7, np.inf, W), r"inf at row 7"),
        ("weights", np.where(np.arange(N) == 7, 1e200, W), r"1e\+200 at row 7.*Multiply"),
        ("weights", np.zeros(N), "all weights are zero"),
        ("weights", W[:-1], "59 values"),
        ("weights", np.column_stack([W, W]), "one column"),
        ("weights", "w", "no column names"),
        ("weights", ["heavy"] * N, "weights"),
        ("frequencies", W, r"whole.*weights="),
        ("frequencies", -COUNTS, "at least 0"),
        ("frequencies", np.zeros(N), "all weights are zero"),
        ("frequencies", np.where(np.arange(N) == 3, np.nan, COUNTS), "no value at row 3"),
    ],
)
def test_what_cannot_be_weights_is_refused(argument: str, values: Any, message: str) -> None:
    """Promise: the message says which argument, which value, where, and what to do."""
    with pytest.raises(InputError, match=f"(?s){message}"):
        gw.fit(X, Y, **{argument: values})


def test_both_kinds_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="both"):
        gw.fit(X, Y, weights=W, frequencies=COUNTS)


@pytest.mark.parametrize("door", ["dict", "csv", "parquet"])
def test_columns_that_cannot_be_weights(tmp_path: Path, door: str) -> None:
    bad = {**COLUMNS, "neg": -W, "text": ["x"] * N, "gap": [None, *W[1:].tolist()]}
    table = pa.table(bad)
    pq.write_table(table, tmp_path / "bad.parquet")
    table.to_pandas().to_csv(tmp_path / "bad.csv", index=False)
    data = {
        "dict": bad,
        "csv": str(tmp_path / "bad.csv"),
        "parquet": str(tmp_path / "bad.parquet"),
    }[door]
    for column, message in {
        "neg": "'neg' holds -.*at least 0",
        "text": "must be numbers",
        "gap": "'gap' has no value",
        "y": "is the target",
        "weigth": "no column 'weigth'",
    }.items():
        with pytest.raises(InputError, match=f"(?s){message}"):
            gw.fit(data, "y", features="a,b", weights=column)


def test_weights_beside_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of its columns"):
        gw.fit(frames(tmp_path)["csv"], "y", weights=W)


class Weighted:
    """A source of the user's own."""

    names = ("x1", "x2")
    target = "y"
    replayable = True

    def __init__(self, weighting: str | None, weight: Any = W) -> None:
        self.weighting = weighting
        self.weight = weight
        self.tally = gw.fit(X, Y).tally

    def batches(self, rows: int) -> Any:
        """Yield the rows."""
        for start in range(0, N, rows):
            part = slice(start, start + rows)
            yield Batch(X[part], Y[part], None if self.weight is None else self.weight[part])


def test_a_source_brings_its_own_weights() -> None:
    fit = gw.fit(Weighted("analytic"))
    np.testing.assert_array_equal(fit.coefficients, gw.fit(X, Y, weights=W).coefficients)
    with pytest.raises(InputError, match="brings its own weights"):
        gw.fit(Weighted("analytic"), weights=W)
    with pytest.raises(InputError, match="without saying what they mean"):
        gw.fit(Weighted(None))
    with pytest.raises(InputError, match="weighting of a source"):
        gw.fit(Weighted("survey"))
    with pytest.raises(InputError, match="batch without them"):
        gw.fit(Weighted("analytic", None))


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000, 4097])
def test_the_sum_of_weights_is_exact_to_twice_double(count: int) -> None:
    from fractions import Fraction

    w = 10.0 ** np.random.default_rng(count).uniform(-12, 12, count)
    sums = weight_sums(Batch(np.empty((count, 0)), np.empty(count), w), "analytic")
    assert sums is not None
    exact = sum(map(Fraction, w.tolist()), Fraction(0))
    got = Fraction(sums.total[0]) + Fraction(sums.total[1])
    assert abs(got - exact) <= exact * Fraction(2) ** -98
    assert sums.rows == count


def test_the_shown_work_is_that_of_the_weighted_equation() -> None:
    """Promise: the textbook's steps are taken with the weighted sums, and say so."""
    fit = gw.fit(COLUMNS, "y", features="a,b", weights="w")
    shown = fit.show_work()
    design = np.column_stack([np.ones(N), X])
    np.testing.assert_allclose(work.normal_equation(fit).matrix, design.T * W @ design, rtol=1e-13)
    assert "XᵀWX" in shown
    assert "(X.T * w) @ X" in shown
    assert "weighted by w" in str(fit)
    assert fit.to_dict()["weights"] == {"name": "w", "kind": "analytic"}


@pytest.mark.parametrize(("option", "column"), [("--weights", "w"), ("--frequencies", "n")])
def test_the_command_line_takes_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, column: str
) -> None:
    """Promise: the command line gives the numbers of the library."""
    from gausswork.cli import main

    path = frames(tmp_path)["csv"]
    arguments = ["fit", path, "--target", "y", "--features", "a,b", option, column, "--json"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    kind = {"--weights": "weights", "--frequencies": "frequencies"}[option]
    fit = gw.fit(path, "y", features="a,b", **{kind: column})
    assert [term["estimate"] for term in told["terms"]] == fit.coefficients.tolist()
    assert told["weights"]["name"] == column
    assert main([*arguments[:-1], "--ridge", "2.5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"]["ridge"] == 2.5
    assert told["terms"][1]["standard_error"] is None
    assert main(["fit", path, "--target", "y", option, "weigth"]) == 2
    assert "no column 'weigth'" in capsys.readouterr().err


def test_the_remedy_for_weights_that_are_too_small_can_be_written() -> None:
    """1e320 is no number."""
    with pytest.raises(InputError, match="Multiply all of them by 1e300"):
        gw.fit(np.arange(4.0)[:, None], np.arange(4.0) ** 2, weights=np.full(4, 1e-320))
