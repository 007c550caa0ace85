"""Nested models: the F tests of R's anova, and refusals where a comparison would mislead."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

import gausswork as gw
from gausswork.errors import InputError

RNG = np.random.default_rng(41)
N = 90
X = RNG.normal(size=(N, 4))
Y = X @ [1.0, 0.4, 0.0, 0.2] + RNG.normal(size=N)
W = RNG.uniform(0.5, 3.0, N)
DATA = {**{f"x{j}": X[:, j] for j in range(4)}, "y": Y, "w": W}


def nested(weights: str | None = None) -> list[gw.Fit]:
    return [
        gw.fit(DATA, "y", features=[f"x{j}" for j in range(k)], weights=weights) for k in (1, 2, 4)
    ]


@pytest.mark.parametrize("weights", [None, "w"])
def test_the_tests_are_those_of_anova(weights: str | None) -> None:
    """Promise: F with the error variance of the largest model, as statsmodels and R have it."""
    models = [
        sm.WLS(Y, sm.add_constant(X[:, :k]), weights=1.0 if weights is None else W).fit()
        for k in (1, 2, 4)
    ]
    table = sm.stats.anova_lm(*models)
    result = gw.compare(*nested(weights))
    for step, (_, row) in zip(result.steps[1:], list(table.iterrows())[1:], strict=True):
        assert step.df == row["df_diff"]
        # statsmodels subtracts rounded sums of squares
        assert step.sum_of_squares == pytest.approx(row["ss_diff"], rel=1e-10)
        assert step.statistic == pytest.approx(row["F"], rel=1e-10)
        # R: the degrees of freedom of the largest model, too, where statsmodels takes each one's
        assert step.p_value == pytest.approx(stats.f.sf(row["F"], step.df, N - 5), rel=1e-9)
    for step, model in zip(result.steps, models, strict=True):
        assert step.aic == pytest.approx(model.aic + 2.0, rel=1e-12)  # sigma counted
    assert result.steps[2].added == ("x2", "x3")
    assert "adds 'x2', 'x3'" in str(result)


def test_one_added_term_is_its_t_test() -> None:
    small, large = nested()[:2]
    step = gw.compare(small, large).steps[1]
    assert step.statistic == pytest.approx(large.t_values[2] ** 2, rel=1e-10)
    assert step.p_value == pytest.approx(large.p_values[2], rel=1e-9)


def test_what_cannot_be_compared() -> None:
    small, large, _ = nested()
    fewer = gw.fit(X[:-1, :2], Y[:-1])
    other = gw.fit({**DATA, "y": Y[::-1]}, "y", features="x0,x1")
    apart = gw.fit(DATA, "y", features="x2")
    for fits, message in [
        ((small,), "at least two"),
        ((small, X), "takes fits"),
        ((large, small), "not nested"),
        ((large, large), "smallest to the largest"),
        ((small, fewer), "different|90 and 89"),
        ((small, other), "other rows"),
        ((apart, large), "not nested: 'x2'"),
        ((small, gw.fit(DATA, "y", features="x0,x1", weights="w")), "weigh"),
        ((small, gw.fit(DATA, "x3", features="x0,x1")), "different targets"),
        (
            (small, gw.fit(DATA, "y", features="x0,x1", method=gw.NormalEquation(ridge=1.0))),
            "ridge",
        ),
        ((gw.fit(DATA, "y", features="x0"), gw.fit(DATA, "y", features="x0,x1", intercept=False)),
         "not nested: 'intercept'"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=message):
            gw.compare(*fits)


def test_rows_that_differ_in_a_shared_column_are_noticed() -> None:
    changed = {**DATA, "x0": X[:, 0] + 1e-3}
    with pytest.raises(InputError, match="'x0'"):
        gw.compare(nested()[0], gw.fit(changed, "y", features="x0,x1"))


def test_aliased_columns_add_no_degree_of_freedom() -> None:
    data = {**DATA, "again": X[:, 0]}
    small = gw.fit(data, "y", features="x0")
    large = gw.fit(data, "y", features="x0,x1,again")
    step = gw.compare(small, large).steps[1]
    assert step.df == 1
