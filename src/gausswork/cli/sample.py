"""``gausswork sample``: draw random numbers into a file, or compare the samplers."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from gausswork.cli.command import DONE, EXIT_CODES, check_plot, number, say

if TYPE_CHECKING:
    from gausswork.cli.sample_files import Draw

_KINDS = {
    "normal": "normal numbers, as torch.randn",
    "uniform": "uniform numbers in [low, high), as torch.rand",
    "integers": "whole numbers from low to high - 1, as torch.randint",
    "truncated-normal": "normal numbers between two bounds, as torch.nn.init.trunc_normal_",
    "bernoulli": "1 with probability p, else 0, as torch.bernoulli",
}
_ALSO = {"normal": ["randn"], "uniform": ["rand"], "integers": ["randint"]}  # as PyTorch calls them


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "sample",
        help="draw random numbers, or compare the samplers",
        description="Draw random numbers. A value depends on seed, stream and index alone.",
        epilog=EXIT_CODES,
        **shape,
    )
    kinds = command.add_subparsers(dest="kind", metavar="KIND", required=True)
    for kind, what in _KINDS.items():
        one = kinds.add_parser(
            kind, help=what, description=f"Draw {what}.", epilog=EXIT_CODES,
            aliases=_ALSO.get(kind, []), **shape,
        )  # fmt: skip
        _add_draw(one, kind)
        one.set_defaults(run=run, refuse=one.error, kind=kind)
    compare = kinds.add_parser(
        "compare",
        help="normal, uniform and integers side by side",
        description="Draw normal, uniform and whole numbers and set them beside theory.",
        epilog=EXIT_CODES,
        **shape,
    )
    compare.add_argument(
        "--size", type=whole_number, default=100_000, help="values of each (default 100000)"
    )
    compare.add_argument("--seed", type=whole_number, default=0, help="seed (default 0)")
    compare.add_argument("--stream", type=name_or_number, default=0, help="name or number")
    compare.add_argument("--plot", metavar="FILE", help="draw them as .png, .pdf or .svg")
    compare.add_argument("--json", action="store_true", help="print one JSON document instead")
    compare.add_argument("--quiet", action="store_true", help="print nothing (but --json)")
    compare.set_defaults(run=run_compare, refuse=compare.error)


def _add_draw(one: argparse.ArgumentParser, kind: str) -> None:
    one.add_argument("--size", type=whole_number, required=True, help="how many; 1e6 is understood")
    one.add_argument("--seed", type=whole_number, required=True, help="whole number below 2^64")
    one.add_argument(
        "--stream", type=name_or_number, default=0, help="name or number of an independent stream"
    )
    one.add_argument(
        "--offset", type=whole_number, default=0, help="index of the first value (default 0)"
    )
    if kind in ("normal", "truncated-normal"):
        one.add_argument("--mean", type=number, default=0.0, help="mean (default 0)")
        one.add_argument("--sd", type=number, default=1.0, help="standard deviation (default 1)")
    if kind == "uniform":
        one.add_argument("--low", type=number, default=0.0, help="least value (default 0)")
        one.add_argument("--high", type=number, default=1.0, help="end, not included (default 1)")
    if kind == "integers":
        one.add_argument("--low", type=whole_number, default=0, help="least value (default 0)")
        one.add_argument("--high", type=whole_number, required=True, help="end, not included")
    if kind == "truncated-normal":
        one.add_argument("--low", type=number, default=-2.0, help="lower bound (default -2)")
        one.add_argument("--high", type=number, default=2.0, help="upper bound (default 2)")
        one.add_argument(
            "--bounds",
            choices=("sd", "absolute"),
            default="sd",
            help="whether bounds count standard deviations from the mean (default) or are values",
        )
    if kind == "bernoulli":
        one.add_argument("--p", type=number, default=0.5, help="probability of a 1 (default 0.5)")
    one.add_argument("--dtype", help="float32, float64 or a whole-number type")
    one.add_argument(
        "-o", "--output", metavar="FILE",
        help="write a .csv, .npy or .parquet file; without it values are printed, one a line",
    )  # fmt: skip
    one.add_argument("--column", help="name of the column (default: the kind)")
    one.add_argument("--threads", type=whole_number, help="threads (default: all cores)")
    one.add_argument("--quiet", action="store_true", help="no progress, no remarks; errors only")


def whole_number(text: str) -> int:
    """Return a whole number; 1_000_000 and 1e6 are two ways to write one."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")


def name_or_number(text: str) -> int | str:
    """Return a stream: a number if it reads as one, else a name."""
    return int(text) if text.isdecimal() else text


def run(arguments: argparse.Namespace) -> int:
    """Draw and write; return the exit code."""
    from gausswork.cli import sample_files, terminal

    if arguments.column is not None and not arguments.output:
        arguments.refuse("--column names a column of a file: give one with -o FILE")
    draw = _draw(arguments)
    with terminal.progress(quiet=arguments.quiet) as report:
        if arguments.output:
            sample_files.write(draw, arguments.output, report)
        else:
            sample_files.print_values(draw)
    if arguments.output and not arguments.quiet:
        say(f"wrote {arguments.size:,} values to {arguments.output}")
    return DONE


def _draw(arguments: argparse.Namespace) -> Draw:
    from gausswork import sampling
    from gausswork.cli.sample_files import Draw

    functions: dict[str, tuple[Any, tuple[str, ...]]] = {
        "normal": (sampling.normal, ("mean", "sd")),
        "uniform": (sampling.uniform, ("low", "high")),
        "integers": (sampling.integers, ("low", "high")),
        "truncated-normal": (sampling.truncated_normal, ("mean", "sd", "low", "high", "bounds")),
        "bernoulli": (sampling.bernoulli, ("p",)),
    }
    function, names = functions[arguments.kind]
    given: dict[str, Any] = {name: getattr(arguments, name) for name in names}
    if arguments.dtype is None and arguments.kind == "bernoulli":
        given["dtype"] = "uint8"  # 0 and 1 in every format
    elif arguments.dtype is not None:
        given["dtype"] = arguments.dtype
    return Draw(
        function,
        given | {"seed": arguments.seed, "stream": arguments.stream, "threads": arguments.threads},
        arguments.size,
        arguments.offset,
        arguments.column or arguments.kind.replace("-", "_"),
    )


def run_compare(arguments: argparse.Namespace) -> int:
    """Compare, draw and print; return the exit code."""
    from gausswork import sampling
    from gausswork.cli import terminal

    if arguments.plot:
        check_plot(arguments.plot)
    compared = sampling.compare(arguments.size, seed=arguments.seed, stream=arguments.stream)
    if arguments.plot:
        from gausswork import plots

        plots.samplers(compared, path=arguments.plot)
        if not arguments.quiet:
            say(f"drew {arguments.plot}")
    if arguments.json:
        json.dump(compared.to_dict(), sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
    elif not arguments.quiet:
        terminal.write(str(compared))
    return DONE
