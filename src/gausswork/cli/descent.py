"""The options of ``gausswork fit`` that ask for a gradient descent, and what they ask for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gausswork.cli import batches
from gausswork.cli.command import number, whole

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.method import GradientDescent
    from gausswork.leastsquares.solution import NormalEquation

METHODS = ("normal-equation", "gradient-descent")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options to a parser. What is not given is not in the arguments' namespace."""
    group = command.add_argument_group(
        "gradient descent", "with --method gradient-descent", argument_default=argparse.SUPPRESS
    )
    group.add_argument(
        "--method", choices=METHODS, default=METHODS[0], help="how to fit (default: %(default)s)"
    )
    group.add_argument(
        "--learning-rate",
        type=_number_or_auto,
        metavar="RATE",
        help="step size, or auto for the best constant one (default)",
    )
    group.add_argument(
        "--epochs", type=whole, metavar="N", help="passes over the data (default: 1000)"
    )
    group.add_argument(
        "--momentum",
        type=_number_or_auto,
        metavar="BETA",
        help="share of the last step to keep, in [0, 1), or auto (default: 0)",
    )
    group.add_argument(
        "--nesterov", action="store_true", help="take the gradient where the momentum leads"
    )
    group.add_argument(
        "--standardize",
        action="store_true",
        help="descend on predictors with mean 0 and sd 1; results stay in the units of the data",
    )
    group.add_argument(
        "--start", type=_numbers, metavar="A,B", help="parameters to start at (default: zeros)"
    )
    group.add_argument(
        "--tolerance",
        type=number,
        metavar="STEP",
        help="stop after the first epoch that moves every parameter by less",
    )
    group.add_argument(
        "--beyond-limit",
        choices=("refuse", "run"),
        help="what to do with a learning rate that diverges (default: refuse)",
    )
    batches.add_arguments(command)


OPTIONS = (
    "learning_rate", "epochs", "momentum", "nesterov", "standardize", "start", "tolerance",
    "beyond_limit", *batches.OPTIONS,
)  # fmt: skip


def method_of(arguments: argparse.Namespace) -> NormalEquation | GradientDescent:
    """Return the method that the arguments ask for."""
    given: dict[str, Any] = {
        name: getattr(arguments, name) for name in OPTIONS if hasattr(arguments, name)
    }
    if "batch_size" not in given:  # the state of the sums, which every method needs
        given = {name: value for name, value in given.items() if name not in ("state", "resume")}
    if arguments.method == METHODS[0]:
        for option in ("history", "animate"):
            if getattr(arguments, option):
                arguments.refuse(f"--{option} needs --method gradient-descent")
        if given:
            option = "--" + next(iter(given)).replace("_", "-")
            arguments.refuse(f"{option} needs --method gradient-descent")
        from gausswork.leastsquares.solution import NormalEquation

        return NormalEquation(digits=arguments.digits, ridge=arguments.ridge)
    if arguments.show_work and "batch_size" in given:
        arguments.refuse("--show-work shows full-batch descents: leave --batch-size out")
    if arguments.digits is not None:
        arguments.refuse("--digits goes with the normal equation: leave it out")
    from gausswork.leastsquares.descent.method import GradientDescent

    return GradientDescent(**given, ridge=arguments.ridge)


def _number_or_auto(text: str) -> float | str:
    return text if text == "auto" else number(text)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(number(part) for part in text.split(","))
