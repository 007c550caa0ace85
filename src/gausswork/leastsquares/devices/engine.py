"""The kernels of a device as the engine calls them, its weights, its first guess, its honesty."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from gausswork.data.devices.library import Library, There, first_line, within_memory
from gausswork.data.sources import Batch
from gausswork.data.weights import FREQUENCY
from gausswork.errors import InputError
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares import kernels as host_kernels
from gausswork.leastsquares.backend import Backend, default_backend
from gausswork.leastsquares.devices import kernels
from gausswork.leastsquares.devices.sums import THOUSAND, host_total, parts_of
from gausswork.leastsquares.doubledouble import Array, Integers
from gausswork.leastsquares.moments import SAMPLE_ROWS, exponents_for
from gausswork.leastsquares.weights import WeightSums

T = TypeVar("T")


def backend_of(library: Library) -> Backend:
    """Return the kernels for rows of a library; what works on sums alone is the host's.

    Raises
    ------
    InputError
        The device does not compute as IEEE 754 says, so no digit could be certified.
    """
    require_float64(library)
    return replace(
        default_backend(),
        name=library.words,
        gram_error=host_kernels.GRAM_ERROR,
        releases_gil=False,
        gram=_on(library, kernels.gram),
        residual_sums=_on(library, kernels.residual_sums),
        whitened_gram=_on(library, kernels.whitened_gram),
        small_fit=None,
        origin=_on(library, _origin),
        largest=_on(library, kernels.largest),
        weight_sums=_on(library, _weight_sums),
    )


def _on(library: Library, kernel: Callable[..., T]) -> Callable[..., T]:
    """Bind a kernel to its library; a device without memory for it is said in words."""

    @functools.wraps(kernel)
    def bound(*given: Any) -> T:
        with within_memory(library):
            return kernel(library, *given)

    return bound


def _origin(
    library: Library, opening: Batch, p: int, exponents: Integers | None
) -> tuple[Integers, Array]:
    """Guess scale and mean of each column; see :func:`moments.guessed_origin`."""
    x: Any = opening.x
    y: Any = opening.y
    stride = max(1, len(opening) // SAMPLE_ROWS)
    z = kernels.beside(library, x[::stride, :], y[::stride])
    sample = library.where(library.isfinite(z), z, library.send(np.zeros(p + 1)))
    ends = 0.5 * library.join(
        [library.reshape(end(sample, 0), (1, p + 1)) for end in (library.min, library.max)], 0
    )
    if exponents is None:
        low, high = library.host(ends)
        exponents = exponents_for(low, high)
    scaled = sample * library.send(np.ldexp(1.0, exponents.astype(np.int32)))
    return exponents, library.host(library.sum(scaled, 0)) / int(z.shape[0])


def _weight_sums(library: Library, batch: Batch, kind: str | None) -> WeightSums | None:
    """Sum the weights of a batch, which were looked at when the data was opened."""
    if kind is None or batch.weight is None:
        return None
    weight: There = library.float64(batch.weight)
    high, low = host_total(library, parts_of(library, weight, 2))
    total = (float(high), float(low))
    if kind == FREQUENCY:
        return WeightSums(int(total[0]) + int(total[1]), total, 0.0, 1.0)
    positive, nothing = weight > 0.0, 0.0 * weight
    logs = library.log(library.where(positive, weight, nothing + 1.0))
    found = library.host(
        library.join(
            [
                library.reshape(library.sum(library.float64(positive), 0), (1,)),
                library.reshape(library.sum(logs, 0), (1,)),
                library.reshape(
                    library.min(library.where(positive, weight, nothing + math.inf), 0), (1,)
                ),
            ],
            0,
        )
    )
    return WeightSums(int(found[0]), total, float(found[1]), float(found[2]))


def require_float64(library: Library) -> None:
    """Refuse a device whose float64 is not that of IEEE 754: no digit could be certified there.

    Some have none, some emulate it with fewer bits. A product of slices, whose every bit is known,
    tells, with the two error-free transformations.
    """
    numbers = np.random.default_rng(1)
    left = numbers.integers(-(2**21), 2**21, (2, THOUSAND, 5)).astype(np.float64)
    a, b = numbers.standard_normal((2, 64)) * np.exp2(numbers.integers(-30, 30, (2, 64)))
    expected = [left.transpose(0, 2, 1) @ left, *dd.two_product(a, b), *dd.two_sum(a, b)]
    remedy = (
        "Bring the arrays to the host first, as in X.cpu(), cupy.asnumpy(X) or numpy.asarray(X)."
    )
    try:
        with within_memory(library):
            there, one, other = (library.send(values) for values in (left, a, b))
            found = [
                library.transpose(there) @ there,
                *dd.two_product(one, other),
                *dd.two_sum(one, other),
            ]
            exact = all(
                np.array_equal(library.host(mine), theirs)
                for mine, theirs in zip(found, expected, strict=True)
            )
    except InputError:
        raise
    except (TypeError, RuntimeError, ValueError, NotImplementedError) as error:
        raise InputError(
            f"{library.words} does not compute in float64 ({first_line(error)}). {remedy}"
        ) from error
    if not exact:
        raise InputError(
            f"{library.words} does not compute in float64 as IEEE 754 asks: products that are "
            f"known to the last bit came out otherwise, so no digit could be certified. {remedy}"
        )
