"""``gausswork normal``: probabilities and quantiles of a normal distribution."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from gausswork.cli.command import DONE, EXIT_CODES, check_plot, number, say

if TYPE_CHECKING:
    from gausswork.normal.questions import Answer, Overview

_EXAMPLES = """\
examples:
  gausswork normal 70 10 --between 60 80
  gausswork normal 70 10 --above 100 --plot bell.png
  gausswork normal 0 1 --quantile 0.975
"""


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "normal",
        help="probabilities and quantiles of a normal distribution",
        description="Say how likely a normal variable lies somewhere, or where a share of it lies.",
        epilog=f"{_EXAMPLES}\n{EXIT_CODES}",
        **shape,
    )
    # argparse takes −1e3 and -inf for options: it knows plain negative numbers only.
    command._negative_number_matcher = re.compile(r"^-(\d|\.\d|inf)", re.IGNORECASE)
    command.add_argument("mean", metavar="MEAN", type=number, help="the mean")
    command.add_argument(
        "sd", metavar="SD", type=number, help="the standard deviation, not the variance"
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument("--between", metavar=("A", "B"), nargs=2, type=number, help="P(A < X < B)")
    what.add_argument("--below", metavar="X", type=number, help="P(X < x)")
    what.add_argument("--above", metavar="X", type=number, help="P(X > x)")
    what.add_argument(
        "--quantile", metavar="P", type=number, help="the x below which a share P lies"
    )
    command.add_argument("--json", action="store_true", help="print one JSON document instead")
    command.add_argument(
        "--plot",
        metavar="FILE",
        help="draw the bell, the part asked for shaded, as .png, .pdf or .svg",
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask, draw, show; return the exit code."""
    from gausswork.cli import terminal
    from gausswork.normal.questions import Answer

    if arguments.plot:
        check_plot(arguments.plot)
    answer = _answer(arguments)
    if arguments.plot:
        from gausswork import plots

        ends = answer.ends if isinstance(answer, Answer) else None
        plots.bell(answer.normal, between=ends, path=arguments.plot)
        say(f"drew {arguments.plot}")
    if arguments.json:
        json.dump(answer.to_dict(), sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
    else:
        terminal.write(str(answer))
    return DONE


def _answer(arguments: argparse.Namespace) -> Answer | Overview:
    from gausswork.normal import inputs, questions
    from gausswork.normal.distribution import Normal

    inputs.finite_number(arguments.mean, "MEAN")
    inputs.finite_number(arguments.sd, "SD")
    normal = Normal(arguments.mean, arguments.sd)
    if arguments.between is not None:
        return questions.between(normal, *arguments.between)
    if arguments.below is not None:
        return questions.below(normal, arguments.below)
    if arguments.above is not None:
        return questions.above(normal, arguments.above)
    if arguments.quantile is not None:
        return questions.quantile(normal, arguments.quantile)
    return questions.overview(normal)
