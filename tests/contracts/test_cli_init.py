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


def _table(folder: Path) -> Path:
    import numpy as np

    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 120)
    x = rng.normal(0.0, 1.0, (120, 3)) + 3.0 * kind[:, None]
    lines = ["a,b,c,kind,word,amount,gappy"]
    lines += [
        f"{r[0]:.4f},{r[1]:.4f},{r[2]:.4f},{k},{'yes' if k else 'no'},{r.sum():.4f},"
        for r, k in zip(x, kind, strict=True)
    ]
    place = folder / "table.csv"
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place


def test_compare_says_what_the_library_says(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from gausswork.initialization import compare

    expected = compare([16, 16], ["zeros", "he"], "digits", seeds=2, epochs=2)
    asked = ["init", "compare", "--widths", "16,16", "--schemes", "zeros,he"]
    asked += ["--seeds", "2", "--epochs", "2"]
    place = tmp_path / "curves.png"
    assert main([*asked, "--plot", str(place)]) == 0
    assert capsys.readouterr().out.strip() == str(expected).strip()
    assert place.stat().st_size > 5_000
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [s["name"] for s in found["schemes"]] == ["zeros", "he"]
    assert found["schemes"][1]["train_loss"] == expected["he"].train_loss.tolist()
    assert found["schemes"][0]["verdict"] == "stays at chance"
    # nothing learns: an alarm
    assert main([*asked[:4], "--schemes", "zeros", "--epochs", "1", "--quiet"]) == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("target", "kind", "chance"), [("kind", "classification", 0.5), ("word", "classification", 0.5),
                                   ("amount", "regression", 0.0)],
)  # fmt: skip
def test_compare_learns_a_table(
    target: str, kind: str, chance: float, tmp_path: Path, capsys: Any
) -> None:
    pytest.importorskip("torch")
    place = _table(tmp_path)
    text = place.read_text(encoding="utf-8").splitlines()
    place.write_text("\n".join(line.rpartition(",")[0] for line in text), encoding="utf-8")
    asked = ["init", "compare", "--widths", "8", "--schemes", "he", "--seeds", "2"]
    asked += ["--data", str(place), "--target", target, "--batch-size", "16", "--epochs", "4"]
    assert main([*asked, "--learning-rate", "0.05", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == kind
    assert found["chance_accuracy"] == pytest.approx(chance, abs=0.2)
    assert min(found["schemes"][0]["final_accuracy"]) > 0.6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--schemes", "zeros,hee"], "Did you mean 'he'"),
        (["--widths", "8,x"], "whole numbers"),
        (["--widths", "8,0"], "from 1 on"),
        (["--seeds", "0"], "at least 1"),
        (["--batch-size", "5000"], "rows to train on"),
        (["--data", "table.csv"], "belong together"),
        (["--data", "table.csv", "--target", "knid"], "Did you mean 'kind'"),
        (["--data", "table.csv", "--target", "kind", "--batch-size", "200"], "90 rows to train on"),
        (["--data", "nowhere.csv", "--target", "kind"], "nowhere.csv"),
        (["--data", "gaps.csv", "--target", "kind"], "has missing values (b 2), and a network"),
        (["--optimizer", "adma"], "Did you mean 'adam'"),
        (["--model", "net:build"], "X has 64 features"),
        (["--model", "net:build", "--activation", "tanh"], "belongs to --widths"),
        (["--plot", "x.gif"], ".png"),
    ],
)
def test_compare_refuses(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    _write(tmp_path, monkeypatch)
    _table(tmp_path)
    (tmp_path / "gaps.csv").write_text("a,b,kind\n1,2,x\n3,,y\n4,,x\n", encoding="utf-8")
    assert main(["init", "compare", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_compare_interrupted_shows_what_there_is(monkeypatch: Any, capsys: Any) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from gausswork.initialization.comparison import trainers

    steps = 0
    before = trainers.Optimizer.step

    def step(self: Any, gradients: Any) -> None:
        nonlocal steps
        steps += 1
        if steps > 30:
            raise KeyboardInterrupt
        before(self, gradients)

    monkeypatch.setattr(trainers.Optimizer, "step", step)
    asked = ["init", "compare", "--widths", "8", "--schemes", "he", "--seeds", "2", "--epochs", "3"]
    assert main(asked) == 130
    said = capsys.readouterr().out
    assert said.startswith("INTERRUPTED")
    assert "unfinished" in said
