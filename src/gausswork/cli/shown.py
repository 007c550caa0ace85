"""How a fit is shown, whichever command has made or loaded it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gausswork.cli.command import check_plot, number, say
from gausswork.cli.spared import spare_inputs

if TYPE_CHECKING:
    from gausswork.cli.inference import Answers
    from gausswork.leastsquares.checkup.examination import Checkup
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
        help="print the steps too, with the numbers of the data, and NumPy lines that repeat them",
    )
    command.add_argument("--plot", metavar="FILE", help="draw the fit as .png, .pdf or .svg")
    command.add_argument(
        "--plot-kind",
        choices=("fit", "path", "loss", "rates"),
        help="what to draw: the fit over its data, or of a gradient descent its path over the loss "
        "(there the default), the loss by epoch, or what each learning rate would do",
    )
    command.add_argument(
        "--animate", metavar="FILE", help="animate a gradient descent as .gif, .html or .mp4"
    )
    command.add_argument(
        "--history", metavar="FILE.csv", help="write loss and parameters of a descent by epoch"
    )
    command.add_argument(
        "--quiet", action="store_true", help="no table, no progress; errors only (and --json)"
    )


def check(arguments: argparse.Namespace, data: Any = None) -> None:
    """Refuse files that could not be written or are read, before any work is done."""
    for option in ("plot", "animate", "history"):
        spare_inputs(getattr(arguments, option), data, option=f"--{option}")
    if arguments.plot:
        check_plot(arguments.plot)
    elif arguments.plot_kind:
        arguments.refuse("--plot-kind needs --plot FILE")
    if arguments.animate:
        from gausswork.plots.animation import check_animation

        check_animation(arguments.animate)
    if arguments.history:
        from gausswork.descending.document import check_history

        check_history(arguments.history)


def _write(fitted: Fit, arguments: argparse.Namespace, data: Any) -> Iterator[str]:
    """Write what only a descent has, as far as it is asked for."""
    for option, path in (("--history", arguments.history), ("--animate", arguments.animate)):
        if not path:
            continue
        if fitted.descent is None:
            arguments.refuse(f"{option} needs a fit by --method gradient-descent")
        elif option == "--history":
            from gausswork.descending.document import write_history

            write_history(fitted.descent, path)
        else:
            from gausswork import plots

            plots.animate(fitted, path)
        yield path


def _draw(fitted: Fit, arguments: argparse.Namespace, data: Any) -> None:
    from gausswork import plots

    descent, kind = fitted.descent, arguments.plot_kind
    if kind is None and descent is not None:
        kind = "path" if len(descent.names) > 1 else "loss"
    if kind in (None, "fit"):
        plots.fit(fitted, data, level=arguments.level, path=arguments.plot)
    elif kind == "rates":
        plots.rates(fitted, path=arguments.plot)
    elif descent is None:
        arguments.refuse(f"--plot-kind {kind} needs a fit by --method gradient-descent")
    else:
        (plots.path if kind == "path" else plots.loss)(descent, path=arguments.plot)


def display(
    fitted: Fit,
    arguments: argparse.Namespace,
    *,
    data: Any,
    seen: Checkup | None = None,
    answers: Answers | None = None,
) -> None:
    """Draw and print what the arguments ask for; the check-up too if they ask for it."""
    draw(fitted, arguments, data=data)
    show(fitted, arguments, data=data, seen=seen, answers=answers)


def draw(fitted: Fit, arguments: argparse.Namespace, *, data: Any) -> None:
    """Write the tables and figures that the arguments ask for."""
    for path in _write(fitted, arguments, data):
        if not arguments.quiet:
            say(f"wrote {path}")
    if arguments.plot:
        _draw(fitted, arguments, data)
        if not arguments.quiet:
            say(f"drew {arguments.plot}")


def show(
    fitted: Fit,
    arguments: argparse.Namespace,
    *,
    data: Any,
    seen: Checkup | None = None,
    answers: Answers | None = None,
) -> None:
    """Print what the arguments ask for."""
    if arguments.json:
        document = fitted.to_dict(arguments.level)
        if answers is not None:
            document |= answers.document(arguments.level)
        if getattr(arguments, "check", False):
            document["checkup"] = None if seen is None else seen.to_dict()
        json.dump(document, sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
        return
    if arguments.quiet:
        return
    from gausswork.cli import terminal

    terminal.show(fitted, level=arguments.level)
    if answers is not None and (more := answers.text(arguments.level)):
        terminal.write("\n" + more)
    if seen is not None and getattr(arguments, "check", False):
        from gausswork import checkreport

        terminal.write("\n" + checkreport.text(seen))
    if arguments.show_work:
        from gausswork import work

        terminal.write("\n" + work.show(fitted, data))
