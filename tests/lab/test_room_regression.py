"""Promise: in the room of regression every number is the library's, whatever the points are."""

from __future__ import annotations

import contextlib
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.rooms import regression
from gausswork.lab.tables import Tables

ROOT = Path(__file__).resolve().parents[2]


def state(**changes: Any) -> dict[str, Any]:
    return {**regression.START, **changes}


def points(x: Any, y: Any, **changes: Any) -> dict[str, Any]:
    return state(x=[float(v) for v in x], y=[float(v) for v in y], **changes)


def cloud(n: int, seed: int = 0, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return points(x, 2.0 * x + rng.normal(size=n), **changes)


def run(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "script", "exec"), names)
    return names


STATES = {
    "start": state(),
    "my line": state(mine=True, my_points=[0.0, -3.0, 2.0, 20.0]),
    "prediction": state(band="prediction", level=0.8),
    "no band": state(band="none"),
    "none": points([], []),
    "one": points([2.0], [3.0]),
    "two": points([1.0, 2.0], [1.0, 4.0]),
    "two, my line": points([1.0, 2.0], [1.0, 4.0], mine=True),
    "above one another": points([3.0, 3.0, 3.0], [1.0, 2.0, 4.0]),
    "two above one another": points([3.0, 3.0], [1.0, 2.0]),
    "one place": points([3.0, 3.0, 3.0], [2.0, 2.0, 2.0]),
    "above one another, my line": points([3.0, 3.0, 3.0], [1.0, 2.0, 4.0], mine=True),
    "perfect": points([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]),
    "level": points([1.0, 2.0, 3.0, 4.0], [5.0, 5.0, 5.0, 5.0]),
    "leverage one": points([0.0, 0.0, 0.0, 5.0], [1.0, 2.0, 4.0, 7.0]),
    "far from zero": points([1e9, 1e9 + 1, 1e9 + 2, 1e9 + 3], [1.0, 2.5, 2.0, 4.0]),
    "fifty": cloud(50, mine=True),
    "two thousand": cloud(2000),
    "tiny": points([1e-200, 2e-200, 4e-200], [1.0, 3.0, 2.0]),
}


@pytest.mark.parametrize("name", STATES)
def test_the_script_computes_the_numbers_on_the_screen(name: str) -> None:
    shown = regression.answer(STATES[name], Tables())["shown"]
    names = run(regression.script(STATES[name], Tables()))
    assert "rows" in shown
    for key, value in shown.items():
        # the script says the same calls: not a digit may differ
        assert np.array_equal(np.asarray(names[key], dtype=float), np.asarray(value)), key


@pytest.mark.parametrize("name", STATES)
def test_an_answer_is_json_without_nan(name: str) -> None:
    answer = regression.answer(STATES[name], Tables())
    json.dumps(answer, allow_nan=False)
    assert answer["headline"]
    assert answer["said"].startswith(answer["headline"])


def test_the_numbers_are_those_of_numpy() -> None:
    """Against another program: least squares by NumPy, leverage from the hat matrix."""
    shown = regression.answer(cloud(30), Tables())["shown"]
    x, y = (np.array(cloud(30)[name]) for name in ("x", "y"))
    design = np.column_stack([np.ones(30), x])
    theta, squares = np.linalg.lstsq(design, y)[:2]
    hat = design @ np.linalg.inv(design.T @ design) @ design.T
    assert [shown["intercept"], shown["slope"]] == pytest.approx(theta, rel=1e-12)
    assert shown["sum_of_squares"] == pytest.approx(squares[0], rel=1e-12)
    assert shown["residuals"] == pytest.approx(y - design @ theta, abs=1e-12)
    assert shown["leverage"] == pytest.approx(hat.diagonal(), rel=1e-10)
    assert np.array(shown["XtX"]) == pytest.approx(design.T @ design, rel=1e-13)
    assert shown["Xty"] == pytest.approx(design.T @ y, rel=1e-13)
    assert np.array(shown["L"]) @ np.array(shown["u"]) == pytest.approx(shown["Xty"], rel=1e-12)
    assert np.array(shown["L"]).T @ shown["theta"] == pytest.approx(shown["u"], rel=1e-12)
    assert shown["left_over"] == [0.0, 0.0]


