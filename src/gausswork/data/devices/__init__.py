"""Arrays of other libraries, read where they lie: on a graphics card, or in the host's memory.

PyTorch, CuPy, JAX and whatever follows the array API standard. What lies in the host's memory NumPy
views without a copy, and the compiled kernels sum it. What does not stays where it is: its
own library forms the sums, and they alone travel.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

# Packages whose arrays have a namespace of the standard and are not arrays in the present sense.
_OTHERS = ("dask", "distributed", "gausswork", "numpy", "pandas", "polars", "pyarrow", "xarray")
_FAMILIAR = (np.ndarray, np.generic, str, list, tuple, dict, int, float)


def is_foreign(data: Any) -> bool:
    """Whether data is an array of another library than NumPy. Nothing is imported to find out."""
    if data is None or isinstance(data, _FAMILIAR):
        return False
    torch, cupy, jax = (sys.modules.get(name) for name in ("torch", "cupy", "jax"))
    for module, kind in ((torch, "Tensor"), (cupy, "ndarray"), (jax, "Array")):
        known = getattr(module, kind, None)
        if isinstance(known, type) and isinstance(data, known):
            return True
    if type(data).__module__.partition(".")[0] in _OTHERS:
        return False
    return hasattr(type(data), "__array_namespace__")
