"""Promise: room "your data" fits what was dropped on it, says what is wrong, and gives it away."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.rooms import data
from gausswork.lab.tables import Table, Tables

ROOT = Path(__file__).parents[2]


def rows_of(seed: int = 1, count: int = 120) -> str:
    """Return a table with gaps, words, yes and no, dates, a constant, and names that bite."""
    rng = np.random.default_rng(seed)
    x = rng.normal(10.0, 2.0, count)
    kind = rng.choice(["red", "green", "blue"], count)
    yes = rng.random(count) > 0.5
    y = 3.0 + 2.0 * x + (kind == "red") * 4.0 + yes + rng.normal(0.0, 1.0, count)
    lines = ["<b>x</b>,kind,yes,day,same,empty,the target"]
    for i in range(count):
        shown = "" if i % 17 == 3 else f"{x[i]:.4f}"
        lines.append(f"{shown},{kind[i]},{str(bool(yes[i])).lower()},2026-01-{i % 28 + 1:02d},7,,"
                     f"{y[i]:.3f}")  # fmt: skip
    return "\n".join(lines) + "\n"


def held(text: str | bytes, name: str = "mine.csv") -> tuple[Tables, Table]:
    tables = Tables()
    table = tables.add(name, text.encode() if isinstance(text, str) else text)
    return tables, table


def state_for(table: Table, **change: Any) -> dict[str, Any]:
    chosen = {"target": "the target", "features": ["<b>x</b>", "kind"]}
    return {**data.START, "table": table.id, **chosen, **change}


def run(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a script in a folder and return what it binds."""
    path = folder / "script.py"
    path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    return runpy.run_path(str(path))


def same(shown: Any, bound: Any) -> bool:
    if isinstance(shown, list):
        return len(shown) == len(bound) and all(map(same, shown, bound))
    if shown == "not a number":
        return bool(np.isnan(bound))
    return bool(shown == bound)


CHOICES: list[dict[str, Any]] = [
    {},
    {"features": ["kind", "yes"]},
    {"features": ["<b>x</b>"], "intercept": False},
    {"by": "formula", "formula": "`the target` ~ `<b>x</b>` * C(kind) + yes"},
    {"by": "formula", "formula": "`the target` ~ log(`<b>x</b>`)"},
    {"level": 0.8, "features": ["<b>x</b>", "same"]},
    {"target": "", "features": []},
]


