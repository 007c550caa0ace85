"""Promise: data that cannot be fitted is refused with argument, value and remedy; data that can,
but is odd, is fitted with a finding. Nothing is a traceback from the depths, nothing is silent.
"""

from __future__ import annotations

import datetime
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gausswork as gw
from gausswork.errors import InputError

RNG = np.random.default_rng(7)
X = RNG.normal(size=(30, 2))
Y = X @ [1.0, 2.0] + RNG.normal(size=30)
GOOD = {"a": X[:, 0], "b": X[:, 1], "y": Y}


def changed(row: int, column: int, value: Any, dtype: Any = None) -> np.ndarray:
    x = X.astype(dtype) if dtype is not None else X.copy()
    x[row, column] = value
    return x


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "empty array": (lambda: gw.fit(np.empty((0, 2)), []), "X has no rows"),
    "empty frame": (lambda: gw.fit(pd.DataFrame(GOOD).iloc[:0], "y"), "has no rows"),
    "nothing": (lambda: gw.fit(None, "y"), "data of type NoneType is not known"),
    "a number": (lambda: gw.fit(3.0, "y"), "X must be rows by columns"),
    "a cube": (lambda: gw.fit(X[:, :, None], Y), r"shape \(30, 2, 1\).*reshape"),
    "transposed": (lambda: gw.fit(X.T, Y), r"2 rows and y has 30 values.*X\.T"),
    "two targets": (lambda: gw.fit(X, X), "y must be one column"),
    "no target": (lambda: gw.fit(X), "target is missing"),
    "no such target": (lambda: gw.fit(GOOD, "z"), "no column 'z'"),
    "text": (lambda: gw.fit(X.astype(str), Y), "X must hold real numbers; it holds text"),
    "bytes": (lambda: gw.fit(X.astype("S"), Y), "holds bytes"),
    "complex": (lambda: gw.fit(X + 1j, Y), "complex numbers.*real and the imaginary part"),
    "complex target": (lambda: gw.fit(X, Y + 1j), "y must hold real numbers"),
    "dates": (lambda: gw.fit(np.full((30, 1), np.datetime64("2020-01-01")), Y), "dates.*days"),
    "date objects": (
        lambda: gw.fit(changed(3, 1, datetime.date(2020, 1, 1), object), Y),
        r"row 3, column 1 \(counted from 0\) is datetime\.date",
    ),
    "mixed objects": (lambda: gw.fit(changed(4, 0, "x", object), Y), "row 4, column 0.*is 'x'"),
    "mixed column": (
        lambda: gw.fit(pd.DataFrame({**GOOD, "a": [*X[:29, 0], "x"]}), "y", features="a"),
        "row 29.*is 'x', of type str",
    ),
    "huge integers": (lambda: gw.fit(changed(0, 0, 10**400, object), Y), "beyond the range"),
    "infinity": (lambda: gw.fit(changed(5, 1, -math.inf), Y), "'x2' is -inf at row 5"),
    "infinite target": (lambda: gw.fit(X, np.where(np.arange(30) == 9, np.inf, Y)), "'y' is inf"),
    "overflow in a long double": (
        lambda: gw.fit(changed(2, 0, np.longdouble("1e4000"), np.longdouble), Y),
        "'x1' is inf at row 2",
    ),
    "only gaps": (lambda: gw.fit(np.full((30, 2), np.nan), Y), "none of the 30 rows"),
    "gaps refused": (lambda: gw.fit(changed(8, 1, np.nan), Y, missing="error"), "'x2'.*row 8"),
    "a method's name": (lambda: gw.fit(X, Y, method="qr"), "method must be a NormalEquation"),
    "digits as text": (lambda: gw.NormalEquation(digits="9"), r"digits must lie in \(0, 15\]"),
    "threads as text": (lambda: gw.fit(X, Y, threads="2"), "threads must be at least 1, and whole"),
    "half a thread": (lambda: gw.fit(X, Y, threads=1.5), "threads must be at least 1, and whole"),
    "an intercept in words": (lambda: gw.fit(X, Y, intercept="no"), "intercept must be True or"),
    "unknown policy": (lambda: gw.fit(X, Y, missing="fill"), "missing must be 'drop'.*got 'fill'"),
    "sparse": (lambda: gw.fit(__import__("scipy.sparse").sparse.eye(30), Y), r"X\.toarray\(\)"),
    "ragged lists": (lambda: gw.fit([[1, 2], [3]], [1, 2]), "row 1 has 1"),
    "lazy query": (lambda: gw.fit(pl.DataFrame(GOOD).lazy(), "y"), r"query\.collect\(\)"),
    "two of a name": (
        lambda: gw.fit(pd.DataFrame(X, columns=["a", "a"]), "a"),
        "same name: 'a'",
    ),
    "disagreeing indexes": (
        lambda: gw.fit(pd.DataFrame(X), pd.Series(Y, index=range(1, 31))),
        "different pandas indexes",
    ),
    "text target": (lambda: gw.fit({"a": X[:, 0], "t": ["u", "v"] * 15}, "t"), "target must be n"),
    "timestamps by name": (
        lambda: gw.fit({**GOOD, "t": [datetime.datetime(2020, 1, 1)] * 30}, "y", features="t"),
        "'t' cannot be a feature: it holds timestamps",
    ),
    "used stream": (lambda: gw.fit(used_stream(), "y"), "gave no rows. Was it read before"),
    "enormous target": (
        lambda: gw.fit(X, Y * 1e300),
        r"of the size 2e\+300.*Divide",
    ),
    "tiny target": (lambda: gw.fit(X, Y * 1e-200), "'y' has values of the size 2e-200.*Multiply"),
    "denormal target": (lambda: gw.fit(X, Y * 1e-310), "sums of their squares leave the range"),
    "denormal predictor": (
        lambda: gw.fit(X * [1.0, 1e-310], Y),
        "coefficient of 'x2' .* leaves the range of float64.*Multiply it by 1e300",
    ),
}


