"""The command line: reads arguments, calls the library, shows what it says. No arithmetic here.

Imports of anything slow are inside the functions, so that ``--help`` is quick.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from gausswork.errors import GaussworkError

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

DONE = 0
FAILED = 1
REFUSED = 2
ALARMED = 3
INTERRUPTED = 130
TERMINATED = 143
PIPE_CLOSED = 141

_EXIT_CODES = """\
exit codes:
  0    done
  1    an unexpected failure: please report it
  2    wrong usage, or data that cannot be used; one line says why
  3    the fit is done, and a finding of severity "alarm" says that some of its numbers
       should not be used as they are
  130  interrupted (Ctrl-C); 141 output closed early; 143 terminated: files are whole or not there
"""

_FIT_EXAMPLES = """\
examples:
  gausswork fit heights.csv --target childHeight
  gausswork fit heights.csv --target childHeight --features midparentHeight,gender --show-work
  gausswork fit 'part-*.parquet' --target y --save model.json --plot fit.png
  gausswork fit data.csv.gz --target y --json | jq .r_squared
"""

_PREDICT_EXAMPLES = """\
The output has the columns of DATA and then prediction (with --interval also lower and upper). A row
with a missing value keeps its place and has no prediction; how many there are is said on stderr.

examples:
  gausswork predict model.json new.csv
  gausswork predict model.json new.parquet -o predictions.parquet --interval 0.95
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"gausswork: error: {message}. See {self.prog} --help.\n")
        raise SystemExit(REFUSED)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    from gausswork import __version__

    shape: dict[str, Any] = {
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }
    top = _Parser(
        prog="gausswork",
        description="Linear regression with digits to trust.",
        epilog=_EXIT_CODES,
        **shape,
    )
    top.add_argument("--version", action="version", version=f"gausswork {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    fit = commands.add_parser(
        "fit",
        help="fit a linear regression to a table and show it",
        description="Fit a linear regression by least squares and show it.",
        epilog=f"{_FIT_EXAMPLES}\n{_EXIT_CODES}",
        **shape,
    )
    fit.add_argument(
        "data", metavar="DATA", nargs="+", help="CSV (also .gz, .zst) or Parquet files, or a glob"
    )
    fit.add_argument("--target", required=True, metavar="COLUMN", help="what to explain")
    fit.add_argument(
        "--features", metavar="A,B", help="columns to explain it by (default: every other one)"
    )
    fit.add_argument("--no-intercept", action="store_true", help="fit through the origin")
    fit.add_argument(
        "--missing",
        choices=("drop", "error"),
        default="drop",
        help="leave out rows with a missing value and count them (default), or refuse them",
    )
    fit.add_argument(
        "--digits",
        type=_number,
        metavar="D",
        help="correct digits to ask for, up to 15 (default: 15 for small data, 8 for large)",
    )
    fit.add_argument("--threads", type=int, metavar="N", help="use at most N threads")
    fit.add_argument("--save", metavar="MODEL.json", help="save the fit for predict and show")
    _shown(fit)
    fit.set_defaults(run=_fit)

    predict = commands.add_parser(
        "predict",
        help="predict new rows with a saved model",
        description="Predict the target of new rows with a saved model.",
        epilog=f"{_PREDICT_EXAMPLES}\n{_EXIT_CODES}",
        **shape,
    )
    predict.add_argument("model", metavar="MODEL", help="file written by fit --save")
    predict.add_argument(
        "data", metavar="DATA", nargs="+", help="files with the columns of the fit"
    )
    predict.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help=".csv or .parquet file to write; - (default) for CSV on standard output",
    )
    predict.add_argument(
        "--interval", type=_number, metavar="LEVEL", help="add an interval, such as 0.95"
    )
    predict.add_argument(
        "--kind",
        choices=("prediction", "confidence"),
        help="interval of a new row (default) or of the mean of such rows",
    )
    predict.add_argument("--quiet", action="store_true", help="no progress, no remarks")
    predict.set_defaults(run=_predict, refuse=predict.error)

    show = commands.add_parser(
        "show",
        help="show a saved model",
        description="Show a saved model.",
        epilog=_EXIT_CODES,
        **shape,
    )
    show.add_argument("model", metavar="MODEL", help="file written by fit --save")
    _shown(show)
    show.set_defaults(run=_show)
    return top


