"""Promise: without a cluster of one's own a local one is made for a pass, and closed after it."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

import gausswork as gw
from gausswork.errors import ClusterError

dask = pytest.importorskip("dask", reason="needs gausswork[dask]")
distributed = pytest.importorskip("distributed", reason="needs gausswork[dask]")

import dask.array as da  # noqa: E402
import dask.dataframe as dd  # noqa: E402


def table(rows: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    made = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["a", "b"])
    return made.assign(y=made.a + rng.normal(size=rows))


LENGTHS = itertools.count(100_001)


def longer_each_time() -> pd.DataFrame:
    return table(next(LENGTHS))


def no_client() -> bool:
    try:
        distributed.default_client()
    except ValueError:
        return True
    return False


def test_a_local_cluster_is_made_and_closed() -> None:
    data = table()
    fit = gw.fit(dd.from_pandas(data, npartitions=3), "y")
    assert no_client()
    one = gw.fit(data, "y")
    np.testing.assert_array_equal(fit.coefficients, one.coefficients)
    np.testing.assert_array_equal(fit.robust().standard_errors, one.robust().standard_errors)
    assert no_client()
    mine = [thread for thread in threading.enumerate() if "Dask-Worker" in thread.name]
    assert not mine


def test_a_failed_fit_closes_it_too() -> None:
    cut = dd.from_pandas(table().assign(a=np.inf), npartitions=2)
    with pytest.raises(gw.errors.InputError, match="'a' is inf at row 0"):
        gw.fit(cut, "y")
    assert no_client()


def test_descriptions_count_rows_from_the_start_where_lengths_are_known() -> None:
    x = np.ones((100, 2))
    x[70, 1] = np.inf
    with pytest.raises(gw.errors.InputError, match=r"'x2' is inf at row 70 \(counted from 0\)"):
        gw.fit(da.from_array(x, chunks=(30, 2)), da.ones(100, chunks=30))


def test_importing_gausswork_imports_no_dask() -> None:
    code = "import sys, gausswork as gw, numpy as np; gw.fit(np.eye(5)[:, :2], np.arange(5.0)); "
    code += "assert not {'dask', 'distributed'} & {name.partition('.')[0] for name in sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_workers_of_different_kinds_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    from gausswork.data.distributed import tasks

    kinds = iter(["avx2", "avx512"] * 20)
    monkeypatch.setattr(tasks, "processor", lambda: next(kinds))
    data = table()
    fit = gw.fit(dd.from_pandas(data, npartitions=2), "y")
    assert "mixed-processors" in [finding.code for finding in fit.findings]


def test_partitions_that_are_others_each_time_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from gausswork.data.distributed import cluster

    monkeypatch.setattr(cluster, "_KEEP", 0.0)  # there is no room to keep the rows
    parts = [dask.delayed(longer_each_time, pure=False)() for _ in range(2)]
    said = (
        r"\(counted from 0\) of the list of 2 delayed frames had 100,\d+ complete .* now has 100,"
    )
    with pytest.raises(ClusterError, match=said):
        gw.fit(parts, "y", method=gw.NormalEquation(digits=15))


def test_last_partitions_without_rows() -> None:
    data = table(163_840)  # two blocks and a half
    parts = [dask.delayed(data), *(dask.delayed(data[:0]) for _ in range(2))]
    fit, one = gw.fit(parts, "y"), gw.fit(data, "y")
    np.testing.assert_array_equal(fit.coefficients, one.coefficients)
