"""Peak memory of a fit beyond its input: ours and the peers', and over files of growing size.

    python -m benchmarks.memory [--quick]

Every measurement is a process of its own: the library is loaded and has fitted a small table, the
input lies in memory, the high-water mark is reset, then comes the fit. Linux only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, say, write

CONTESTANTS = (
    "gausswork",
    "gausswork, 15 digits",
    "gausswork without compiler",
    "scikit-learn",
    "statsmodels pinv",
    "NumPy lstsq",
    "textbook inv(X'X)",
)

_FIT = """
import sys
import numpy as np
from benchmarks.memory import beyond
from benchmarks.peers import FITTERS, Data
name, rows, columns, order, dtype = sys.argv[1:6]
rng = np.random.default_rng(0)
def data(n):
    p = int(columns)
    x = np.empty((n, p), dtype=dtype, order=order)
    for start in range(0, n, 10000):
        x[start:start + 10000] = rng.random((min(10000, n - start), p))
    # the column of ones is the business of those who need it, and counts as input
    needs = name.startswith(("statsmodels", "NumPy", "textbook"))
    return Data.of(x, rng.random(n).astype(dtype), ones=needs)
FITTERS[name](data(max(5000, 4 * int(columns))))
given = data(int(rows))
print(beyond(lambda: FITTERS[name](given)))
"""

_FILE = """
import sys
import gausswork as gw
from benchmarks.memory import beyond
gw.fit(sys.argv[1], target="y")
print(beyond(lambda: gw.fit(sys.argv[2], target="y")))
"""


def beyond(call: Any) -> int:
    """Return by how many bytes a call raises the resident memory at its peak."""
    import gc

    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the high-water mark
    before = _status("VmRSS")
    call()
    return max(_status("VmHWM") - before, 0)


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {key}")


def of_arrays(shapes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return peak bytes beyond the input by shape, layout and contestant."""
    out: dict[str, Any] = {}
    for rows, columns in shapes:
        for order, dtype in (("C", "float64"), ("F", "float64"), ("C", "float32")):
            names = CONTESTANTS if (order, dtype) == ("C", "float64") else CONTESTANTS[:2]
            found = {}
            for name in names:
                arguments = [name, str(rows), str(columns), order, dtype]
                found[name] = int(_run(_FIT, arguments))
            size = rows * columns * (4 if dtype == "float32" else 8)
            out[f"{rows}x{columns} {dtype} {order}"] = {"input": size, "beyond": found}
            say(f"  {rows}x{columns} {dtype} {order}: input {size / 1e6:.0f} MB, beyond " +
                ", ".join(f"{n} {v / 1e6:.1f}" for n, v in found.items()))  # fmt: skip
    return out


def of_files(sizes: Sequence[int]) -> dict[str, Any]:
    """Return peak bytes of fitting files with more and more rows of ten columns."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    out: dict[str, Any] = {"parquet": {}, "csv": {}}
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for rows in (2000, *sizes):
            columns = {f"x{j}": rng.random(rows).round(6) for j in range(9)}
            table = pa.table(columns | {"y": rng.random(rows).round(6)})
            for kind, save in (("parquet", pq.write_table), ("csv", pa.csv.write_csv)):
                path = Path(folder) / f"{rows}.{kind}"
                save(table, path)
                paths[kind, rows] = path
            del table, columns
        for kind in ("parquet", "csv"):
            for rows in sizes:
                path = paths[kind, rows]
                found = int(_run(_FILE, [str(paths[kind, 2000]), str(path)]))
                out[kind][str(rows)] = {"file": path.stat().st_size, "beyond": found}
                say(f"  {kind} {rows} rows: file {path.stat().st_size / 1e6:.0f} MB, "
                    f"beyond {found / 1e6:.1f} MB")  # fmt: skip
    return out


def _run(code: str, arguments: Sequence[str]) -> str:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arguments} failed: {done.stderr[-2000:]}")
    return str(json.loads(done.stdout.splitlines()[-1]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/memory.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller problems, no table")
    quick = parser.parse_args(arguments).quick
    if not Path("/proc/self/clear_refs").exists():
        say("memory: this measurement needs Linux; left out")
        return
    say("memory beyond the input")
    shapes = ((100_000, 10),) if quick else ((1_000_000, 10), (100_000, 200), (20_000, 1000))
    results = {"arrays": of_arrays(shapes)}
    sizes = (100_000, 400_000) if quick else (500_000, 2_000_000, 8_000_000)
    results["files"] = of_files(sizes)
    write("memory", results, quick=quick)


if __name__ == "__main__":
    main()
