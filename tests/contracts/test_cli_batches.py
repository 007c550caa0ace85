"""Promise: mini-batches on the command line are those of the library, and Ctrl-C loses nothing."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.cli import main, terminal

DESCENT = ["fit", "rows.csv", "--target", "y", "--method", "gradient-descent"]
BATCHES = [*DESCENT, "--batch-size", "16", "--learning-rate", "0.01", "--standardize"]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a table."""
    rng = np.random.default_rng(8)
    x = rng.normal(50.0, 10.0, size=(200, 2))
    lines = [f"{a!r},{b!r},{2 * a - b + rng.normal()!r}" for a, b in x.tolist()]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *lines]) + "\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_line_descends_as_the_library_does(at: Path, capsys: Any) -> None:
    arguments = [
        *BATCHES, "--epochs", "7", "--optimizer", "adam:beta1=0.8", "--schedule",
        "step:every=2,factor=0.5", "--seed", "3", "--shuffle", "disk", "--memory", "2048",
        "--averaging", "4", "--early-stopping", "0.2", "--patience", "9", "--history", "path.csv",
        "--save", "model.json", "--json",
    ]  # fmt: skip
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    method = gw.GradientDescent(
        batch_size=16, learning_rate=0.01, standardize=True, epochs=7,
        optimizer=gw.Optimizer("adam", beta1=0.8),
        schedule=gw.Schedule("step", every=2, factor=0.5), seed=3, shuffle="disk", memory=2048,
        averaging=4, early_stopping=0.2, patience=9,
    )  # fmt: skip
    fit = gw.fit("rows.csv", "y", method=method)
    assert fit.descent is not None
    assert fit.descent.mini_batch is not None
    assert [term["estimate"] for term in told["terms"]] == fit.coefficients.tolist()
    batches = told["descent"]["mini_batch"]
    assert batches["held_out_rows"] == 40
    assert batches["steps"] == fit.descent.mini_batch.steps
    assert batches["optimizer"] == "adam:beta1=0.8"
    assert told["descent"]["loss"] == fit.descent.loss[fit.descent.ended_at]
    assert np.array_equal(gw.load("model.json").coefficients, fit.coefficients)
    with Path("path.csv").open(encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in history] == fit.descent.loss.tolist()
    assert [float(row["rate"]) for row in history] == fit.descent.mini_batch.rate.tolist()
    assert fit.descent.held_out_loss is not None
    assert float(history[-1]["held_out_loss"]) == fit.descent.held_out_loss[-1]


def test_options_without_a_value_take_the_usual_one(at: Path, capsys: Any) -> None:
    assert main([*BATCHES, "--epochs", "4", "--averaging", "--early-stopping", "--json"]) == 0
    batches = json.loads(capsys.readouterr().out)["descent"]["mini_batch"]
    assert batches["averaged_from"] == 2.0
    assert batches["held_out_rows"] == 20


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--batch-size", "0"], "must be a whole number of rows"),
        (["--batch-size", "2.5"], "'2.5' is not a whole number"),
        (["--batch-size", "999"], "--batch-size 999 is larger than the data"),
        (["--batch-size", "9", "--optimizer", "adm"], "Did you mean 'adam'"),
        (["--batch-size", "9", "--schedule", "cosin"], "Did you mean 'cosine'"),
        (["--batch-size", "9", "--early-stopping", "20"], "Did you mean 0.2"),
        (["--batch-size", "9", "--resume"], "needs the file to go on from"),
        (["--optimizer", "adam"], "is an option of mini-batches"),
        (["--batch-size", "9", "--learning-rate", "3"], "or at most"),
        (["--method", "normal-equation", "--batch-size", "9"], "needs --method gradient-descent"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: list[str], said: str, at: Path, capsys: Any
) -> None:
    try:
        code = main([*DESCENT, *arguments])
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_divergence_is_an_alarm(at: Path, capsys: Any) -> None:
    arguments = [*DESCENT, "--batch-size", "9", "--learning-rate", "3", "--beyond-limit", "run"]
    assert main(arguments) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "The descent diverged in epoch 1, at step" in out
    assert "--standardize puts the columns on one scale" in out


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_descent_is_gone_on_with(at: Path, sent: int, code: int) -> None:
    kept = ["--momentum", "0.5", "--schedule", "inverse-time", "--state", "state.json"]
    with subprocess.Popen(
        [sys.executable, "-m", "gausswork", *BATCHES, "--epochs", "5000000", *kept],
        cwd=at, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        for _ in range(1200):
            if (at / "state.json").exists():
                break
            time.sleep(0.05)
        process.send_signal(sent)
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(60) == code
    if sent == signal.SIGINT:
        assert "the state of the descent is in state.json. Go on from it with --resume." in err
    epochs = len(gw_history(at / "state.json")) + 2
    assert main([*BATCHES, *kept[:-2], "--epochs", str(epochs), "--save", "whole.json"]) == 0
    resumed = [*BATCHES, *kept, "--epochs", str(epochs), "--resume", "--save", "resumed.json"]
    assert main(resumed) == 0
    whole, gone_on = gw.load("whole.json").descent, gw.load("resumed.json").descent
    assert whole is not None
    assert gone_on is not None
    assert np.array_equal(whole.path, gone_on.path)
    assert gone_on.mini_batch is not None
    assert gone_on.mini_batch.resumed_at


def gw_history(path: Path) -> list[float]:
    """Return the losses in a state."""
    from gausswork.leastsquares.stochastic.state import unpacked

    body = json.loads(path.read_text("utf-8"))
    return unpacked(body["history"]).reshape(-1, body["columns"])[:, 0].tolist()


def test_the_bar_shows_epochs_and_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []

    class Fake:
        def start(self) -> None: ...
        def stop(self) -> None: ...
        def add_task(self, text: str, *, total: float | None) -> int:
            return 1

        def update(self, task: int, **what: Any) -> None:
            shown.append(what)

    monkeypatch.setattr(terminal, "_bar", Fake)
    monkeypatch.setattr(terminal, "_PATIENCE", 0.0)
    bar = terminal.Bar()
    bar(1234, None, None)
    bar.epoch(2.5, 10, 0.125)
    bar.stop()
    assert shown[0]["description"] == "1,234 rows"
    assert shown[1] == {"completed": 2.5, "total": 10, "description": "epoch 2 of 10, loss 0.125"}
