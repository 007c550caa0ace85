"""A fit of a query on PostgreSQL beside the other ways to get one: wall time, memory, digits.

    python -m benchmarks.databases [--quick]

The server is started for this on loopback from the programs that are installed, with its own
settings but for fsync, and is gone afterwards. It works while the client does, so what is compared
is wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.common import ROOT, limited, say, timings, write
from tests.large.databases.server import PASSWORD, Server, binaries, running

COLUMNS = 10
GAUSSWORK, PUSHED = "gausswork", "sums as SQL, solved by NumPy"
PANDAS, ROWS = "pandas + SQLAlchemy + scikit-learn", "record batches through ADBC, nothing else"
_SQL = "select * from rows"

_MEMORY = """
import json, sys
from benchmarks.databases import contestants
from benchmarks.memory import beyond
name, address, small = sys.argv[1:4]
contestants(address, small)[name]()
print(json.dumps(beyond(contestants(address, "rows")[name])))
"""


def contestants(address: str, table: str = "rows") -> dict[str, Callable[[], Any]]:
    """Return what is compared, each a call that gives the coefficients (ROWS gives a count)."""
    sql = f"select * from {table}"
    return {
        GAUSSWORK: lambda: _gausswork(address, sql),
        PUSHED: lambda: _pushed(address, table),
        ROWS: lambda: _rows(address, sql),
        PANDAS: lambda: _pandas(address, sql),
    }


def _gausswork(address: str, sql: str) -> Any:
    import gausswork as gw

    return gw.fit(gw.Query(sql, address), "y").coefficients


def _pushed(address: str, table: str) -> Any:
    import numpy as np
    from adbc_driver_postgresql import dbapi

    names = ["1.0::float8", *(f"x{j}" for j in range(COLUMNS)), "y"]
    sums = [f"sum({a} * {b})" for j, a in enumerate(names) for b in names[j:]]
    with dbapi.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(f"select {', '.join(sums)} from {table}")
        values = cursor.fetchone()
    gram = np.zeros((len(names), len(names)))
    gram[np.triu_indices(len(names))] = values
    gram = gram + np.triu(gram, 1).T
    return np.linalg.solve(gram[:-1, :-1], gram[:-1, -1])


def _rows(address: str, sql: str) -> int:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return sum(len(batch) for batch in cursor.fetch_record_batch())


def _pandas(address: str, sql: str) -> Any:
    import numpy as np
    import pandas as pd
    import sqlalchemy
    from sklearn.linear_model import LinearRegression

    engine = sqlalchemy.create_engine(address.replace("postgresql://", "postgresql+psycopg2://"))
    try:
        frame = pd.read_sql(sql, engine)
    finally:
        engine.dispose()
    found = LinearRegression().fit(frame.drop(columns="y"), frame["y"])
    return np.array([found.intercept_, *found.coef_])


def load(server: Server, rows: int, table: str) -> Any:
    """Fill a table with ten columns of normal numbers; return the coefficients to all digits."""
    import numpy as np
    import pyarrow as pa

    import gausswork as gw

    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, COLUMNS))
    y = 1 + x @ np.arange(COLUMNS) + rng.normal(size=rows)
    columns = {f"x{j}": x[:, j] for j in range(COLUMNS)} | {"y": y}
    with server.connected() as cursor:
        cursor.adbc_ingest(table, pa.table(columns), mode="replace")
        cursor.execute(f"vacuum analyze {table}")
    return gw.fit(x, y, method=gw.NormalEquation(digits=15)).coefficients


def measured(server: Server, rows: int, rounds: int, *, patience: float) -> dict[str, Any]:
    """Return times, digits and memory for a table of so many rows.

    Whoever needs more than ``patience`` seconds is run once, and that once is its time.
    """
    import numpy as np

    load(server, 2000, "few")
    truth = load(server, rows, "rows")
    address = server.address
    calls = contestants(address)
    with limited(1):
        digits = {}
        for name in (GAUSSWORK, PUSHED, PANDAS):
            off = np.abs(calls[name]() / truth - 1).max()
            digits[name] = float(min(16.0, -np.log10(max(off, 1e-16))))
        times = timings({PANDAS: calls.pop(PANDAS)}, rounds=1, warm_up=False)
        if times[PANDAS].wall < patience:
            calls[PANDAS] = contestants(address)[PANDAS]
        times |= timings(calls, rounds=rounds, patience=120.0, warm_up=False)
        calls = contestants(address)
    memory = {name: _memory(name, address) for name in calls}
    for name, time in times.items():
        say(f"  {rows:,} rows, {name}: {time.wall:.2f} s (best {time.best_wall:.2f}), "
            f"{memory[name] / 1e6:.0f} MB")  # fmt: skip
    return {"times": times, "digits": digits, "memory": memory}


def _memory(name: str, address: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, name, address, "few"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(json.loads(done.stdout.splitlines()[-1]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write results/databases.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller problems, no table")
    quick = parser.parse_args(arguments).quick
    programs = binaries()
    if programs is None:
        say("databases: PostgreSQL is not installed; left out")
        return
    say("databases")
    os.environ["PGPASSWORD"] = PASSWORD
    with running(programs) as server:
        shapes = ((100_000, 3),) if quick else ((1_000_000, 7), (5_000_000, 5))
        results = {
            f"{rows}x{COLUMNS}": measured(server, rows, rounds, patience=60.0)
            for rows, rounds in shapes
        }
        with server.connected() as cursor:
            cursor.execute("select version()")
            version = str(cursor.fetchone()[0]).split(" (")[0].split(" on ")[0]
    write("databases", {"tables": results, "server": version}, quick=quick)


if __name__ == "__main__":
    main()
