"""``gausswork show``: show a saved model."""

from __future__ import annotations

import argparse
from typing import Any

from gausswork.cli import shown
from gausswork.cli.command import DONE, EXIT_CODES


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "show",
        help="show a saved model",
        description="Show a saved model.",
        epilog=EXIT_CODES,
        **shape,
    )
    command.add_argument("model", metavar="MODEL", help="file written by fit --save")
    shown.add_arguments(command)
    command.set_defaults(run=run, refuse=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Load and show; return the exit code."""
    from gausswork.leastsquares.inference import check_level
    from gausswork.leastsquares.models import load

    check_level(arguments.level)
    shown.check(arguments)
    shown.display(load(arguments.model), arguments, data=None)
    return DONE
