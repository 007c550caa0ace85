"""What R, Stata, SAS and gretl printed is what gausswork says, to every digit they printed."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import gausswork as gw
from tests.reference.printed import Table, assert_printed, case, table

CASES = (
    "longley-stata",
    "longley-r",
    "longley-float-stata",
    "longley-origin-stata",
    "longley-origin-float-stata",
    "macro-r",
    "macro-stata",
    "macro-gretl",
    "macro-lags-gretl",
    "grunfeld-stata",
    "sunspots-stata",
    "sunspots-origin-stata",
)

Matrix = npt.NDArray[np.float64]


def _fit(data: Table, target: str, features: list[str], *, intercept: bool = True) -> Any:
    frame = _frame({name: data[name] for name in [*features, target]})
    return gw.fit(frame, target=target, features=features, intercept=intercept)


def _frame(columns: Table) -> Any:
    import pyarrow as pa

    return pa.table(columns)


@pytest.fixture(params=CASES)
def published(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Any]:
    what = case(request.param)
    data = table(what["data"])
    if "storage" in what:  # Stata had stored the columns in single precision
        data = {name: column.astype(what["storage"]) for name, column in data.items()}
    fit = _fit(data, what["target"], what["features"], intercept=what["intercept"])
    return what, fit


def _by_name(fit: Any, values: npt.ArrayLike) -> dict[str, Any]:
    return dict(zip(fit.names, np.asarray(values), strict=True))


@pytest.mark.parametrize("statistic", ["coefficients", "standard_errors", "t_values", "p_values"])
def test_each_coefficients_row(published: tuple[dict[str, Any], Any], statistic: str) -> None:
    what, fit = published
    ours = _by_name(fit, getattr(fit, statistic))
    for name, printed in what.get(statistic, {}).items():
        assert_printed(ours[name], printed, f"{statistic} of {name}")


def test_confidence_intervals(published: tuple[dict[str, Any], Any]) -> None:
    what, fit = published
    ours = _by_name(fit, fit.confidence_intervals(level=0.95))
    for name, (low, high) in what.get("confidence_intervals", {}).items():
        assert_printed(ours[name][0], low, f"lower limit of {name}")
        assert_printed(ours[name][1], high, f"upper limit of {name}")


@pytest.mark.parametrize(
    "statistic",
    ["residual_sd", "r_squared", "adjusted_r_squared", "log_likelihood", "degrees_of_freedom"],
)
def test_statistics_of_the_whole_fit(published: tuple[dict[str, Any], Any], statistic: str) -> None:
    what, fit = published
    if statistic in what:
        assert_printed(getattr(fit, statistic), str(what[statistic]), statistic)


def test_sums_of_squares_and_f(published: tuple[dict[str, Any], Any]) -> None:
    what, fit = published
    rss = fit.solution.residual_sum_of_squares
    if "residual_sum_of_squares" in what:
        assert_printed(rss, what["residual_sum_of_squares"], "RSS")
    if "residual_variance" in what:
        assert_printed(rss / fit.degrees_of_freedom, what["residual_variance"], "s²")
    if "f_statistic" in what:
        assert_printed(fit.f_test.statistic, what["f_statistic"], "F")
        assert fit.f_test.denominator_df == what["degrees_of_freedom"]
        assert fit.f_test.numerator_df == len(what["features"])


def test_information_criteria(published: tuple[dict[str, Any], Any]) -> None:
    """Ours count the error variance, as R's do; Stata and gretl count coefficients alone."""
    what, fit = published
    sigma = 0 if what.get("criteria_count_sigma", True) else 1
    if "aic" in what:
        assert_printed(fit.aic - 2 * sigma, what["aic"], "AIC")
    if "bic" in what:
        assert_printed(fit.bic - sigma * math.log(fit.rows), what["bic"], "BIC")


def test_residuals_and_fitted_values(published: tuple[dict[str, Any], Any]) -> None:
    what, fit = published
    if "residuals" not in what and "fitted" not in what:
        return
    data = table(what["data"])
    fitted = np.asarray(fit.predict(_frame({name: data[name] for name in what["features"]})))
    for ours, printed in zip(fitted, what.get("fitted", []), strict="fitted" in what):
        assert_printed(ours, printed, "fitted value")
    residuals = data[what["target"]] - fitted
    for ours, printed in zip(residuals, what.get("residuals", []), strict="residuals" in what):
        if "residual_storage" in what:  # Stata had stored the residuals in single precision
            assert ours == pytest.approx(float(printed), rel=2**-23)
        else:
            assert_printed(ours, printed, "residual")


