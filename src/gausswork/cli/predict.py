"""``gausswork predict``: predict the rows of a file with a saved model."""

from __future__ import annotations

import argparse
from typing import Any

from gausswork.cli import query
from gausswork.cli.command import DONE, EXIT_CODES, number, say

_EXAMPLES = """\
The output has the columns of DATA and then prediction (with --interval also lower and upper). A row
with a missing value keeps its place and has no prediction; how many there are is said on stderr.

examples:
  gausswork predict model.json new.csv
  gausswork predict model.json new.parquet -o predictions.parquet --interval 0.95
  gausswork predict model.json --sql 'select * from new_runs' --db postgresql://host/lab
"""


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "predict",
        help="predict new rows with a saved model",
        description="Predict the target of new rows with a saved model.",
        epilog=f"{_EXAMPLES}\n{EXIT_CODES}",
        **shape,
    )
    command.add_argument("model", metavar="MODEL", help="file written by fit --save")
    command.add_argument(
        "data", metavar="DATA", nargs="*", help="files with the columns of the fit"
    )
    query.add_arguments(command)
    command.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help=".csv or .parquet file to write; - (default) for CSV on standard output",
    )
    command.add_argument(
        "--interval", type=number, metavar="LEVEL", help="add an interval, such as 0.95"
    )
    command.add_argument(
        "--kind",
        choices=("prediction", "confidence"),
        help="interval of a new row (default) or of the mean of such rows",
    )
    command.add_argument("--quiet", action="store_true", help="no progress, no remarks")
    command.set_defaults(run=run, refuse=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Write the predictions; return the exit code."""
    from gausswork.cli import predictions, terminal
    from gausswork.leastsquares.inference import check_level

    data = query.data_of(arguments)
    if arguments.kind and arguments.interval is None:
        arguments.refuse("--kind needs --interval LEVEL")
    if arguments.interval is not None:
        check_level(arguments.interval, name="interval")
    with terminal.progress(quiet=arguments.quiet) as report:
        counts = predictions.write(
            arguments.model,
            data,
            arguments.output,
            kind=(arguments.kind or "prediction") if arguments.interval is not None else None,
            level=arguments.interval if arguments.interval is not None else 0.95,
            progress=report,
        )
    if arguments.output != "-" and not arguments.quiet:
        say(f"wrote {arguments.output}")
    for remark in counts.remarks():
        if not arguments.quiet:
            say(remark)
    return DONE
