"""Promise: gausswork normal says what the library says, in words, numbers, JSON and a picture."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from gausswork import Normal
from gausswork.cli import main
from gausswork.errors import InputError
from gausswork.normal import questions


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["normal", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["70", "10", "--between", "60", "80"], ["68.27 %", "about 6,827", "-1 to 1"]),
        (["70", "10", "--above", "100"], ["P(X > 100) = 0.135 %", "3 sd above the mean"]),
        (["70", "10", "--below", "70"], ["P(X < 70) = 50.00 %", "on the mean"]),
        (["0", "1", "--quantile", "0.975"], ["97.50 % quantile is 1.95996398454"]),
        (["0", "1", "--above", "6"], ["9.866e-08 %", "About one value in 1,014,000,000 does"]),
        (["0", "1", "--above", "-38"], ["100.00 %", "Every value does so"]),
        (["0", "1", "--below", "-40"], ["No value does so, as far as"]),
        (["0", "1", "--below", "-38"], ["No value does so"]),
        (["-1e3", "5", "--below", "-inf"], ["P(X < -∞) = 0 %"]),
        (
            ["0", "1", "--between", "-6", "6"],
            ["99.99999980 %", "All but about one value in 506,800,000 do so"],
        ),
        (["5", "0", "--between", "4", "6"], ["100.00 %"]),
        (["70", "10"], ["60 to 80", "68.27 %", "95.45 %", "99.73 %", "63.255102498, 70"]),
        (["70", "0"], ["highest density  ∞", "70 to 70                 100.00 %"]),
        (["5", "0", "--above", "5"], ["P(X > 5) = 0 %", "otherwise    100.00 %"]),
        (["5", "0", "--above", "4"], ["P(X > 4) = 100.00 %"]),
        (["5", "0", "--between", "5", "5"], ["P(5 < X < 5) = 0 %", "otherwise    100.00 %"]),
        (["5", "0", "--between", "5", "6"], ["P(5 < X < 6) = 0 %"]),
    ],
)
def test_it_says_the_probability(
    capsys: pytest.CaptureFixture[str], arguments: list[str], parts: list[str]
) -> None:
    text = said(capsys, *arguments)
    for part in parts:
        assert part in text, text


def test_json_has_every_digit(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "70", "10", "--between", "60", "80", "--json"))
    assert found["probability"] == Normal(70, 10).between(60, 80)
    assert found["complement"] == Normal(70, 10).outside(60, 80)
    assert (found["z_lower"], found["z_upper"]) == (-1.0, 1.0)
    upper = json.loads(said(capsys, "70", "10", "--above", "100", "--json"))
    assert upper["probability"] == Normal(70, 10).sf(100)
    assert upper["upper"] is None
    overview = json.loads(said(capsys, "70", "10", "--json"))
    assert [part["sds"] for part in overview["intervals"]] == [1.0, 2.0, 3.0]
    assert overview["quartiles"] == Normal(70, 10).quantiles(4)


def test_it_draws(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for number, question in enumerate(([], ["--above", "85"])):
        path = tmp_path / f"{number}.svg"
        said(capsys, "70", "10", *question, "--plot", str(path))
        assert path.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["70", "-1"], "sd is a standard deviation and cannot be negative; got -1"),
        (["nan", "1"], "MEAN must be a finite number; got nan"),
        (["0", "inf"], "SD must be a finite number; got inf"),
        (["a", "1"], "'a' is not a number"),
        (["0"], "required: SD"),
        (["0", "1", "--between", "2", "1"], "a must not be larger than b"),
        (["0", "1", "--below", "nan"], "x must be a number; got NaN"),
        (["0", "1", "--quantile", "95"], "got 95. Did you mean 0.95?"),
        (["0", "1", "--quantile", "0"], "a quantile needs a share in (0, 1); got 0"),
        (["0", "1", "--below", "1", "--above", "1"], "not allowed with"),
        (["0", "0", "--plot", "bell.png"], "positive sd"),
        (["0", "1", "--plot", "bell.gif"], "by the ending of its name"),
    ],
)
def test_bad_arguments_are_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(["normal", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert complaint in shown.err
    assert shown.err.count("\n") == 1


def test_percentages_are_told_from_0_and_100() -> None:
    assert questions.share(0.0) == "0 %"
    assert questions.share(1.0) == "100.00 %"
    assert questions.share(0.5) == "50.00 %"
    assert questions.share(0.0026997960632601866) == "0.27 %"
    assert questions.share(1.0 - 1e-9) == "99.99999990 %"
    assert questions.share(5e-324) == "4.941e-322 %"
    assert questions.quantile(Normal(), 0.5).ends == (-math.inf, 0.0)


def test_what_lies_outside_is_the_rest_of_what_lies_between() -> None:
    inner, outer = (ask(Normal(70, 10), 40, 100) for ask in (questions.between, questions.outside))
    assert (outer.probability, outer.complement) == (inner.complement, inner.probability)
    assert outer.event == "X < 40 or X > 100"
    assert outer.in_a_crowd == "Of 10,000 values, about 27 do so."
    with pytest.raises(InputError):
        questions.outside(Normal(), 2, 1)
