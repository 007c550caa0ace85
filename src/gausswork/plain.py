"""Plain data for JSON, which knows neither NaN nor infinity nor the numbers of NumPy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def number(value: float) -> float | None:
    """Return a finite number as a float, anything else as None."""
    return float(value) if math.isfinite(value) else None


def _finite(values: Any) -> bool:
    import numpy as np  # there already, where somebody has an array

    return bool(np.isfinite(values).all())


def plain(value: Any) -> Any:
    """Return nested data with nothing in it that JSON cannot write."""
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        kind = getattr(getattr(value, "dtype", None), "kind", "")
        whole = kind in ("b", "i", "u") or (kind == "f" and _finite(value))
        value = value.tolist()
        if whole:  # nothing in it needs a look of its own
            return value
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int)) else str(value)
