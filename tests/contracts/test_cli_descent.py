"""Promise: the command line descends like the library, and refuses what it refuses in options."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import gausswork as gw
from gausswork.cli import main

DESCENT = ["--method", "gradient-descent"]


@pytest.fixture
def line(tmp_path: Path) -> str:
    path = tmp_path / "line.csv"
    path.write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(1, 6)))
    return str(path)


def test_the_command_of_the_issue(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot, history = tmp_path / "path.png", tmp_path / "history.csv"
    code = main(
        ["fit", line, "--target", "y", *DESCENT, "--learning-rate", "0.01", "--epochs", "1000",
         "--momentum", "0", "--plot", str(plot), "--history", str(history)]
    )  # fmt: skip
    assert code == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
    with history.open() as file:
        last = list(csv.reader(file))[-1]
    fit = gw.fit(line, "y", method=gw.GradientDescent(0.01, 1000))
    assert [float(v) for v in last[2:]] == fit.coefficients.tolist()
    out = capsys.readouterr().out
    assert "1.99518" in out
    assert "3,884 epochs come within 1e-6" in out


def test_every_option_reaches_the_method(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["fit", line, "--target", "y", "--features", "x", *DESCENT, "--learning-rate", "0.005",
         "--epochs", "50", "--momentum", "0.5", "--nesterov", "--standardize", "--start", "1,2",
         "--tolerance", "1e-9", "--ridge", "0.5", "--json"]
    )  # fmt: skip
    assert code == 0
    method = gw.GradientDescent(
        0.005, 50, start=(1.0, 2.0), momentum=0.5, nesterov=True, standardize=True,
        tolerance=1e-9, ridge=0.5,
    )  # fmt: skip
    shown = json.loads(capsys.readouterr().out)
    fit = gw.fit(line, "y", features="x", method=method)
    assert shown == fit.to_dict()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--learning-rate", "0.1"], "--learning-rate needs --method gradient-descent"),
        (["--history", "h.csv"], "--history needs --method gradient-descent"),
        ([*DESCENT, "--digits", "9"], "--digits goes with the normal equation"),
        ([*DESCENT, "--learning-rate", "0.1"], "use ≤ 0.042 or standardise"),
        ([*DESCENT, "--learning-rate", "0.1"], "set --beyond-limit run"),
        ([*DESCENT, "--learning-rate", "0"], "--learning-rate must be a positive number"),
        ([*DESCENT, "--learning-rate", "nan"], "got nan"),
        ([*DESCENT, "--epochs", "0"], "epochs must be a whole number"),
        ([*DESCENT, "--epochs", "1.5"], "'1.5' is not a whole number"),
        ([*DESCENT, "--epochs", str(10**12)], "10,000,000,000"),
        ([*DESCENT, "--momentum", "1"], "momentum must lie in [0, 1)"),
        ([*DESCENT, "--start", "1"], "start has 1 numbers"),
        ([*DESCENT, "--history", "h.txt"], "written as .csv"),
        ([*DESCENT, "--animate", "h.avi"], "written as .gif"),
        (["--plot-kind", "loss"], "--plot-kind needs --plot"),
        ([*DESCENT, "--batch-size", "100"], "larger than the data"),
    ],
)
def test_what_is_refused(
    line: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", line, "--target", "y", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_divergence_is_an_alarm(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = [*DESCENT, "--learning-rate", "0.1", "--beyond-limit", "run"]
    assert main(["fit", line, "--target", "y", *options]) == 3
    assert "every epoch multiplies the error by 1.37" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["fit", "path", "loss", "rates"])
def test_every_kind_of_plot(line: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "p.svg"
    options = [*DESCENT, "--epochs", "20", "--plot", str(path), "--plot-kind", kind, "--quiet"]
    assert main(["fit", line, "--target", "y", *options]) == 0
    assert path.read_text().startswith("<?xml")


def test_a_saved_descent_is_shown(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(tmp_path / "m.json")
    assert main(["fit", line, "--target", "y", *DESCENT, "--save", model]) == 0
    first = capsys.readouterr().out
    history = tmp_path / "h.csv"
    assert main(["show", model, "--history", str(history)]) == 0
    assert capsys.readouterr().out == first
    assert history.exists()
    assert main(["show", model, "--show-work", "--plot", str(tmp_path / "p.png")]) == 0
    assert "8. The same in NumPy" in capsys.readouterr().out


def test_the_work_of_batches_is_refused_before_it_is_done(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*DESCENT, "--batch-size", "2", "--show-work"]
    assert main(["fit", line, "--target", "y", *options]) == 2
    assert "leave --batch-size out" in capsys.readouterr().err
