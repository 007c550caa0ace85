"""What the command line shows: rich on a terminal, plain text in a pipe."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gausswork import formatting as fmt
from gausswork import report

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

Progress = Callable[[int, int | None, int | None], None]

_PATIENCE = 0.5  # seconds before a progress bar appears: shorter work needs none
_TERM_WIDTH = 12  # to which names may be folded on a narrow terminal
_EXPENDABLE = (("t",), ("digits",), ("p",), ("lower", "upper"), ("std. error",))  # in this order
_DESCENT = (
    "method|learning_rate|epochs|momentum|nesterov|standardize|tolerance|ridge|beyond_limit|batch_size|"
    "optimizer|schedule|seed|shuffle|memory|averaging|early_stopping|patience|state|resume"
)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


# Arguments of the library -> options of the command line, the first that fits.
_OPTIONS: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r",? or fit the mean alone with features=\[\]"), ""),
    (re.compile(r"\b(target|features|missing|weights|frequencies)='([\w,.-]*)'"), r"--\1 \2"),
    (re.compile(r"\b(target|features)=(?=['\"])"), r"--\1 "),
    (
        re.compile(r"\b(target|features|missing|weights|frequencies|level|interval|threads)="),
        r"--\1",
    ),
    (re.compile(r"\bintercept=False"), "--no-intercept"),
    (re.compile(rf"\b({_DESCENT})=True\b"), lambda found: _option(found[1])),
    (
        re.compile(rf"\b({_DESCENT})=(['\"]?)([\w.:-]+)\2"),
        lambda found: f"{_option(found[1])} {found[3].rstrip('.')}" + "." * found[3].endswith("."),
    ),
    (re.compile(rf"\b({_DESCENT})="), lambda found: _option(found[1])),
    (re.compile(r"\blearning_rate\b"), "--learning-rate"),
)
_COLOURS = {"note": "cyan", "caution": "yellow", "alarm": "bold red"}


def for_command_line(text: str) -> str:
    """Say in options what the library says in arguments: ``--features`` for ``features=``."""
    for pattern, option in _OPTIONS:
        text = pattern.sub(option, text)
    return text


def show(fit: Fit, *, level: float) -> None:
    """Print the table of a fit with its findings."""
    said = (
        replace(f, sentence=for_command_line(f.sentence), remedy=for_command_line(f.remedy))
        for f in fit.findings
    )
    fit = replace(fit, findings=tuple(said))
    if sys.stdout.isatty():
        console = _console(sys.stdout)
        console.print(rich_table(fit, level=level, width=console.width))
    else:
        write(report.text(fit, level=level))


def write(text: str) -> None:
    """Print text with signs that standard output can write."""
    print(fmt.for_encoding(text, getattr(sys.stdout, "encoding", None)))


def rich_table(fit: Fit, *, level: float, width: int) -> Any:
    """Return the table as something that rich prints; names are never read as its markup."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    shown = report.table(fit, level=level)
    columns = report.aligned_columns(shown)
    heads = report.headings(shown)
    kept, left_out, gap = _fitting(heads, columns, width)
    table = Table(
        title=Text(shown.title), title_justify="left", title_style="bold", box=_box(),
        show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0),
    )  # fmt: skip
    for j in kept:
        table.add_column(
            Text(heads[j]), justify="right" if j else "left", no_wrap=j > 0, overflow="fold"
        )
    for i in range(len(shown.rows)):
        if shown.left_out[0] and i == shown.left_out[1]:
            table.add_row(Text(f"… {shown.left_out[0]:,} more terms (--json has them all)"))
        table.add_row(*(Text(columns[j][i]) for j in kept))
    notes = Table.grid(padding=(0, 2))
    for name, note in (*shown.notes, ("digits", shown.digits)):
        notes.add_row(Text(name, style="bold"), Text(note))
    parts: list[Any] = [table, Padding(notes, (1, 0, 0, 0))]
    if left_out:
        parts.insert(1, Text(f"narrow terminal: {', '.join(left_out)} left out", style="dim"))
    for finding in shown.findings:
        line = Text(f"{finding.severity} ", style=_COLOURS[finding.severity])
        line.append(f"({finding.code}) ", style="dim")
        line.append(fmt.visible(str(finding)), style="default")
        parts.append(Padding(line, (1, 0, 0, 0)))
    return Group(*parts)


def _fitting(
    heads: list[str], columns: list[list[str]], width: int
) -> tuple[list[int], list[str], int]:
    """Choose the columns that fit, whole: a number that is cut off reads as another number.

    Returns
    -------
    the columns kept, the heads of the others, and the blanks between columns.
    """
    widths = [
        max(map(fmt.cell_width, [head, *column]))
        for head, column in zip(heads, columns, strict=True)
    ]
    kept, left_out = list(range(len(heads))), list[str]()
    for gap in (3, 2, 1):
        if sum(widths) + gap * len(kept) <= width:
            return kept, left_out, gap
    widths[0] = min(widths[0], _TERM_WIDTH)  # names may be folded
    for names in _EXPENDABLE:
        if sum(widths[j] + 1 for j in kept) <= width:
            break
        out = [report.Table.heads.index(name) for name in names]
        left_out += [heads[j] for j in out]
        kept = [j for j in kept if j not in out]
    return kept, left_out, 1


def _box() -> Any:
    from rich import box

    return box.SIMPLE_HEAD


class Bar:
    """A bar on standard error for long work: called as the rows are read, or by epochs."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._started: float | None = None
        self._done = 0.0

    def __call__(self, rows: int, done: int | None, total: int | None) -> None:
        """Show how far a pass over the rows has come: rows, bytes of the files, time left."""
        text = fmt.rows(rows)
        if total:
            text = f"{text}, {fmt.bytes_of(done or 0, total)}"
        self._move(text, done or 0, total)

    def epoch(self, done: float, epochs: int, loss: float) -> None:
        """Show how far a descent has come, and its loss."""
        self._move(f"epoch {int(done):,} of {epochs:,}, loss {loss:.6g}", done, epochs)

    def trained(self, done: int, total: int) -> None:
        """Show how many epochs of all networks have been trained."""
        self._move(f"epoch {done:,} of {total:,}, all networks", done, total)

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def _move(self, text: str, done: float, total: float | None) -> None:
        if self._bar is None:
            self._started = time.monotonic() if self._started is None else self._started
            if time.monotonic() - self._started < _PATIENCE:
                return
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task("reading", total=total)
        if done < self._done:  # another pass: its pace is its own
            self._bar.reset(self._task, total=total)
        self._done = done
        self._bar.update(self._task, completed=done, total=total, description=text)


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[Bar | None]:
    """Give a callback that moves a bar on standard error: on a terminal, for long work only."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bar = Bar()
    try:
        yield bar
    finally:
        bar.stop()


def _bar() -> Any:
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class TimeLeft(ProgressColumn):
        """How long the pass will go on at its pace, once that is known."""

        max_refresh = 0.5

        def render(self, task: Any) -> Text:
            """Show it."""
            left = task.time_remaining
            return Text("" if left is None else f"{fmt.duration(left)} left")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),  # with what stands beside it no more than 80 columns
        TimeElapsedColumn(),
        TimeLeft(),
        console=_console(sys.stderr),
        transient=True,
    )


def _console(stream: Any) -> Any:
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)
