"""The command line: reads arguments, calls the library, shows what it says. No arithmetic here.

A module a command: ``add`` describes its arguments, ``run`` does its work. Imports of anything slow
are inside the functions, so that ``--help`` is quick.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from gausswork.cli import check, fit, init, lab, normal, predict, sample, show, update
from gausswork.cli.command import (
    DONE,
    EXIT_CODES,
    FAILED,
    INTERRUPTED,
    PIPE_CLOSED,
    REFUSED,
    TERMINATED,
    Parser,
    say,
)
from gausswork.errors import GaussworkError

# In the order of --help.
COMMANDS = (fit, update, predict, show, check, normal, sample, init, lab)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    from gausswork import __version__

    shape: dict[str, Any] = {
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }
    top = Parser(
        prog="gausswork",
        description="Linear regression with digits to trust.",
        epilog=EXIT_CODES,
        **shape,
    )
    top.add_argument("--version", action="version", version=f"gausswork {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        command.add(commands, shape)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    pressed: list[int] = []
    try:
        with _terminable(pressed), _written_somewhere():
            arguments = parser().parse_args(argv)
            if arguments.command is None:
                parser().print_help(sys.stderr)
                return REFUSED
            arguments.typed = list(sys.argv[1:] if argv is None else argv)
            code: int = arguments.run(arguments)
            sys.stdout.flush()
        return code
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else DONE
    except GaussworkError as error:
        from gausswork.cli.terminal import for_command_line

        text, *drawing = str(error).split("\n") if error.drawn else [str(error)]
        say(f"error: {for_command_line(text)}", *drawing)
        return REFUSED
    except KeyboardInterrupt as stop:
        say(str(stop) or "interrupted; nothing is half-written.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone, as head does; the flush at exit must not complain.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (OSError, MemoryError) as error:  # a full disk behind standard output, say
        say(f"error: {error or 'there is not enough memory for this'}")
        return FAILED
    except Exception as error:
        if pressed:  # while a module was loading, which makes an error of its own of it
            say("interrupted; nothing is half-written.")
            return INTERRUPTED
        if os.environ.get("GAUSSWORK_DEBUG"):
            raise
        say(
            f"error: unexpected {type(error).__name__}: {error}. This is a bug in gausswork: "
            "please report it, with what GAUSSWORK_DEBUG=1 shows."
        )
        return FAILED


@contextlib.contextmanager
def _written_somewhere() -> Iterator[None]:
    """Let a command run whose standard output was closed before it began, as ``>&-`` does."""
    with contextlib.ExitStack() as stack:
        if sys.stdout is None:
            nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
            stack.enter_context(contextlib.redirect_stdout(nowhere))
        yield


@contextlib.contextmanager
def _terminable(pressed: list[int]) -> Iterator[None]:
    """Let a termination clean up like an error: unfinished files are removed.

    Interruptions are noted in ``pressed``, for one that something on the way has swallowed.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(TERMINATED)

    def note(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    noted = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if noted:
        signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if noted:
            signal.signal(signal.SIGINT, signal.default_int_handler)
