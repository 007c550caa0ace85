"""Which code fills the arrays: the compiled one where it was built, NumPy otherwise: same bits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import ModuleType
from typing import Any

from gausswork import processors
from gausswork._native import compiled as compiled_module
from gausswork.sampling import numpy_path
from gausswork.sampling.numpy_path import Vector

GRAIN = 1 << 18  # values below which another thread would not pay
_ALIGNED = 1 << 12  # pieces end where tiles end, so that none is computed twice


def filler() -> ModuleType:
    """Return the module that fills: compiled, or plain NumPy.

    The environment variable ``GAUSSWORK_KERNELS`` decides otherwise; see :mod:`gausswork._native`.

    Raises
    ------
    InputError
        The variable says what it cannot, or asks for compiled code that was not built.
    """
    if compiled_module("_sampling") is None:
        return numpy_path
    from gausswork.sampling import compiled

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
