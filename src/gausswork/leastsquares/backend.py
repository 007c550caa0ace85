"""Which kernels serve: the compiled ones where they were built, plain NumPy otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork._native import compiled as compiled_module
from gausswork.data.sources import Source
from gausswork.findings import Finding, Severity
from gausswork.leastsquares import kernels
from gausswork.leastsquares.doubledouble import Array, DoubleDouble, Integers


@dataclass(frozen=True, slots=True)
class Backend:
    """One implementation of the hot loops; see :mod:`gausswork.leastsquares.kernels`.

    Attributes
    ----------
    name : ``"compiled"`` or ``"numpy"``.
    gram_error : error constants of the Gram matrix by tier, relative to column norms.
    releases_gil : whether threads of Python can run the kernels side by side.
    small_fit : a whole fit in one call; see :mod:`gausswork.leastsquares.small`.
    origin, largest, weight_sums : what else looks at rows, where they are not NumPy's: the guess of
        :func:`moments.guessed_origin`, the largest magnitudes of columns, :func:`weight_sums`.
    """

    name: str
    gram_error: tuple[float, ...]
    releases_gil: bool
    gram: Callable[..., kernels.Sums]
    add_sums: Callable[[kernels.Sums, kernels.Sums], kernels.Sums]
    residual_sums: Callable[..., DoubleDouble]
    whitened_gram: Callable[..., Array]
    dot: Callable[[DoubleDouble, DoubleDouble], tuple[float, float]]
    add_multiple: Callable[[DoubleDouble, DoubleDouble, DoubleDouble], DoubleDouble]
    symmetric_update: Callable[[DoubleDouble, DoubleDouble, DoubleDouble], DoubleDouble]
    cholesky: Callable[[DoubleDouble, Array, int], tuple[DoubleDouble, npt.NDArray[np.bool_]]]
    substitute: Callable[[DoubleDouble, DoubleDouble], DoubleDouble]
    invert_triangle: Callable[[DoubleDouble], Array]
    small_fit: Callable[..., Any] | None = None
    origin: Callable[..., tuple[Integers, Array]] | None = None
    largest: Callable[..., Array] | None = None
    weight_sums: Callable[..., Any] | None = None


NUMPY = Backend(
    name="numpy",
    gram_error=kernels.GRAM_ERROR,
    releases_gil=False,
    gram=kernels.gram,
    add_sums=kernels.add_sums,
    residual_sums=kernels.residual_sums,
    whitened_gram=kernels.whitened_gram,
    dot=kernels.dot,
    add_multiple=kernels.add_multiple,
    symmetric_update=kernels.symmetric_update,
    cholesky=kernels.cholesky,
    substitute=kernels.substitute,
    invert_triangle=kernels.invert_triangle,
)


def default_backend() -> Backend:
    """Return the compiled kernels if they were built, else NumPy's.

    The environment variable ``GAUSSWORK_KERNELS`` decides otherwise; see :mod:`gausswork._native`.

    Raises
    ------
    InputError
        The variable says what it cannot, or asks for compiled kernels that were not built.
    """
    if compiled_module("_kernels") is None:
        return NUMPY
    from gausswork.leastsquares import compiled

    return compiled.COMPILED


def backend_for(source: Source) -> Backend:
    """Return the kernels for the rows of a source: those of its array library where it has one."""
    library = getattr(source, "library", None)
    if library is None:
        return default_backend()
    from gausswork.leastsquares.devices import engine

    return engine.backend_of(library)


def slower_kernels_finding(backend: Backend) -> tuple[Finding, ...]:
    """Say that plain NumPy serves, if it does."""
    if backend is not NUMPY:
        return ()
    return (
        Finding(
            code="numpy-kernels",
            severity=Severity.NOTE,
            sentence="The compiled kernels are not in use: plain NumPy computed this fit. "
            "The digits are certified the same way; it takes longer.",
            remedy="Reinstall gausswork where a C compiler is at hand to have the faster ones.",
            evidence={"kernels": backend.name},
        ),
    )
