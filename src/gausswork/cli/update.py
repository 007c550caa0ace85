"""``gausswork update``: add the rows of files to a saved model."""

from __future__ import annotations

import argparse
from typing import Any

from gausswork.cli import query, shown
from gausswork.cli.command import ALARMED, DONE, EXIT_CODES, say

_EXAMPLES = """\
The rows that were fitted are not needed any more: a model holds their sums. Categories keep their
levels, formulas what they learned from the first rows.

examples:
  gausswork update model.json today.csv --save model.json
  gausswork update model.json 'part-*.parquet' --save larger.json --json
  gausswork update model.json --sql 'select * from runs where day = current_date' --db env:LAB
"""


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "update",
        help="add further rows to a saved model",
        description="Fit the rows of a saved model and further ones, without the earlier rows.",
        epilog=f"{_EXAMPLES}\n{EXIT_CODES}",
        **shape,
    )
    command.add_argument("model", metavar="MODEL", help="file written by fit --save")
    command.add_argument(
        "data", metavar="DATA", nargs="*", help="files with the columns of the fit"
    )
    query.add_arguments(command)
    command.add_argument(
        "--missing",
        choices=("drop", "error"),
        default="drop",
        help="leave out rows with a missing value and count them (default), or refuse them",
    )
    command.add_argument("--threads", type=int, metavar="N", help="use at most N threads")
    command.add_argument(
        "--save", metavar="MODEL.json", help="save the new fit; it may take the place of MODEL"
    )
    shown.add_arguments(command)
    command.set_defaults(run=run, refuse=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Update, save and show; return the exit code."""
    from gausswork.findings import Severity
    from gausswork.leastsquares import models
    from gausswork.leastsquares.inference import check_level
    from gausswork.leastsquares.models import load

    data = query.data_of(arguments)
    check_level(arguments.level)
    shown.check(arguments, data)
    if arguments.save:
        models.check_place(arguments.save)
    fitted = load(arguments.model).update(
        data, missing=arguments.missing, threads=arguments.threads
    )
    if arguments.save:
        fitted.save(arguments.save)
    shown.display(fitted, arguments, data=None)
    if arguments.save and not arguments.quiet:
        say(f"saved {arguments.save}")
    alarmed = any(f.severity is Severity.ALARM for f in fitted.findings)
    return ALARMED if alarmed else DONE