@pytest.mark.parametrize("change", CHOICES, ids=lambda c: "-".join(map(str, c.values())) or "plain")
def test_the_python_computes_what_is_shown(
    change: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = rows_of()
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    tables, table = held(text)
    state = state_for(table, **change)
    found = data.answer(state, tables)
    json.dumps(found, allow_nan=False)
    assert found["problem"] is None
    bound = run(data.script(state, tables), tmp_path, monkeypatch)
    printed = capsys.readouterr().out
    if state["target"]:
        assert {"rows", "r_squared", "coefficients", "trusted_digits"} <= set(found["shown"])
        for row in found["fit"]["rows"]:  # and what it prints is the table on the screen
            assert row[1] in printed
    for name, value in found["shown"].items():
        assert same(value, bound[name]), name


def test_a_visitor_without_data_sees_galton_and_can_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = data.answer(data.START, Tables())
    assert found["table"] == {"id": "example", "name": "galton-families.csv", "rows": 934}
    assert found["shown"]["coefficients"][1] == pytest.approx(0.687015, abs=1e-6)
    bound = run(data.script(data.START, Tables()), tmp_path, monkeypatch)
    for name, value in found["shown"].items():
        assert same(value, bound[name]), name
    own = (ROOT / "examples" / "galton-families.csv").read_bytes()
    assert data.EXAMPLE_FILE.read_bytes() == own


def test_columns_are_described_with_their_gaps() -> None:
    tables, table = held(rows_of())
    found = data.answer(state_for(table), tables)
    seen = {column["name"]: column for column in found["columns"]}
    assert list(seen) == ["<b>x</b>", "kind", "yes", "day", "same", "empty", "the target"]
    assert seen["<b>x</b>"]["kind"] == "number"
    assert seen["<b>x</b>"]["missing"] == 7
    assert sum(seen["<b>x</b>"]["sketch"]["counts"]) == 113
    assert seen["kind"]["different"] == 3
    assert sum(level["count"] for level in seen["kind"]["levels"]) == 120
    assert seen["yes"]["kind"] == "flag"
    assert seen["same"]["said"] == "always 7"
    assert seen["day"]["kind"] == "unusable"
    assert seen["empty"]["kind"] == "empty"
    assert found["fit"]["dropped"] == 7
    assert found["fit"]["read"] == 120
    again = data.answer({"table": table.id, "target": "", "features": []}, tables)
    assert again["columns"] is found["columns"]  # counted once
    assert found["said"].startswith("the target fitted on 113 rows, R² 0.9")


def test_a_proposal_is_a_fit_that_works() -> None:
    tables, table = held(rows_of())
    proposal = data.answer(state_for(table, target=""), tables)["proposal"]
    assert proposal == {"target": "the target", "features": ["<b>x</b>", "kind", "yes", "same"]}
    found = data.answer(state_for(table, **proposal), tables)
    assert found["problem"] is None
    assert found["shown"]["rows"] == 113
    words = held("a,b\nx,y\nz,w\n")
    found = data.answer(state_for(words[1], target="", features=[]), words[0])
    assert found["proposal"] == {"target": "", "features": []}


def test_the_check_up_is_that_of_the_fit() -> None:
    tables, table = held(rows_of())
    found = data.answer(state_for(table), tables)
    own = gw.fit(table.data, "the target", features=["<b>x</b>", "kind"]).check()
    points = found["checkup"]["points"]
    assert points["row"] == own.sample.row.tolist()
    np.testing.assert_allclose(points["residual"], own.sample.residual, rtol=1e-5)
    np.testing.assert_allclose(points["leverage"], own.sample.leverage, rtol=1e-5)
    assert len(points["score"]) == len(points["root"]) == len(points["label"]) == 113
    assert found["checkup"]["band"]["outside"] >= 0
    assert [c["level"] for c in found["checkup"]["contours"]] == [0.5, 1.0]
    codes = {one["code"] for one in found["fit"]["findings"]}
    assert codes >= {finding.code for finding in own.findings}
    assert "category-coded" in codes
    order = [one["severity"] for one in found["fit"]["findings"]]
    assert order == sorted(order, key=["alarm", "caution", "note"].index)


def test_the_report_and_the_model_are_those_of_the_library(tmp_path: Path) -> None:
    tables, table = held(rows_of())
    name, text = data.save(state_for(table, level=0.9), tables)
    assert name == "mine-report.html"
    assert text.startswith("<!DOCTYPE html>\n<!-- gausswork report -->")
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "<b>x</b>" not in text
    assert "lower 90 %" in text
    assert "gausswork fit mine.csv --target" in text
    assert "mine.csv" in text
    name, text = data.save(state_for(table, save="model"), tables)
    assert name == "mine-model.json"
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    again = gw.load(path)
    own = gw.fit(table.data, "the target", features=["<b>x</b>", "kind"])
    assert again.coefficients.tolist() == own.coefficients.tolist()
    with pytest.raises(InputError, match=r"no fit to save yet\. Choose a target"):
        data.save(state_for(table, target=""), tables)


def test_parquet_is_read_as_well() -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pa.table({"a": [1.0, 2.0, 3.0, 5.0], "b": [2.0, 4.0, 6.5, 9.0]}), file)
    tables, table = held(file.getvalue(), "mine.parquet")
    found = data.answer(state_for(table, target="b", features=["a"]), tables)
    assert found["shown"]["rows"] == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target": "the targte"}, "has no column 'the targte'. Did you mean 'the target'?"),
        ({"features": ["kind", "the target"]}, "is both target and feature"),
        ({"target": "kind"}, "kind"),
        ({"features": ["day"]}, "day"),
        ({"features": ["empty"]}, "empty"),
        ({"by": "formula", "formula": "y ~ "}, "formula"),
        ({"by": "formula", "formula": "`the target` ~ __import__('os')"}, ""),
        ({"by": "formula", "formula": "`the target` ~ open"}, "open"),
    ],
)
def test_a_fit_that_cannot_be_is_a_sentence_and_a_remedy(change: dict[str, Any], says: str) -> None:
    tables, table = held(rows_of())
    found = data.answer(state_for(table, **change), tables)
    json.dumps(found, allow_nan=False)
    assert found["fit"] is None
    assert found["problem"]["sentence"]
    assert says in f"{found['problem']['sentence']} {found['problem']['remedy']}"
    assert found["columns"]