def used_stream() -> pa.RecordBatchReader:
    reader = pa.table(GOOD).to_reader()
    reader.read_all()
    return reader


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason(case: str) -> None:
    """Promise: the error is one of gausswork's own and says what, where and what to do."""
    fit, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        fit()


@pytest.mark.parametrize("rows", [30, 90_000])
@pytest.mark.parametrize("unit", [1e-320, 1e-300, 1e300])
def test_units_at_the_ends_of_the_range(unit: float, rows: int) -> None:
    """Promise: predictors near the ends of float64 are fitted where the answer exists: the same
    fit in other units, whichever lane computes it."""
    x, y = np.resize(X[:, :1], (rows, 1)), np.resize(Y, rows)
    scaled = x * unit
    target = 1e-100 if unit < 1.0 else 1e100  # the coefficients are then numbers of float64
    fit = gw.fit(scaled, y * target)
    exact = gw.fit(np.ldexp(scaled, 1000 if unit < 1.0 else -900), y)  # the same rounded numbers
    factor = math.ldexp(target, 1000) if unit < 1.0 else math.ldexp(target, -900)
    # the target is rounded when it is scaled: 2^-53 of each value, less than 1e-13 of a fit
    np.testing.assert_allclose(fit.coefficients[1], exact.coefficients[1] * factor, rtol=1e-13)
    assert fit.r_squared == pytest.approx(exact.r_squared, rel=1e-13)
    assert fit.findings == exact.findings


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", r"is empty \(0 bytes\)"),
    "blank": (b"\n \n\n", "nothing but blank lines"),
    "header only": (b"a,b,y\n", "a header and no rows"),
    "short row": (b"a,b,y\n1,2,3\n4,5\n", "line 3: 2 fields"),
    "long row": (b"a,b,y\n1,2,3\n4,5,6,7\n", "line 3: 4 fields"),
    "late text": (b"a,b,y\n" + b"1,2,3\n" * 99 + b"x,2,3\n", "line 101, column 'a': 'x'"),
    "Latin-1": (b"a,g,y\n1,u,1\n2,\xe9,2\n", "line 3: the byte 0xe9"),
    "Latin-1 name": (b"a,\xe9,y\n1,u,1\n", "line 1: the byte 0xe9"),
    "UTF-16": ("a,y\n1,2\n".encode("utf-16"), "UTF-16"),
    "duplicate names": (b"a,a,y\n1,2,3\n", "same name: 'a'"),
    "unclosed quote": (b'a,g,y\n1,"u,1\n2,v,2\n', "line 2: a quote"),
    "infinity": (b"a,y\n1,2\n\n-inf,3\n", "'a' is -inf at line 4"),
    "overflow": (b"a,y\n1,2\n1e999,3\n", "'a' is inf at line 3"),
    "no names": (b"1.5,2\n2.5,3\n", "lack a line of column names"),
    "Excel": (b"PK\x03\x04", "save the sheet as CSV"),
    "cut Parquet": (b"PAR1", "cannot be read as parquet"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_refused_with_a_place(case: str, tmp_path: Path) -> None:
    """Promise: a file that cannot be read is refused with its name and, in text, the line."""
    raw, message = FILES[case]
    path = tmp_path / "heights.csv"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=message) as caught:
        gw.fit(path, "y")
    assert "heights.csv" in str(caught.value)


