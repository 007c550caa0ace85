"""How a fit is shown, whichever command has made or loaded it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from gausswork.cli.command import number, say

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments that say how a fit is shown."""
    command.add_argument(
        "--level", type=number, default=0.95, help="level of the intervals (default 0.95)"
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document instead")
    form.add_argument(
        "--show-work",
        action="store_true",
        help="print the normal equation too, step by step, and the NumPy lines that repeat it",
    )
    command.add_argument("--plot", metavar="FILE", help="draw the fit as .png, .pdf or .svg")
    command.add_argument(
        "--quiet", action="store_true", help="no table, no progress; errors only (and --json)"
    )


def display(fitted: Fit, arguments: argparse.Namespace, *, data: str | list[str] | None) -> None:
    """Draw and print what the arguments ask for."""
    if arguments.plot:
        from gausswork import plots

        plots.fit(fitted, data, level=arguments.level, path=arguments.plot)
        if not arguments.quiet:
            say(f"drew {arguments.plot}")
    if arguments.json:
        json.dump(fitted.to_dict(arguments.level), sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
        return
    if arguments.quiet:
        return
    from gausswork.cli import terminal

    terminal.show(fitted, level=arguments.level)
    if arguments.show_work:
        from gausswork import work

        terminal.write("\n" + work.show(fitted, data))
