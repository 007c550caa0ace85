"""Reads the examples in Markdown pages and runs them.

Two kinds of fenced block are examples:

``python``
    With ``>>>`` prompts: a doctest. Without: a script that must run through.
``console``
    Lines that begin with ``$ `` are commands, run in a shell; the lines below a command are
    what it prints. A command must succeed unless the next one is ``$ echo $?``.

``...`` in shown output stands for anything. The examples of a page share one namespace and one
scratch folder with a copy of ``examples/``. Commands that are not run (installing, cloning)
stand in blocks marked ``sh``.
"""

from __future__ import annotations

import contextlib
import difflib
import doctest
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

FLAGS = doctest.ELLIPSIS
WRAPPED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE  # long messages may be wrapped
WIDTH = "88"  # columns of the terminal that the pages show
RUN_HERE = ("gausswork ", "python ", "cat ", "head ", "ls", "echo ")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, text, and the line of the page it begins on."""

    language: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """Yield the examples of a page."""
    for token in MarkdownIt().parse(page):
        language = token.info.split(" ")[0] if token.type == "fence" else ""
        if language in {"python", "console"} and token.map is not None:
            yield Block(language, token.content, token.map[0] + 1)


def failures(page: str, folder: Path) -> list[str]:
    """Run every example of a page in ``folder``; return what differed, with line numbers."""
    found: list[str] = []
    namespace: dict[str, Any] = {"__name__": "__page__"}
    for block in blocks(page):
        with contextlib.chdir(folder):
            if block.language == "console":
                found += run_console(block, folder)
            elif ">>>" in block.text:
                found += run_doctest(block, namespace)
            else:
                found += run_script(block, namespace)
    return found


def run_doctest(block: Block, namespace: dict[str, Any]) -> list[str]:
    """Run a block with prompts, in the page's namespace."""
    test = doctest.DocTestParser().get_doctest(block.text, {}, "page", "page", block.line)
    test.globs = namespace
    report = io.StringIO()
    doctest.DocTestRunner(optionflags=WRAPPED).run(test, out=report.write, clear_globs=False)
    return [report.getvalue()] if report.getvalue() else []


def run_script(block: Block, namespace: dict[str, Any]) -> list[str]:
    """Run a block without prompts, in the page's namespace."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block.text, f"line {block.line}", "exec"), namespace)
    except Exception as error:
        return [f"line {block.line}: {type(error).__name__}: {error}\n{block.text}"]
    return []


def run_console(block: Block, folder: Path) -> list[str]:
    """Run the commands of a block and compare what they print."""
    found = []
    commands = list(commands_of(block))
    status = 0
    for position, (line, command, wanted) in enumerate(commands):
        if not command.startswith(RUN_HERE):
            found.append(f"line {line}: {command!r} is not run here; mark the block as sh")
            continue
        result = subprocess.run(
            ["bash", "-c", f"(exit {status}); {command}"],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        status = result.returncode
        following = commands[position + 1][1] if position + 1 < len(commands) else ""
        if status and following != "echo $?":
            found.append(f"line {line}: exit status {status} of {command}")
        printed = tidy(result.stdout)
        if not doctest.OutputChecker().check_output(tidy(wanted), printed, FLAGS):
            difference = difflib.ndiff(tidy(wanted).splitlines(), printed.splitlines())
            found.append(f"line {line}: {command}\n" + "\n".join(difference))
    return found


def commands_of(block: Block) -> Iterator[tuple[int, str, str]]:
    """Yield (line, command, output shown below it); ``\\`` continues a command."""
    line, command, output = 0, "", ""
    for number, text in enumerate(block.text.splitlines(), block.line + 1):
        if text.startswith("$ "):
            if command:
                yield line, command, output
            line, command, output = number, text[2:], ""
        elif command.endswith("\\"):
            command += "\n" + text
        else:
            output += text + "\n"
    if command:
        yield line, command, output


def tidy(output: str) -> str:
    """Drop spaces at the ends of lines, and blank lines at both ends."""
    return "\n".join(line.rstrip() for line in output.splitlines()).strip("\n") + "\n"


def environment() -> dict[str, str]:
    """Return an environment in which this interpreter's commands come first, without colours."""
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    fixed = {"COLUMNS": WIDTH, "NO_COLOR": "1", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    return kept | fixed | {"PATH": path}


def scratch(folder: Path, examples: Path) -> Path:
    """Return ``folder`` with a copy of the project's examples in it."""
    shutil.copytree(examples, folder / "examples")
    return folder
