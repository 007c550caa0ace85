"""What Stata printed for robust errors and for weights is what gausswork says, digit by digit."""

from __future__ import annotations

import csv
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import gausswork as gw
from tests.reference.printed import FOLDER, assert_printed, case, table

CASES = (
    "macro-hc0-stata",
    "macro-hc1-stata",
    "macro-newey-stata",
    "macro-hac-stata",
    "macro-hac-small-stata",
    "grunfeld-cluster-stata",
    "grunfeld-cluster-large-stata",
    "grunfeld-two-way-large-stata",
)


def _data(name: str, storage: str) -> Any:
    columns: dict[str, Any] = {n: c.astype(storage) for n, c in table(name).items()}
    if name == "grunfeld":
        with (FOLDER / "data" / "grunfeld.csv").open(encoding="utf-8", newline="") as file:
            columns["firm"] = [row["firm"] for row in csv.DictReader(file)]
    return pa.table(columns)


@pytest.mark.parametrize("name", CASES)
def test_robust_errors(name: str) -> None:
    """Promise: each small-sample correction is the one that it says, and so are its t and F."""
    what = case(name)
    data = _data(what["data"], what.get("storage", "float64"))  # Stata may have stored singles
    fit = gw.fit(data, what["target"], features=what["features"])
    ours = fit.robust(**what["robust"])
    at = {term: i for i, term in enumerate(ours.names)}
    limits = ours.confidence_intervals(0.95)
    for term, i in at.items():
        assert_printed(float(fit.coefficients[i]), what["coefficients"][term], term)
        assert_printed(float(ours.standard_errors[i]), what["standard_errors"][term], term)
        if "t_values" in what:
            assert_printed(float(ours.t_values[i]), what["t_values"][term], f"t of {term}")
            assert_printed(float(ours.p_values[i]), what["p_values"][term], f"p of {term}")
            for value, printed in zip(limits[i], what["confidence_intervals"][term], strict=True):
                assert_printed(float(value), printed, f"limit of {term}")
    order = [at[term] for term in what["covariance"]["order"]]
    for i, row in zip(order, what["covariance"]["values"], strict=True):
        for j, printed in zip(order, row, strict=True):
            assert_printed(float(ours.covariance[i, j]), printed, "covariance")
    if "degrees_of_freedom" in what:
        assert ours.degrees_of_freedom == what["degrees_of_freedom"]
    if "f_statistic" in what:
        assert_printed(ours.test(what["hypothesis"]).statistic, what["f_statistic"], "F")


@pytest.fixture(scope="module")
def weighted() -> tuple[dict[str, Any], gw.Fit, np.ndarray]:
    """Greene's credit cards; the data stays in statsmodels, whose authors may pass it on."""
    from statsmodels.datasets import ccard

    raw = ccard.load_pandas().data
    columns = {
        "age": raw["AGE"], "income": raw["INCOME"], "income_squared": raw["INCOMESQ"],
        "owns_home": raw["OWNRENT"], "spending": raw["AVGEXP"],
        "w": 1.0 / raw["INCOMESQ"],
    }  # fmt: skip
    what = case("ccard-weights-stata")
    data = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    fit = gw.fit(data, what["target"], features=what["features"], weights="w")
    return what, fit, data["w"]


def test_analytic_weights(weighted: tuple[dict[str, Any], gw.Fit, np.ndarray]) -> None:
    """Promise: coefficients, errors, R² and F as Stata's [aweight=] and R's lm(weights=)."""
    what, fit, _ = weighted
    for i, name in enumerate(fit.names):
        assert_printed(float(fit.coefficients[i]), what["coefficients"][name], name)
        assert_printed(float(fit.standard_errors[i]), what["standard_errors"][name], name)
        assert_printed(float(fit.p_values[i]), what["p_values"][name], name)
    assert fit.degrees_of_freedom == what["degrees_of_freedom"]
    assert_printed(fit.r_squared, what["r_squared"], "R²")
    assert_printed(fit.adjusted_r_squared, what["adjusted_r_squared"], "adjusted R²")
    assert_printed(fit.f_test.statistic, what["f_statistic"], "F")


def test_what_stata_scales_to_a_mean_weight_of_one(
    weighted: tuple[dict[str, Any], gw.Fit, np.ndarray],
) -> None:
    """Stata divides weights by their mean and leaves Σ log w out of the likelihood; R does not."""
    what, fit, w = weighted
    mean = float(w.mean())
    sd = what["residual_sd_for_mean_weight_one"]
    assert_printed(fit.residual_sd / math.sqrt(mean), sd, "residual sd")
    square = fit.solution.residual_sum_of_squares / mean
    assert_printed(square, what["residual_sum_of_squares_for_mean_weight_one"], "RSS")
    logs = 0.5 * float(np.log(w / mean).sum())
    assert_printed(fit.log_likelihood - logs, what["log_likelihood_without_weights"], "log L")
    assert_printed(fit.aic - 2.0 + 2.0 * logs, what["aic_without_weights"], "AIC")
    bic = fit.bic - math.log(fit.rows) + 2.0 * logs
    assert_printed(bic, what["bic_without_weights"], "BIC")


def test_residuals_of_a_weighted_fit(
    weighted: tuple[dict[str, Any], gw.Fit, np.ndarray],
) -> None:
    what, fit, _ = weighted
    from statsmodels.datasets import ccard

    residuals = ccard.load_pandas().data["AVGEXP"].to_numpy() - np.asarray(fit.predict())
    for value, printed in zip(residuals, what["residuals"], strict=True):
        # Stata keeps residuals in single precision unless told otherwise
        assert value == pytest.approx(float(printed), rel=2e-7, abs=1e-4)