def test_covariance_of_the_coefficients_as_in_r() -> None:
    what = case("macro-r")
    fit = _fit(table("macro"), what["target"], what["features"])
    position = [fit.names.index(name) for name in what["covariance"]["order"]]
    ours = np.asarray(fit.covariance)[np.ix_(position, position)].ravel()
    for value, printed in zip(ours, what["covariance"]["values"], strict=True):
        assert_printed(value, printed, "covariance")


def test_intervals_follow_from_the_leverages_that_r_printed() -> None:
    """R's ls.diag gives s and the leverage h of each row: both intervals follow from them.

    The confidence interval has half width t·s·√h, the prediction interval t·s·√(1 + h).
    """
    what = case("macro-r")
    data = table("macro")
    fit = _fit(data, what["target"], what["features"])
    new = _frame({name: data[name] for name in what["features"]})
    quantile = 1.9719565442517537  # Student t, 199 degrees of freedom, 0.975
    sd, leverage = float(what["residual_sd"]), np.array([float(h) for h in what["leverage"]])
    for interval, half in (
        ("confidence", quantile * sd * np.sqrt(leverage)),
        ("prediction", quantile * sd * np.sqrt(1 + leverage)),
    ):
        centre, low, high = fit.predict(new, interval=interval, level=0.95)
        np.testing.assert_allclose(high - centre, half, rtol=1e-11)
        np.testing.assert_allclose(centre - low, half, rtol=1e-11)


def test_standardized_residuals_as_in_r() -> None:
    what = case("macro-r")
    data = table("macro")
    fit = _fit(data, what["target"], what["features"])
    residuals = data[what["target"]] - fit.predict(
        _frame({name: data[name] for name in what["features"]})
    )
    leverage = np.array([float(h) for h in what["leverage"]])
    ours = residuals / (fit.residual_sd * np.sqrt(1 - leverage))
    for value, printed in zip(ours, what["standardized_residuals"], strict=True):
        assert_printed(value, printed, "standardised residual")


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_heteroscedasticity_consistent_errors_as_in_sas(kind: str) -> None:
    """SAS's robust errors need exact residuals, leverages and (X'X)⁻¹: ours, put together here."""
    what = case("longley-sas")
    data = table("longley")
    features = what["order"][:-1]
    fit = _fit(data, "TOTEMP", features)
    x = np.column_stack([np.ones(fit.rows)] + [data[name] for name in features])
    residuals = data["TOTEMP"] - fit.predict(_frame({name: data[name] for name in features}))
    unscaled = np.asarray(fit.covariance) / fit.residual_sd**2
    leverage = np.einsum("ij,jk,ik->i", x, unscaled, x)
    weight = {
        "HC0": np.ones(fit.rows),
        "HC1": np.full(fit.rows, fit.rows / fit.degrees_of_freedom),
        "HC2": 1 / (1 - leverage),
        "HC3": 1 / (1 - leverage) ** 2,
    }[kind]
    half = (x * (residuals * np.sqrt(weight))[:, None]) @ unscaled
    ours = _by_name(fit, np.sqrt((half**2).sum(axis=0)))
    # X'X of the raw columns has a condition number of 2e19: this sum in binary64 keeps 6 digits
    for name, printed in zip(
        what["order"], what["heteroscedasticity_consistent_errors"][kind], strict=True
    ):
        assert ours[name] == pytest.approx(float(printed), rel=3e-4)