def test_a_fit_with_no_residual_left_has_no_check_up_and_says_why() -> None:
    tables, table = held("a,b\n1,2\n2,3\n")
    found = data.answer(state_for(table, target="b", features=["a"]), tables)
    assert found["checkup"] is None
    assert found["no_checkup"]
    assert "not a number" in found["shown"]["p_values"]
    name, text = data.save(state_for(table, target="b", features=["a"]), tables)
    assert name.endswith(".html")
    assert "There is no check-up" in text


def test_a_table_that_is_gone_is_said_in_words() -> None:
    with pytest.raises(InputError, match=r"does not hold that table any more.*Give the file again"):
        data.answer({**data.START, "table": "0123456789ab"}, Tables())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"table": 7}, r"table must be text"),
        ({"table": None}, r"table must be text"),
        ({"formula": "x" * 10_001}, r"formula must be text of up to 10,000"),
        ({"by": "magic"}, r"by must be one of columns, formula; got 'magic'"),
        ({"save": "../../etc"}, r"save must be one of report, model"),
        ({"features": "a"}, r"features must be a list of names"),
        ({"features": [1]}, r"features must be a list of names"),
        ({"features": [str(i) for i in range(201)]}, r"features has 201 names"),
        ({"intercept": "yes"}, r"intercept must be true or false; got 'yes'"),
        ({"level": 95}, r"level must lie between 0.5 and 0.999; got 95"),
        ({"level": True}, r"level must lie"),
    ],
)
def test_a_state_that_cannot_be_is_refused_in_words(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        data.answer({**data.START, **change}, Tables())


def test_many_rows_and_columns_stay_quick_to_describe() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3_000, 250))
    head = ",".join(f"c{j}" for j in range(250))
    text = head + "\n" + "\n".join(",".join(f"{v:.3f}" for v in row) for row in values)
    tables, table = held(text, "wide.csv")
    found = data.answer(state_for(table, target="c249", features=["c0", "c1"]), tables)
    assert len(found["columns"]) == 200
    assert len(found["checkup"]["points"]["row"]) <= 1_250
    assert len(json.dumps(found)) < 1_500_000


def test_the_report_names_the_file_that_was_given() -> None:
    """The lines that make the fit again are complete."""
    tables = Tables()
    table = tables.add("flats.csv", b"area,rent\n30,500\n45,640\n60,820\n80,990\n95,1200\n")
    state = {**data.START, "table": table.id, "target": "rent", "features": ["area"]}
    _, text = data.save({**state, "save": "report"}, tables)
    assert "fit = gw.fit(&#x27;flats.csv&#x27;, target=" in text
    assert "gw.fit(data" not in text


def test_a_picture_is_not_taken_for_text_of_another_code() -> None:
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
    with pytest.raises(InputError, match=r"is a picture \(PNG\), not a table") as told:
        Tables().add("holiday.png", png)
    assert "iconv" not in str(told.value)


def test_least_and_most_of_a_column_are_told_apart() -> None:
    tables = Tables()
    table = tables.add("big.csv", b"a,b\n1000000000,1\n1000000003,2\n1000000005,4\n")
    one = data.answer({**data.START, "table": table.id, "target": "", "features": []}, tables)
    column = one["columns"][0]
    assert column["low"] != column["high"]


def test_long_names_stand_on_lines_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a script can be read, however many columns it names and however long they are."""
    names = [f"reading of the sensor number {i} at noon" for i in range(5)]
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(40, 6))
    text = ",".join([*names, "target"]) + "\n"
    text += "\n".join(",".join(f"{v:.6f}" for v in row) for row in rows) + "\n"
    tables, table = held(text)
    (tmp_path / "mine.csv").write_text(text)
    state = {**data.START, "table": table.id, "by": "columns", "target": "target",
             "features": names}  # fmt: skip
    script = data.script(state, tables)
    assert max(map(len, script.splitlines())) <= 100
    bound = run(script, tmp_path, monkeypatch)
    assert bound["coefficients"].shape == (6,)
