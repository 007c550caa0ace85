"""Compare with printed numbers: what was printed decides the tolerance."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.reference import nist

FOLDER = Path(__file__).parent / "published"

# Other programs compute in binary64 by methods that lose digits: what they print beyond
# eleven significant digits is not evidence against us.
OTHERS_PRECISION = 1e-11

Table = dict[str, npt.NDArray[np.float64]]


def case(name: str) -> dict[str, Any]:
    """Read one published analysis."""
    return dict(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def assert_printed(value: float, printed: str, what: str = "") -> None:
    """Fail unless ``value`` rounds to what was printed (or agrees to eleven digits)."""
    decimal = Decimal(printed)
    unit = Decimal(1).scaleb(int(decimal.as_tuple().exponent))
    difference = abs(Decimal(float(value)) - decimal)
    allowed = max(unit * Decimal("0.5000001"), abs(decimal) * Decimal(OTHERS_PRECISION))
    assert difference <= allowed, f"{what}: {value!r} is not the printed {printed}"


@cache
def table(name: str) -> Table:
    """Return the columns of a data set, built as the published analysis built them."""
    return _TABLES[name]()


def _read(name: str) -> Table:
    with (FOLDER / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    numeric = [key for key in rows[0] if key != "firm"]
    return {key: np.array([float(row[key]) for row in rows]) for key in numeric}


def _longley() -> Table:
    data = nist.load("Longley")
    names = ("GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR")
    columns = dict(zip(names, data.predictors, strict=True))
    return {
        n: np.array([float(v) for v in c]) for n, c in (columns | {"TOTEMP": data.target}).items()
    }


def _macro() -> Table:
    raw = _read("macro")
    growth = {f"{n}_growth": 400 * np.diff(np.log(raw[n])) for n in ("realgdp", "realinv")}
    lagged = {f"{n}_lag": raw[n][:-1] for n in ("realint", "tbilrate")}
    return growth | lagged


def _macro_lags() -> Table:
    now = _macro()
    shifted = {
        "realinv_growth_1": now["realinv_growth"][:-1],
        "realgdp_growth_1": now["realgdp_growth"][:-1],
        "realint_lag_1": now["realint_lag"][:-1],
    }
    return {name: values[1:] for name, values in now.items()} | shifted


def _sunspots() -> Table:
    activity = _read("sunspots")["activity"]
    lags = {f"lag{i}": activity[9 - i : len(activity) - i] for i in range(1, 10)}
    return {"activity": activity[9:]} | lags


_TABLES = {
    "longley": _longley,
    "macro": _macro,
    "macro-lags": _macro_lags,
    "macro-levels": lambda: _read("macro"),
    "grunfeld": lambda: _read("grunfeld"),
    "sunspots": _sunspots,
    "white1": lambda: _read("white1"),
    "white3": lambda: _read("white3"),
}