def test_paths_refused_with_the_nearest(tmp_path: Path) -> None:
    """Promise: a missing file, a folder, a pattern without files say what is there."""
    (tmp_path / "heights.csv").write_text("a,y\n1,2\n")
    (tmp_path / "empty").mkdir()
    for path, message in (
        (tmp_path / "heigths.csv", r"Did you mean '.*heights\.csv'"),
        (tmp_path / "empty", r"is a folder without data"),
        (tmp_path / "*.parquet", "no file matches"),
    ):
        with pytest.raises(InputError, match=message):
            gw.fit(path, "y")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({**GOOD, "id": [2**60 + n for n in range(30)]}, "integers-rounded"),
        ({**GOOD, "g": ["u", "U "] * 15}, "levels-alike"),
        ({**GOOD, "intercept": X[:, 0] ** 2}, "intercept-renamed"),
        ({**GOOD, "t": [datetime.date(2020, 1, 1)] * 30}, "features-chosen"),
        ({**GOOD, "name": [f"person {n}" for n in range(30)]}, "features-chosen"),
    ],
)
def test_odd_data_is_fitted_with_a_finding(data: dict[str, Any], code: str) -> None:
    """Promise: what is odd but usable is fitted, and the finding is part of the fit."""
    fit = gw.fit(data, "y")
    assert code in [finding.code for finding in fit.findings]
    assert np.isfinite(fit.residual_sd)


ALIKE: dict[str, Callable[[], Any]] = {
    "float32": lambda: gw.fit(X.astype(np.float32), Y.astype(np.float32)),
    "Fortran": lambda: gw.fit(np.asfortranarray(X), Y),
    "big endian": lambda: gw.fit(X.astype(">f8"), Y.astype(">f8")),
    "objects": lambda: gw.fit(X.astype(object), Y.astype(object)),
    "lists": lambda: gw.fit(X.tolist(), Y.tolist()),
    "masked": lambda: gw.fit(np.ma.masked_array(X), np.ma.masked_array(Y)),
    "frame": lambda: gw.fit(pd.DataFrame(X), pd.Series(Y)),
    "stream": lambda: gw.fit(pa.table(GOOD).to_reader(), "y"),
}


@pytest.mark.parametrize("case", ALIKE)
def test_the_same_data_in_other_clothes(case: str) -> None:
    """Promise: type, order and container change nothing but, for float32, the rounding of data."""
    plain = gw.fit(X, Y)
    tolerance = 1e-6 if case == "float32" else 1e-13  # half an ulp of float32 is 6e-8
    assert np.allclose(ALIKE[case]().coefficients, plain.coefficients, rtol=tolerance, atol=0)


def test_interrupting_leaves_the_data_as_it_was(tmp_path: Path) -> None:
    """Promise: an interrupted fit changes no file and no array, and ends at once."""
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{n % 97},{n % 89}\n" for n in range(200_000)))
    before = path.read_bytes()
    x, y = X.copy(), Y.copy()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for data, target in ((path, "y"), (x, y)):
        with pytest.raises(KeyboardInterrupt):
            gw.fit(data, target, progress=interrupt)
    assert path.read_bytes() == before
    assert (x.tobytes(), y.tobytes()) == (X.tobytes(), Y.tobytes())
    assert list(tmp_path.iterdir()) == [path]


def long_csv(path: Path, copies: int) -> None:
    block = "".join(f"{n % 9973}.5,{n % 97},{n % 89}\n" for n in range(100_000))
    with path.open("w") as stream:
        stream.write("a,b,y\n")
        for _ in range(copies):
            stream.write(block)


def long_parquet(path: Path, copies: int) -> None:
    values = np.random.default_rng(1).normal(size=(3, 60_000 * copies))
    table = pa.table(dict(zip("aby", values, strict=True)))
    # one row group, the worst case: its columns lie far apart
    pq.write_table(table, path, row_group_size=len(table))


@pytest.mark.parametrize("write", [long_csv, long_parquet])
def test_memory_does_not_grow_with_the_file(
    write: Callable[[Path, int], None], tmp_path: Path
) -> None:
    """Promise: a file eight times as long takes hardly more memory (peak of a fresh process)."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("the peak of a process is read from /proc, which this system lacks")

    def peak(copies: int) -> float:
        path = tmp_path / f"data-{copies}"
        write(path, copies)
        # not getrusage: its peak begins with what the parent had when it forked
        program = (
            "import sys, gausswork as gw; gw.fit(sys.argv[1], 'y');"
            "print(*[line for line in open('/proc/self/status') if line.startswith('VmHWM')])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
        )
        return int(done.stdout.split()[1]) / 2**10  # kB -> MB

    small, large = peak(5), peak(40)
    size = (tmp_path / "data-40").stat().st_size / 2**20
    assert size > 45  # MB: reading it whole would show
    assert large - small < size / 3
