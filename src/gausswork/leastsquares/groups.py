"""One regression for each group of rows, all from one pass."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.groups import OpenedGroups, named, open_groups, ordered
from gausswork.data.kinds import listed
from gausswork.data.recipe import INTERCEPT, Recipe
from gausswork.data.snapshots import one_snapshot
from gausswork.data.sources import Tally
from gausswork.data.weights import ANALYTIC, FREQUENCY
from gausswork.errors import InputError, NotFiniteError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.backend import Backend, default_backend
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.fitting import check_arguments
from gausswork.leastsquares.grouped import PRODUCT_ERROR, GroupSums, side_by_side
from gausswork.leastsquares.refit import fit_of
from gausswork.leastsquares.small import MOST_PREDICTORS, bounds
from gausswork.leastsquares.solution import STANDARD_ERROR_DIGITS, NormalEquation, Solution
from gausswork.leastsquares.solve import solve

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

_POOR_DIGITS = 4.0
_WORTH_A_THREAD = 64  # groups
_NAMED = 5  # groups that a finding names


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Groups:
    """The fits of all groups: a mapping from the group to its :class:`Fit`.

    Arrays have a row for each group, in the order of ``keys``; within a row the k terms are in the
    order of ``names``. What is not defined in a group is NaN: the coefficient of a column that
    repeats others there, or the standard errors of a group without degrees of freedom.

    Attributes
    ----------
    by : names of the columns that say which rows belong together.
    keys : the groups, in order; with several columns tuples of their labels.
    names : the k terms, the intercept first.
    target : what is explained.
    rows : (g,) rows of each group; frequencies added up.
    rank : (g,) coefficients estimated.
    effective_rank : (g,) the rank, but for a ridge fit, whose coefficients are shrunk.
    coefficients, standard_errors : (g, k).
    trusted_digits, standard_error_digits, data_digits : (g, k) as in :class:`Fit`.
    residual_sum_of_squares, total_sum_of_squares : (g,).
    tally : rows read and left out in all.
    description : what was fitted.
    findings : what the reader should know of all groups together; ``groups[key].findings`` has
        those of one.
    """

    by: tuple[str, ...]
    keys: tuple[Hashable, ...]
    names: tuple[str, ...]
    target: str
    rows: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    effective_rank: Vector
    coefficients: Matrix
    standard_errors: Matrix
    trusted_digits: Matrix
    standard_error_digits: Matrix
    data_digits: Matrix
    residual_sum_of_squares: Vector
    total_sum_of_squares: Vector
    tally: Tally
    description: str
    findings: tuple[Finding, ...]
    _sums: GroupSums = field(repr=False)
    _numbers: tuple[int, ...] = field(repr=False)
    _recipe: Recipe = field(repr=False)
    _intercept: bool = field(repr=False)
    _method: NormalEquation = field(repr=False)
    _place: dict[Hashable, int] = field(repr=False)

    @property
    def degrees_of_freedom(self) -> npt.NDArray[np.int64]:
        """Rows minus rank, (g,)."""
        return self.rows - self.rank

    @property
    def residual_sd(self) -> Vector:
        """Residual standard deviation, (g,); NaN without degrees of freedom."""
        free = self.rows - self.effective_rank
        with np.errstate(all="ignore"):
            return np.where(free > 0, np.sqrt(self.residual_sum_of_squares / free), np.nan)

    @property
    def r_squared(self) -> Vector:
        """1 − RSS / TSS, (g,); about the mean, without an intercept about zero."""
        with np.errstate(all="ignore"):
            return 1.0 - self.residual_sum_of_squares / self.total_sum_of_squares

    @property
    def t_values(self) -> Matrix:
        """Estimate / standard error, (g, k)."""
        with np.errstate(all="ignore"):
            return self.coefficients / self.standard_errors

    @property
    def p_values(self) -> Matrix:
        """Two-sided p-values of the t tests, (g, k)."""
        from scipy.special import stdtr

        free = np.maximum(self.degrees_of_freedom, 0).astype(np.float64)[:, None]
        with np.errstate(all="ignore"):
            return np.asarray(2.0 * stdtr(free, -np.abs(self.t_values)))

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self._place

    def __getitem__(self, key: Hashable) -> Fit:
        """Return the fit of one group, with all that a fit from sums can do.

        Raises
        ------
        InputError
            There is no such group.
        """
        if key not in self._place:
            from gausswork.data.kinds import nearest

            texts = {str(known): known for known in self.keys}
            guess = nearest(str(key), list(texts))
            meant = f" Did you mean {texts[guess]!r}?" if guess is not None else ""
            raise InputError(
                f"there is no group {key!r}.{meant} Groups are {listed(map(str, self.keys))}."
            )
        number = self._numbers[self._place[key]]
        moments = self._sums.moments(number)
        return fit_of(
            moments,
            self._recipe,
            intercept=self._intercept,
            method=self._method,
            tally=Tally(moments.rows, 0, {}),
            description=f"{self.description} where {_said(self.by, key)}",
        )

    def items(self) -> Iterator[tuple[Hashable, Fit]]:
        """Yield every group with its fit, made when it is asked for."""
        for key in self.keys:
            yield key, self[key]

    def columns(self) -> dict[str, list[Any]]:
        """Return plain columns, one row a group and term, for a data frame of any library.

        The columns of ``by``, then term, estimate, standard_error, t, p, trusted_digits, rows, rank
        and residual_sd. What is undefined is NaN.
        """
        g, k = self.coefficients.shape
        every: dict[str, list[Any]] = {}
        for place, name in enumerate(self.by):
            of = [key[place] if len(self.by) > 1 else key for key in self.keys]  # type: ignore[index]
            every[name] = [label for label in of for _ in range(k)]
        taken = set(every)
        found = {
            "term": list(self.names) * g,
            "estimate": self.coefficients.ravel().tolist(),
            "standard_error": self.standard_errors.ravel().tolist(),
            "t": self.t_values.ravel().tolist(),
            "p": self.p_values.ravel().tolist(),
            "trusted_digits": self.trusted_digits.ravel().tolist(),
            "rows": np.repeat(self.rows, k).tolist(),
            "rank": np.repeat(self.rank, k).tolist(),
            "residual_sd": np.repeat(self.residual_sd, k).tolist(),
        }
        return every | {(f"{n} (fit)" if n in taken else n): v for n, v in found.items()}

    def to_frame(self, library: str | None = None) -> Any:
        """Return :meth:`columns` as a data frame.

        Parameters
        ----------
        library : ``"pandas"``, ``"polars"`` or ``"pyarrow"``; by default that of the data, else one
            that is loaded, else pyarrow.
        """
        from gausswork.tables.groups import frame

        return frame(self, library)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data for JSON, undefined numbers as None."""
        from gausswork.tables.groups import document

        return document(self)

    def __str__(self) -> str:
        from gausswork import tables
        from gausswork.tables.groups import grid

        return tables.printable(grid(self))

    def __repr__(self) -> str:
        return f"Groups(by={', '.join(self.by)!r}, groups={len(self)}, terms={len(self.names)})"


