"""The Python of the room of the bell curve: its screen, with the public interface alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gausswork.lab.rooms.bell import State, tail

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables


def script(s: State, tables: Tables) -> str:
    """Return the script of a checked state.

    Raises
    ------
    InputError
        The column of the state is not there.
    """
    own = s.own.lines(tables, "values") if s.sample == "column" else []
    lines = ["import gausswork as gw", *own[:1], "", f"normal = gw.Normal({s.mean!r}, {s.sd!r})"]
    lines += ["mean, sd = normal.mean, normal.sd", "peak = normal.pdf(mean)", ""]
    lines += _ask_lines(s)
    if s.sample == "drawn":
        own = ["", "", f"values = gw.sampling.normal({s.size}, seed={s.seed}, mean=mean, sd=sd)"]
    if own:
        lines += ["", *own[2:], *_sample_lines(s)]
    a = "a" if s.event != "below" else "-math.inf"
    b = "b" if s.event != "above" else "math.inf"
    if "math" in a + b:
        lines.insert(0, "import math")
        lines.insert(1, "")
    under = ", sample=values" if own else ""
    lines += ["", "# The picture, as a file:"]
    lines += [f'# gw.plots.bell(normal, between=({a}, {b}){under}, path="bell.png")']
    return "\n".join(lines) + "\n"


def _ask_lines(s: State) -> list[str]:
    """Return the lines that find the limits, and ask for the area."""
    a, b = _end_line(s, "a"), _end_line(s, "b")
    of_a = ["z_a, below_a = normal.zscore(a), normal.cdf(a)"]
    of_b = ["z_b, above_b = normal.zscore(b), normal.sf(b)"]
    show = 'print(f"P({}) = {area:.6g}, otherwise {otherwise:.6g}")'
    if s.event == "below":
        ask = "area, otherwise = normal.cdf(b), normal.sf(b)"
        return [f"b = {b}", *of_b, ask, show.replace("{}", "X < {b:g}")]
    if s.event == "above":
        ask = "area, otherwise = normal.sf(a), normal.cdf(a)"
        return [f"a = {a}", *of_a, ask, show.replace("{}", "X > {a:g}")]
    sorted_ = f"a, b = sorted(({a}, {b}))" if s.hold == "tail" else f"a, b = {a}, {b}"
    asks = ["normal.between(a, b)", "normal.outside(a, b)"]
    event = "{a:g} < X < {b:g}"
    if s.event == "outside":
        asks, event = asks[::-1], "X < {a:g} or X > {b:g}"
    ask = f"area, otherwise = {asks[0]}, {asks[1]}"
    return [sorted_, *of_a, *of_b, ask, show.replace("{}", event)]


def _end_line(s: State, which: str) -> str:
    """Return :func:`_end` as Python."""
    given = s.a if which == "a" else s.b
    if s.hold == "value":
        return repr(given)
    if s.hold == "z":
        return f"normal.at({given!r})"
    if s.hold == "area" and s.event == "between":
        return f"normal.interval({s.area!r}).{'lower' if which == 'a' else 'upper'}"
    share, lower = tail(s, which)
    return f"normal.{'quantile' if lower else 'isf'}({share!r})"


def _sample_lines(s: State) -> list[str]:
    name = f"{s.size:,} values drawn" if s.sample == "drawn" else s.own.name
    counted = {
        "between": "(values > a) & (values < b)",
        "outside": "(values < a) | (values > b)",
        "below": "values < b",
        "above": "values > a",
    }[s.event]
    return [
        f"found = gw.normality(values, name={name!r})",
        "count, sample_mean, sample_sd = found.count, found.mean, found.sd",
        f"sample_share = ({counted}).mean()",
        "p_value, distance = found.p_value, found.shape.distance",
        "print(found.verdict)",
    ]
