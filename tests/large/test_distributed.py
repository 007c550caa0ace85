"""Promise: rows on a cluster give the answer of one machine, bit for bit, and failures say where.

The cluster is real: processes on loopback, started once for all tests here.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gausswork as gw
from gausswork.errors import ClusterError, InputError

dask = pytest.importorskip("dask", reason="needs gausswork[dask]")
distributed = pytest.importorskip("distributed", reason="needs gausswork[dask]")

import dask.array as da  # noqa: E402
import dask.dataframe as dd  # noqa: E402

ROWS = 150_000  # more than two blocks of 65,536


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(ROWS, 4)) * [1.0, 1e3, 1.0, 1e-3] + [0.0, 1e5, 3.0, 0.0]
    table = pd.DataFrame(x, columns=["a", "b", "c", "d"])
    table["kind"] = rng.choice(["u", "v", "w"], size=ROWS)
    table["y"] = table.a - table.b / 1e3 + (table.kind == "v") + rng.normal(size=ROWS)
    table["w"] = rng.uniform(0.5, 2.0, size=ROWS)
    return table


@pytest.fixture(scope="module")
def gappy(frame: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    table = frame.copy()
    table.loc[rng.choice(ROWS, 700, replace=False), "c"] = np.nan
    table.loc[rng.choice(ROWS, 300, replace=False), "kind"] = None
    table.loc[:9000, "a"] = np.nan  # the first of seven partitions loses nearly half its rows
    return table


def same_bits(one: gw.Fit, other: gw.Fit) -> None:
    assert one.names == other.names
    for name in (
        "coefficients", "standard_errors", "trusted_digits", "standard_error_digits",
        "data_digits", "covariance",
    ):  # fmt: skip
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    assert one.moments.to_dict() == other.moments.to_dict()
    assert one.tally == other.tally
    assert (one.r_squared, one.residual_sd) == (other.r_squared, other.residual_sd)


def lengths(rows: int, parts: int, seed: int) -> tuple[int, ...]:
    """Uneven partitions."""
    cuts = np.sort(np.random.default_rng(seed).choice(rows, parts - 1, replace=False))
    return tuple(np.diff([0, *cuts, rows]).tolist())


@pytest.mark.parametrize("parts", [1, 2, 7, 64])
def test_arrays(client: Any, frame: pd.DataFrame, parts: int) -> None:
    x, y = frame[["a", "b", "c", "d"]].to_numpy(), frame.y.to_numpy()
    chunks = lengths(ROWS, parts, seed=parts)
    fit = gw.fit(da.from_array(x, chunks=(chunks, 2)), da.from_array(y, chunks=(chunks,)))
    same_bits(gw.fit(x, y), fit)


@pytest.mark.parametrize("parts", [1, 2, 7, 64])
def test_frames_with_gaps_and_categories(client: Any, gappy: pd.DataFrame, parts: int) -> None:
    features = ["a", "b", "c", "kind"]
    fit = gw.fit(dd.from_pandas(gappy, npartitions=parts), "y", features=features)
    one = gw.fit(gappy, "y", features=features)
    assert one.tally.dropped > 9000
    same_bits(one, fit)
    assert [f.code for f in fit.findings] == [f.code for f in one.findings]


@pytest.mark.parametrize("parts", [1, 2, 7, 64])
def test_arrays_in_the_memory_of_workers(client: Any, frame: pd.DataFrame, parts: int) -> None:
    """Neighbours on one worker are summed by one task; they stay as long as the fit is there."""
    x, y = frame[["a", "b", "c", "d"]].to_numpy(), frame.y.to_numpy()
    chunks = lengths(ROWS, parts, seed=parts)
    cut = (da.from_array(x, chunks=(chunks, 4)), da.from_array(y, chunks=(chunks,)))
    held = dask.persist(*cut)
    distributed.wait(held)
    one, fit = gw.fit(x, y), gw.fit(*held)
    same_bits(one, fit)
    del held  # the only other ones who know them
    np.testing.assert_array_equal(fit.robust().standard_errors, one.robust().standard_errors)
    views = dask.persist(*cut)
    some = gw.fit(views[0][:, ::2], views[1])
    np.testing.assert_array_equal(some.coefficients, gw.fit(x[:, ::2], y).coefficients)


def delayed(frame: pd.DataFrame, cuts: list[int], of: Callable[[Any], Any] = lambda d: d) -> Any:
    edges = [0, *cuts, len(frame)]
    slices = [frame.iloc[a:b] for a, b in itertools.pairwise(edges)]
    return [dask.delayed(of)(part) for part in slices]


def test_delayed_frames_some_empty(client: Any, gappy: pd.DataFrame) -> None:
    parts = delayed(gappy, [0, 5, 70_000, 70_000, 131_072, 149_999, ROWS])
    same_bits(gw.fit(gappy, "y"), gw.fit(parts, "y"))


def test_formula_learns_over_all_partitions(client: Any, gappy: pd.DataFrame) -> None:
    text = "log(y + 200) ~ poly(a, 2) + scale(b) * kind + C(kind, Treatment('w')):d"
    same_bits(gw.fit(gappy, text), gw.fit(delayed(gappy, [50_000, 50_001]), text))


def test_weights_and_frequencies(client: Any, frame: pd.DataFrame) -> None:
    options: dict[str, Any] = {"features": ["a", "b"], "weights": "w"}
    cut = dd.from_pandas(frame, npartitions=5)
    one = gw.fit(frame, "y", **options)
    same_bits(one, gw.fit(cut, "y", **options))
    x, y, w = (frame[name].to_numpy() for name in (["a", "b"], "y", "w"))
    arrays = [da.from_array(values, chunks=(40_000, *values.shape[1:])) for values in (x, y, w)]
    beside = gw.fit(arrays[0], arrays[1], weights=arrays[2], features=["a", "b"])
    np.testing.assert_array_equal(beside.coefficients, one.coefficients)


def test_target_beside_a_frame(client: Any, frame: pd.DataFrame) -> None:
    cut = dd.from_pandas(frame, npartitions=4)
    same_bits(gw.fit(frame[["a", "b"]], frame["y"]), gw.fit(cut[["a", "b"]], cut["y"]))


def test_unknown_lengths(client: Any, frame: pd.DataFrame) -> None:
    x, y = frame[["a", "b"]].to_numpy(), frame.y.to_numpy()
    xs, ys = da.from_array(x, chunks=(33_333, 2)), da.from_array(y, chunks=33_333)
    keep = xs[:, 0] > -1.0
    same_bits(gw.fit(x[x[:, 0] > -1.0], y[x[:, 0] > -1.0]), gw.fit(xs[keep], ys[keep]))


def test_arrays_with_gaps_and_other_types(client: Any) -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(140_000, 3)).astype(np.float32)
    x[rng.choice(len(x), 50), 1] = np.nan
    y = rng.integers(0, 9, size=len(x))
    fit = gw.fit(da.from_array(x, chunks=(37_000, 3)), da.from_array(y, chunks=50_000))
    same_bits(gw.fit(x, y), fit)
    assert fit.tally.missing == {"x2": 50}


def test_ill_conditioned_data_escalates_and_refines(client: Any) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(140_000, 3))
    x[:, 2] = x[:, 0] + 1e-9 * x[:, 2]
    y = x.sum(axis=1) + rng.normal(size=len(x))
    method = gw.NormalEquation(digits=15)
    one = gw.fit(x, y, method=method)
    assert one.solution.tier > 0
    assert one.solution.passes > 0
    chunks = lengths(len(x), 5, seed=1)
    parts = (da.from_array(x, chunks=(chunks, 3)), da.from_array(y, chunks=(chunks,)))
    same_bits(one, gw.fit(*parts, method=method))


def test_small_data_goes_the_same_way_as_on_one_machine(client: Any, frame: pd.DataFrame) -> None:
    few = frame.iloc[:50]
    same_bits(gw.fit(few, "y"), gw.fit(dd.from_pandas(few, npartitions=7), "y"))


def test_second_passes(client: Any, gappy: pd.DataFrame) -> None:
    features = ["a", "c", "kind"]
    gappy = gappy.iloc[:80_000]  # more than a block
    one = gw.fit(gappy, "y", features=features)
    fit = gw.fit(dd.from_pandas(gappy, npartitions=7), "y", features=features)
    for kind in ("HC0", "HC3", "HAC"):
        np.testing.assert_array_equal(
            fit.robust(kind).standard_errors, one.robust(kind).standard_errors
        )
    clustered = [each.robust("cluster", clusters="w").standard_errors for each in (one, fit)]
    np.testing.assert_array_equal(*clustered)
    assert [f.to_dict() if hasattr(f, "to_dict") else f for f in fit.check().findings] == [
        f.to_dict() if hasattr(f, "to_dict") else f for f in one.check().findings
    ]
    np.testing.assert_array_equal(fit.influence().leverage, one.influence().leverage)
    np.testing.assert_array_equal(fit.predict(), one.predict())
    new = dd.from_pandas(gappy, npartitions=3)
    np.testing.assert_array_equal(fit.predict(new), one.predict(gappy))


def test_predictions_for_arrays(client: Any, frame: pd.DataFrame) -> None:
    x, y = frame[["a", "b"]].to_numpy(), frame.y.to_numpy()
    cut = da.from_array(x, chunks=(40_000, 1))
    fit = gw.fit(cut, da.from_array(y, chunks=40_000))
    np.testing.assert_array_equal(fit.predict(cut), gw.fit(x, y).predict(x))
    lazily = cut.rechunk({1: 2}).map_blocks(fit.predict, drop_axis=1, dtype=float)
    np.testing.assert_array_equal(lazily.compute(), fit.predict(cut))


@pytest.mark.parametrize("batch", [None, 32])
def test_gradient_descent(client: Any, frame: pd.DataFrame, batch: int | None) -> None:
    few = frame.iloc[:70_000] if batch is None else frame.iloc[:3000]
    method = gw.GradientDescent(learning_rate=0.05, epochs=20, batch_size=batch)
    features = ["a", "c"]
    one = gw.fit(few, "y", features=features, method=method)
    fit = gw.fit(dd.from_pandas(few, npartitions=3), "y", features=features, method=method)
    np.testing.assert_array_equal(fit.coefficients, one.coefficients)
    assert one.descent is not None
    assert fit.descent is not None
    np.testing.assert_array_equal(fit.descent.loss, one.descent.loss)


def test_progress_counts_the_rows(client: Any, frame: pd.DataFrame) -> None:
    seen: list[int] = []
    cut = dd.from_pandas(frame, npartitions=4)
    gw.fit(cut, "y", features="a,b", progress=lambda rows, *_: seen.append(rows))
    assert seen == sorted(seen)
    assert seen[-1] == ROWS


# Failures ----------------------------------------------------------------------------------------


def broken(frame: pd.DataFrame, change: Callable[[Any], Any]) -> list[Any]:
    parts = delayed(frame, [20_000, 40_000, 60_000])
    parts[2] = dask.delayed(change)(frame.iloc[40_000:60_000])
    return parts


def _raise(part: Any) -> Any:
    raise RuntimeError("the disk is on fire")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_raise, r"partition 2 .* failed: RuntimeError: the disk is on fire"),
        (lambda d: d.drop(columns="b"), r"partition 2 .* has no column 'b'"),
        (lambda d: d.assign(b="much"), r"column 'b' holds text.* in partition 2"),
        (lambda d: d.to_numpy(), r"partition 2 .* is numpy.ndarray, not a table"),
        (lambda d: d.assign(b=np.inf), r"column 'b' is inf at row 0 .* of partition 2"),
    ],
)
def test_a_bad_partition_is_named(
    client: Any, frame: pd.DataFrame, change: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        gw.fit(broken(frame[["a", "b", "y"]], change), "y")


def test_gaps_are_refused_where_they_are(client: Any, frame: pd.DataFrame) -> None:
    parts = broken(frame[["a", "b", "y"]], lambda d: d.assign(b=d.b.where(d.b > d.b.min())))
    with pytest.raises(InputError, match=r"no value at row \d+ .* of partition 2"):
        gw.fit(parts, "y", missing="error")


def test_a_head_that_promises_something_else(client: Any, frame: pd.DataFrame) -> None:
    meta = frame[["a", "b", "y"]].iloc[:0]
    parts = broken(frame[["a", "b", "y"]], lambda d: d.assign(b="much"))
    cut = dd.from_delayed(parts, meta=meta, verify_meta=False)
    with pytest.raises(ClusterError, match=r"column 'b' holds text.* in partition 2"):
        gw.fit(cut, "y")


@pytest.mark.parametrize(
    ("data", "target", "message"),
    [
        (lambda: da.ones((10, 2), chunks=5), None, "the target is missing"),
        (lambda: da.ones((10, 2), chunks=5), da.ones(9, chunks=9), "X has 10 rows and y has 9"),
        (lambda: [dask.delayed(dict)(), 3], "y", "list with a int in it"),
        (lambda: [dask.delayed(pd.DataFrame)({"y": []})], "y", "no usable column|no rows"),
    ],
)
def test_bad_input(client: Any, data: Callable[[], Any], target: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gw.fit(data(), target)


def _hog(part: Any) -> Any:
    kept = []
    while True:
        kept.append(np.ones(5_000_000))
        time.sleep(0.02)  # lets the nanny look


def test_a_worker_out_of_memory(client: Any, frame: pd.DataFrame) -> None:
    with pytest.raises(ClusterError, match=r"died while working on partition 2 .*out of memory"):
        gw.fit(broken(frame[["a", "b", "y"]], _hog), "y")


def _allow(dask_scheduler: Any, failures: int) -> None:
    dask_scheduler.allowed_failures = failures


def _worker_dies_once(part: Any, mark: str) -> Any:
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return part
    return os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_killed_in_the_middle_changes_nothing(
    client: Any, frame: pd.DataFrame, tmp_path: Path
) -> None:
    table, mark = frame[["a", "b", "y"]], tmp_path / "killed"
    pids = client.run(os.getpid)
    parts = delayed(table, [20_000, 50_000, 70_000, 80_000, 140_000])
    parts[4] = dask.delayed(_worker_dies_once)(parts[4], str(mark))
    client.run_on_scheduler(_allow, failures=3)
    try:
        fit = gw.fit(parts, "y")
    finally:
        client.run_on_scheduler(_allow, failures=0)
    assert mark.exists()
    same_bits(gw.fit(table, "y"), fit)
    client.wait_for_workers(2, timeout=60)
    assert set(client.run(os.getpid).values()) != set(pids.values())  # one was really killed


def test_the_cluster_keeps_nothing(client: Any, frame: pd.DataFrame) -> None:
    fit = gw.fit(dd.from_pandas(frame, npartitions=3), "y", features="a,b")
    fit.robust()
    end = time.monotonic() + 10.0
    while any(client.has_what().values()) and time.monotonic() < end:
        time.sleep(0.05)  # futures are let go in the background
    assert not any(client.has_what().values())
