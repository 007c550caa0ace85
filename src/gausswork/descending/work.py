"""Show the work: a gradient descent with the user's own numbers, epoch by epoch.

The sums come from the moments of the fit. The NumPy lines at the end repeat the whole descent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import formatting as fmt
from gausswork import work
from gausswork.descending import words
from gausswork.errors import InputError
from gausswork.leastsquares.descent.quadratic import Quadratic, quadratic
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.rows import first_rows

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.history import Descent
    from gausswork.leastsquares.fit import Fit

_EPOCHS = 3  # worked out in figures
_LISTED = (1, 2, 3, 4, 5, 10, 20, 50)
_BY_HAND = 4  # up to so many parameters are worked out
_LITERAL = 8  # up to so many, the NumPy lines carry the sums themselves
_ROWS = 12  # up to so many rows they carry the data


def show(fit: Fit, descent: Descent, data: Any = None) -> str:
    """Return the steps of a descent over all rows as text.

    Parameters
    ----------
    data : what was fitted, to show its first rows; by default the rows that the fit has kept.
    """
    if descent.mini_batch is not None:
        from gausswork.descending import batches

        return batches.show(fit, descent, data)
    loss = loss_of(descent)
    parts = [
        _model(fit, descent),
        work.rows_part(fit, data),
        _loss(descent, loss),
        _rule(descent, loss),
        _before(descent),
        _epochs(descent, loss),
        _end(descent),
        "\n".join(
            ["8. The same in NumPy"]
            + [f"    {line}".rstrip() for line in numpy_lines(fit, descent, data)]
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def loss_of(descent: Descent) -> Quadratic:
    """Return the loss in the coordinates of the loop."""
    exact = descent.least_squares
    if exact is None or descent.modes is None:
        raise InputError(
            "the steps of mini-batches depend on the order of the rows and are not shown. "
            "Show the work of a full-batch descent: leave batch_size out."
        )
    return quadratic(
        exact.moments,
        intercept=exact.intercept,
        standardize=descent.method.standardize,
        ridge=descent.method.ridge,
    )


def _model(fit: Fit, descent: Descent) -> str:
    target = fmt.visible(fit.target, limit=30)
    shown = [fmt.visible(n, limit=24) for n in descent.names[:6]]
    terms = [f"θ{i + 1}·{n}" for i, n in enumerate(shown)]
    if fit.solution.intercept:
        terms[0] = "θ1"
    if len(descent.names) > 6:
        terms.append("…")
    lines = ["1. The model", *work.wrapped(f"{target} ≈ {' + '.join(terms)}")]
    return "\n".join(lines)


def _loss(descent: Descent, loss: Quadratic) -> str:
    weighted = getattr(descent.least_squares and descent.least_squares.moments, "weighting", None)
    mean = "J(θ) = (1/Σw) Σ w (y − ŷ)²" if weighted else "J(θ) = (1/m) Σ (y − ŷ)²"
    if descent.method.ridge:
        mean += f" + ({descent.method.ridge:g}/m) Σ slope²"
    squares = "XᵀX"
    if descent.method.ridge:
        squares = f"(XᵀX + {descent.method.ridge:g} for the slopes on the diagonal)"
    lines = [
        "3. The loss and its gradient",
        *work.wrapped(
            f"The loss is {mean}, and its gradient ∇J = H·θ − c with H = (2/m) {squares} and "
            f"c = (2/m) Xᵀy: the 2 comes from the square, the 1/m from the mean over "
            f"m = {loss.weight:,.10g}. All that the rows have to say is in H and c; an epoch costs "
            "as much for a million rows as for five."
        ),
    ]
    if descent.method.standardize:
        first = int(loss.coordinates.intercept)
        means, sds = loss.coordinates.means[0], loss.coordinates.sds
        lines += work.wrapped(
            "The predictors are standardised first: z = (x − mean) / sd, and the parameters of the "
            "loop are those of z. Mean and sd are: "
            + "; ".join(
                f"{fmt.visible(n, limit=24)} {work.figure(m)} and {work.figure(s)}"
                for n, m, s in zip(
                    loss.names[first:][:6], means.tolist(), sds.tolist(), strict=False
                )
            )
            + ("; …" if len(sds) > 6 else "")
            + "."
        )
    names = tuple(fmt.visible(n) for n in loss.names)
    lines += work.named_matrix("H", tidy(loss.matrix[0]), names)
    lines += work.named_vector("c", tidy(loss.pull[0]), names)
    return "\n".join(lines)


def tidy(values: Array) -> Array:
    """Round what rounding of the sums has left beside short numbers."""
    largest = float(np.abs(values).max(initial=0.0))
    short = np.round(values, 12 - fmt.exponent(largest))
    return np.where(np.abs(values) <= 1e-15 * largest, 0.0, short) + 0.0


def _rule(descent: Descent, loss: Quadratic) -> str:
    rate = work.figure(descent.learning_rate)
    beta = work.figure(descent.momentum)
    if descent.momentum == 0.0:
        said = f"Every epoch takes a step against the gradient: θ ← θ − {rate}·∇J(θ)."
    elif descent.method.nesterov:
        said = (
            f"Nesterov's rule takes the gradient where the momentum leads: "
            f"v ← {beta}·v − {rate}·∇J(θ + {beta}·v), θ ← θ + v, with v = 0 at first."
        )
    else:
        said = (
            f"The heavy ball keeps a share of its last step: v ← {beta}·v − {rate}·∇J(θ), "
            "θ ← θ + v, with v = 0 at first."
        )
    start = "zeros" if descent.method.start is None else "the parameters given"
    return "\n".join(["4. The rule", *work.wrapped(f"{said} It starts at {start}.")])


def _before(descent: Descent) -> str:
    here = descent.outlook
    assert here is not None
    lines = [
        "5. Known before the first step",
        *work.wrapped(
            f"The eigenvalues of H lie between {work.figure(here.smallest_eigenvalue)} and "
            f"{work.figure(here.largest_eigenvalue)}: condition number "
            f"{fmt.significant(here.condition_number, 4)}."
        ),
    ]
    if here.momentum == 0.0:
        lines += work.wrapped(
            "Along an eigenvector an epoch multiplies the error by 1 − rate·eigenvalue, so rates "
            f"below 2/{work.figure(here.largest_eigenvalue)} = "
            f"{work.figure(here.learning_rate_limit)} converge, and the best constant rate is "
            f"2/({work.figure(here.smallest_eigenvalue)} + {work.figure(here.largest_eigenvalue)}) "
            f"= {work.figure(here.best_learning_rate)}. Here the factor of the slowest part is "
            f"{work.figure(here.factor)}."
        )
    else:
        lines += work.wrapped(
            "Along an eigenvector an epoch multiplies (error, error before) by a 2×2 block. Rates "
            f"below {work.figure(here.learning_rate_limit)} converge, and the best constant rate "
            f"with this momentum is {work.figure(here.best_learning_rate)}. Here the factor of the "
            f"slowest part is {work.figure(here.factor)} in the long run."
        )
    return "\n".join(lines)


def _epochs(descent: Descent, loss: Quadratic) -> str:
    lines = ["6. The first epochs"]
    k = len(loss.names)
    if k <= _BY_HAND:
        lines += _by_hand(descent, loss)
    listed = sorted({0, *(e for e in _LISTED if e <= descent.epochs), descent.epochs})
    path, losses = descent.at(listed)
    names = [fmt.visible(n, limit=16) for n in descent.names[:6]]
    table = [["epoch", *names, *(["…"] if k > 6 else []), "loss"]]
    for epoch, row, value in zip(listed, path[:, :6].tolist(), losses.tolist(), strict=True):
        figures = [*map(work.figure, row), *(["…"] if k > 6 else [])]
        table.append([f"{epoch:,}", *figures, work.figure(value)])
    units = " (in the units of the data)" if descent.method.standardize else ""
    return "\n".join([*lines, *work.wrapped(f"The path{units}:"), *work.grid(table)])


def _by_hand(descent: Descent, loss: Quadratic) -> list[str]:
    """Write the first epochs out, in the coordinates of the loop."""
    theta, v = _start(descent, loss), np.zeros(len(loss.names))
    h, c = loss.matrix[0], loss.pull[0]
    rate, beta = descent.learning_rate, descent.momentum
    lines = []
    for epoch in range(1, min(_EPOCHS, descent.epochs) + 1):
        at = theta + beta * v if descent.method.nesterov else theta
        gradient = h @ at - c
        where = "θ + v·" + work.figure(beta) if descent.method.nesterov else "θ"
        lines.append(
            f"   epoch {epoch}: ∇J = H·{_tuple(at)} − c = {_tuple(gradient)}"
            + (f" at {where}" if descent.method.nesterov else "")
        )
        if beta:
            last = v
            v = beta * v - rate * gradient
            lines.append(
                f"            v = {work.figure(beta)}·{_tuple(last)} − "
                f"{work.figure(rate)}·{_tuple(gradient)} = {_tuple(v)}"
            )
            lines.append(f"            θ = {_tuple(theta)} + v = {_tuple(theta + v)}")
        else:
            v = -rate * gradient
            lines.append(
                f"            θ = {_tuple(theta)} − {work.figure(rate)}·{_tuple(gradient)} = "
                f"{_tuple(theta + v)}"
            )
        theta = theta + v
    return lines


def _tuple(values: Array) -> str:
    size = float(np.abs(values).max(initial=0.0))
    tidied = np.where(np.abs(values) <= 1e-14 * size, 0.0, values)
    return f"({', '.join(work.figure(v) for v in tidied.tolist())})"


def _start(descent: Descent, loss: Quadratic) -> Array:
    start = descent.method.start
    theta = np.zeros(len(loss.names)) if start is None else np.array(start)
    return np.asarray(loss.coordinates.from_user((theta, 0.0 * theta))[0], dtype=np.float64)


def _end(descent: Descent) -> str:
    names = tuple(fmt.visible(n) for n in descent.names)
    return "\n".join(
        [
            "7. Where it ended, and where it was going",
            *work.named_vector("θ", descent.coefficients, names),
            *work.wrapped("The least-squares solution, by the normal equation, is"),
            *work.named_vector("θ*", descent.exact, names),
            *work.wrapped(f"{descent.reason}"),
        ]
    )


def numpy_lines(fit: Fit, descent: Descent, data: Any = None) -> list[str]:
    """Return lines of Python that repeat the descent into ``theta`` with NumPy alone.

    For few rows they carry the data, for few parameters the sums; else they expect ``X``, ``y``.
    """
    loss = loss_of(descent)
    rows = _few_rows(fit, data)
    lines = ["import numpy as np", ""]
    if rows is not None:
        lines += _from_rows(fit, descent, loss, rows)
    elif len(loss.names) <= _LITERAL:
        lines += _from_sums(descent, loss)
    else:
        lines += _from_rows(fit, descent, loss, None)
    if descent.method.standardize:
        first = int(loss.coordinates.intercept)
        lines.append(f"theta{f'[{first}:]' if first else ''} /= sd  # the units of the data again")
        if first:
            lines.append("theta[0] -= mean @ theta[1:]")
    lines.append(f"print(theta)  # {words.title(descent)}: {_last(descent)}")
    return lines


def _last(descent: Descent) -> str:
    return ", ".join(work.figure(v) for v in descent.coefficients[:4].tolist()) + (
        ", …" if len(descent.names) > 4 else ""
    )


def _few_rows(fit: Fit, data: Any) -> tuple[Array, Array] | None:
    """Return the data where it is small enough to be written out, and has no weights."""
    if fit.rows > _ROWS or getattr(fit.moments, "weighting", None) is not None:
        return None
    if len(fit.names) > _LITERAL or (data is None and fit.source is None):
        return None
    x, y = first_rows(fit, data, _ROWS)
    return np.asarray(x), np.asarray(y)


def _from_rows(
    fit: Fit, descent: Descent, loss: Quadratic, rows: tuple[Array, Array] | None
) -> list[str]:
    intercept, method = fit.solution.intercept, descent.method
    lines = []
    if rows is not None:
        lines += [
            f"X = np.array({work.literal(rows[0])})",
            f"y = np.array({work.literal(rows[1])})",
        ]
    else:
        lines += [f"# X: your n rows by {len(fit.names) - intercept} columns. y: your target."]
    if method.standardize:
        lines += (
            ["mean, sd = X.mean(axis=0), X.std(axis=0)"]
            if intercept
            else ["sd = np.sqrt((X**2).mean(axis=0))"]
        )
        if (loss.coordinates.sds == 1.0).any():
            lines.append("sd[sd <= 1e-12 * np.abs(X).max(axis=0)] = 1.0  # constant columns")
        lines.append("X = (X - mean) / sd" if intercept else "X = X / sd")
    if intercept:
        lines.append("X = np.column_stack([np.ones(len(X)), X])")
    lines += ["m = len(y)"]
    ridge = ""
    if method.ridge:
        lines.append(f"penalty = np.full(X.shape[1], {float(method.ridge)!r})")
        if intercept:
            lines.append("penalty[0] = 0.0")
        if method.standardize:
            lines.append(f"penalty{'[1:]' if intercept else ''} /= sd**2")
        ridge = " + 2 / m * penalty * at"
    return lines + _loop(descent, f"2 / m * X.T @ (X @ at - y){ridge}", "X.shape[1]")


def _from_sums(descent: Descent, loss: Quadratic) -> list[str]:
    k = len(loss.names)
    lines = [
        f"H = np.array({work.literal(loss.matrix[0])})  # 2 / m * X.T @ X",
        f"c = np.array({work.literal(loss.pull[0])})  # 2 / m * X.T @ y",
    ]
    if descent.method.standardize:
        lines.append(f"sd = np.array({work.literal(loss.coordinates.sds)})")
        if loss.coordinates.intercept:
            lines.append(f"mean = np.array({work.literal(loss.coordinates.means[0])})")
    return lines + _loop(descent, "H @ at - c", str(k))


def _loop(descent: Descent, gradient: str, size: str) -> list[str]:
    method, rate = descent.method, descent.learning_rate
    first = 1 if descent.least_squares is not None and descent.least_squares.intercept else 0
    if method.start is None:
        lines = [f"theta = np.zeros({size})"]
    else:
        lines = [f"theta = np.array({list(method.start)!r})"]
        if method.standardize:
            if first:
                lines.append("theta[0] += mean @ theta[1:]")
            lines.append(f"theta{'[1:]' if first else ''} *= sd")
    if descent.momentum == 0.0:
        return [
            *lines,
            f"for epoch in range({descent.epochs}):",
            f"    theta = theta - {rate!r} * ({gradient.replace('at', 'theta')})",
        ]
    at = f"theta + {descent.momentum!r} * v" if method.nesterov else "theta"
    return [
        *lines,
        "v = np.zeros(len(theta))",
        f"for epoch in range({descent.epochs}):",
        f"    at = {at}",
        f"    v = {descent.momentum!r} * v - {rate!r} * ({gradient})",
        "    theta = theta + v",
    ]
