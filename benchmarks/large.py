"""Files that are large: whole fits beside the peers, and memory that does not grow.

    python -m benchmarks.large [--quick] [--rows 5000000] [--rounds 5]

Every measurement is a process of its own that has fitted a small file; what is timed is from the
path of the file to the coefficients, and what is measured of memory is the process's peak. The
contestants take turns. Under a limit a fit runs in a process that may take so much more memory, no
more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import ROOT, say, write

# Normal equation from batches, for readers that bring none of their own: the arithmetic is the
# same for all, so that their times differ by the reading.
_GRAM = """
import numpy as np
def solved(batches):
    total = None
    for z in batches:
        z = np.column_stack([np.ones(len(z)), z])
        total = z.T @ z if total is None else total + z.T @ z
    return np.linalg.solve(total[:-1, :-1], total[:-1, -1])
"""

CONTESTANTS: dict[str, tuple[str, str]] = {  # imports, then the work
    "gausswork": (
        "import gausswork as gw",
        "b = gw.fit(path, target='y').coefficients",
    ),
    "pandas + scikit-learn": (
        "import pandas as pd; from sklearn.linear_model import LinearRegression",
        "d = pd.read_csv(path) if csv else pd.read_parquet(path)\n"
        "f = LinearRegression().fit(d.drop(columns='y'), d['y'])\n"
        "b = [f.intercept_, *f.coef_]",
    ),
    "polars_ds": (
        "import polars as pl, polars_ds as pds",
        "d = pl.read_csv(path) if csv else pl.read_parquet(path)\n"
        "f = d.select(pds.lin_reg(*d.columns[:-1], target='y', add_bias=True)).item().to_list()\n"
        "b = [f[-1], *f[:-1]]",
    ),
    "polars, batches": (
        "import polars as pl" + _GRAM,
        "s = pl.scan_csv(path) if csv else pl.scan_parquet(path)\n"
        "b = solved(x.to_numpy() for x in s.collect_batches(maintain_order=True))",
    ),
    "DuckDB, batches": (
        "import duckdb" + _GRAM,
        "r = duckdb.sql(f\"select * from '{path}'\").to_arrow_reader(65536)\n"
        "b = solved(np.column_stack([np.asarray(c) for c in x.columns]) for x in r)",
    ),
    "pyarrow, batches": (
        "import pyarrow.csv, pyarrow.parquet" + _GRAM,
        "r = (pyarrow.csv.open_csv(path) if csv else\n"
        "     pyarrow.parquet.ParquetFile(path, pre_buffer=False).iter_batches(65536))\n"
        "b = solved(np.column_stack([np.asarray(c) for c in x.columns]) for x in r)",
    ),
}

_RUN = """
import json, sys, time
{imports}
from benchmarks.memory import _status
path = sys.argv[1]; csv = path.endswith('csv')
{work}
path = sys.argv[2]
wall, cpu = time.perf_counter(), time.process_time()
{work}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps([wall, cpu, _status('VmHWM'), list(map(float, b))]))
"""

_LIMITED = """
import json, resource, sys
import gausswork as gw
from benchmarks.memory import _status
gw.fit(sys.argv[1], target='y')  # threads, buffers and libraries that every fit needs
before = _status('VmData')
limit = before + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
fit = gw.fit(sys.argv[2], target='y')
print(json.dumps(fit.rows))
"""


def make(folder: Path, rows: int, *, name: str, group: int | None = None, csv: bool = True) -> None:
    """Write a table of ten predictors and a target as CSV and Parquet, in flat memory.

    Parameters
    ----------
    group : rows of a row group; by default 122,880, as several programs have it.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    def parts() -> Iterator[Any]:
        rng = np.random.default_rng(0)
        for start in range(0, rows, 500_000):
            size = min(500_000, rows - start)
            x = rng.standard_normal((10, size))
            y = x.sum(axis=0) + rng.standard_normal(size)
            yield pa.table({**{f"x{j}": x[j] for j in range(10)}, "y": y})

    if group is not None and group >= rows:  # one giant row group cannot be written in parts
        pq.write_table(pa.concat_tables(parts()), folder / f"{name}.parquet", row_group_size=group)
        return
    columns, text = None, None
    for part in parts():
        if columns is None:
            columns = pq.ParquetWriter(folder / f"{name}.parquet", part.schema)
            if csv:
                text = pa.csv.CSVWriter(folder / f"{name}.csv", part.schema)
        columns.write_table(part, row_group_size=group or 122_880)
        if text is not None:
            text.write_table(part)
    for writer in (columns, text):
        if writer is not None:
            writer.close()


