"""Promise: the command line draws what the library draws, into whole files, in flat memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from gausswork import cli, sampling
from gausswork.cli import sample_files


def run(*arguments: str) -> int:
    return cli.main(["sample", *arguments])


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_files, "PORTION", 1000)


COMMANDS = [
    (("normal", "--mean", "70", "--sd", "10"), "normal", {"mean": 70, "sd": 10}),
    (("uniform", "--low", "-1", "--dtype", "float32"), "uniform", {"low": -1, "dtype": "float32"}),
    (("integers", "--low", "1", "--high", "7"), "integers", {"low": 1, "high": 7}),
    (("truncated-normal", "--low", "1"), "truncated_normal", {"low": 1}),
    (("bernoulli", "--p", "0.2"), "bernoulli", {"p": 0.2, "dtype": "uint8"}),
]


@pytest.mark.parametrize(
    ("other", "options"), [("randn", ()), ("rand", ()), ("randint", ("--high", "5"))]
)
def test_the_names_of_pytorch_are_understood(
    other: str, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"randn": "normal", "rand": "uniform", "randint": "integers"}[other]
    drawn = []
    for kind in (own, other):
        assert run(kind, "--size", "4", "--seed", "1", *options) == 0
        drawn.append(capsys.readouterr().out)
    assert drawn[0] == drawn[1]
    assert drawn[0].count("\n") >= 4
    with pytest.raises(AttributeError, match=f"called '{own}' here"):
        getattr(sampling, other)


@pytest.mark.parametrize(("command", "name", "arguments"), COMMANDS, ids=[c[1] for c in COMMANDS])
@pytest.mark.parametrize("ending", ["csv", "npy", "parquet"])
def test_files_hold_the_draws_of_the_library(
    command: tuple[str, ...], name: str, arguments: dict[str, object], ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"draws.{ending}"
    shared = ("--size", "2500", "--seed", "3", "--stream", "a", "--offset", "7", "--quiet")
    assert run(*command, *shared, "-o", str(path)) == 0
    wanted = getattr(sampling, name)(2500, seed=3, stream="a", offset=7, **arguments)
    if ending == "npy":
        found = np.load(path)
    else:
        table = pyarrow.csv.read_csv(path) if ending == "csv" else pyarrow.parquet.read_table(path)
        assert table.column_names == [name]
        found = table[name].to_numpy().astype(wanted.dtype)
    assert found.dtype == wanted.dtype
    assert np.array_equal(found, wanted)


def test_values_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("normal", "--size", "1500", "--seed", "1") == 0
    printed = [float(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == sampling.normal(1500, seed=1).tolist()
    assert run("uniform", "--size", "3", "--seed", "1", "--dtype", "float32") == 0
    printed = [np.float32(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == sampling.uniform(3, seed=1, dtype="float32").tolist()
    assert run("normal", "--size", "0", "--seed", "1") == 0
    assert capsys.readouterr().out == ""


def test_compare(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "three.svg"
    assert run("compare", "--size", "1e4", "--seed", "2", "--plot", str(path)) == 0
    assert capsys.readouterr().out == f"{sampling.compare(10_000, seed=2)}\n"
    assert path.exists()
    assert run("compare", "--size", "1000", "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(
        json.dumps(sampling.compare(1000).to_dict())
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("normal", "--size", "3"), "--seed"),
        (("normal", "--size", "2.5", "--seed", "1"), "'2.5' is not a whole number"),
        (("normal", "--size", "3", "--seed", "-1"), "seed must lie in"),
        (("normal", "--size", "-3", "--seed", "1"), "from 0 on"),
        (("normal", "--size", "3", "--seed", "1", "--sd", "-1"), "Did you mean"),
        (("normal", "--size", "3", "--seed", "1", "-o", "x.txt"), "x.parquet"),
        (("normal", "--size", "3", "--seed", "1", "-o", "no/such/x.csv"), "does not exist"),
        (("normal", "--size", "3", "--seed", "1", "--column", "x"), "-o FILE"),
        (("normal", "--size", "3", "--seed", "1", "--offset", "281474976710655", "-o", "x.csv"),
         "stream"),
        (("integers", "--size", "3", "--seed", "1", "--high", "0"), "low must be below high"),
        (("bernoulli", "--size", "3", "--seed", "1", "--p", "30"), "Did you mean 0.3?"),
        (("compare", "--size", "3"), "at least 100"),
        (("compare", "--plot", "x.txt"), ".png"),
        (("what",), "what"),
        ((), "KIND"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    arguments: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
    assert not list(tmp_path.iterdir())


def test_a_draw_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(b"old")
    part = sample_files.Draw.part

    def broken(self: sample_files.Draw, start: int, count: int) -> object:
        if start >= 2000:
            raise KeyboardInterrupt
        return part(self, start, count)

    monkeypatch.setattr(sample_files.Draw, "part", broken)
    assert run("normal", "--size", "2000", "--seed", "1", "-o", str(path), "--quiet") == 0
    path.write_bytes(b"old")
    assert run("normal", "--size", "5000", "--seed", "1", "-o", str(path)) == 130
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
