"""The fast lane: a small regular table is fitted by one call of the compiled kernels.

At a hundred rows nearly all the time of a fit goes into calling NumPy. ``_native/small.h`` repeats
the regular case of :mod:`gausswork.leastsquares.solve` in C: the same formulas, the constants that
are passed from here, sums that are the same to the last bit. Whatever is out of the ordinary it
declines, and that module decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain

import numpy as np

from gausswork.data.sources import Batch, Source
from gausswork.findings import Finding
from gausswork.leastsquares import answer, moments, refine, spread, system
from gausswork.leastsquares.backend import Backend
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.moments import Moments, Progress, block_rows, workers_for
from gausswork.leastsquares.passes import blocks_of
from gausswork.leastsquares.solution import (
    FULL_DIGITS,
    SMALL,
    STANDARD_ERROR_DIGITS,
    NormalEquation,
    Solution,
)

MOST_PREDICTORS = 64  # SMALL_PREDICTORS of small.h

_MOST_DOUBT = 0.1  # as in system.factorize when it is strict


def fit_small(
    source: Source,
    *,
    intercept: bool,
    method: NormalEquation,
    backend: Backend,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[Solution | None, Iterator[Batch]]:
    """Fit a source that is one small block of rows, if nothing about it is out of the ordinary.

    Returns
    -------
    The solution or None, and the blocks of the source, as if none had been read.
    """
    p = len(source.names)
    blocks = blocks_of(source, block_rows(p))
    regular = 0 < p <= MOST_PREDICTORS and not method.ridge
    regular = regular and getattr(source, "weighting", None) is None
    regular = regular and not getattr(source, "low_of", ())
    if backend.small_fit is None or not regular:
        return None, blocks
    opening = next(blocks, None)
    if opening is None:
        return None, blocks
    if opening.weight is not None or len(opening) * (p + 1) > SMALL:
        return None, chain((opening,), blocks)
    following = next(blocks, None)
    if following is not None:
        return None, chain((opening, following), blocks)
    workers_for(threads, backend, 0.0)  # refuses what is not a number of threads
    solution = _fit_block(opening, source, intercept, method, backend)
    if solution is not None and progress is not None:
        progress(len(opening))
    return solution, iter((opening,))


def _fit_block(
    block: Batch, source: Source, intercept: bool, method: NormalEquation, backend: Backend
) -> Solution | None:
    names, n = source.names, len(block)
    p = len(names)
    q = p + 1
    wanted = method.digits_for(n * q)
    tolerance = 10.0 ** -min(wanted, STANDARD_ERROR_DIGITS)
    out = np.empty(2 * q * q + 10 * q + p * p + 3 * p)
    assert backend.small_fit is not None
    found = backend.small_fit(
        block.x, block.y, intercept, wanted, tolerance, bounds(backend.gram_error), out
    )
    if found is None:
        return None
    tier, passes, mean, mean_low, square, total_square, condition, trusted, data = found
    vectors, at = out[: 4 * q].reshape(4, q), 4 * q
    second, at = out[at : at + 2 * q * q].reshape(2, q, q), at + 2 * q * q
    table, at = out[at : at + 6 * q].reshape(6, q), at + 6 * q
    predictors, at = out[at : at + 3 * p].reshape(3, p), at + 3 * p
    findings: tuple[Finding, ...] = ()
    if trusted < answer._POOR_DIGITS or data < answer._NOISY_DIGITS:
        findings = tuple(answer._digit_findings(names, table[0], table[3], table[5], wanted))
    if not intercept:
        table = table[:, 1:]
    rank = p + intercept
    return Solution(
        intercept=intercept,
        coefficients=table[0],
        coefficient_lows=table[1],
        standard_errors=table[2],
        trusted_digits=table[3],
        standard_error_digits=table[4],
        data_digits=table[5],
        predictor_means=predictors[0],
        predictor_mean_lows=predictors[1],
        target_mean=mean,
        target_mean_low=mean_low,
        scales=predictors[2],
        inverse_root=out[at:].reshape(p, p),
        residual_sum_of_squares=square,
        total_sum_of_squares=total_square,
        rows=n,
        rank=rank,
        degrees_of_freedom=n - rank,
        dependencies=(),
        condition_number=condition,
        tier=tier,
        passes=passes,
        moments=Moments(
            names=names,
            target=source.target,
            rows=n,
            exponents=vectors[0].astype(np.int64),
            shift=vectors[1],
            first_high=vectors[2],
            first_low=vectors[3],
            second_high=second[0],
            second_low=second[1],
            error=backend.gram_error[tier],
        ),
        findings=findings,
    )


@cache
def bounds(gram_error: tuple[float, ...]) -> Array:
    """Return the constants of the engine, in the order of ``bounds`` in small.h."""
    return np.array(
        [
            moments.SAMPLE_ROWS,
            *moments._EXPONENT_RANGE,
            *gram_error,
            system.UNIT_ROUNDOFF,
            system.SAFETY,
            system._RESOLUTION,
            system.ROUNDING_NOISE,
            _MOST_DOUBT,
            spread._ROUNDING,
            spread._CAUTION,
            refine._RESIDUAL_ERROR,
            refine._MOST_PASSES,
            refine._LEAST_GAIN,
            FULL_DIGITS,
        ]
    )
