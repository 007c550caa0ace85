"""The options of mini-batches, for ``gausswork fit --method gradient-descent``."""

from __future__ import annotations

import argparse

from gausswork.cli.command import number, whole

# fields of GradientDescent that have an option
OPTIONS = (
    "batch_size", "optimizer", "schedule", "seed", "shuffle", "memory", "averaging",
    "early_stopping", "patience", "state", "resume",
)  # fmt: skip


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options to a parser. What is not given is not in the arguments' namespace."""
    group = command.add_argument_group(
        "mini-batches",
        "with --method gradient-descent and --batch-size",
        argument_default=argparse.SUPPRESS,
    )
    group.add_argument(
        "--batch-size", type=whole, metavar="ROWS", help="rows a step (default: all of them)"
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
        "--seed", type=whole, metavar="N", help="of the order of the rows (default: 0)"
    )
    group.add_argument(
        "--shuffle",
        metavar="WHERE",
        help="memory or disk (default: where the rows fit), buffer (nothing is written), none",
    )
    group.add_argument(
        "--memory", type=whole, metavar="BYTES", help="that rows may take (default: 1 GiB)"
    )
    group.add_argument(
        "--averaging",
        type=number,
        nargs="?",
        const=True,
        metavar="EPOCH",
        help="average the parameters, from this epoch on (default: over the second half)",
    )
    group.add_argument(
        "--early-stopping",
        type=number,
        nargs="?",
        const=True,
        metavar="SHARE",
        help="hold out this share of the rows (default: 0.1), stop when their loss falls no more",
    )
    group.add_argument(
        "--patience", type=whole, metavar="EPOCHS", help="to wait for it (default: 5)"
    )
    resuming = command.add_argument_group("interruptions", argument_default=argparse.SUPPRESS)
    resuming.add_argument(
        "--state",
        metavar="FILE",
        help="keep the state here all the time (default: written when interrupted, in this folder)",
    )
    resuming.add_argument(
        "--resume",
        action="store_true",
        help="go on from the state that an interruption has left, to the same numbers",
    )
