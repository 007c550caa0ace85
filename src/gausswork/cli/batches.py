"""The options of mini-batches, for ``gausswork fit --method gradient-descent``."""

from __future__ import annotations

import argparse
from typing import Any

from gausswork.cli.command import number

# option of the command line -> field of GradientDescent
_FIELDS = (
    "batch_size", "optimizer", "schedule", "seed", "shuffle", "memory", "averaging",
    "early_stopping", "patience", "state", "resume",
)  # fmt: skip


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options; each is None, or False, where it was not given."""
    group = command.add_argument_group(
        "mini-batches", "with --method gradient-descent; they need --batch-size"
    )
    group.add_argument(
        "--batch-size", type=int, metavar="ROWS", help="rows a step (default: all of them)"
    )
    group.add_argument(
        "--optimizer",
        metavar="NAME",
        help="sgd (default), adagrad, rmsprop, adam; with options as in adam:beta1=0.8",
    )
    group.add_argument(
        "--schedule",
        metavar="NAME",
        help="how the rate changes: constant (default), step, inverse-time, cosine; with options "
        "as in step:every=5,factor=0.5",
    )
    group.add_argument(
        "--seed", type=int, metavar="N", help="of the order of the rows (default: 0)"
    )
    group.add_argument(
        "--shuffle",
        metavar="WHERE",
        help="memory, disk (default where the rows exceed the memory), buffer, none",
    )
    group.add_argument(
        "--memory", type=int, metavar="BYTES", help="that rows may take (default: 1 GiB)"
    )
    group.add_argument(
        "--averaging",
        type=number,
        nargs="?",
        const=True,
        metavar="EPOCH",
        help="average the parameters from this epoch on (default: over the second half)",
    )
    group.add_argument(
        "--early-stopping",
        type=number,
        nargs="?",
        const=True,
        metavar="SHARE",
        help="hold out this share of the rows (default: 0.1), stop when their loss falls no more",
    )
    group.add_argument("--patience", type=int, metavar="EPOCHS", help="to wait for it (default: 5)")
    group.add_argument("--state", metavar="FILE", help="keep the state here, for --resume")
    group.add_argument(
        "--resume", action="store_true", help="go on from --state, to the same numbers"
    )


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of :class:`gausswork.GradientDescent` that were given."""
    values = {name: getattr(arguments, name) for name in _FIELDS}
    return {
        name: value for name, value in values.items() if value is not None and value is not False
    }


def said(arguments: argparse.Namespace) -> list[str]:
    """Return the options that were given, as they were written."""
    return [f"--{name.replace('_', '-')}" for name in given(arguments)]


def interrupted(arguments: argparse.Namespace) -> str | None:
    """Say after an interruption how to go on; None where no state was kept."""
    if not getattr(arguments, "state", None):
        return None
    return f"interrupted; the state is in {arguments.state}: add --resume to go on from it"
