"""Promise: robust errors and tests of hypotheses on the command line are those of the library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gausswork as gw
from gausswork.cli import main

GALTON = str(Path(__file__).parents[2] / "examples" / "galton-families.csv")
FORMULA = "childHeight ~ father + mother + gender"
EQUATIONS = "father = mother, gender[male] = 5"


@pytest.fixture(scope="module")
def fit():
    return gw.fit(GALTON, FORMULA)


def document(capsys, *options: str) -> dict:
    assert main(["fit", GALTON, FORMULA, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--errors", "HC1"], {"kind": "HC1"}),
        (["--errors", "HC3"], {"kind": "HC3"}),
        (["--errors", "HAC", "--lags", "3"], {"kind": "HAC", "lags": 3}),
        (["--cluster", "family"], {"kind": "cluster", "clusters": "family"}),
        (
            ["--cluster", "family, childNum"],
            {"kind": "cluster", "clusters": ["family", "childNum"]},
        ),
    ],
)
def test_errors_are_those_of_the_library(capsys, fit, options, asked):
    expected = fit.robust(**asked)
    shown = document(capsys, *options)["robust"]
    assert shown["kind"] == expected.kind
    errors = [term["standard_error"] for term in shown["terms"]]
    np.testing.assert_array_equal(errors, expected.standard_errors)


def test_hypotheses_are_tested_by_the_errors_asked_for(capsys, fit):
    plain = document(capsys, "--test", EQUATIONS)
    clustered = document(capsys, "--test", EQUATIONS, "--test", "father = 0", "--cluster", "family")
    assert "robust" not in plain
    assert plain["tests"][0]["p_value"] == fit.test(EQUATIONS).p_value
    robust = fit.robust("cluster", clusters="family")
    assert [each["p_value"] for each in clustered["tests"]] == [
        robust.test(EQUATIONS).p_value,
        robust.test("father = 0").p_value,
    ]
    assert plain["tests"][0]["p_value"] != clustered["tests"][0]["p_value"]


def test_tables_stand_below_that_of_the_fit(capsys, fit):
    assert main(["fit", GALTON, FORMULA, "--errors", "HC3", "--test", EQUATIONS]) == 0
    shown = capsys.readouterr().out
    robust = fit.robust("HC3")
    assert (
        shown.index(str(fit).splitlines()[0])
        < shown.index(str(robust))
        < shown.index(str(robust.test(EQUATIONS)))
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lags", "3"], "--lags belongs to --errors HAC"),
        (["--errors", "HC3", "--cluster", "family"], "not allowed with"),
        (["--errors", "HC9"], "invalid choice"),
        (["--cluster", "household"], "no column 'household'"),
        (["--test", "father ="], "hypothesis"),
        (["--test", "uncle = 0"], "no term 'uncle'"),
    ],
)
def test_what_cannot_be_done_is_said(capsys, options, said):
    try:
        code = main(["fit", GALTON, FORMULA, "--quiet", *options])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert said in capsys.readouterr().err
