"""The one way in: sources of the user's own, targets, and policies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gausswork.data import Batch, Tally, open_data
from gausswork.errors import InputError

from .data_rows import rows_of


@dataclass
class Squares:
    """A source as a user would write one, with nothing but what the protocol asks for."""

    names: tuple[str, ...] = ("n",)
    target: str = "square"
    replayable: bool = True
    tally: Tally = field(default_factory=lambda: Tally(0, 0, {}))

    def batches(self, rows: int) -> Iterator[Batch]:
        n = np.arange(10.0)
        for start in range(0, 10, rows):
            part = n[start : start + rows]
            yield Batch(part[:, np.newaxis], part**2)


def test_a_source_is_taken_as_it_is() -> None:
    """Promise: whatever fulfils the protocol is a source; its recipe is its names."""
    source = Squares()
    opened = open_data(source)
    assert opened.source is source
    assert opened.recipe.names == ("n",)
    assert opened.recipe.target == "square"
    assert opened.description == "Squares"
    assert open_data(source, "square").source is source


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "n"}, "target is 'n', but the source says that its target is 'square'"),
        ({"features": "n"}, "brings its own target and features"),
        ({"y": np.arange(10)}, "brings its own target and features"),
    ],
)
def test_a_source_has_its_own_target_and_features(options: Any, message: str) -> None:
    """Promise: what contradicts a source is refused."""
    with pytest.raises(InputError, match=message):
        open_data(Squares(), **options)


def test_what_was_opened_is_a_source() -> None:
    """Promise: an opened source can be opened again, and keeps its recipe."""
    first = open_data({"g": ["u", "v", "u", "v"], "y": [1, 2, 3, 4]}, "y")
    again = open_data(first.source)
    assert again.source is first.source
    assert again.recipe == first.recipe
    assert again.recipe.references == {"g": "u"}


def test_columns_called_like_a_source_are_columns() -> None:
    """Promise: a frame with columns names, target, tally, … is a frame."""
    columns = {name: [1.0, 2.0] for name in ("names", "target", "replayable", "tally", "batches")}
    for frame in (columns, pd.DataFrame(columns)):
        assert len(open_data(frame, "target").source.names) == 4


def test_the_target_is_given_once() -> None:
    """Promise: target values as second argument, as y=, with a name; but not twice."""
    x, y = np.arange(3.0), np.array([1.0, 2.0, 4.0])
    for opened in (open_data(x, y), open_data(x, y=y), open_data(x, "h", y=y)):
        assert rows_of(opened.source)[:, 1].tolist() == [1, 2, 4]
    assert open_data(x, "h", y=y).source.target == "h"
    with pytest.raises(InputError, match="given twice"):
        open_data(x, y, y=y)
    with pytest.raises(InputError, match="target and a feature are both called 'x1'"):
        open_data(x, "x1", y=y)


def test_the_policy_for_gaps_is_checked_first() -> None:
    """Promise: a misspelt policy is refused before anything is read."""
    with pytest.raises(InputError, match="got 'ignore'"):
        open_data("no such file.csv", "y", missing="ignore")


def test_an_array_has_no_column_names() -> None:
    """Promise: a name as target of an array leads to its values; x1, x2, … are names."""
    x = np.arange(6.0).reshape(3, 2)
    with pytest.raises(InputError, match=r"'y', but an array has no .*Pass the target's 3 values"):
        open_data(x, "y")
    assert open_data(x, "x2").recipe.names == ("x1",)


def test_a_target_of_true_and_false() -> None:
    """Promise: yes and no as target is said to be a linear probability model, in every dress."""
    x, y = np.arange(4.0), np.array([True, False, True, True])
    for data, target in ((x, y), ({"x": x}, y), ({"x": x, "y": y}, "y")):
        codes = [finding.code for finding in open_data(data, target).findings]
        assert codes.count("binary-target") == 1
    assert not open_data(x, y.astype(int)).findings
