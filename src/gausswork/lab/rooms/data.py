"""Room "your data": the columns of a table, a fit, its check-up, and its report to take along."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gausswork.errors import InputError

if TYPE_CHECKING:
    from gausswork.lab.tables import Table, Tables
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.fit import Fit

EXAMPLE = "example"
EXAMPLE_FILE = Path(__file__).parents[1] / "examples" / "galton-families.csv"

START: dict[str, Any] = {
    "table": EXAMPLE,
    "by": "columns",
    "target": "childHeight",
    "features": ["midparentHeight", "gender"],
    "formula": "",
    "intercept": True,
    "level": 0.95,
    "save": "report",
}

_LONGEST = 10_000  # characters of a formula
_MOST_FEATURES = 200
_SAVED = ("report", "model")


@dataclass(frozen=True, slots=True)
class State:
    """A checked state of the room.

    Attributes
    ----------
    table : id of an uploaded table, or ``"example"`` for Galton's families.
    by : ``"columns"``: target and features are chosen; ``"formula"``: it is written.
    target, features : names of columns; "" while nothing is chosen.
    formula : such as ``"y ~ a * C(kind)"``.
    intercept : whether there is one; a formula says so itself.
    level : of the intervals.
    save : ``"report"`` or ``"model"``: what is downloaded.
    """

    table: str
    by: str
    target: str
    features: tuple[str, ...]
    formula: str
    intercept: bool
    level: float
    save: str


def read(state: Mapping[str, Any]) -> State:
    """Return the checked state; whether columns are there is seen with the table.

    Raises
    ------
    InputError
        A value is not what it must be; the message names it.
    """
    values = {**START, **{name: state[name] for name in START if name in state}}
    for name in ("table", "target", "formula"):
        if not isinstance(values[name], str) or len(values[name]) > _LONGEST:
            raise InputError(
                f"{name} must be text of up to {_LONGEST:,} characters; got {_shown(values[name])}."
            )
    if not isinstance(values["intercept"], bool):
        raise InputError(f"intercept must be true or false; got {_shown(values['intercept'])}.")
    for name, known in (("by", ("columns", "formula")), ("save", _SAVED)):
        if values[name] not in known:
            raise InputError(
                f"{name} must be one of {', '.join(known)}; got {_shown(values[name])}."
            )
    chosen = values["features"]
    if not isinstance(chosen, list | tuple) or not all(isinstance(one, str) for one in chosen):
        raise InputError(f"features must be a list of names; got {_shown(chosen)}.")
    if len(chosen) > _MOST_FEATURES:
        raise InputError(
            f"features has {len(chosen):,} names; the lab fits up to {_MOST_FEATURES}. With more, "
            "use: gausswork fit."
        )
    values["features"] = tuple(dict.fromkeys(chosen))
    level = values["level"]
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0.5 <= level <= 0.999:
        raise InputError(f"level must lie between 0.5 and 0.999; got {_shown(level)}.")
    values["level"] = float(level)
    return State(**values)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def answer(state: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return the columns, a proposal of what to fit, and the fit asked for with its check-up."""
    from gausswork.lab.rooms import data_views as views

    s = read(state)
    table = table_of(s, tables)
    found: dict[str, Any] = {
        "table": {"id": s.table, "name": table.name, "rows": table.rows},
        "findings": [views.finding(one) for one in table.findings],
        **views.overview(table),
        "fit": None,
        "problem": None,
        "shown": {},
        "said": "",
    }
    if not asked(s):
        return found
    try:
        fit, checkup, reason = looked(s, table)
        found["fit"] = views.fit(fit, s.level)
        found["shown"] = views.numbers(fit)
        found["checkup"] = None if checkup is None else drawn(checkup, s, table)
        found["no_checkup"] = reason
        found["fit"]["findings"] = views.findings(fit, checkup)
        found["said"] = views.said(fit, found["fit"]["findings"])
    except InputError as error:  # a choice of columns that cannot be fitted is no broken page
        from gausswork.lab.wire import refusal

        found["problem"] = refusal(error)
    return found


def asked(s: State) -> bool:
    """Whether there is something to fit."""
    return bool(s.formula.strip()) if s.by == "formula" else bool(s.target and s.features)


def table_of(s: State, tables: Tables) -> Table:
    """Return the table of a state."""
    return example() if s.table == EXAMPLE else tables.get(s.table)


@functools.cache
def example() -> Table:
    """Return Galton's families, which are always there."""
    from gausswork.data.files import file_table
    from gausswork.lab.tables import read as read_table

    return read_table(file_table(EXAMPLE_FILE), EXAMPLE)


def looked(s: State, table: Table) -> tuple[Fit, Checkup | None, str]:
    """Return a fit with its check-up, or with the reason why there is none.

    The rows are read once for each choice of columns: another level, the report and the model are
    made of what is there.
    """

    def look() -> tuple[Fit, Checkup | None, str]:
        fit = fitted(s, table)
        return fit, *checked(fit)

    return table.kept.get(("fit", *_chosen(s)), look)