def test_my_line_is_never_better_than_least_squares() -> None:
    rng = np.random.default_rng(4)
    x, y = (np.array(regression.START[name]) for name in ("x", "y"))
    for b, w in rng.normal(size=(20, 2)) * [50.0, 10.0]:
        asked = state(mine=True, my_points=[0.0, float(b), 1.0, float(b + w)])
        shown = regression.answer(asked, Tables())["shown"]
        assert shown["my_sum_of_squares"] == pytest.approx(float(np.sum((y - b - w * x) ** 2)))
        assert shown["my_sum_of_squares"] > shown["sum_of_squares"]


def test_each_point_stands_where_its_residual_does_in_the_quantile_plot() -> None:
    answer = regression.answer(cloud(40, seed=7), Tables())
    scores, z = answer["shown"]["qq_score"], answer["shown"]["standardized"]
    assert np.argsort(scores).tolist() == np.argsort(z).tolist()
    from scipy.stats import norm

    # Blom's scores, by another program
    wanted = norm.ppf((np.arange(1, 41) - 0.375) / 40.25)
    assert sorted(scores) == pytest.approx(wanted, abs=1e-12)


def test_words_for_few_points() -> None:
    said = {name: regression.answer(STATES[name], Tables())["headline"] for name in STATES}
    assert said["none"] == "No points yet."
    assert said["one"] == "One point: every line through it fits perfectly."
    assert said["two"].startswith("Two points: the line goes through both")
    assert said["above one another"].startswith("All points have the same hours")
    assert said["two above one another"].startswith("All points have the same hours")
    assert "goes through every point" in said["perfect"]
    assert said["level"].startswith("The line is level")
    assert said["start"].startswith("When hours of practice goes up by 1, score goes up by ")
    flat = points(range(8), [1, -1, 1, -1, 1, -1, 1, -1])
    assert "direction is not sure" in regression.answer(flat, Tables())["headline"]


def test_the_first_state_is_a_plain_example() -> None:
    codes = [one["code"] for one in regression.answer(state(), Tables())["findings"]]
    assert codes == ["check-up-clear"]


def test_the_band_is_that_of_the_library_over_the_points_and_beyond() -> None:
    answer = regression.answer(state(level=0.9), Tables())
    x, y = (np.array(regression.START[name]) for name in ("x", "y"))
    fit = gw.fit({"x": x, "y": y}, target="y")
    grid = np.array(answer["grid"])
    assert grid[0] < x.min()
    assert grid[-1] > x.max()
    band = fit.predict({"x": grid}, "confidence", 0.9)
    assert answer["shown"]["band_lower"] == band.lower.tolist()
    assert answer["shown"]["line"] == band.value.tolist()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": [1.0, 2.0], "y": [1.0]}, "every point needs both"),
        ({"x": "12", "y": [1.0]}, "x must be a list of numbers"),
        ({"x": [1.0, "2"], "y": [1.0, 2.0]}, r"x\[1\] must be a number"),
        ({"x": [1.0, True], "y": [1.0, 2.0]}, r"x\[1\] must be a number"),
        ({"x": [1.0, math.nan], "y": [1.0, 2.0]}, r"x\[1\] must be a finite number"),
        ({"x": [10**400], "y": [1.0]}, r"x\[0\] must be a finite number"),
        ({"x": [0.0] * 1_000_000, "y": [0.0] * 1_000_000}, "CSV file and drop it"),
        ({"band": "both"}, "band must be one of none, confidence, prediction"),
        ({"level": 1.0}, "level must lie"),
        ({"mine": 1}, "mine must be true or false"),
        ({"my_points": [1.0, 2.0]}, "my_points must be a list of 4 numbers"),
        ({"my_points": [1.0, 2.0, 1.0, 3.0]}, "Move one of them sideways"),
        ({"squares": "all"}, "squares must be one of none, fit, mine"),
        ({"x_name": "n" * 100}, "x_name must be text"),
        ({"table": 7}, "table must be text"),
        ({"table": "abc", "x_column": "a", "y_column": "b"}, "does not hold that table"),
    ],
)
def test_a_state_that_is_none_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    for ask in (regression.answer, regression.script):
        with pytest.raises(InputError, match=words):
            ask(state(**changes), Tables())


def test_what_an_older_link_lacks_is_as_at_first() -> None:
    assert regression.read({}) == regression.read(state())
    assert regression.answer({"future": [1]}, Tables()) == regression.answer(state(), Tables())