@pytest.mark.parametrize(
    ("name", "statistic", "degrees"), [("white1", "3.251", 5), ("white3", "6.767", 7)]
)
def test_white_specification_test_as_in_sas(name: str, statistic: str, degrees: int) -> None:
    """SAS 9.3's statistic is an explained sum of squares through the origin, dummies included.

    With e the residuals and Z the products of the predictors, it is what the columns
    (e² - mean e²)·(Z - mean Z) explain of a column of ones; squares of dummies are dummies, so
    that regression is rank-deficient and its rank is the degrees of freedom.
    """
    data = table(name)
    features = [key for key in data if key != "DV"]
    fit = _fit(data, "DV", features)
    residuals = data["DV"] - fit.predict(_frame({key: data[key] for key in features}))
    x = [data[key] for key in features]
    products = np.column_stack(x + [a * b for a, b in combinations_with_replacement(x, 2)])
    squares = residuals**2 - (residuals**2).mean()
    columns = squares[:, None] * (products - products.mean(axis=0))
    kept = columns[:, np.abs(columns).max(axis=0) > 0]
    auxiliary = gw.fit(kept, np.ones(len(kept)), intercept=False)
    explained = auxiliary.solution.total_sum_of_squares - auxiliary.solution.residual_sum_of_squares
    assert_printed(explained, statistic, "White's statistic")
    assert auxiliary.rank == degrees


def test_wald_test_of_nested_models_as_in_r() -> None:
    """R's waldtest of ginv ~ ggdp + lint against ginv ~ ggdp (lmtest)."""
    data = table("macro")
    big = _fit(data, "realinv_growth", ["realgdp_growth", "realint_lag"])
    small = _fit(data, "realinv_growth", ["realgdp_growth"])
    increase = small.solution.residual_sum_of_squares - big.solution.residual_sum_of_squares
    assert_printed(increase / big.residual_sd**2, "4.65216373312492", "F")
    assert_printed(_by_name(big, big.p_values)["realint_lag"], "0.03221346195239025", "p")
    assert_printed(2 * (big.log_likelihood - small.log_likelihood), "4.66794408358942", "LR")


@pytest.mark.parametrize(
    ("first", "second", "estimate", "error", "t", "p"),
    [
        ("realint_lag", "tbilrate_lag", "1.591505670785873", "0.7384552861695823",
         "2.155182176352370", "0.032354572525314450"),
        ("tbilrate_lag", "realint_lag", "1.305687653016899", "0.4808385176653064",
         "2.715438978051544", "0.007203854534057954"),
    ],
)  # fmt: skip
def test_j_test_as_in_r(first: str, second: str, estimate: str, error: str, t: str, p: str) -> None:
    """R's jtest: the fitted values of one model as a predictor of the other (collinear: VIF 20)."""
    data = dict(table("macro"))
    rival = _fit(data, "realinv_growth", ["realgdp_growth", second])
    data["fitted"] = rival.predict(_frame({n: data[n] for n in ("realgdp_growth", second)}))
    joint = _fit(data, "realinv_growth", ["realgdp_growth", first, "fitted"])
    row = joint.names.index("fitted")
    assert_printed(joint.coefficients[row], estimate, "estimate")
    assert_printed(joint.standard_errors[row], error, "standard error")
    assert_printed(joint.t_values[row], t, "t")
    assert_printed(joint.p_values[row], p, "p")


def test_pe_test_as_in_r() -> None:
    """R's petest of levels against logarithms: predictors made of two fits, p down to 2e-16."""
    raw = table("macro-levels")
    data = {name: raw[name] for name in ("realgdp", "realint", "realinv")}
    data["log_realinv"] = np.log(data["realinv"])
    both = ["realgdp", "realint"]
    new = _frame({name: data[name] for name in both})
    level = _fit(data, "realinv", both).predict(new)
    log = _fit(data, "log_realinv", both).predict(new)
    data["from_log"] = np.log(level) - log
    data["from_level"] = level - np.exp(log)
    first = _fit(data, "realinv", [*both, "from_log"])
    second = _fit(data, "log_realinv", [*both, "from_level"])
    assert_printed(first.coefficients[3], "-229.281878354594596", "estimate")
    assert_printed(first.standard_errors[3], "44.5087822087058598", "standard error")
    assert_printed(first.p_values[3], "6.2013e-07", "p")
    assert_printed(second.coefficients[3], "0.000634664704814", "estimate")
    assert_printed(second.standard_errors[3], "0.0000462387010349", "standard error")
    assert_printed(second.t_values[3], "13.72583", "t")
    assert second.p_values[3] < 2.22e-16


def test_recursive_least_squares_ends_at_r() -> None:
    """R's lm.fit.recursive (quantreg) of cpi on m1: its last step is the whole fit."""
    fit = _fit(table("macro-levels"), "cpi", ["m1"])
    assert_printed(fit.coefficients[0], "16.1941692821757", "intercept")
    assert_printed(fit.coefficients[1], "0.133070741096307", "slope")