def drawn(checkup: Checkup, s: State, table: Table) -> dict[str, Any]:
    """Return the figures of the check-up; made once for each choice of columns."""
    from gausswork.lab.rooms import data_views as views

    return table.kept.get(("figures", *_chosen(s)), lambda: views.checkup(checkup))


def _chosen(s: State) -> tuple[Any, ...]:
    """Return what of a state a fit depends on."""
    return (s.formula,) if s.by == "formula" else (s.target, s.features, s.intercept)


def fitted(s: State, table: Table) -> Fit:
    """Fit what a state asks for."""
    import gausswork as gw

    if s.by == "formula":
        found = gw.fit(table.data, s.formula)
    else:
        for name in (s.target, *s.features):
            table.require(name)
        if s.target in s.features:
            raise InputError(
                f"{s.target!r} is both target and feature, and would explain itself. Leave it out "
                "of the features."
            )
        found = gw.fit(table.data, s.target, features=list(s.features), intercept=s.intercept)
    return replace(found, description=table.name)


def checked(fit: Fit) -> tuple[Checkup | None, str]:
    """Return the check-up of a fit, or why there is none."""
    from gausswork.leastsquares.checkup.examination import NothingToCheckError

    try:
        return fit.check(), ""
    except NothingToCheckError as error:
        return None, str(error)


def save(state: Mapping[str, Any], tables: Tables) -> tuple[str, str]:
    """Return name and text of the report or of the model."""
    from gausswork import htmlreport
    from gausswork.leastsquares import models

    s = read(state)
    table = table_of(s, tables)
    if not asked(s):
        raise InputError("there is no fit to save yet. Choose a target and features first.")
    fit, checkup, _ = looked(s, table)
    stem = Path(table.name.partition(".")[0]).name or "fit"
    if s.save == "model":
        text = json.dumps(models.encode(fit), allow_nan=False, ensure_ascii=False)
        return f"{stem}-model.json", f"{text}\n"
    command = _command(s, table.name)
    return (
        f"{stem}-report.html",
        htmlreport.page(fit, level=s.level, command=command, checkup=checkup, file=table.name),
    )


def _command(s: State, name: str) -> str | None:
    """Return the command line that makes the same report, where one can."""
    import shlex

    if any("," in feature for feature in s.features):
        return None  # on the command line a comma parts two names

    words = ["gausswork", "fit", name]
    if s.by == "formula":
        words.append(s.formula)
    else:
        words += ["--target", s.target, "--features", ",".join(s.features)]
        words += [] if s.intercept else ["--no-intercept"]
    words += [] if s.level == 0.95 else ["--level", f"{s.level:g}"]
    return shlex.join([*words, "--report", "report.html"])


_SCRIPT = """\
{head}import gausswork as gw

{data}fit = gw.fit({arguments})
print(fit)
rows, r_squared, residual_sd = fit.rows, fit.r_squared, fit.residual_sd
coefficients, standard_errors = fit.coefficients, fit.standard_errors
p_values, trusted_digits = fit.p_values, fit.trusted_digits
intervals = fit.confidence_intervals({level!r})

print(fit.check())
# fit.check().plot(path="check-up.png")
# fit.report("report.html")
# fit.save("model.json")
"""
_NO_FIT = """\
{head}import gausswork as gw

{data}# Name the column to explain, and those that may explain it:
# fit = gw.fit({place}, "target", features=["a", "b"])
# On the command line, for every column at once: gausswork check {name}
"""


_LINE = 84  # signs of arguments on a line of a script


def script(state: Mapping[str, Any], tables: Tables) -> str:
    """Return Python that computes the numbers on the screen from the file."""
    s = read(state)
    table = table_of(s, tables)
    head, data, place = "", "", repr(table.name)
    if s.table == EXAMPLE:
        head = "from importlib.resources import files\n\n"
        data = 'data = files("gausswork.lab") / "examples" / "galton-families.csv"\n'
        place = "data"
    if not asked(s):
        return _NO_FIT.format(head=head, data=data, place=place, name=table.name)
    arguments = [place]
    if s.by == "formula":
        arguments.append(repr(s.formula))
    else:
        arguments += [repr(s.target), f"features={_listed(s.features)}"]
        arguments += [] if s.intercept else ["intercept=False"]
    return _SCRIPT.format(head=head, data=data, arguments=_in_lines(arguments), level=s.level)


def _in_lines(arguments: Sequence[str]) -> str:
    """Join arguments, each on a line of its own where they do not fit on one."""
    joined = ", ".join(arguments)
    if len(joined) <= _LINE:
        return joined
    return "".join(f"\n    {one}," for one in arguments) + "\n"


def _listed(names: Sequence[str]) -> str:
    joined = ", ".join(map(repr, names))
    if len(joined) <= _LINE:
        return f"[{joined}]"
    return "[" + "".join(f"\n        {name!r}," for name in names) + "\n    ]"
