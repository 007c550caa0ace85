"""Promise: ``gausswork init`` shows what the library computes, and refuses in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gausswork.cli import main
from gausswork.initialization import scheme
from gausswork.initialization.fan import Fans
from gausswork.initialization.schemes import RECIPES


def test_show_has_every_scheme_as_the_library_has_it(capsys: Any) -> None:
    assert main(["init", "show", "--fan-in", "300", "--fan-out", "40", "--json"]) == 0
    found = {line["name"]: line for line in json.loads(capsys.readouterr().out)}
    assert set(found) == set(RECIPES)
    for name, line in found.items():
        law = scheme(name).law(Fans(300, 40, 40))
        assert line["sd"] == law.spread
        assert line["scaled_variance"] == pytest.approx(300 * law.spread**2)
    assert main(["init", "show", "--fan-in", "300"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in RECIPES)
    assert "█" in said


def test_show_draws(tmp_path: Path, capsys: Any) -> None:
    place = tmp_path / "schemes.png"
    assert main(["init", "show", "--scheme", "he,zeros,lsuv", "--plot", str(place)]) == 0
    assert place.stat().st_size > 5_000
    assert "drew" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "--scheme", "hee"], "Did you mean 'he'"),
        (["show", "--fan-in", "0"], "fan_in must be"),
        (["show", "--activation", "rleu"], "Did you mean 'relu'"),
        (["show", "--plot", "x.gif"], ".png"),
        (["diagnose"], "--widths"),
        (["diagnose", "--widths", "8,x"], "whole numbers"),
        (["diagnose", "--widths", "8,0"], "from 1 on"),
        (["diagnose", "--widths", "8", "--model", "a:b"], "not allowed with"),
        (["diagnose", "--widths", "8", "--tokens", "5"], "belong to --model"),
        (["diagnose", "--widths", "8", "--scheme", "hee"], "Did you mean 'he'"),
        (["diagnose", "--widths", "8", "--samples", "1"], "one sample"),
        (["diagnose", "--model", "nowhere:x", "--input-shape", "3"], "no module 'nowhere'"),
        (["diagnose", "--model", "torch.nn", "--input-shape", "3"], "package.module:name"),
        (["diagnose", "--model", "net:build"], "--input-shape"),
        (["diagnose", "--model", "net:biuld", "--input-shape", "3"], "Did you mean 'build'"),
        (["diagnose", "--model", "net:broken", "--input-shape", "3"], "raised ValueError: no"),
        (["diagnose", "--model", "net:number", "--input-shape", "3"], "torch.nn.Module"),
        (["diagnose", "--model", "net:build", "--input-shape", "7"], "raised RuntimeError"),
        (["diagnose", "--model", "net:build", "--inputs", "7"], "belong to --widths"),
        ([], "ACTION"),
    ],
)
def test_refusals(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    if "diagnose" in arguments:
        pytest.importorskip("torch")
    _write(tmp_path, monkeypatch)
    assert main(["init", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


NET = """
import torch
def build():
    return torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
def both():
    return build(), torch.ones(4, 3) * torch.arange(4.0)[:, None]
def words():
    return torch.nn.Sequential(torch.nn.Embedding(9, 8), torch.nn.Linear(8, 2))
def broken():
    raise ValueError("no")
model = build()
number = 3
"""


def _write(folder: Path, monkeypatch: Any) -> None:
    import sys

    (folder / "net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "net", raising=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["net:build", "--input-shape", "3"],
        ["net:model", "--input-shape", "3"],
        ["net:both"],
        ["net:words", "--input-shape", "5", "--tokens", "9"],
    ],
)
def test_models_by_import_path(
    arguments: list[str], tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    pytest.importorskip("torch")
    _write(tmp_path, monkeypatch)
    assert main(["init", "diagnose", "--model", *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["healthy"] is True
    assert found["samples"] == (4 if "both" in arguments[0] else 128)


def test_diagnose_says_what_the_library_says(tmp_path: Path, capsys: Any) -> None:
    torch = pytest.importorskip("torch")
    from gausswork import sampling
    from gausswork.initialization import diagnose, initialize, mlp

    model = mlp([64] * 14)
    initialize(model, "default", seed=3)
    x = sampling.normal((32, 64), seed=3, stream="batch", dtype="float32")
    expected = diagnose(model, torch.from_numpy(x), seed=3)
    widths = ",".join(["64"] * 14)
    place = tmp_path / "start.svg"
    asked = ["init", "diagnose", "--widths", widths, "--samples", "32", "--seed", "3"]
    assert main([*asked, "--plot", str(place)]) == 3  # there is an alarm
    assert capsys.readouterr().out.strip() == str(expected).strip()
    assert place.stat().st_size > 5_000
    assert main([*asked, "--scheme", "he,lsuv", "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert list(both) == ["he", "lsuv"]
    assert both["he"]["healthy"]
    assert both["lsuv"]["healthy"]
    assert main([*asked, "--quiet"]) == 3
    assert capsys.readouterr().out == ""
    assert main(["init", "diagnose", "--widths", "16,16", "--activation", "tanh"]) == 0
    assert "tanh" in capsys.readouterr().out
