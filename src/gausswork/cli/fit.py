"""``gausswork fit``: fit a table and show the fit."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gausswork.cli import descent, engine, groups, inference, query, resume, shown
from gausswork.cli.command import (
    ALARMED,
    DONE,
    EXIT_CODES,
    number,
    say,
)
from gausswork.errors import GaussworkError

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.fit import Fit

_EXAMPLES = """\
examples:
  gausswork fit heights.csv --target childHeight
  gausswork fit heights.csv --target childHeight --features midparentHeight,gender --show-work
  gausswork fit heights.csv 'childHeight ~ midparentHeight * gender'
  gausswork fit heights.csv 'childHeight ~ midparentHeight + gender' --cluster family
  gausswork fit sales.csv 'price ~ size + age' --by town -o coefficients.csv
  gausswork fit 'part-*.parquet' --target y --save model.json --plot fit.png
  gausswork fit heights.csv 'childHeight ~ midparentHeight' --check --report report.html
  gausswork fit data.csv.gz --target y --json | jq .r_squared
  gausswork fit --sql 'select a, b, y from runs order by id' --db postgresql://host/lab --target y
  gausswork fit line.csv --target y --method gradient-descent --learning-rate 0.01 \\
      --epochs 1000 --plot path.png --history history.csv --show-work
"""


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "fit",
        help="fit a linear regression to a table and show it",
        description="Fit a linear regression by least squares and show it.",
        epilog=f"{_EXAMPLES}\n{EXIT_CODES}",
        **shape,
    )
    command.add_argument(
        "data",
        metavar="DATA",
        nargs="*",
        help="CSV (also .gz, .zst) or Parquet files, or a glob; then, in quotes, a formula such as "
        "'y ~ a + log(b)' in place of --target and --features",
    )
    query.add_arguments(command)
    command.add_argument("--target", metavar="COLUMN", help="what to explain")
    command.add_argument(
        "--features", metavar="A,B", help="columns to explain it by (default: every other one)"
    )
    command.add_argument(
        "--weights", metavar="COLUMN", help="analytic weights w: a row has the variance σ²/w"
    )
    command.add_argument(
        "--frequencies", metavar="COLUMN", help="how many equal rows each row stands for"
    )
    command.add_argument("--no-intercept", action="store_true", help="fit through the origin")
    command.add_argument(
        "--missing",
        choices=("drop", "error"),
        default="drop",
        help="leave out rows with a missing value and count them (default), or refuse them",
    )
    command.add_argument(
        "--digits",
        type=number,
        metavar="D",
        help="correct digits to ask for, up to 15 (default: 15 for small data, 8 for large)",
    )
    command.add_argument(
        "--ridge",
        type=number,
        default=0.0,
        metavar="PENALTY",
        help="penalty on the squares of the coefficients, the intercept's aside (default: none)",
    )
    command.add_argument("--threads", type=int, metavar="N", help="use at most N threads")
    command.add_argument("--save", metavar="MODEL.json", help="save the fit for predict and show")
    command.add_argument(
        "--check",
        action="store_true",
        help="look at the rows once more: does the fit hold, and what would change it?",
    )
    command.add_argument(
        "--report", metavar="FILE.html", help="write a report with the check-up as one HTML file"
    )
    groups.add_arguments(command)
    engine.add_arguments(command)
    inference.add_arguments(command)
    shown.add_arguments(command)
    descent.add_arguments(command)
    command.set_defaults(run=run, refuse=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Fit, save and show; return the exit code."""
    _take_formula(arguments)
    with engine.engaged(arguments, query.data_of(arguments)) as data:
        return _run(arguments, data)


def _run(arguments: argparse.Namespace, data: Any) -> int:
    from gausswork.cli import terminal
    from gausswork.findings import Severity
    from gausswork.leastsquares import models
    from gausswork.leastsquares.fitting import fit
    from gausswork.leastsquares.inference import check_level

    if arguments.by is not None or arguments.output is not None:
        return groups.run(arguments, data)
    check_level(arguments.level)
    method = descent.method_of(arguments)
    inference.check(arguments)
    shown.check(arguments, data)
    if arguments.report:
        from gausswork import htmlreport

        htmlreport.check_place(arguments.report)
    if arguments.save:
        models.check_place(arguments.save)
    with terminal.progress(quiet=arguments.quiet) as report, resume.resumable(arguments):
        fitted = fit(
            data,
            arguments.target,
            features=arguments.features,
            weights=arguments.weights,
            frequencies=arguments.frequencies,
            intercept=not arguments.no_intercept,
            missing=arguments.missing,
            method=method,
            threads=arguments.threads,
            progress=report,
            on_epoch=report.epoch if report else None,
            **resume.of_fit(arguments),
        )
    with _shown_anyway(fitted, arguments):
        # Files first: whoever reads the output may stop reading before its end.
        if arguments.save:
            fitted.save(arguments.save)
        answers = inference.answers(fitted, arguments)
        seen = _checked(fitted, arguments)
        if arguments.report:
            htmlreport.write(
                fitted, arguments.report, level=arguments.level, checkup=seen,
                command=shlex.join(["gausswork", *query.shown(arguments)]),
            )  # fmt: skip
        shown.draw(fitted, arguments, data=data)
    shown.show(fitted, arguments, data=data, seen=seen, answers=answers)
    if not arguments.quiet:
        for done, path in (("saved", arguments.save), ("wrote", arguments.report)):
            if path:
                say(f"{done} {path}")
    said = (
        *fitted.findings,
        *answers.findings,
        *(seen.findings if seen is not None and arguments.check else ()),
    )
    return ALARMED if any(f.severity is Severity.ALARM for f in said) else DONE


@contextlib.contextmanager
def _shown_anyway(fitted: Fit, arguments: argparse.Namespace) -> Iterator[None]:
    """Show a fit although what was asked for beside it fails: it may have taken hours."""
    try:
        yield
    except (GaussworkError, KeyboardInterrupt, SystemExit):
        arguments.show_work = arguments.check = False
        shown.show(fitted, arguments, data=None)
        sys.stdout.flush()
        raise


def _checked(fitted: Fit, arguments: argparse.Namespace) -> Checkup | None:
    """Return the check-up where it is asked for; where there can be none, say why."""
    if not (arguments.check or arguments.report):
        return None
    from gausswork.leastsquares.checkup.examination import NothingToCheckError

    try:
        return fitted.check()
    except NothingToCheckError as error:
        if not arguments.quiet:
            say(f"no check-up: {error}")
        return None


def _take_formula(arguments: argparse.Namespace) -> None:
    """Make a formula among the files the target; without one a target must be named."""
    from gausswork.data.formulas.tokens import is_formula

    query.require(arguments)
    given = arguments.data[-1] if arguments.data else ""
    formula = is_formula(given) and not Path(given).exists()
    if formula and arguments.target is not None:
        arguments.refuse("a formula says what to explain: leave --target out")
    if formula:
        arguments.data.pop()
        arguments.target = given
        if not arguments.data and arguments.sql is None:
            arguments.refuse("the formula comes after the data: gausswork fit DATA 'y ~ x'")
        if arguments.features is not None:
            arguments.refuse("a formula says which columns to use: leave --features out")
        if arguments.no_intercept:
            arguments.refuse(
                "a formula says so itself: end it in - 1, and leave --no-intercept out"
            )
    if arguments.target is None:
        arguments.refuse("name the column to explain with --target, or write a formula 'y ~ x'")
