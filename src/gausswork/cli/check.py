"""``gausswork check``: how bell-shaped each numeric column is, and what is far out or missing."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gausswork.cli import query
from gausswork.cli.command import DONE, EXIT_CODES, check_plot, say

if TYPE_CHECKING:
    from gausswork.normal.normality import Normality
    from gausswork.normal.outliers import Outliers

_EXAMPLES = """\
examples:
  gausswork check heights.csv
  gausswork check heights.csv --column childHeight --plot childHeight.png
  gausswork check --sql 'select * from runs' --db postgresql://host/lab
  gausswork check 'part-*.parquet' --json | jq '.columns[] | {name, conclusion}'
"""
_WIDTH = 88
_MOST_PANELS = 8


@dataclass(frozen=True, slots=True)
class Checked:
    """A column: what was seen, or why nothing could be."""

    name: str
    shape: Normality | None
    far: Outliers | None
    problem: str


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "check",
        help="say of every numeric column whether it is bell-shaped, and what lies far out",
        description="Say of every numeric column how far it is from a bell and in which way, which "
        "values lie far out, and how many are missing.",
        epilog=f"{_EXAMPLES}\n{EXIT_CODES}",
        **shape,
    )
    command.add_argument(
        "data", metavar="DATA", nargs="*", help="CSV (also .gz, .zst) or Parquet files, or a glob"
    )
    query.add_arguments(command)
    command.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME",
        help="look at this column only, in detail; may be given several times",
    )
    command.add_argument("--json", action="store_true", help="print one JSON document instead")
    command.add_argument(
        "--plot", metavar="FILE", help="draw histograms and Q-Q plots as .png, .pdf or .svg"
    )
    command.add_argument("--quiet", action="store_true", help="no text, no progress; errors only")
    command.set_defaults(run=run, refuse=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Look at the columns and say what was seen; return the exit code."""
    from gausswork.data.snapshots import snapshot

    rows = query.data_of(arguments)
    if arguments.plot:
        check_plot(arguments.plot)
    with snapshot(rows) as data:
        return _look(data, arguments)


def _look(data: Any, arguments: argparse.Namespace) -> int:
    """Look at the columns of files or of a query."""
    from gausswork.cli import terminal
    from gausswork.cli.columns import numeric_columns

    chosen = numeric_columns(data, arguments.column)
    drawn: dict[str, Any] = {}
    checked = []
    with terminal.progress(quiet=arguments.quiet) as report:
        for name, values in chosen.read(report):
            one = _checked(name, values)
            checked.append(one)
            if arguments.plot and one.shape is not None and len(drawn) < _MOST_PANELS:
                drawn[name] = values
    if arguments.plot:
        _draw(drawn, arguments)
    if arguments.json:
        document = {
            "source": chosen.table.description,
            "columns": [_as_dict(one) for one in checked],
            "not_numeric": [{"name": name, "holds": holds} for name, holds in chosen.others],
        }
        json.dump(document, sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
    elif not arguments.quiet:
        detailed = bool(arguments.column)
        text = _details(checked) if detailed else _overview(checked, chosen.table.description)
        if chosen.others:
            from gausswork import formatting as fmt

            held = ", ".join(f"{name} ({holds})" for name, holds in chosen.others)
            text += "\n\n" + "\n".join(fmt.wrap(f"No numbers, not looked at: {held}.", _WIDTH))
        terminal.write(text)
    return DONE


def _checked(name: str, values: Any) -> Checked:
    from gausswork.errors import InputError
    from gausswork.normal.normality import normality
    from gausswork.normal.outliers import outliers

    try:
        shape = normality(values, name=name)
    except InputError as error:
        return Checked(name, None, None, str(error))
    try:
        far = outliers(values, name=name)
    except InputError as error:  # half of the values are equal
        return Checked(name, shape, None, str(error))
    return Checked(name, shape, far, "")


def _overview(checked: list[Checked], description: str) -> str:
    from gausswork import formatting as fmt

    heads = ("column", "values", "missing", "mean", "sd", "p", "far out", "shape")
    rows = [heads]
    notes = []
    names = fmt.distinct([one.name for one in checked], 24)
    for name, one in zip(names, checked, strict=True):
        if one.shape is None:
            rows.append((name, "", "", "", "", "", "", "not judged"))
            notes.append((fmt.visible(one.name), one.problem))
            continue
        shape = one.shape
        far = (
            "" if one.far is None else f"{len(one.far):,} ({fmt.significant(one.far.expected, 2)})"
        )
        rows.append(
            (
                name,
                f"{shape.count:,}",
                f"{shape.missing:,}",
                fmt.significant(shape.mean, 5),
                fmt.significant(shape.sd, 4),
                fmt.p_value(shape.p_value),
                far,
                str(shape.conclusion),
            )
        )
        notes.append((fmt.visible(one.name), shape.verdict))
    widths = [max(fmt.cell_width(row[j]) for row in rows) for j in range(len(heads))]
    lines = [
        "  ".join(
            fmt.pad(cell, width, left=0 < j < len(heads) - 1)
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "─" * max(map(fmt.cell_width, lines)))
    what = (
        "far out: values beyond 3.5 robust standard deviations, in brackets how many a bell of "
        "this size has there; p: of the test that decides, see --column NAME"
    )
    parts = [f"{fmt.visible(description)}", "", *lines, "", *fmt.wrap(what, _WIDTH)]
    for name, note in notes:
        text = fmt.visible(note if note.startswith(name) else f"{name}: {note}")
        parts += ["", *fmt.wrap(text, _WIDTH, further="    ")]
    return "\n".join(parts)


def _details(checked: list[Checked]) -> str:
    from gausswork import formatting as fmt

    parts = []
    for one in checked:
        said = []
        if one.shape is not None:
            said.append(str(one.shape))
        if one.far is not None:
            said.append(str(one.far))
        if one.problem:
            text = f"{fmt.visible(one.name, limit=60)}: {fmt.visible(one.problem)}"
            said.append("\n".join(fmt.wrap(text, _WIDTH, further="    ")))
        parts.append("\n\n".join(said))
    return "\n\n\n".join(parts)


def _as_dict(one: Checked) -> dict[str, Any]:
    if one.shape is None:
        return {"name": one.name, "conclusion": None, "problem": one.problem}
    far = None if one.far is None else one.far.to_dict()
    return {**one.shape.to_dict(), "outliers": far, "problem": one.problem or None}


def _draw(drawn: dict[str, Any], arguments: argparse.Namespace) -> None:
    from gausswork import plots

    if not drawn:
        say("nothing to draw: no column could be judged.")
        return
    plots.samples(drawn, path=arguments.plot)
    if not arguments.quiet:
        say(f"drew {arguments.plot}")
