"""Which code fills the arrays: the compiled one where it was built, NumPy otherwise: same bits."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any

from gausswork import processors
from gausswork.errors import InputError
from gausswork.sampling import numpy_path
from gausswork.sampling.numpy_path import Vector

ENVIRONMENT_VARIABLE = "GAUSSWORK_KERNELS"
GRAIN = 1 << 18  # values below which another thread would not pay
_ALIGNED = 1 << 12  # pieces end where tiles end, so that none is computed twice


def filler() -> ModuleType:
    """Return the module that fills: compiled, or plain NumPy.

    The environment variable ``GAUSSWORK_KERNELS`` (``compiled`` or ``numpy``) decides otherwise.

    Raises
    ------
    InputError
        The variable names something else, or compiled code that was not built.
    """
    return _choose(os.environ.get(ENVIRONMENT_VARIABLE, ""))


@cache
def _choose(wanted: str) -> ModuleType:
    if wanted not in ("", "compiled", "numpy"):
        raise InputError(
            f"{ENVIRONMENT_VARIABLE} must be 'compiled' or 'numpy'; got {wanted!r}. "
            "Unset it to let gausswork choose."
        )
    if wanted == "numpy":
        return numpy_path
    try:
        compiled = importlib.import_module("gausswork.sampling.compiled")
    except ImportError as error:
        if wanted == "compiled":
            raise InputError(
                f"{ENVIRONMENT_VARIABLE} is 'compiled', but the compiled samplers were not built "
                f"({error}). Reinstall gausswork where a C compiler is at hand, or unset it."
            ) from error
        return numpy_path
    return compiled


def fill(
    draw: Callable[..., None],
    out: Vector,
    seed: int,
    stream: int,
    offset: int,
    *rest: Any,
    threads: int | None,
) -> None:
    """Fill by ``draw(part, seed, stream, offset of the part, *rest)``, in threads if long."""
    wanted = processors.available() if threads is None else threads
    wanted = max(1, min(wanted, out.size // GRAIN))
    if wanted == 1:
        draw(out, seed, stream, offset, *rest)
        return
    edges = [  # of the parts
        0,
        *(
            (k * out.size // wanted + offset) // _ALIGNED * _ALIGNED - offset
            for k in range(1, wanted)
        ),
        out.size,
    ]
    with ThreadPoolExecutor(wanted - 1) as pool:
        jobs = [
            pool.submit(draw, out[a:b], seed, stream, offset + a, *rest)
            for a, b in pairwise(edges[1:])
        ]
        draw(out[: edges[1]], seed, stream, offset, *rest)
        for job in jobs:
            job.result()
