"""The normal equation made safe: as many passes over the rows as the digits asked for need."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gausswork.data.sources import FloatVector, Source
from gausswork.errors import NotFiniteError
from gausswork.leastsquares.answer import answer
from gausswork.leastsquares.backend import Backend, backend_for, default_backend
from gausswork.leastsquares.doubledouble import Array, Integers
from gausswork.leastsquares.kernels import TIERS, Predictors
from gausswork.leastsquares.moments import _EXPONENT_RANGE, Moments, Progress, accumulate
from gausswork.leastsquares.passes import blocks_of
from gausswork.leastsquares.refine import refine, unrefined, unsolved
from gausswork.leastsquares.small import fit_small
from gausswork.leastsquares.solution import STANDARD_ERROR_DIGITS, NormalEquation, Solution
from gausswork.leastsquares.spread import from_moments, from_whitened
from gausswork.leastsquares.system import Factor, System, assemble, factorize, reach
from gausswork.leastsquares.whiten import Whitened, explained, polished, whiten

if TYPE_CHECKING:
    from gausswork.leastsquares.checkpoint import Checkpoint


def least_squares(
    source: Source,
    *,
    intercept: bool = True,
    method: NormalEquation | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    backend: Backend | None = None,
    checkpoint: Checkpoint | None = None,
) -> Solution:
    """Fit a source: as few passes over the rows as the digits asked for need.

    Parameters
    ----------
    source : finite rows, or rows whose NaN are yet to be found.
    intercept : whether to fit one.
    method : the digits to ask for.
    threads : at most so many.
    progress : called with the number of rows done in the present pass.
    checkpoint : keeps how far the passes that sum have come, and says where to go on.

    Raises
    ------
    InputError
        There are no rows, a value is infinite, or a one-shot stream has overflowed.
    """
    method = method or NormalEquation()
    backend = backend or backend_for(source)
    tier = 0 if source.replayable else 1  # a stream passes by once: take the better sums at once
    exponents = blocks = None
    if checkpoint is not None and checkpoint.resuming is not None:
        tier, exponents = checkpoint.resuming.tier, checkpoint.resuming.asked
    elif source.replayable:
        solution, blocks = fit_small(
            source, intercept=intercept, method=method, backend=backend, threads=threads,
            progress=progress,
        )  # fmt: skip
        if solution is not None:
            return solution
    with contextlib.nullcontext() if checkpoint is None else checkpoint.guarding():
        while True:
            moments = accumulate(
                source, tier=tier, threads=threads, progress=progress, exponents=exponents,
                backend=backend, blocks=blocks, checkpoint=checkpoint,
            )  # fmt: skip
            blocks = None
            if not moments.finite:
                if exponents is not None or not source.replayable:
                    raise _not_finite()
                exponents = finite_exponents(source)
                continue
            more = source.replayable and tier + 1 < TIERS
            attempt, _ = _solve(moments, source, intercept, method, backend, tier, more, threads)
            if attempt is not None:
                return attempt
            tier += 1


def solve(
    moments: Moments,
    *,
    intercept: bool = True,
    method: NormalEquation | None = None,
    backend: Backend | None = None,
    powers: Sequence[int] = (),
) -> Solution:
    """Solve from the moments alone: no escalation, no refinement, the digits that they hold.

    Parameters
    ----------
    powers : columns that are powers of one column; see :attr:`System.powers`.
    """
    backend = backend or default_backend()
    tier = int(np.argmin(np.abs(np.log2(backend.gram_error) - np.log2(moments.error))))
    method = method or NormalEquation()
    found, _ = _solve(
        moments, None, intercept, method, backend, tier, False, None, powers=tuple(powers)
    )
    assert found is not None
    return found


def solve_targets(
    joint: Source,
    sources: Sequence[Source],
    parts: Callable[[Moments], Sequence[Moments]],
    *,
    intercept: bool,
    method: NormalEquation,
    threads: int | None,
    progress: Progress | None,
) -> list[Solution]:
    """Fit several targets of the same predictors: the same sums and factor serve them all.

    Parameters
    ----------
    joint : the rows with all targets; ``sources`` the same rows with one each.
    parts : takes the moments of all columns apart into those of each target.
    """
    backend = backend_for(joint)
    tier, exponents = (0 if joint.replayable else 1), None
    while True:
        moments = accumulate(
            joint, tier=tier, threads=threads, progress=progress, exponents=exponents,
            backend=backend,
        )  # fmt: skip
        if not moments.finite:
            if exponents is not None or not joint.replayable:
                raise _not_finite()
            exponents = finite_exponents(joint)
            continue
        more = joint.replayable and tier + 1 < TIERS
        solutions: list[Solution] = []
        shared: Factor | Whitened | None = None
        for part, source in zip(parts(moments), sources, strict=True):
            found, shared = _solve(
                part, source, intercept, method, backend, tier, more, threads, shared
            )
            if found is None:
                break
            solutions.append(found)
        if len(solutions) == len(sources):
            return solutions
        tier += 1


def _solve(
    moments: Moments,
    source: Source | None,
    intercept: bool,
    method: NormalEquation,
    backend: Backend,
    tier: int,
    may_escalate: bool,
    threads: int | None,
    factor: Factor | Whitened | None = None,
    powers: tuple[int, ...] | None = None,
) -> tuple[Solution | None, Factor | Whitened | None]:
    """Solve at one tier; no solution when the next one is needed.

    Parameters
    ----------
    factor : of the same predictors, where another target has brought it.
    powers : columns that are powers of one column; None for those that the source names.

    Returns
    -------
    the solution, and the factor for further targets.
    """
    wanted = method.digits_for(moments.rows * len(moments.shift))
    tolerance = 10.0 ** -min(wanted, STANDARD_ERROR_DIGITS)
    rows = source if source is not None and source.replayable else None
    with np.errstate(all="ignore"):
        system = assemble(
            moments, intercept=intercept, backend=backend, ridge=float(method.ridge),
            powers=getattr(source, "powers", ()) if powers is None else powers,
        )  # fmt: skip
        if factor is None:
            factor = _factored(system, rows, backend, may_escalate, threads)
        if factor is None:
            return None, None
        to = reach(system, factor)
        if isinstance(factor, Whitened):
            spread, state = from_whitened(system, factor), unsolved(system, factor)
        else:
            spread, state = from_moments(system, factor, to), unrefined(system, factor, to)
            # a ridge fit has no standard errors
            if spread.worst() > tolerance and not system.ridge:
                if may_escalate:
                    return None, None
                if rows is not None and wanted >= STANDARD_ERROR_DIGITS:
                    better = polished(system, factor, rows, threads)
                    spread = from_whitened(system, better) if better else spread
        if rows is not None:
            state = refine(
                state, system, factor, to, rows,
                digits=wanted, square_tolerance=2.0 * tolerance, threads=threads,
            )  # fmt: skip
        solution = answer(moments, system, factor, to, spread, state, wanted, tier, backend)
        return solution, factor


def _factored(
    system: System,
    rows: Source | None,
    backend: Backend,
    may_escalate: bool,
    threads: int | None,
) -> Factor | Whitened | None:
    """Factor the equation, with the rows where its sums leave doubt; ``None`` for better sums."""
    factor = factorize(system, backend, strict=rows is not None)
    if rows is not None and factor is not None:
        for column in factor.suspects:
            if not explained(system, factor, column, rows, threads):
                factor = None
                break
    if factor is not None or may_escalate:
        return factor
    assert rows is not None
    return whiten(system, rows, backend, threads)


def _not_finite() -> NotFiniteError:
    return NotFiniteError(
        "the sums of this data are not finite: it holds NaN, infinities, or values of too many "
        "orders of magnitude. Leave those rows out, or rescale."
    )


def finite_exponents(source: Source) -> Integers:
    """Read every row for the largest magnitudes, where the first rows have misled."""
    largest = np.zeros(len(source.names) + 1)
    sizes = backend_for(source).largest or _sizes
    for batch in blocks_of(source, 65536):
        largest = np.maximum(largest, sizes(batch.x, batch.y))  # max() would lose a NaN
    if not np.isfinite(largest).all():
        where = [*source.names, source.target][int(np.argmin(np.isfinite(largest)))]
        raise NotFiniteError(
            f"column {where!r} has values that are NaN or infinite. "
            "Leave those rows out, or replace the values."
        )
    return np.clip(-np.frexp(largest)[1].astype(np.int64), *_EXPONENT_RANGE)


def _sizes(x: Predictors, y: FloatVector) -> Array:
    """Return the largest magnitude in each column, (q,)."""
    columns = x if isinstance(x, tuple) else x.T
    return np.array([np.abs(column).max() for column in (*columns, y)], dtype=np.float64)
