"""Promise: ``gausswork check`` says of each column what the library says, and of others why not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gausswork as gw
from gausswork.cli import columns, main

pytest.importorskip("pyarrow")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(3)
    height, wait = rng.normal(170, 8, 300).round(3), rng.exponential(size=300).round(5)
    lines = ["height,wait,same,coin,name"]
    for k in range(300):
        gap = "" if k in (4, 40) else str(height[k])
        lines.append(f"{gap},{wait[k]},7,{k % 2},n{k}")
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


def heights(path: Path) -> list[float | None]:
    cells = [line.split(",")[0] for line in path.read_text().splitlines()[1:]]
    return [float(cell) if cell else None for cell in cells]


def test_every_numeric_column_gets_a_line_and_a_sentence(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "people.csv"]) == 0
    shown = capsys.readouterr().out
    assert "people.csv" in shown
    assert "height is bell-shaped" in " ".join(shown.split())
    assert "wait is not bell-shaped" in " ".join(shown.split())
    assert "all 300 values of same are 7" in " ".join(shown.split())
    assert "coin" in shown
    assert "name (text" in shown
    row = next(line for line in shown.splitlines() if line.startswith("height"))
    assert row.split()[1:3] == ["298", "2"]


def test_one_column_is_shown_in_detail(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "people.csv", "--column", "height"]) == 0
    shown = capsys.readouterr().out
    assert str(gw.normality(heights(table), name="height")) in shown
    assert str(gw.outliers(heights(table), name="height")) in shown
    assert "wait" not in shown


def test_json_has_what_the_library_says(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "people.csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [column["name"] for column in document["columns"]] == ["height", "wait", "same", "coin"]
    expected = gw.normality(heights(table), name="height").to_dict()
    first = document["columns"][0]
    assert {key: first[key] for key in expected} == expected
    assert first["outliers"] == gw.outliers(heights(table), name="height").to_dict()
    assert document["columns"][2]["conclusion"] is None
    assert document["not_numeric"][0]["name"] == "name"


def test_wide_tables_are_read_in_groups(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["check", "people.csv"])
    at_once = capsys.readouterr().out
    monkeypatch.setattr(columns, "_VALUES", 1)
    main(["check", "people.csv"])
    assert capsys.readouterr().out == at_once


def test_figures_are_written(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert main(["check", "people.csv", "--plot", "people.png", "--quiet"]) == 0
    assert (table.parent / "people.png").stat().st_size > 10_000
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["people.csv", "--column", "heigth"], "Did you mean 'height'?"),
        (["people.csv", "--column", "name"], "holds text"),
        (["nothing.csv"], "there is no file"),
        (["words.csv"], "no column of numbers"),
        (["people.csv", "--plot", "people.xyz"], "written as"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    table: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    (table.parent / "words.csv").write_text("a,b\nx,y\nz,u\n", encoding="utf-8")
    assert main(["check", *arguments]) == 2
    said = capsys.readouterr()
    assert complaint in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_infinite_values_stop_their_column_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.csv"
    path.write_text("a,b\n1,5\ninf,6\n2,8\n4,9\n", encoding="utf-8")
    assert main(["check", str(path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 infinite value" in shown
    assert "against a bell in b" in shown