@one_snapshot
def fit_groups(
    data: Any,
    target: Any = None,
    by: Any = None,
    *,
    features: str | Sequence[str] | None = None,
    weights: Any = None,
    frequencies: Any = None,
    intercept: bool = True,
    missing: str = "drop",
    method: NormalEquation | None = None,
    threads: int | None = None,
    progress: Callable[[int, int | None, int | None], None] | None = None,
) -> Groups:
    """Fit one regression for each group of rows, all in one pass over the data.

    The sums of every group are kept to some thirty digits, so that no group needs a second pass: a
    stream or a file is read once, whatever the number of groups. A group in which columns repeat
    each other, or with too few rows, is a finding and no error.

    Parameters
    ----------
    data, target, features, weights, frequencies, intercept, missing, threads, progress : as of
        :func:`fit`; ``target`` can be a formula.
    by : the column that says which rows belong together, or several as a list or ``"a,b"``; or the
        (n,) labels. Rows without a label are left out and counted.
    method : a :class:`NormalEquation`.

    Returns
    -------
    Groups

    Raises
    ------
    InputError
        An argument or the data cannot be used; the message says what to do.

    Examples
    --------
    >>> import gausswork as gw
    >>> data = {
    ...     "shop": ["north"] * 3 + ["south"] * 3,
    ...     "x": [1, 2, 3, 1, 2, 3],
    ...     "y": [2, 4, 6, 1, 0, -1],
    ... }
    >>> groups = gw.fit_groups(data, "y ~ x", by="shop")
    >>> groups.keys
    ('north', 'south')
    >>> [round(float(slope), 12) for slope in groups.coefficients[:, 1]]
    [2.0, -1.0]
    """
    method = method if method is not None else NormalEquation()
    if not isinstance(method, NormalEquation):
        raise InputError(f"method must be a NormalEquation for groups; got {method!r}.")
    if threads is not None and (not isinstance(threads, int | np.integer) or threads < 1):
        raise InputError(f"threads must be at least 1, and whole; got {threads!r}.")
    intercept = check_arguments(intercept, features, weights, frequencies)
    opened = open_groups(
        data, target, by, features=features, missing=missing, progress=progress,
        weights=weights if frequencies is None else frequencies,
        weighting=ANALYTIC if frequencies is None else FREQUENCY,
    )  # fmt: skip
    if opened.intercept is not None:
        if not intercept:
            raise InputError(
                "intercept=False and a formula both speak of the intercept. Say it in the formula: "
                "it ends in - 1 where there is none."
            )
        intercept = opened.intercept
    if intercept and INTERCEPT in opened.recipe.names:
        raise InputError(
            "a predictor is called 'intercept', and the fit adds an intercept of its own. "
            "Rename the column, leave it out, or fit without an intercept."
        )
    backend = default_backend()
    sums = _summed(opened, backend, threads, progress)
    return _solved(opened, sums, intercept, method, backend)