def race(folder: Path, rounds: int) -> dict[str, Any]:
    """Let the contestants take turns on both files; return medians and spreads by format."""
    out: dict[str, Any] = {}
    for kind in ("csv", "parquet"):
        path = folder / f"big.{kind}"
        found: dict[str, list[list[Any]]] = {}
        names = list(CONTESTANTS)
        for turn in range(rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                imports, work = CONTESTANTS[name]
                code = _RUN.format(imports=imports, work=work)
                one = _run(code, [str(folder / f"small.{kind}"), str(path)])
                if one is None and name == "polars_ds" and name not in found:
                    say("  polars_ds is not installed: left out")
                    names = [other for other in names if other != name]
                    continue
                found.setdefault(name, []).append(one)
        wanted = found["gausswork"][0][3]
        out[kind] = {"file": path.stat().st_size, "contestants": {}}
        for name, each in found.items():
            walls, cpus = sorted(e[0] for e in each), sorted(e[1] for e in each)
            quarter = len(walls) // 4
            off = max(abs(a - b) for a, b in zip(each[0][3], wanted, strict=True))
            out[kind]["contestants"][name] = {
                "wall": median(walls), "spread": (walls[-1 - quarter] - walls[quarter]) / 2,
                "best_wall": walls[0], "cpu": median(cpus), "best_cpu": cpus[0],
                "peak": max(e[2] for e in each), "rounds": len(each), "apart": off,
            }  # fmt: skip
            say(f"  {kind:8s}{name:24s}{walls[0]:7.2f} s at best, {median(walls):7.2f} median, "
                f"CPU {cpus[0]:6.2f} s, peak {max(e[2] for e in each) / 1e6:6.0f} MB")  # fmt: skip
    return out


def growth(folder: Path, rows: int) -> dict[str, Any]:
    """Return the peak memory of fits of N and 16 N rows, row groups of usual and of full size."""
    out: dict[str, Any] = {}
    for times in (1, 16):
        make(folder, times * rows, name=f"n{times}")
        make(folder, times * rows, name=f"giant{times}", group=times * rows)
        for kind, name in (
            ("CSV", f"n{times}.csv"),
            ("Parquet", f"n{times}.parquet"),
            ("Parquet, one row group", f"giant{times}.parquet"),
        ):
            imports, work = CONTESTANTS["gausswork"]
            code = _RUN.format(imports=imports, work=work)
            small = str(folder / f"small{Path(name).suffix}")
            runs = [_run(code, [small, str(folder / name)]) for _ in range(3)]
            size = (folder / name).stat().st_size
            peak = median(run[2] for run in runs if run is not None)
            out.setdefault(kind, []).append({"rows": times * rows, "file": size, "peak": peak})
            (folder / name).unlink()
    for kind, (small, large) in out.items():
        say(f"  {kind}: {small['rows']} rows {small['peak'] / 1e6:.1f} MB, {large['rows']} rows "
            f"{large['peak'] / 1e6:.1f} MB: × {large['peak'] / small['peak']:.3f}")  # fmt: skip
    return out


def under_limit(folder: Path) -> dict[str, Any]:
    """Fit files ten times as large as the memory that the process may still take."""
    out = {}
    for kind in ("csv", "parquet"):
        path = folder / f"big.{kind}"
        size = path.stat().st_size
        limit = size // 10
        found = _run(_LIMITED, [str(folder / f"small.{kind}"), str(path), str(limit)])
        out[kind] = {"file": size, "limit": limit, "rows": found}
        said = "done" if found else "failed"
        say(f"  {kind}: {size / 1e6:.0f} MB under a limit of {limit / 1e6:.0f} MB: {said}")
    return out


def _run(code: str, arguments: Sequence[str]) -> Any:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            return None
        raise RuntimeError(f"{arguments} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/large.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller files, no table")
    parser.add_argument("--rows", type=int, help="of the race (default 5,000,000; quick 300,000)")
    parser.add_argument("--rounds", type=int, help="of the race (default 5; quick 2)")
    chosen = parser.parse_args(arguments)
    quick = chosen.quick
    rows = chosen.rows or (300_000 if quick else 5_000_000)
    if not Path("/proc/self/status").exists():
        say("large: this measurement needs Linux; left out")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        say(f"large files: {rows} rows of ten predictors")
        make(folder, 2000, name="small")
        make(folder, rows, name="big")
        results = {"rows": rows, "race": race(folder, chosen.rounds or (2 if quick else 5))}
        say("memory under a limit")
        results["limit"] = under_limit(folder) if rows >= 3_000_000 else {}
        say("memory of N and of 16 N rows")
        results["growth"] = growth(folder, 50_000 if quick else 500_000)
    write("large", results, quick=quick)


if __name__ == "__main__":
    main()
