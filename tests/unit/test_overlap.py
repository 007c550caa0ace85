"""Columns that repeat one another to nearly all their digits get a word with the plain fit."""

from __future__ import annotations

import numpy as np

import gausswork as gw
from gausswork import formatting as fmt
from gausswork import report


def _data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    size = rng.uniform(30, 200, 300)
    return {"size": size, "sqft": np.round(size * 10.7639104, 6), "y": size + rng.normal(size=300)}


def _codes(fit: gw.Fit) -> list[str]:
    return [finding.code for finding in fit.findings]


def test_a_rounded_copy_gets_a_caution_that_names_both() -> None:
    fit = gw.fit(_data(), "y ~ size + sqft")
    (found,) = (f for f in fit.findings if f.code == "collinear-columns")
    assert found.severity == "caution"
    assert "'size'" in found.sentence
    assert "'sqft'" in found.sentence


def test_honest_designs_get_none() -> None:
    """One of the two, powers of one column, and effects that the data do tell apart."""
    data = _data()
    assert "collinear-columns" not in _codes(gw.fit(data, "y ~ size"))
    year = np.repeat(np.arange(1990.0, 2020.0), 4)
    noise = np.random.default_rng(8).normal(size=len(year))
    trend = gw.fit({"year": year, "y": noise}, "y ~ year + I(year**2) + I(year**3)")
    assert "collinear-columns" not in _codes(trend)
    apart = data | {"y": 1e7 * (data["sqft"] - 10.7639104 * data["size"])}
    assert "collinear-columns" not in _codes(gw.fit(apart, "y ~ size + sqft"))


def test_names_stay_whole_in_tables_of_any_width() -> None:
    data = _data()
    data["an indicator with a long name"] = np.arange(300.0) % 7
    fit = gw.fit(data, "y")
    assert "an indicator with a long name" in report.text(fit)
    assert "…" not in report.text(fit, width=60)
    assert "".join(fmt.folded("abcdefgh", 3)) == "abcdefgh"


def test_a_sign_and_its_number_stay_on_one_line() -> None:
    for width in range(12, 40):
        lines = fmt.wrap("What is left depends on the rows before, p < 1e-16, by far.", width)
        assert any("p < 1e-16" in line for line in lines)