def _summed(
    opened: OpenedGroups,
    backend: Backend,
    threads: int | None,
    progress: Callable[[int, int | None, int | None], None] | None,
) -> GroupSums:
    recipe = opened.recipe
    sums = GroupSums(
        recipe.names,
        recipe.target,
        recipe.weights.kind if recipe.weights else None,
        () if recipe.formula is None else recipe.formula.low_of,
        backend,
        threads,
    )
    rows = 0
    for batch, numbers in opened.batches():
        sums.add(batch, numbers, opened.table.groups)
        rows += len(batch)
        if progress is not None:
            progress(rows, opened.table.bytes_done, opened.table.bytes_total)
    return sums


def _solved(
    opened: OpenedGroups,
    sums: GroupSums,
    intercept: bool,
    method: NormalEquation,
    backend: Backend,
) -> Groups:
    recipe = opened.recipe
    labels = named(opened.table.keys[: sums.groups])
    numbers = [number for number in ordered(labels) if sums.rows[number] > 0]
    keys = tuple(labels[number] for number in numbers)
    if not keys:
        raise InputError("no group has a row of positive weight, so there is nothing to fit.")
    k = len(recipe.names) + intercept
    table = np.full((5, len(keys), k), np.nan)
    squares = np.zeros((2, len(keys)))
    rank = np.full(len(keys), k, dtype=np.int64)
    effective = rank.astype(np.float64)
    rest = _by_the_compiled(sums, numbers, intercept, method, backend, table, squares)
    powers = () if recipe.formula is None else recipe.formula.powers
    lacking: list[int] = []
    for place in rest.tolist():
        moments = sums.moments(numbers[place])
        if not moments.finite:
            raise NotFiniteError(
                f"the sums of the group {keys[place]!r} are not finite: its values are of too many "
                "orders of magnitude. Rescale the columns, or leave those rows out."
            )
        found = solve(moments, intercept=intercept, method=method, powers=powers, backend=backend)
        _enter(found, table[:, place], squares[:, place])
        rank[place], effective[place] = found.rank, found.effective_rank
        if found.dependencies:
            lacking.append(place)
    names = (*(("intercept",) if intercept else ()), *recipe.names)
    rows = sums.rows[numbers].astype(np.int64)
    return Groups(
        by=opened.by,
        keys=keys,
        names=names,
        target=recipe.target,
        rows=rows,
        rank=rank,
        effective_rank=effective,
        coefficients=table[0],
        standard_errors=table[1],
        trusted_digits=table[2],
        standard_error_digits=table[3],
        data_digits=table[4],
        residual_sum_of_squares=squares[0],
        total_sum_of_squares=squares[1],
        tally=opened.tally,
        description=opened.description,
        findings=(
            *opened.findings,
            *_findings(keys, names, rows - rank, lacking, table, method),
        ),
        _sums=sums,
        _numbers=tuple(numbers),
        _recipe=recipe,
        _intercept=intercept,
        _method=method,
        _place={key: place for place, key in enumerate(keys)},
    )


