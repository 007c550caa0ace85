"""Promise: with ``--engine dask`` every option of ``gausswork fit`` gives the same numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gausswork.cli import main

pytest.importorskip("distributed", reason="needs gausswork[dask]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows as Parquet and as three CSV files, some with gaps."""
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(16)
    n = 70_000
    table = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"]).round(6)
    table["kind"] = rng.choice(["u", "v"], n)
    table["firm"] = np.repeat(np.arange(n // 40), 40)
    table["w"] = rng.uniform(0.5, 2.0, n).round(4)
    table["f"] = rng.integers(1, 4, n)
    table["y"] = (table.a + rng.normal(size=n)).round(6)
    table.loc[rng.choice(n, 90), "b"] = np.nan
    table.to_parquet(folder / "one.parquet", row_group_size=9000)
    for number, part in enumerate((table[:70], table[70:50_000], table[50_000:])):
        part.to_csv(folder / f"part-{number}.csv", index=False)
    return folder


PLAIN = ["--target", "y", "--features", "a,b,kind"]
DESCENT = ["--target", "y", "--features", "a,c", "--method", "gradient-descent", "--epochs", "3"]


@pytest.mark.parametrize(
    "options",
    [
        [*PLAIN, "--errors", "HC3", "--test", "a = b"],
        [*PLAIN, "--errors", "HAC"],
        [*PLAIN, "--cluster", "firm"],
        [*PLAIN, "--check"],
        [*PLAIN, "--weights", "w"],
        [*PLAIN, "--frequencies", "f"],
        [*PLAIN, "--ridge", "2", "--no-intercept"],
        [*PLAIN, "--digits", "15"],
        ["--target", "y", "--features", "a,b", "--by", "kind"],
        ["log(y + 200) ~ poly(a, 2) + scale(b) * kind + C(kind, Treatment('v')):c"],
        DESCENT,
        [*DESCENT, "--batch-size", "512", "--optimizer", "adam", "--learning-rate", "0.01"],
    ],
    ids=lambda options: " ".join(options[-2:]),
)
@pytest.mark.parametrize("files", ["one.parquet", "part-*.csv"])
def test_an_option_gives_the_same_document(
    scheduler: str,
    folder: Path,
    files: str,
    options: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    documents: list[dict[str, Any]] = []
    for engine in ([], ["--engine", "dask", "--scheduler", scheduler]):
        code = main(["fit", str(folder / files), *options, "--json", "--quiet", *engine])
        assert code == 0
        documents.append(json.loads(capsys.readouterr().out))
    assert documents[0] == documents[1]


def test_what_is_saved_predicts(
    scheduler: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predicted = []
    for number, engine in enumerate(([], ["--engine", "dask", "--scheduler", scheduler])):
        saved, rows = str(tmp_path / f"{number}.json"), str(folder / "part-0.csv")
        data = ["fit", str(folder / "part-*.csv"), *PLAIN, "--quiet"]
        assert main([*data, "--save", saved, *engine]) == 0
        assert main(["predict", saved, rows, "--quiet"]) == 0
        predicted.append(capsys.readouterr().out)
    assert predicted[0] == predicted[1]
    assert predicted[0].count("\n") == 71


@pytest.mark.parametrize("option", [["--state", "x.state"], ["--resume"]])
def test_a_state_is_refused(
    folder: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", str(folder / "one.parquet"), *PLAIN, "--engine", "dask", *option]) == 2
    assert "a cluster reads everywhere at once" in capsys.readouterr().err