def _shown(command: argparse.ArgumentParser) -> None:
    """Add the arguments that say how a fit is shown."""
    command.add_argument(
        "--level", type=_number, default=0.95, help="level of the intervals (default 0.95)"
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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    try:
        with _terminable():
            arguments = parser().parse_args(argv)
            if arguments.command is None:
                parser().print_help(sys.stderr)
                return REFUSED
            code: int = arguments.run(arguments)
            sys.stdout.flush()
        return code
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else DONE
    except GaussworkError as error:
        from gausswork.cli.terminal import for_command_line

        _say(f"error: {for_command_line(str(error))}")
        return REFUSED
    except KeyboardInterrupt:
        _say("interrupted; nothing is half-written.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone, as head does; the flush at exit must not complain.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (OSError, MemoryError) as error:  # a full disk behind standard output, say
        _say(f"error: {error or 'there is not enough memory for this'}")
        return FAILED
    except Exception as error:
        if os.environ.get("GAUSSWORK_DEBUG"):
            raise
        _say(
            f"error: unexpected {type(error).__name__}: {error}. This is a bug in gausswork: "
            "please report it, with what GAUSSWORK_DEBUG=1 shows."
        )
        return FAILED


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let a termination clean up like an error: unfinished files are removed."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(TERMINATED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(text: str) -> None:
    """Write one line to standard error, whatever it can encode."""
    from gausswork.formatting import for_encoding, visible

    line = for_encoding(f"gausswork: {visible(text)}", getattr(sys.stderr, "encoding", None))
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def _fit(arguments: argparse.Namespace) -> int:
    from gausswork.cli import terminal
    from gausswork.findings import Severity
    from gausswork.leastsquares import models
    from gausswork.leastsquares.fit import fit
    from gausswork.leastsquares.inference import check_level
    from gausswork.leastsquares.solution import NormalEquation

    check_level(arguments.level)
    if arguments.plot:
        _check_plot(arguments.plot)
    if arguments.save:
        models.check_place(arguments.save)
    with terminal.progress(quiet=arguments.quiet) as report:
        fitted = fit(
            _files(arguments),
            arguments.target,
            features=arguments.features,
            intercept=not arguments.no_intercept,
            missing=arguments.missing,
            method=NormalEquation(digits=arguments.digits),
            threads=arguments.threads,
            progress=report,
        )
    # Files first: whoever reads the output may stop reading before its end.
    if arguments.save:
        fitted.save(arguments.save)
    _display(fitted, arguments, data=_files(arguments))
    if arguments.save and not arguments.quiet:
        _say(f"saved {arguments.save}")
    return ALARMED if any(f.severity is Severity.ALARM for f in fitted.findings) else DONE


def _show(arguments: argparse.Namespace) -> int:
    from gausswork.leastsquares.fit import load
    from gausswork.leastsquares.inference import check_level

    check_level(arguments.level)
    if arguments.plot:
        _check_plot(arguments.plot)
    _display(load(arguments.model), arguments, data=None)
    return DONE


def _files(arguments: argparse.Namespace) -> str | list[str]:
    """Return the data as the library takes it: one path or glob, or what a shell made of one."""
    named: list[str] = arguments.data
    return named[0] if len(named) == 1 else named


def _display(fitted: Fit, arguments: argparse.Namespace, *, data: str | list[str] | None) -> None:
    """Draw and print what the arguments ask for."""
    if arguments.plot:
        from gausswork import plots

        plots.fit(fitted, data, level=arguments.level, path=arguments.plot)
        if not arguments.quiet:
            _say(f"drew {arguments.plot}")
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


def _check_plot(path: str) -> None:
    from gausswork import files, plots

    plots.check_path(path)
    files.check_writable(path)


def _predict(arguments: argparse.Namespace) -> int:
    from gausswork.cli import predictions, terminal
    from gausswork.leastsquares.inference import check_level

    if arguments.kind and arguments.interval is None:
        arguments.refuse("--kind needs --interval LEVEL")
    if arguments.interval is not None:
        check_level(arguments.interval, name="interval")
    with terminal.progress(quiet=arguments.quiet) as report:
        counts = predictions.write(
            arguments.model,
            _files(arguments),
            arguments.output,
            kind=(arguments.kind or "prediction") if arguments.interval is not None else None,
            level=arguments.interval if arguments.interval is not None else 0.95,
            progress=report,
        )
    for remark in counts.remarks():
        if not arguments.quiet:
            _say(remark)
    return DONE
