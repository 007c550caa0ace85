"""Promise: ``--check`` and ``--report`` show what ``fit.check()`` and ``fit.report()`` make."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gausswork as gw
from gausswork.cli import main


@pytest.fixture
def at(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(80, 2))
    y = x.sum(axis=1) + rng.normal(size=80)
    rows = [["a", "b", "y"], *np.column_stack((x, y)).round(4).tolist()]
    rows[10][0] = ""  # a gap: rows keep the numbers that they have in the file
    y_at = 41
    rows[1 + y_at][2] = 25.0
    (tmp_path / "d.csv").write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return tmp_path


FIT = ["fit", "d.csv", "--target", "y"]


def test_check_follows_the_table(at, capsys) -> None:
    assert main([*FIT, "--check"]) == 0
    out = capsys.readouterr().out
    fit = gw.fit("d.csv", "y")
    assert out.endswith(f"\n\n{fit.check()}\n")
    assert "Row 41 lies" in out


def test_json_has_the_check_up_too(at, capsys) -> None:
    assert main([*FIT, "--check", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    seen = gw.fit("d.csv", "y").check()
    assert document["checkup"] == json.loads(json.dumps(seen.to_dict()))
    assert "checkup" not in gw.fit("d.csv", "y").to_dict()
    assert main([*FIT, "--json"]) == 0
    assert "checkup" not in json.loads(capsys.readouterr().out)


def test_a_report_says_how_it_was_made(at, capsys) -> None:
    assert main([*FIT, "--features", "a,b", "--report", "r.html"]) == 0
    said = capsys.readouterr()
    assert "gausswork: wrote r.html" in said.err
    assert "Check-up of" not in said.out  # asked for in the report alone
    text = Path("r.html").read_text()
    assert "gausswork fit d.csv --target y --features a,b --report r.html" in text
    assert "gw.fit(&#x27;d.csv&#x27;, target=&#x27;y&#x27;" in text
    assert main([*FIT, "--quiet", "--report", "r.html"]) == 0
    assert capsys.readouterr() == ("", "")


def test_nothing_is_fitted_for_a_report_that_cannot_be_written(at, capsys) -> None:
    for name, said in (
        ("d.csv", "a report is an HTML file"),
        ("nowhere/r.html", "does not exist"),
        ("mine.html", "not a gausswork report"),
    ):
        Path("mine.html").write_text("<p>mine</p>")
        assert main([*FIT, "--report", name, "--save", "m.json"]) == 2
        assert said in capsys.readouterr().err
        assert not Path("m.json").exists()
    assert Path("mine.html").read_text() == "<p>mine</p>"


def test_a_fit_that_cannot_be_checked_says_why_and_is_shown(at, capsys) -> None:
    Path("line.csv").write_text("x,y\n1,2\n2,4\n3,6\n4,8\n")
    assert main(["fit", "line.csv", "--target", "y", "--check", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["checkup"] is None
    assert "no check-up: the fit is perfect" in said.err


def test_an_alarm_of_the_check_up_is_an_exit_code(at, capsys) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=400)
    y = x + rng.normal(size=400) * np.exp(1.5 * x)
    lines = ["x,y", *(f"{a},{b}" for a, b in zip(x, y, strict=True))]
    Path("s.csv").write_text("\n".join(lines) + "\n")
    found = {f.code: str(f.severity) for f in gw.fit("s.csv", "y").check().findings}
    assert found["unequal-spread"] == "alarm"
    assert main(["fit", "s.csv", "--target", "y"]) == 0
    assert main(["fit", "s.csv", "--target", "y", "--check"]) == 3
    capsys.readouterr()
