"""Promise: what was computed of all rows is computed once, stays the same, and takes few places."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab import rooms
from gausswork.lab.kept import Kept
from gausswork.lab.tables import Table, Tables


def test_the_same_key_is_made_once_and_the_oldest_leaves() -> None:
    kept, made = Kept(most=2), []

    def make(what: str) -> str:
        return kept.get(what, lambda: made.append(what) or what.upper())  # type: ignore[func-returns-value]

    assert [make(what) for what in "aabacab"] == list("AABACAB")
    assert "".join(made) == "abcb"  # a was asked for after b, so b left for c
    assert len(kept) == 2


def test_an_error_is_not_kept() -> None:
    kept = Kept()

    def fails() -> int:
        raise InputError("x is missing. Give a number.")

    with pytest.raises(InputError):
        kept.get("x", fails)
    assert kept.get("x", lambda: 3) == 3


def test_threads_that_ask_for_the_same_get_the_same() -> None:
    kept, found = Kept(most=4), []

    def ask(k: int) -> None:
        found.extend(kept.get(j % 6, lambda j=j: j % 6) == j % 6 for j in range(k, k + 300))  # type: ignore[misc]

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1800
    assert all(found)
    assert len(kept) == 4


@contextmanager
def no_fits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever reads the rows again while the block runs fails."""

    def never(*arguments: Any, **options: Any) -> None:
        raise AssertionError("the rows were read again")

    with monkeypatch.context() as patch:
        for name in ("fit", "normality"):
            patch.setattr(gw, name, never)
        patch.setattr(gw.Fit, "check", never)
        yield


def table_of(tables: Tables, rows: int = 300) -> Table:
    """Two columns of numbers and a kind, as a CSV file."""
    rng = np.random.default_rng(3)
    a = rng.normal(size=rows)
    columns = {"a": a, "b": 2.0 * a + rng.normal(size=rows), "kind": ["u", "v"] * (rows // 2)}
    buffer = io.BytesIO()
    csv.write_csv(pa.table(columns), buffer)
    return tables.add("table.csv", buffer.getvalue())


@pytest.mark.parametrize(
    ("room", "chosen", "turned"),
    [
        ("regression", {"x_column": "a", "y_column": "b"}, {"band": "prediction", "level": 0.8}),
        ("descent", {"x_column": "a", "y_column": "b"}, {"epoch": 3, "equal": True}),
        ("bell", {"sample": "column"}, {"mean": 0.1, "sd": 1.2, "a": -1.0, "b": 0.5}),
        ("data", {"target": "b", "features": ["a", "kind"]}, {"level": 0.8}),
        ("data", {"by": "formula", "formula": "b ~ a * kind"}, {"level": 0.9}),
    ],
)
def test_another_look_at_a_table_reads_no_row_again(
    monkeypatch: pytest.MonkeyPatch, room: str, chosen: dict[str, Any], turned: dict[str, Any]
) -> None:
    tables, fresh = Tables(), Tables()
    table, module = table_of(tables), rooms.room(room)
    where = {"column": {"table": table.id, "column": "a"}} if room == "bell" else {
        "table": table.id
    }  # fmt: skip
    state = {**module.START, **where, **chosen}
    module.answer(state, tables)
    with no_fits(monkeypatch):
        again = module.answer({**state, **turned}, tables)
    table_of(fresh)
    assert again == module.answer({**state, **turned}, fresh)  # what is kept is what would be made


def test_a_rate_that_is_dragged_walks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line, and the walks at the rates beside it, stay."""
    module = rooms.room("descent")
    module.answer(module.START, Tables())
    walked: list[Any] = []
    fit = gw.fit
    with monkeypatch.context() as patch:
        patch.setattr(gw, "fit", lambda *a, **k: walked.append(k["method"]) or fit(*a, **k))  # type: ignore[func-returns-value]
        module.answer({**module.START, "learning_rate": 0.0612}, Tables())
    assert [method.learning_rate for method in walked] == [0.0612]


def test_other_columns_and_other_points_are_computed_anew() -> None:
    tables, module = Tables(), rooms.room("regression")
    table = table_of(tables)
    state = {**module.START, "table": table.id, "x_column": "a", "y_column": "b"}
    one = module.answer(state, tables)["shown"]["slope"]
    other = module.answer({**state, "x_column": "b", "y_column": "a"}, tables)["shown"]["slope"]
    assert one != other
    moved = {**module.START, "y": [*module.START["y"][:-1], 10.0]}
    assert (
        module.answer(moved, tables)["shown"]["slope"]
        != module.answer(module.START, tables)["shown"]["slope"]
    )
