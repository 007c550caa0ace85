"""The Python of the room of regression: what is on its screen, with the public interface alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gausswork.lab.rooms.regression import EACH, GRID, NUMBERS, State, look, mine_of, step

if TYPE_CHECKING:
    from gausswork.lab.pairs import Opened


def script(s: State, opened: Opened) -> str:
    """Return the script of a checked state.

    Raises
    ------
    InputError
        The points cannot be fitted.
    """
    if not opened.rows:
        return "rows = 0\nprint('There are no points yet.')\n"
    seen = look(opened)
    lines = ["import numpy as np", "", "import gausswork as gw"]
    if seen.quantiles is not None:
        lines += ["from gausswork.normal.bands import quantile_points"]
    lines += ["", *opened.lines, "", f"fit = {opened.call()}", "print(fit)"]
    lines += [f"{name} = {code}" for name, (code, _) in NUMBERS.items()]
    lines += [f"slope_lower, slope_upper = fit.confidence_intervals({s.level!r})[1]"]
    lines += ["", "# what each row does to the line"]
    if seen.checked:
        lines += ["check = fit.check()", "print(check)", "seen = check.sample"]
    else:
        lines += ["seen = fit.influence()"]
    if step(seen.fit.rows) > 1:
        lines += [f"seen = seen.take(np.arange(0, len(seen), {step(seen.fit.rows)}))"]
    lines += [f"{name} = seen.{field}" for name, field in EACH.items()]
    if seen.quantiles is not None:
        lines += [
            "qq_score = np.empty(len(standardized))",
            "order = np.argsort(standardized, kind='stable')",
            "qq_score[order] = quantile_points(standardized).score",
        ]
    if not seen.fit.dropped:
        grid = f"np.linspace({float(seen.grid[0])!r}, {float(seen.grid[-1])!r}, {GRID})"
        asked = f"{s.band!r}, level={s.level!r}"
        lines += ["", f"grid = {grid}"]
        if s.band == "none":
            lines += [f"line = fit.predict({{{opened.feature!r}: grid}})"]
        else:
            lines += [
                f"line, band_lower, band_upper = fit.predict({{{opened.feature!r}: grid}}, {asked})"
            ]
    lines += [
        "",
        "# the normal equation behind it: XtX @ theta = Xty, by the factor L of XtX = L @ L.T",
        "normal = gw.normal_equation(fit)",
        "XtX, Xty, L = normal.matrix, normal.right, normal.lower",
        "u, theta = normal.forward, normal.back",
        "left_over = normal.left_over(fit.coefficients[~np.isnan(fit.coefficients)])",
        "print(fit.show_work())",
    ]
    if s.mine:
        lines += [
            "",
            "# another line, through two points, and its sum of squares",
            f"x1, y1, x2, y2 = {mine_of(s, seen)!r}",
            "mine = gw.fit({'x': [x1, x2], 'y': [y1, y2]}, target='y', features=['x'])",
            "my_intercept, my_slope = mine.coefficients.tolist()",
            "surface = gw.loss_surface(fit)",
            "my_sum_of_squares = float(surface.sum_of_squares([my_intercept, my_slope]))",
            "print(f'{my_sum_of_squares:.6g} by my line, {sum_of_squares:.6g} by least squares')",
        ]
    return "\n".join(lines) + "\n"
