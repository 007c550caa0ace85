"""Show the work: the normal equation step by step, with the numbers of the user's own data.

The matrices come from the moments of the fit; nothing is read again but, where the data is given,
its first rows. The steps are those of a textbook in float64; what gausswork does beyond them, and
how far the two agree, is said at the end.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.leastsquares.merging import moved
from gausswork.leastsquares.rows import first_rows
from gausswork.leastsquares.system import SAFETY

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

Array = npt.NDArray[np.float64]

_WIDTH = 100
_DIGITS = 7  # of a shown figure
_CORNER = 6  # rows and columns of a matrix that are shown
_HEAD = 5  # rows of the data that are shown
_BY_HAND = 4  # up to so many coefficients are worked out in figures
_LITERAL = 8  # up to so many coefficients the NumPy lines carry the matrices themselves


@dataclass(frozen=True, slots=True)
class Equation:
    """The textbook's normal equation XᵀX·θ = Xᵀy over the terms that have a coefficient.

    Attributes
    ----------
    names : the k terms.
    matrix : (k, k) XᵀX, with the column of ones in X when there is an intercept.
    right : (k,) Xᵀy.
    matrix_doubt, right_doubt : how far each of their entries can be off.
    lower : (k, k) its Cholesky factor in float64; None where rounding has used up its digits.
    """

    names: tuple[str, ...]
    matrix: Array
    right: Array
    matrix_doubt: Array
    right_doubt: Array
    lower: Array | None

    @property
    def forward(self) -> Array | None:
        """The u of L·u = Xᵀy, solved from the first row down, (k,); None without a factor."""
        return None if self.lower is None else _forward(self.lower, self.right)

    @property
    def back(self) -> Array | None:
        """The θ of Lᵀ·θ = u, solved from the last row up, (k,); None without a factor."""
        return None if self.lower is None else _back(self.lower, _forward(self.lower, self.right))

    def left_over(self, parameters: npt.ArrayLike) -> Array:
        """Return Xᵀr = Xᵀy − XᵀX·θ, (k,): what the residuals still share with each column.

        What rounding of the sums alone can make is shown as zero.

        Parameters
        ----------
        parameters : (k,) θ in the order of ``names``.
        """
        theta = np.asarray(parameters, dtype=np.float64)
        left = self.right - self.matrix @ theta
        return np.where(np.abs(left) <= _noise(self, theta), 0.0, left)


def normal_equation(fit: Fit) -> Equation:
    """Return XᵀX and Xᵀy in the units of the data, from the moments, rounded once.

    Parameters
    ----------
    fit : of any method.

    Examples
    --------
    >>> import gausswork as gw
    >>> normal = gw.normal_equation(gw.fit({"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}, "y"))
    >>> normal.matrix.tolist(), normal.right.tolist()
    ([[5.0, 15.0], [15.0, 55.0]], [30.0, 110.0])
    """
    m = fit.moments
    q = len(m.shift)
    with np.errstate(over="ignore", invalid="ignore"):
        raw = moved(m, np.zeros_like(m.exponents), np.zeros(q))
        # About the shift the sums are off by error · norms; moving them adds the norm of the shift.
        about_shift = np.sqrt(np.maximum(m.second_high.diagonal(), 0.0))
        norms = np.hypot(about_shift, np.sqrt(m.total_weight[0]) * m.shift) / m.scale
    whole = raw.second_high
    if fit.solution.intercept:
        whole = np.empty((q + 1, q + 1))
        whole[0, 0] = raw.total_weight[0]
        whole[0, 1:] = whole[1:, 0] = raw.first_high
        whole[1:, 1:] = raw.second_high
        norms = np.concatenate(([np.sqrt(m.total_weight[0])], norms))
    whole, doubt = _tidied(whole, norms, m.error)
    kept = np.flatnonzero(~np.isnan(fit.coefficients))
    both = np.ix_(kept, kept)
    matrix, right = whole[both], whole[kept, -1]
    lower = None
    if np.isfinite(matrix).all():
        try:
            lower = np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
        except np.linalg.LinAlgError:
            lower = None
    names = tuple(fmt.visible(fit.names[i]) for i in kept)
    normal = Equation(names, matrix, right, doubt[both], doubt[kept, -1], lower)
    return normal if _agreement(fit, normal) is not None else replace(normal, lower=None)


def _tidied(sums: Array, norms: Array, error: float) -> tuple[Array, Array]:
    """Round sums to the decimals that their error leaves, where that is a shorter number.

    The sum of round numbers becomes what it is: 42, where arithmetic about the means has left
    42.00000000000006, and 0 for columns that have no row in common. Sums of long fractions keep
    every bit, for the sake of those who paste them.

    Parameters
    ----------
    sums : (k, k) sums of products of columns.
    norms : (k,) of the columns.
    error : of the sums, relative to the norms of their two columns.

    Returns
    -------
    the sums, and how far each can be off.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        doubt = SAFETY * error * norms[:, None] * norms
        decimals = -np.ceil(np.log10(2.0 * doubt))
        # Powers of ten up to 22 are exact, and so is what is divided by them below 2⁵².
        power = np.power(10.0, np.clip(decimals, 0.0, 22.0))
        scaled = np.rint(sums * power)
        exact = (decimals >= 0.0) & (decimals <= 22.0) & (np.abs(scaled) < 2.0**52)
        rounded = scaled / power
        shorter = (np.fmod(scaled, 1000.0) == 0.0) | (rounded == np.rint(rounded))
        rounded = np.where(exact & shorter, rounded, sums)
        rounded[np.abs(sums) <= doubt] = 0.0
        return rounded + 0.0, doubt + np.abs(rounded - sums)


def show(fit: Fit, data: Any = None) -> str:
    """Return the steps as text.

    Parameters
    ----------
    fit : what to show the work of.
    data : what was fitted, to show its first rows; for arrays the pair ``(X, y)``. By default the
        rows that the fit has kept; without any none are shown.
    """
    if fit.descent is not None:
        from gausswork.descending import work as of_descent

        return of_descent.show(fit, fit.descent, data)
    normal = normal_equation(fit)
    parts = [
        _model(fit, normal),
        rows_part(fit, data),
        _sums(fit, normal),
        _solve(fit, normal),
        _check(fit, normal),
        _beyond(fit, normal),
        _numpy(fit, normal),
    ]
    return "\n\n".join(part for part in parts if part)


def _model(fit: Fit, normal: Equation) -> str:
    target = fmt.visible(fit.target, limit=30)
    factors = [f"θ{i + 1}·{fmt.visible(n, limit=24)}" for i, n in enumerate(normal.names[:_CORNER])]
    if fit.solution.intercept:
        factors[0] = "θ1"
    if len(normal.names) > _CORNER:
        factors.append("…")
    ones = (
        "The intercept is the coefficient of a column of ones."
        if fit.solution.intercept
        else "There is no column of ones: the line goes through the origin."
    )
    lines = [
        "1. The model",
        *wrapped(f"{target} ≈ {' + '.join(factors) or '0'}"),
        *wrapped(ones),
    ]
    for dependency in fit.solution.dependencies:
        lines += wrapped(
            f"Left out, because it adds nothing: {fmt.visible(dependency.sentence())}."
        )
    return "\n".join(lines)


def rows_part(fit: Fit, data: Any) -> str:
    """Return the step that shows the first rows."""
    if data is None and fit.source is None:
        return ""
    x, y = first_rows(fit, data, _HEAD)
    if fit.solution.intercept:
        x = np.column_stack([np.ones(len(x)), x])
    names = [fmt.visible(n, limit=16) for n in fit.names]
    if len(names) > _CORNER:
        names, x = [*names[:_CORNER], "…"], x[:, :_CORNER]
    cells = [[*map(figure, row)] for row in x.tolist()]
    for row, value in zip(cells, y.tolist(), strict=True):
        row += ["…"] * (len(names) - len(row)) + ["|", figure(value)]
    table = [[*names, "|", fmt.visible(fit.target, limit=16)], *cells]
    more = f"first {len(y)} of {fit.rows:,} rows" if fit.rows > len(y) else fmt.rows(len(y))
    return "\n".join([f"2. X and y ({more})", *grid(table)])


def _sums(fit: Fit, normal: Equation) -> str:
    k = len(normal.names)
    return "\n".join(
        [
            "3. The sums: all that the rows have to say",
            *wrapped(
                f"XᵀX is {k}×{k} and Xᵀy has {k} entries, however many rows there are "
                f"(here {fit.rows:,}). Entry (j, k) of XᵀX is the sum over the rows of column j "
                "times column k."
            ),
            *_weighing(fit),
            *named_matrix("XᵀX", normal.matrix, normal.names),
            *named_vector("Xᵀy", normal.right, normal.names),
        ]
    )


def _weighing(fit: Fit) -> list[str]:
    if fit.weights is None:
        return []
    by = fmt.visible(fit.weights, limit=30)
    return wrapped(
        f"Every row counts {by} times: each term of these sums is multiplied by it. XᵀX stands for "
        "XᵀWX and Xᵀy for XᵀWy, W the diagonal matrix of the weights."
    )


def _solve(fit: Fit, normal: Equation) -> str:
    lines = [
        "4. The solution of XᵀX·θ = Xᵀy",
        *wrapped(
            "Setting the derivative of the sum of squared residuals to zero gives this equation. "
            "XᵀX = L·Lᵀ with a lower triangular L (Cholesky); then L·u = Xᵀy is solved from the "
            "first row down, and Lᵀ·θ = u from the last row up."
        ),
    ]
    if normal.lower is None:
        lines += wrapped(
            "In float64 the textbook stops here: rounding has used up the digits of XᵀX, because "
            "its columns nearly depend on each other or lie far from zero, and L is noise or does "
            "not exist. gausswork takes off the means, scales by powers of two and keeps twice as "
            "many digits, and arrives at:"
        )
        return "\n".join([*lines, *named_vector("θ", fit.coefficients, fit.names)])
    u = _forward(normal.lower, normal.right)
    lines += named_matrix("L", normal.lower, normal.names)
    if len(normal.names) <= _BY_HAND:
        lines += [*_indented("u, from the first row down"), *_forward_steps(normal, u)]
        lines += [*_indented("θ, from the last row up"), *_back_steps(normal, u)]
    else:
        lines += named_vector("u", u, normal.names)
        lines += named_vector("θ", _back(normal.lower, u), normal.names)
    lines += wrapped(
        "Why not θ = (XᵀX)⁻¹·Xᵀy? Forming the inverse takes three times the work of the factor "
        "and every one of its elements is rounded before it is used; the factor is used as it is."
    )
    return "\n".join(lines)


def _check(fit: Fit, normal: Equation) -> str:
    theta = fit.coefficients[~np.isnan(fit.coefficients)]
    left = normal.left_over(theta)
    lines = [
        "5. The check",
        *wrapped(
            "At the solution the residuals r = y − X·θ have nothing left in common with any "
            "column: Xᵀr = Xᵀy − XᵀX·θ must be zero (up to rounding of these sums)."
        ),
        *named_vector("Xᵀr", left, normal.names),
    ]
    lines += wrapped(
        f"Sum of squared residuals: {figure(fit.solution.residual_sum_of_squares)} of "
        f"{figure(fit.solution.total_sum_of_squares)}."
    )
    return "\n".join(lines)


def _beyond(fit: Fit, normal: Equation) -> str:
    agreement = _agreement(fit, normal)
    said = (
        "the textbook's equation, solved in float64, gives none of these digits"
        if agreement is None
        else f"the textbook's equation, solved in float64, agrees to {agreement} significant digits"
    )
    trusted = fit.trusted_digits[~np.isnan(fit.trusted_digits)]
    known = f"at least {int(trusted.min())} are correct" if len(trusted) else "there are none"
    return "\n".join(
        [
            "6. The answer",
            *named_vector("θ", fit.coefficients, fit.names),
            *wrapped(
                "gausswork forms the same sums about the means, in double-double arithmetic, and "
                f"bounds the error: of the digits of every coefficient {known}; {said}."
            ),
        ]
    )


def _numpy(fit: Fit, normal: Equation) -> str:
    return "\n".join(
        ["7. The same in NumPy", *(f"    {line}".rstrip() for line in numpy_lines(fit, normal))]
    )


def numpy_lines(fit: Fit, normal: Equation | None = None) -> list[str]:
    """Return lines of Python that compute ``theta``, the coefficients, with NumPy alone.

    For few terms they carry XᵀX and Xᵀy; for many they expect ``X`` and ``y``.
    """
    normal = normal if normal is not None else normal_equation(fit)
    lines = ["import numpy as np", ""]
    aliased = np.flatnonzero(np.isnan(fit.coefficients))
    products = "X.T @ " if fit.weights is None else "(X.T * w) @ "
    if len(normal.names) > _LITERAL or not np.isfinite(normal.matrix).all():
        ones = "; its first column is np.ones(n)" if fit.solution.intercept else ""
        lines += [f"# X: your n rows by {len(fit.names)} columns{ones}. y: your target."]
        if len(aliased):
            lines += [f"X = np.delete(X, {aliased.tolist()}, axis=1)  # they repeat other columns"]
        if fit.weights is not None:
            lines += ["# w: the weights of the rows."]
        lines += [f"XtX = {products}X", f"Xty = {products}y"]
    else:
        lines += [f"XtX = np.array({literal(normal.matrix)})  # {products}X"]
        lines += [f"Xty = np.array({literal(normal.right)})  # {products}y"]
    if normal.lower is None:
        lines += [
            "# np.linalg.solve(XtX, Xty) has no correct digit: rounding has used up those of XtX.",
            "# On the rows themselves, centred, NumPy gets further:",
            "# theta = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]",
        ]
        return lines
    return [
        *lines,
        "L = np.linalg.cholesky(XtX)",
        "u = np.linalg.solve(L, Xty)",
        "theta = np.linalg.solve(XtX, Xty)  # not np.linalg.inv(XtX) @ Xty",
        "print(theta)",
    ]


def literal(values: Array) -> str:
    """Return nested lists in Python, whole numbers without a point."""

    def one(value: Any) -> str:
        if isinstance(value, list):
            return f"[{', '.join(map(one, value))}]"
        return f"{value:.0f}" if value.is_integer() and abs(value) < 2**53 else repr(value)

    return one(values.tolist())


def _forward(lower: Array, right: Array) -> Array:
    u = np.zeros(len(right))
    for i in range(len(u)):
        u[i] = (right[i] - lower[i, :i] @ u[:i]) / lower[i, i]
    return u


def _back(lower: Array, u: Array) -> Array:
    theta = np.zeros(len(u))
    for i in reversed(range(len(u))):
        theta[i] = (u[i] - lower[i + 1 :, i] @ theta[i + 1 :]) / lower[i, i]
    return theta


def _forward_steps(normal: Equation, u: Array) -> list[str]:
    lower = normal.lower
    assert lower is not None
    steps = (
        _step(f"u{i + 1}", normal.right[i], lower[i, :i], u[:i], lower[i, i], u[i])
        for i in range(len(u))
    )
    return [f"      {step}" for step in steps]


def _back_steps(normal: Equation, u: Array) -> list[str]:
    lower = normal.lower
    assert lower is not None
    theta = _back(lower, u)
    steps = []
    for i in reversed(range(len(u))):
        after = slice(i + 1, None)
        step = _step(f"θ{i + 1}", u[i], lower[after, i], theta[after], lower[i, i], theta[i])
        steps.append(f"      {step}   ({fmt.visible(normal.names[i], limit=30)})")
    return steps


def _step(
    name: str, start: float, factors: Array, known: Array, pivot: float, result: float
) -> str:
    """Write ``name = (start − factor·known − …) / pivot = result`` in figures."""
    size = max(abs(start), *np.abs(factors * known).tolist(), 0.0)
    if abs(result * pivot) <= 1e-13 * size:
        result = 0.0  # what is left is the rounding of the terms
    pairs = list(zip(factors.tolist(), known.tolist(), strict=True))
    for digits in range(_DIGITS, 18):  # differences of large numbers need more for the same result
        operands = [start, pivot, *(number for pair in pairs for number in pair)]
        shown = {number: fmt.significant(number, digits, strip=True) for number in operands}
        read = {number: float(text) for number, text in shown.items()}
        top_value = read[start] - sum(read[f] * read[v] for f, v in pairs)
        small = result == 0.0 and abs(top_value) <= 10.0 ** (1 - _DIGITS) * size
        if exact := small or figure(top_value / read[pivot]) == figure(result):
            break
    terms = "".join(
        f" {'−' if f * v >= 0 else '+'} {shown[f].lstrip('-')}·{shown[v].lstrip('-')}"
        for f, v in pairs
    )
    top = f"({shown[start]}{terms})" if terms else shown[start]
    return f"{name} = {top} / {shown[pivot]} {'=' if exact else '≈'} {figure(result)}"


def _noise(normal: Equation, theta: Array) -> Array:
    """Return how far rounding of XᵀX, Xᵀy and θ can move each entry of Xᵀy − XᵀX·θ."""
    sizes = np.abs(normal.matrix) @ np.abs(theta) + np.abs(normal.right)
    doubt = normal.matrix_doubt @ np.abs(theta) + normal.right_doubt
    return np.asarray(sizes * (len(theta) + 2) * 2.0**-52 + doubt)


def _agreement(fit: Fit, normal: Equation) -> int | None:
    """Return to how many digits the NumPy lines agree with the fit; None if to none."""
    if normal.lower is None:
        return None
    theta = fit.coefficients[~np.isnan(fit.coefficients)]
    try:
        textbook = np.linalg.solve(normal.matrix, normal.right)
    except np.linalg.LinAlgError:
        return None
    size = np.where(theta == 0.0, np.abs(theta).max(initial=1.0), np.abs(theta))
    worst = float(np.max(np.abs(textbook - theta) / size, initial=2.0**-53))
    digits = int(-np.log10(worst)) if np.isfinite(worst) else 0
    return min(digits, 15) if digits >= 1 else None


def figure(value: float) -> str:
    """Return a number with as many digits as a step shows."""
    return fmt.significant(value, _DIGITS, strip=True)


def wrapped(text: str) -> list[str]:
    """Return a paragraph of a step as lines."""
    return textwrap.wrap(text, _WIDTH, initial_indent="   ", subsequent_indent="   ")


def _indented(text: str) -> list[str]:
    return [f"   {text}"]


def grid(table: list[list[str]]) -> list[str]:
    """Return rows of texts as right-aligned columns."""
    widths = [max(map(fmt.cell_width, column)) for column in zip(*table, strict=True)]
    return [
        "   "
        + "  ".join(
            fmt.pad(cell, width, left=True) for cell, width in zip(row, widths, strict=True)
        )
        for row in table
    ]


def named_matrix(name: str, matrix: Array, names: tuple[str, ...]) -> list[str]:
    """Return a (k, k) matrix with its rows and columns named, its corner if it is large."""
    shown = [fmt.visible(n, limit=14) for n in names[:_CORNER]]
    cut = len(names) > _CORNER
    table = [[f"{name} =", *shown, *(["…"] if cut else [])]]
    for label, row in zip(shown, matrix[:_CORNER, :_CORNER].tolist(), strict=True):
        table.append([label, *map(figure, row), *(["…"] if cut else [])])
    lines = grid(table)
    return [*lines, f"   … {len(names)}×{len(names)} in all"] if cut else lines


def named_vector(name: str, values: Array, names: tuple[str, ...]) -> list[str]:
    """Return (k,) numbers with their names, the first ones if there are many."""
    shown = [fmt.visible(n, limit=30) for n in names[:_CORNER]]
    figures = map(figure, values[:_CORNER].tolist())
    labels = [f"{name} =", *([""] * (len(shown) - 1))]
    lines = grid([[a, b, c] for a, b, c in zip(labels, figures, shown, strict=False)])
    return [*lines, f"   … {len(names)} in all"] if len(names) > _CORNER else lines
