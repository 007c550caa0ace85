"""Promise: batches read ahead arrive in order, errors too, and no thread outlives its reader."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gausswork.data.databases.readahead import read_ahead


def alive() -> list[str]:
    """Names of the threads that read ahead."""
    return [t.name for t in threading.enumerate() if t.name == "gausswork-database"]


def test_all_batches_arrive_in_order() -> None:
    assert list(read_ahead(iter(range(1000)), cancel=lambda: None)) == list(range(1000))
    assert alive() == []


def test_an_error_arrives_after_the_batches_before_it() -> None:
    def failing() -> Iterator[int]:
        yield from range(5)
        raise OSError("gone")

    seen: list[int] = []
    with pytest.raises(OSError, match="gone"):
        seen.extend(read_ahead(failing(), cancel=lambda: None))
    assert seen == [0, 1, 2, 3, 4]
    assert alive() == []


def test_a_reader_that_stops_early_ends_a_wait_for_rows() -> None:
    cancelled = threading.Event()

    def waiting() -> Iterator[int]:
        yield 1
        yield 2
        assert cancelled.wait(30), "nobody has ended the wait"
        raise OSError("cancelled")  # as a database says then; nobody is left to hear it

    batches = read_ahead(waiting(), cancel=cancelled.set)
    assert next(batches) == 1
    batches.close()  # type: ignore[attr-defined]
    assert cancelled.is_set()
    assert alive() == []


def test_few_batches_are_held() -> None:
    made: list[int] = []

    def making() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    batches = read_ahead(making(), cancel=lambda: None)
    for taken in range(50):
        assert next(batches) == taken
        assert len(made) <= taken + 5  # two waiting, one in each hand, one just begun
    batches.close()  # type: ignore[attr-defined]
