"""The options of ``gausswork fit`` that ask for a gradient descent, and what they ask for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gausswork.cli.command import number

if TYPE_CHECKING:
    from gausswork.leastsquares.gradient import GradientDescent
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
        "--epochs", type=_whole, metavar="N", help="passes over the data (default: 1000)"
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
    group.add_argument(
        "--batch-size", type=_whole, metavar="ROWS", help="rows a step (default: all of them)"
    )
    group.add_argument(
        "--optimizer", metavar="NAME", help="for batches: sgd (default), adagrad, rmsprop, adam"
    )
    group.add_argument(
        "--schedule",
        metavar="NAME",
        help="for batches: constant (default), step, inverse-time, cosine; with options as in "
        "step:every=5",
    )
    group.add_argument("--seed", type=_whole, metavar="N", help="for batches: seed of the shuffle")
    group.add_argument(
        "--averaging", action="store_true", help="for batches: average the second half of the path"
    )
    group.add_argument(
        "--early-stopping",
        type=number,
        metavar="SHARE",
        help="for batches: share of rows to hold out, whose loss says when to stop",
    )
    group.add_argument(
        "--patience", type=_whole, metavar="N", help="for batches: epochs to wait (default: 5)"
    )
    group.add_argument("--state", metavar="FILE", help="for batches: file that keeps the state")
    group.add_argument(
        "--resume", action="store_true", help="for batches: go on from the state, if there is one"
    )


OPTIONS = (
    "learning_rate", "epochs", "momentum", "nesterov", "standardize", "start", "tolerance",
    "beyond_limit", "batch_size", "optimizer", "schedule", "seed", "averaging", "early_stopping",
    "patience", "state", "resume",
)  # fmt: skip


def method_of(arguments: argparse.Namespace) -> NormalEquation | GradientDescent:
    """Return the method that the arguments ask for."""
    given: dict[str, Any] = {
        name: getattr(arguments, name) for name in OPTIONS if hasattr(arguments, name)
    }
    if arguments.method == METHODS[0]:
        for option in ("history", "animate"):
            if getattr(arguments, option):
                arguments.refuse(f"--{option} needs --method gradient-descent")
        if given:
            option = "--" + next(iter(given)).replace("_", "-")
            arguments.refuse(f"{option} needs --method gradient-descent")
        from gausswork.leastsquares.solution import NormalEquation

        return NormalEquation(digits=arguments.digits, ridge=arguments.ridge)
    if arguments.digits is not None:
        arguments.refuse("--digits goes with the normal equation: leave it out")
    from gausswork.leastsquares.gradient import GradientDescent

    return GradientDescent(**given, ridge=arguments.ridge)


def _number_or_auto(text: str) -> float | str:
    return text if text == "auto" else number(text)


def _whole(text: str) -> int:
    try:
        return int(text.replace("_", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(number(part) for part in text.split(","))
