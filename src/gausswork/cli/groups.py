"""``gausswork fit --by COLUMN``: one regression for each group of rows."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gausswork.cli.command import ALARMED, DONE, say
from gausswork.cli.spared import spare_inputs

if TYPE_CHECKING:
    from gausswork.leastsquares.groups import Groups

# Options of fit that one fit among thousands has no use for.
_OF_ONE_FIT = (
    "save", "check", "report", "plot", "plot_kind", "animate", "history", "show_work", "errors",
    "cluster", "test", "state", "resume",
)  # fmt: skip


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of groups to the parser of fit."""
    command.add_argument(
        "--by",
        metavar="COLUMN",
        help="fit one regression for each level of a column (or of several: A,B), in one pass",
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="with --by: write a row for each group and coefficient as .csv or .parquet",
    )


def run(arguments: argparse.Namespace, data: Any) -> int:
    """Fit, write and show the groups; return the exit code."""
    from gausswork import files
    from gausswork.cli import terminal
    from gausswork.findings import Severity
    from gausswork.leastsquares.groups import fit_groups
    from gausswork.leastsquares.solution import NormalEquation

    if arguments.by is None:
        arguments.refuse("--output is for the coefficients of groups: name those with --by COLUMN")
    for option in _OF_ONE_FIT:
        if getattr(arguments, option, None):
            arguments.refuse(
                f"--{option.replace('_', '-')} is for one fit: leave it out with --by, or fit the "
                "rows of one group"
            )
    if getattr(arguments, "method", None) == "gradient-descent":
        arguments.refuse("--by fits by the normal equation: leave --method out")
    if arguments.output:
        if Path(arguments.output).suffix not in (".csv", ".parquet"):
            arguments.refuse("--output must end in .csv or .parquet")
        files.check_writable(arguments.output)
        spare_inputs(arguments.output, data, option="--output")
    with terminal.progress(quiet=arguments.quiet) as report:
        groups = fit_groups(
            data,
            arguments.target,
            arguments.by,
            features=arguments.features,
            weights=arguments.weights,
            frequencies=arguments.frequencies,
            intercept=not arguments.no_intercept,
            missing=arguments.missing,
            method=NormalEquation(digits=arguments.digits, ridge=arguments.ridge),
            threads=arguments.threads,
            progress=report,
        )
    if arguments.output:
        _write(groups, arguments.output)
    if arguments.json:
        json.dump(groups.to_dict(), sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
    elif not arguments.quiet:
        terminal.write(str(groups))
    if arguments.output and not arguments.quiet:
        say(f"wrote {arguments.output}")
    return ALARMED if any(f.severity is Severity.ALARM for f in groups.findings) else DONE


def _write(groups: Groups, path: str) -> None:
    """Write the coefficients, undefined ones as empty cells."""
    from gausswork import files

    columns = groups.columns()
    with files.atomic(path) as temporary:
        if path.endswith(".parquet"):
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.table(columns), temporary)
            return
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            for row in zip(*columns.values(), strict=True):
                writer.writerow(["" if value != value else value for value in row])
