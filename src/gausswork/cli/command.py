"""What the commands share: exit codes, arguments that several have, one-line remarks."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import NoReturn

DONE = 0
FAILED = 1
REFUSED = 2
ALARMED = 3
INTERRUPTED = 130
TERMINATED = 143
PIPE_CLOSED = 141

EXIT_CODES = """\
exit codes:
  0    done
  1    an unexpected failure: please report it
  2    wrong usage, or data that cannot be used; one line says why
  3    the work is done, and a finding of severity "alarm" says that some of its numbers
       should not be used as they are
  130  interrupted (Ctrl-C); 141 output closed early; 143 terminated: files are whole or not there
"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        """Complain and leave."""
        message = without_passwords(message)
        if message.startswith("unrecognized arguments: --formula"):
            message = "a formula needs no option: gausswork fit DATA 'y ~ a + b'"
        sys.stderr.write(f"gausswork: error: {message}. See {self.prog} --help.\n")
        raise SystemExit(REFUSED)


def number(text: str) -> float:
    """Return an argument as a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def whole(text: str) -> int:
    """Return an argument as a whole number."""
    try:
        return int(text.replace("_", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def without_passwords(text: str) -> str:
    """Hide the passwords of addresses of databases, wherever they were typed."""
    if "://" not in text:
        return text
    from gausswork.data.databases.address import veiled

    return veiled(text)


def say(text: str, *drawing: str) -> None:
    """Write one line to standard error, whatever it can encode, and what is drawn under it."""
    from gausswork.formatting import for_encoding, visible

    said = (f"gausswork: {without_passwords(text)}", *drawing)
    lines = "\n".join(visible(line) for line in said)
    with contextlib.suppress(OSError, ValueError):
        encoding = getattr(sys.stderr, "encoding", None)
        print(for_encoding(lines, encoding), file=sys.stderr, flush=True)


def files_of(arguments: argparse.Namespace) -> str | list[str]:
    """Return the data as the library takes it: one path or glob, or what a shell made of one."""
    named: list[str] = arguments.data
    return named[0] if len(named) == 1 else named


def check_plot(path: str) -> None:
    """Refuse a figure that could not be written, before any work is done."""
    from gausswork import files, plots

    plots.check_path(path)
    files.check_writable(path)
