"""What R, EViews and gretl printed of a check-up is what gausswork says; statsmodels says the same
of other data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.leastsquares.checkup.geometry import Geometry
from gausswork.leastsquares.checkup.serial import Recursion
from tests.reference.printed import assert_printed, case, table

TESTS = (
    "koenker", "breusch_pagan", "white", "white_f", "breusch_godfrey", "breusch_godfrey_f",
    "harvey_collier", "reset",
)  # fmt: skip


def fitted(what: dict[str, Any]) -> gw.Fit:
    data = table(what["data"])
    columns = {name: data[name] for name in [*what["features"], what["target"]]}
    return gw.fit(columns, what["target"], features=what["features"])


@pytest.fixture(scope="module")
def published() -> tuple[dict[str, Any], gw.Fit, gw.Checkup]:
    what = case("macro-checkup-r")
    fit = fitted(what)
    return what, fit, fit.check(lags=4)


@pytest.mark.parametrize("name", TESTS)
def test_tests_are_those_of_other_programs(published, name: str) -> None:
    what, _, seen = published
    printed, ours = what[name], getattr(seen, name)
    assert_printed(ours.statistic, printed["statistic"], name)
    assert_printed(ours.p_value, printed["p_value"], f"p of {name}")
    assert ours.df == printed["df"]
    assert ours.denominator_df == printed.get("denominator_df", ours.denominator_df)


def test_durbin_watson_is_gretls(published) -> None:
    what, _, seen = published
    assert_printed(seen.durbin_watson.statistic, what["durbin_watson"])


def test_every_rows_influence_is_rs(published) -> None:
    what, fit, _ = published
    ours = fit.influence()
    for name, printed in what["influence"].items():
        columns = zip(printed, ours.dfbetas.T, strict=True) if name == "dfbetas" else [
            (printed, getattr(ours, name))
        ]  # fmt: skip
        for theirs, values in columns:
            for value, text in zip(values, theirs, strict=True):
                # R's dfbetas have eleven digits of the largest, not of each
                assert value == pytest.approx(float(text), rel=1e-10, abs=1e-13), name


def test_the_rows_that_weigh_most_are_rs(published) -> None:
    what, _, seen = published
    cooks = np.array([float(text) for text in what["influence"]["cooks_distance"]])
    np.testing.assert_array_equal(seen.worst.rows.row[:5], np.argsort(-cooks)[:5])
    hats = np.array([float(text) for text in what["influence"]["leverage"]])
    assert seen.worst.high_leverage == np.count_nonzero(hats > 2 * 3 / 202)
    t = np.array([float(text) for text in what["influence"]["studentized"]])
    assert (seen.worst.beyond_two, seen.worst.beyond_three) == (
        np.count_nonzero(np.abs(t) > 2),
        np.count_nonzero(np.abs(t) > 3),
    )


def test_recursive_residuals_are_rs() -> None:
    """Their number, sum and sum of squares; those are all that the test uses."""
    what = case("macro-recursive-r")
    theirs = np.array([float(text) for text in what["recursive_residuals"]])
    fit = fitted(what)
    g = Geometry.of(fit.solution)
    recursion = Recursion.of(g)
    data = table(what["data"])
    for start in range(0, 203, 29):
        rows = slice(start, start + 29)
        recursion.see(g.rows_of(data["m1"][rows, None], data["cpi"][rows]))
    assert recursion.count == len(theirs)
    scale = fit.residual_sd
    assert recursion.total * scale == pytest.approx(theirs.sum(), rel=1e-9)
    assert recursion.square * scale**2 == pytest.approx(theirs @ theirs, rel=1e-10)


def drawn(seed: int, *, n: int = 160, p: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-3, 4, size=p) + rng.normal(size=p)
    y = 3.0 + (x / x.std(axis=0)).sum(axis=1) + rng.normal(size=n) * np.exp(0.3 * x[:, 0])
    return x, y


@pytest.mark.parametrize("seed", range(4))
def test_statsmodels_agrees(seed: int) -> None:
    from scipy.stats import ttest_1samp
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats import diagnostic
    from statsmodels.stats.outliers_influence import OLSInfluence
    from statsmodels.stats.stattools import durbin_watson

    x, y = drawn(seed)
    design = np.column_stack((np.ones(len(y)), (x - x.mean(axis=0)) / x.std(axis=0)))
    theirs = OLS(y, design).fit()
    fit = gw.fit(x, y)
    seen, table_of_rows = fit.check(lags=3), fit.influence()
    pairs = {
        "breusch_pagan": diagnostic.het_breuschpagan(theirs.resid, design, robust=False)[:2],
        "koenker": diagnostic.het_breuschpagan(theirs.resid, design)[:2],
        "white": diagnostic.het_white(theirs.resid, design)[:2],
        "white_f": diagnostic.het_white(theirs.resid, design)[2:],
        "breusch_godfrey": diagnostic.acorr_breusch_godfrey(theirs, nlags=3, result_object=False)[
            :2
        ],
        # its own linear_harvey_collier takes three terms for granted
        "harvey_collier": ttest_1samp(diagnostic.recursive_olsresiduals(theirs)[3][5:], 0.0),
    }
    # its own reset_ramsey loses digits in powers of fitted values far from zero
    f = (theirs.fittedvalues - y.mean()) / theirs.fittedvalues.std()
    curved = OLS(y, np.column_stack((design, f**2, f**3))).fit()
    pairs["reset"] = curved.compare_f_test(theirs)[:2]
    for name, (statistic, p) in pairs.items():
        ours = getattr(seen, name)
        assert ours.statistic == pytest.approx(float(statistic), rel=1e-8), name
        assert ours.p_value == pytest.approx(float(p), rel=1e-7, abs=1e-14), name
    assert seen.durbin_watson.statistic == pytest.approx(durbin_watson(theirs.resid), rel=1e-10)
    influence = OLSInfluence(theirs)
    np.testing.assert_allclose(table_of_rows.leverage, influence.hat_matrix_diag, rtol=1e-9)
    np.testing.assert_allclose(
        table_of_rows.studentized, influence.resid_studentized_external, rtol=1e-9
    )
    np.testing.assert_allclose(table_of_rows.cooks_distance, influence.cooks_distance[0], rtol=1e-8)
    np.testing.assert_allclose(table_of_rows.dffits, influence.dffits[0], rtol=1e-8)
    assert seen.press == pytest.approx(float((influence.resid_press**2).sum()), rel=1e-10)
    own = OLS(y, np.column_stack((np.ones(len(y)), x))).fit(cov_type="HC3")
    np.testing.assert_allclose(seen.robust_standard_errors, own.bse, rtol=1e-6)


def test_ill_conditioned_columns_do_not_get_a_check_up_of_noise() -> None:
    """Filip's polynomial of degree ten, condition 5e9, against sixty digits of the same columns.

    Leverages come from a factor in float64: seven digits are what the condition leaves.
    """
    import mpmath

    from tests.reference import nist

    data = nist.load("Filip")
    x = np.array([float(v) for v in data.predictors[0]])
    columns, y = x[:, None] ** np.arange(1, 11), np.array([float(v) for v in data.target])
    with mpmath.workdps(60):
        design = mpmath.matrix([[1, *map(float, row)] for row in columns.tolist()])
        target = mpmath.matrix(y.tolist())
        inverse = (design.T * design) ** -1
        e = target - design * (inverse * (design.T * target))
        s2 = sum(v * v for v in e) / (len(y) - 11)
        hats = [(design[i, :] * inverse * design[i, :].T)[0] for i in range(len(y))]
        truth = [float(e[i] / mpmath.sqrt(s2 * (1 - hats[i]))) for i in range(len(y))]
        spread = [float(sum((columns[:, j] - columns[:, j].mean()) ** 2)) for j in range(10)]
        inflation = [float(inverse[j + 1, j + 1]) * spread[j] for j in range(10)]
    fit = gw.fit(columns, y)
    rows = fit.influence()
    np.testing.assert_allclose(rows.leverage, [float(h) for h in hats], rtol=1e-6)
    np.testing.assert_allclose(rows.standardized, truth, rtol=1e-6, atol=1e-6)
    seen = fit.check()
    np.testing.assert_allclose(seen.collinearity.variance_inflation, inflation, rtol=1e-10)
    assert "collinear-columns" in {finding.code for finding in seen.findings}
