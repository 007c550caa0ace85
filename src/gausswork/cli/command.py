"""What the commands share: exit codes, arguments that several have, one-line remarks."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from typing import Any, NoReturn

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


# What people type -> what it is called here.
_OTHER_WORDS = {
    "--robust": "--errors",
    "--se": "--errors",
    "--alpha": "--ridge",
    "--lambda": "--ridge",
    "--lr": "--learning-rate",
    "--out": "--output",
    "--y": "--target",
    "--x": "--features",
    "--group": "--by",
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, like every other error, and name the command."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and complain of what is unknown here, where the options are known."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}")
        return found, unknown

    def _meant(self, unknown: list[str]) -> str:
        """Ask whether the nearest option was meant, if one is near."""
        options = [o for action in self._actions for o in action.option_strings]
        for typed in unknown:
            name = typed.partition("=")[0]
            if not name.startswith("--"):
                continue
            other = _OTHER_WORDS.get(name, "")
            near = other if other in options else _nearest(name, options)
            if near:
                return f". Did you mean {near}?"
        return ""

    def error(self, message: str) -> NoReturn:
        """Complain and leave."""
        message = without_passwords(message)
        if message.startswith("unrecognized arguments: --formula"):
            message = "a formula needs no option: gausswork fit DATA 'y ~ a + b'"
        choice = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)$", message)
        if choice and (near := _nearest(choice[1], re.findall(r"[\w-]+", choice[2]))):
            message += f". Did you mean {near}?"
        stop = "" if message.endswith(("?", ".")) else "."
        sys.stderr.write(f"gausswork: error: {message}{stop} See {self.prog} --help.\n")
        raise SystemExit(REFUSED)


def _nearest(word: str, words: list[str]) -> str | None:
    import difflib  # only where something is wrong

    return next(iter(difflib.get_close_matches(word, words, 1)), None)


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