def _by_the_compiled(
    sums: GroupSums,
    numbers: list[int],
    intercept: bool,
    method: NormalEquation,
    backend: Backend,
    table: npt.NDArray[np.float64],
    squares: Matrix,
) -> npt.NDArray[np.intp]:
    """Solve the groups about which nothing is out of the ordinary; return the others."""
    p = len(sums.names)
    regular = 0 < p <= MOST_PREDICTORS and not method.ridge and sums.kind is None
    if backend.small_fit is None or not regular or sums.parents:
        return np.arange(len(numbers))
    from gausswork._native import _kernels

    q = p + 1
    out = np.empty((sums.groups, 6 * q + 4))
    wanted = method.digits if method.digits is not None else 15.0
    constants, exponents = bounds(backend.gram_error), sums.scale_exponents.astype(np.float64)
    parts = sums.threads if sums.groups > _WORTH_A_THREAD else 1
    edges = np.linspace(0, sums.groups, parts + 1).astype(int)

    def work(part: int) -> None:
        own = slice(edges[part], edges[part + 1])
        _kernels.group_solve(
            q, intercept, wanted, 10.0 ** -min(wanted, STANDARD_ERROR_DIGITS), PRODUCT_ERROR,
            constants, exponents, sums.states[own], out[own],
        )  # fmt: skip

    side_by_side(work, parts)
    out = out[numbers]
    regular_groups = np.flatnonzero(out[:, -1] == 1.0)
    answers = out[regular_groups, : 6 * q].reshape(-1, 6, q)[:, :, 0 if intercept else 1 :]
    for row, of in enumerate((0, 2, 3, 4, 5)):  # the low words of the coefficients stay behind
        table[row, regular_groups] = answers[:, of]
    squares[:, regular_groups] = out[regular_groups, -4:-2].T
    return np.flatnonzero(out[:, -1] != 1.0)


def _enter(found: Solution, table: Matrix, squares: Vector) -> None:
    table[0] = found.coefficients
    table[1] = found.standard_errors
    table[2] = found.trusted_digits
    table[3] = found.standard_error_digits
    table[4] = found.data_digits
    squares[0] = found.residual_sum_of_squares
    squares[1] = found.total_sum_of_squares


def _said(by: tuple[str, ...], key: Hashable) -> str:
    parts = key if isinstance(key, tuple) and len(by) > 1 else (key,)
    return " and ".join(f"{name} = {part}" for name, part in zip(by, parts, strict=True))


def _findings(
    keys: tuple[Hashable, ...],
    names: tuple[str, ...],
    freedom: npt.NDArray[np.int64],
    lacking: list[int],
    table: npt.NDArray[np.float64],
    method: NormalEquation,
) -> Iterator[Finding]:
    if lacking:
        terms = np.isnan(table[0, lacking]).sum(axis=0)
        worst = names[int(np.argmax(terms))]
        yield Finding(
            "groups-rank-deficient",
            Severity.CAUTION,
            f"In {_count(lacking, keys)} some columns repeat others, do not vary, or outnumber the "
            f"rows: their coefficients there have no value, most often {worst!r}.",
            "See groups[key].findings for what repeats what, or fit these groups on fewer columns.",
            {"groups": len(lacking), "of": len(keys), "first": _first(lacking, keys)},
        )
    none = np.flatnonzero(freedom <= 0).tolist()
    if none:
        yield Finding(
            "groups-without-freedom",
            Severity.CAUTION,
            f"{_count(none, keys).capitalize()} have no more rows than coefficients: the fit goes "
            "through every point there, and there are no standard errors.",
            "Use fewer columns, or leave such groups out.",
            {"groups": len(none), "of": len(keys), "first": _first(none, keys)},
        )
    digits = np.nanmin(np.where(np.isnan(table[2]), np.inf, table[2]), axis=1, initial=np.inf)
    poor = np.flatnonzero(digits < min(method.digits or _POOR_DIGITS, _POOR_DIGITS)).tolist()
    if poor:
        yield Finding(
            "groups-few-digits",
            Severity.ALARM,
            f"In {_count(poor, keys)} few digits can be trusted: some of their columns nearly "
            "repeat each other, or a coefficient is zero to all digits.",
            "See groups.trusted_digits, and centre or rescale the columns.",
            {"groups": len(poor), "of": len(keys), "first": _first(poor, keys)},
        )


def _count(places: list[int], keys: tuple[Hashable, ...]) -> str:
    some = ", ".join(repr(keys[place]) for place in places[:_NAMED])
    more = ", …" if len(places) > _NAMED else ""
    return f"{len(places):,} of {len(keys):,} groups ({some}{more})"


def _first(places: list[int], keys: tuple[Hashable, ...]) -> list[str]:
    return [str(keys[place]) for place in places[:_NAMED]]
