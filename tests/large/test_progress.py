"""Promise: on a terminal one sees how far a long fit has come: rows, bytes and the time left."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

from gausswork import formatting
from gausswork.cli import terminal


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (0, 999, "0 of 999 bytes"),
        (5_000, 12_000, "5 of 12 kB"),
        (640_999_999, 1_077_207_196, "640 of 1,077 MB"),
        (3 * 10**9, 10**11, "3 of 100 GB"),
        (10**12, 50 * 10**12, "1 of 50 TB"),
    ],
)
def test_bytes_are_shown_in_a_unit_that_suits_the_whole(done, total, shown) -> None:
    assert formatting.bytes_of(done, total) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "0:00:01"), (100, "0:01:40"), (7325, "2:02:05")]
)
def test_durations(seconds, shown) -> None:
    assert formatting.duration(seconds) == shown


def test_the_bar_says_rows_bytes_and_time_left(monkeypatch) -> None:
    """It fits into 80 columns, and a second pass over the rows begins at zero."""
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    screen = Console(
        width=80, record=True, force_terminal=True, highlight=False, get_time=lambda: now[0]
    )
    monkeypatch.setattr(terminal, "_console", lambda stream: screen)
    bar = terminal.Bar()
    bar(0, 0, 1_077_207_196)
    now[0] += 1
    shown = []
    try:
        for step in (1, 2, 3, 1):
            now[0] += 10
            bar(500_000 * step, 107_000_000 * step, 1_077_207_196)
            with screen.capture() as printed:
                screen.print(bar._bar.get_renderable())
            lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.get()).split("\n")
            shown.append(next(line for line in lines if line.strip()).lstrip("\r").rstrip())
    finally:
        bar.stop()
    assert shown[2].startswith("1,500,000 rows, 321 of 1,077 MB")
    left = re.search(r"(\d):(\d\d):(\d\d) left", shown[2])
    assert left is not None
    assert 60 < int(left[2]) * 60 + int(left[3]) < 80  # 756 MB at 10.7 MB a second
    assert max(map(len, shown)) <= 80, shown
    assert shown[3].startswith("500,000 rows, 107 of 1,077 MB")