# Columns of a table.


def galton(tables: Tables) -> dict[str, Any]:
    path = ROOT / "examples" / "galton-families.csv"
    table = tables.add(path.name, path.read_bytes())
    return state(table=table.id, x_column="midparentHeight", y_column="childHeight")


def test_two_columns_of_a_table_are_fitted_with_all_their_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = Tables()
    asked = galton(tables)
    answer = regression.answer(asked, tables)
    path = ROOT / "examples" / "galton-families.csv"
    fit = gw.fit(path, target="childHeight", features=["midparentHeight"])
    assert answer["shown"]["slope"] == float(fit.coefficients[1])
    assert answer["x_name"] == "midparentHeight"
    assert len(answer["points"]["x"]) == 934
    assert answer["points"]["y"] == pytest.approx(fit.influence().observed)
    monkeypatch.chdir(path.parent)  # a script names the file as it was given
    names = run(regression.script(asked, tables))
    for key, value in answer["shown"].items():
        assert np.array_equal(np.asarray(names[key], dtype=float), np.asarray(value)), key


def big(rows: int, tables: Tables) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=rows)
    text = io.BytesIO()
    pa.csv.write_csv(pa.table({"x": x, "y": x + rng.normal(size=rows)}), text)
    table = tables.add("big.csv", text.getvalue())
    return state(table=table.id, x_column="x", y_column="y")


def test_many_rows_are_all_fitted_and_some_drawn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tables = Tables()
    asked = big(30_000, tables)
    answer = regression.answer(asked, tables)
    assert answer["shown"]["rows"] == 30_000
    assert 1_000 <= len(answer["points"]["x"]) <= 2_000
    assert len(json.dumps(answer)) < 1_000_000
    table = next(iter(tables))
    pa.csv.write_csv(table.data, tmp_path / "big.csv")
    monkeypatch.chdir(tmp_path)
    names = run(regression.script(asked, tables))
    for key, value in answer["shown"].items():
        assert np.array_equal(np.asarray(names[key], dtype=float), np.asarray(value)), key


def test_gaps_are_left_out_and_counted() -> None:
    tables = Tables()
    table = tables.add("gaps.csv", b"a,b\n1,2\n2,\n3,5\n,1\n4,9\n5,8\n")
    answer = regression.answer(state(table=table.id, x_column="a", y_column="b"), tables)
    assert answer["left_out"] == 2
    assert answer["shown"]["rows"] == 4
    assert answer["points"] == {"x": [1.0, 3.0, 4.0, 5.0], "y": [2.0, 5.0, 9.0, 8.0]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y_column": None}, "only one is chosen"),
        ({"y_column": "midparentHeight"}, "Choose two different ones"),
        ({"y_column": "gender"}, "'gender'"),
        ({"y_column": "<script>alert(1)</script>"}, "no column"),
    ],
)
def test_columns_that_make_no_points_are_named(changes: dict[str, Any], words: str) -> None:
    tables = Tables()
    with pytest.raises(InputError, match=words):
        regression.answer({**galton(tables), **changes}, tables)


def test_an_answer_to_a_drag_leaves_the_server_time_to_draw() -> None:
    """A drag asks 30 times a second: what it is asked for stays small, whatever the machine."""
    answer = regression.answer(cloud(50), Tables())
    assert len(json.dumps(answer)) < 40_000


def test_names_of_columns_cannot_break_out_of_the_script() -> None:
    name = "a'] + __import__('os').listdir('/') + ['"
    tables = Tables()
    text = f'"{name}",b\n1,2\n2,3\n4,9\n5,1\n'.encode()
    table = tables.add("hostile.csv", text)
    asked = state(table=table.id, x_column=name, y_column="b")
    script = regression.script(asked, tables)
    compile(script, "script", "exec")
    assert repr(name) in script


def test_while_the_hand_moves_the_numbers_are_the_same_and_the_findings_wait() -> None:
    """What is passed through in a drag is answered without a check-up, in half the time."""
    still = regression.answer(regression.START, Tables())
    moving = regression.answer({**regression.START, "live": True}, Tables())
    assert moving["findings"] is None
    assert still["findings"] is not None
    for name, value in still["shown"].items():
        np.testing.assert_allclose(moving["shown"][name], value, rtol=1e-12, atol=1e-12)
