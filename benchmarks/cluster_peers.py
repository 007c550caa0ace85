"""One contestant of :mod:`benchmarks.clusters` in a process of its own, warm and waiting.

    python -m benchmarks.cluster_peers NAME FOLDER

It starts its cluster of two workers, says "ready", and fits the files of a folder inside whenever a
line names one: an answer of one line says how long it took and what came out. It needs nothing of
gausswork but where that is the contestant, so it can run in an environment that has only the peer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

COLUMNS = 10
_NAMES = [f"x{j}" for j in range(COLUMNS)]


@contextmanager
def two_workers() -> Iterator[None]:
    """Start a dask cluster of two processes of one thread each."""
    import dask
    from distributed import Client, LocalCluster

    # the benchmark stops whoever's turn it is not, and nobody must take that for a death
    dask.config.set({"distributed.scheduler.worker-ttl": None})
    own = "127.0.0.1:0"
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=own, silence_logs=50
        ) as cluster,
        Client(cluster),
    ):
        yield


def files(folder: str) -> Any:
    """gausswork, files read by the workers."""
    import gausswork as gw

    return gw.fit(gw.FilesOnCluster(f"{folder}/*.parquet"), "y").coefficients


def frame(folder: str) -> Any:
    """gausswork, a dask data frame."""
    import dask.dataframe as dd

    import gausswork as gw

    return gw.fit(dd.read_parquet(folder), "y").coefficients


def arrays(folder: str) -> Any:
    """gausswork, dask arrays made of the data frame."""
    import gausswork as gw

    x, y = _arrays(folder)
    return gw.fit(x, y).coefficients


def made(folder: str) -> Any:
    """Make the arrays, and fit nothing: dask reads everything once to count the rows."""
    _arrays(folder)
    return []


def held(folder: str) -> Any:
    """gausswork, arrays that the workers hold already."""
    import gausswork as gw

    x, y = _held(folder)
    return gw.fit(x, y).coefficients


def lstsq(folder: str) -> Any:
    """dask.array.linalg.lstsq with a column of ones."""
    return _lstsq(*_arrays(folder))


def lstsq_held(folder: str) -> Any:
    """dask.array.linalg.lstsq, arrays that the workers hold already."""
    return _lstsq(*_held(folder))


def _lstsq(x: Any, y: Any) -> Any:
    import dask.array as da

    ones = da.ones((x.shape[0], 1), chunks=(x.chunks[0], 1))
    design = da.concatenate([ones, x], axis=1).rechunk({1: -1})
    return da.linalg.lstsq(design, y)[0].compute()


def dask_ml(folder: str) -> Any:
    """dask-ml's LinearRegression with its own choice of a solver, on arrays kept by the workers."""
    import dask

    return _dask_ml(*dask.persist(*_arrays(folder)))


def dask_ml_held(folder: str) -> Any:
    """dask-ml, arrays that the workers hold already."""
    return _dask_ml(*_held(folder))


def _dask_ml(x: Any, y: Any) -> Any:
    from dask_ml.linear_model import LinearRegression

    model = LinearRegression().fit(x, y)
    return [model.intercept_, *model.coef_]


def spark(folder: str) -> Any:
    """Spark MLlib's LinearRegression by the normal equation."""
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression

    rows = _session().read.parquet(folder)
    rows = VectorAssembler(inputCols=_NAMES, outputCol="x").transform(rows)
    model = LinearRegression(featuresCol="x", labelCol="y", solver="normal").fit(rows)
    return [model.intercept, *model.coefficients]


def _arrays(folder: str) -> Any:
    import dask.dataframe as dd

    table = dd.read_parquet(folder)
    both = table[[*_NAMES, "y"]].to_dask_array(lengths=True)
    return both[:, :COLUMNS], both[:, COLUMNS]


_HELD: dict[str, Any] = {}


def _held(folder: str) -> Any:
    """Return the arrays, which the first call has had read into the memory of the workers."""
    if folder not in _HELD:
        import dask
        from distributed import wait

        _HELD[folder] = dask.persist(*_arrays(folder))
        wait(_HELD[folder])
    return _HELD[folder]


def _session() -> Any:
    from pyspark.sql import SparkSession

    return (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "6g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )


@contextmanager
def _spark() -> Iterator[None]:
    session = _session()
    try:
        yield
    finally:
        session.stop()


CONTESTANTS: dict[str, Callable[[str], Any]] = {
    "gausswork, files": files,
    "gausswork, dask data frame": frame,
    "gausswork, dask arrays": arrays,
    "dask.array.linalg.lstsq": lstsq,
    "dask-ml": dask_ml,
    "only making the dask arrays": made,
    "Spark MLlib": spark,
    "gausswork, arrays held": held,
    "dask.array.linalg.lstsq, arrays held": lstsq_held,
    "dask-ml, arrays held": dask_ml_held,
}


def main() -> None:
    """Serve one contestant."""
    name, folder = sys.argv[1:3]
    with _spark() if name == "Spark MLlib" else two_workers():
        print("ready", flush=True)
        for line in sys.stdin:  # the name of a folder inside
            start = time.perf_counter()
            found = CONTESTANTS[name](folder + line.strip())
            seconds = time.perf_counter() - start
            print(json.dumps([seconds, [float(value) for value in found]]), flush=True)


if __name__ == "__main__":
    main()
