"""Robust errors: those of statsmodels to all their digits, refused where they mean nothing."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm

import gausswork as gw
from gausswork.errors import InputError
from gausswork.leastsquares.robust.lagged import KERNELS, LaggedSums, window
from tests.reference.exact import relative_error, square_root

RNG = np.random.default_rng(51)
N = 240
X = RNG.normal(size=(N, 3)) + np.array([0.0, 5.0, -2.0])
Y = X @ [1.0, 2.0, 3.0] + RNG.normal(size=N) * (1.0 + X[:, 0] ** 2)
W = RNG.uniform(0.2, 3.0, N)
FIRM = RNG.integers(0, 45, N)
YEAR = RNG.integers(0, 60, N)
COLUMNS = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": Y, "firm": FIRM, "year": YEAR}


def theirs(weights: Any = None, **options: Any) -> Any:
    w = np.ones(N) if weights is None else weights
    return sm.WLS(Y, sm.add_constant(X), weights=w).fit(use_t=True, **options)


def agree(ours: gw.Robust, model: Any) -> None:
    # statsmodels inverts X'WX in float64: about twelve digits
    np.testing.assert_allclose(ours.covariance, model.cov_params(), rtol=1e-10)
    np.testing.assert_allclose(ours.standard_errors, model.bse, rtol=1e-11)
    np.testing.assert_allclose(ours.t_values, model.tvalues, rtol=1e-10)
    np.testing.assert_allclose(ours.p_values, model.pvalues, rtol=1e-8)
    np.testing.assert_allclose(ours.confidence_intervals(0.9), model.conf_int(0.1), rtol=1e-9)


@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_rows_of_different_spread(kind: str, weights: Any) -> None:
    agree(gw.fit(X, Y, weights=weights).robust(kind), theirs(weights, cov_type=kind))


@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize("correction", [True, False])
def test_rows_in_clusters(weights: Any, correction: bool) -> None:
    fit = gw.fit(X, Y, weights=weights)
    for groups, given in ((FIRM, FIRM), (np.column_stack([FIRM, YEAR]), [FIRM, YEAR])):
        options = {"groups": groups, "use_correction": correction}
        model = theirs(weights, cov_type="cluster", cov_kwds=options)
        ours = fit.robust("cluster", clusters=given, correction=correction)
        np.testing.assert_allclose(ours.covariance, model.cov_params(), rtol=1e-10, atol=1e-14)
    assert ours.degrees_of_freedom == 44
    assert ours.clusters == (("clusters 1", 45), ("clusters 2", len(np.unique(YEAR))))


@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize("lags", [0, 1, 7, 90, 200])
def test_rows_in_time(weights: Any, lags: int) -> None:
    """Promise: direct sums over few lags and Fourier transforms over many agree with theirs."""
    model = theirs(weights, cov_type="HAC", cov_kwds={"maxlags": lags})
    agree(gw.fit(X, Y, weights=weights).robust("HAC", lags=lags), model)
    options = {"maxlags": lags, "use_correction": True}
    model = theirs(weights, cov_type="HAC", cov_kwds=options)
    agree(gw.fit(X, Y, weights=weights).robust("HAC", lags=lags, correction=True), model)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("lags", [3, 100])
def test_kernels_by_their_definition(kernel: str, lags: int) -> None:
    """Promise: Σ k(|t − s|/(L+1)) s_t s_sᵀ, whatever the blocks it is added in."""
    s = RNG.normal(size=(500, 2))
    chosen = window(kernel, lags, 500)
    sums = LaggedSums(chosen.weights, 2)
    for part in np.split(s, [1, 2, 130, 131, 400]):
        sums.add(part)
    apart = np.abs(np.subtract.outer(np.arange(500), np.arange(500))) / (lags + 1.0)
    direct = s.T @ KERNELS[kernel](apart.ravel()).reshape(apart.shape) @ s
    # lags whose weights stay below 1e-7 for good are left out
    np.testing.assert_allclose(sums.total, direct, rtol=1e-5, atol=2e-5 * 500)


def test_kernels_are_one_at_zero_and_fall() -> None:
    for name, kernel in KERNELS.items():
        assert kernel(np.zeros(1))[0] == 1.0
        assert 0.0 <= kernel(np.array([0.4]))[0] <= 1.0
        small = kernel(np.array([0.0132, 0.0133]))  # both sides of where the series ends
        assert abs(small[0] - small[1]) < (1.01e-4 if name == "bartlett" else 2e-5)


@pytest.mark.parametrize("kind", ["HC0", "HC2", "HC3", "cluster", "HAC"])
def test_frequencies_are_repeated_rows(kind: str) -> None:
    counts = RNG.poisson(1.5, N)
    options: dict[str, Any] = {"clusters": FIRM} if kind == "cluster" else {}
    fit = gw.fit(X, Y, frequencies=counts)
    if kind == "HAC":
        with pytest.raises(InputError, match="order of time"):
            fit.robust(kind)
        return
    many = gw.fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts))
    options_many = {"clusters": np.repeat(FIRM, counts)} if options else {}
    ours, repeated = fit.robust(kind, **options), many.robust(kind, **options_many)
    np.testing.assert_allclose(ours.covariance, repeated.covariance, rtol=1e-11, atol=1e-16)
    assert ours.degrees_of_freedom == repeated.degrees_of_freedom


def exact_sandwich(x: np.ndarray, y: np.ndarray, power: int) -> list[Any]:
    """Return HC standard errors from exact rational arithmetic."""
    rows = [[Fraction(1), *map(Fraction, row)] for row in x.tolist()]
    target = [Fraction(v) for v in y.tolist()]
    k = len(rows[0])
    gram = [[sum((r[i] * r[j] for r in rows), Fraction(0)) for j in range(k)] for i in range(k)]
    table = [line + [Fraction(int(i == j)) for j in range(k)] for i, line in enumerate(gram)]
    for i in range(k):
        table[i] = [v / table[i][i] for v in table[i]]
        for j in range(k):
            if j != i:
                factor = table[j][i]
                table[j] = [a - factor * b for a, b in zip(table[j], table[i], strict=True)]
    inverse = [line[k:] for line in table]
    right = [sum((r[i] * v for r, v in zip(rows, target, strict=True)), Fraction(0))
             for i in range(k)]  # fmt: skip
    beta = [sum((inverse[i][j] * right[j] for j in range(k)), Fraction(0)) for i in range(k)]
    variances = [Fraction(0)] * k
    for row, value in zip(rows, target, strict=True):
        e = value - sum((a * b for a, b in zip(row, beta, strict=True)), Fraction(0))
        lean = [sum((inverse[i][j] * row[j] for j in range(k)), Fraction(0)) for i in range(k)]
        h = sum((a * b for a, b in zip(row, lean, strict=True)), Fraction(0))
        spread = e * e / (1 - h) ** power
        variances = [v + spread * a * a for v, a in zip(variances, lean, strict=True)]
    return [square_root(v) for v in variances]


@pytest.mark.parametrize("gap", [1.0, 1e-4, 1e-8, 1e-11])
@pytest.mark.parametrize(("kind", "power"), [("HC0", 0), ("HC2", 1), ("HC3", 2)])
def test_ill_conditioned_fits_keep_their_digits(kind: str, power: int, gap: float) -> None:
    """Promise: eleven digits of robust errors at condition numbers up to 1e11 and large offsets."""
    rng = np.random.default_rng(7)
    a = 1e4 + rng.normal(size=40)
    x = np.column_stack([a, a + gap * rng.normal(size=40)])
    y = a + rng.normal(size=40) * (1 + np.abs(a - 1e4))
    ours = gw.fit(x, y).robust(kind).standard_errors
    for value, exact in zip(ours, exact_sandwich(x, y, power), strict=True):
        assert relative_error(float(value), exact) < 1e-11


def test_a_float64_inverse_would_lose_them() -> None:
    """Control: the textbook sandwich has no digit left where ours has eleven."""
    rng = np.random.default_rng(7)
    a = 1e4 + rng.normal(size=40)
    x = np.column_stack([np.ones(40), a, a + 1e-8 * rng.normal(size=40)])
    y = a + rng.normal(size=40) * (1 + np.abs(a - 1e4))
    inverse = np.linalg.inv(x.T @ x)
    e = y - x @ (inverse @ (x.T @ y))
    textbook = np.sqrt(np.abs(np.diag(inverse @ (x.T * e**2) @ x @ inverse)))
    exact = exact_sandwich(x[:, 1:], y, 0)
    assert relative_error(float(textbook[1]), exact[1]) > 1e-3


@pytest.mark.parametrize("door", ["dict", "pandas", "polars", "csv"])
def test_clusters_by_the_name_of_a_column(tmp_path: Path, door: str) -> None:
    pd.DataFrame(COLUMNS).to_csv(tmp_path / "d.csv", index=False)
    data: Any = {
        "dict": COLUMNS, "pandas": pd.DataFrame(COLUMNS), "polars": pl.DataFrame(COLUMNS),
        "csv": str(tmp_path / "d.csv"),
    }[door]  # fmt: skip
    fit = gw.fit(data, "y", features="a,b,c")
    one = fit.robust("cluster", clusters="firm")
    np.testing.assert_allclose(
        one.covariance, fit.robust("cluster", clusters=FIRM).covariance, rtol=1e-13
    )
    assert one.clusters == (("firm", len(np.unique(FIRM))),)
    both = fit.robust("cluster", clusters=["firm", "year"])
    values = fit.robust("cluster", clusters=(FIRM, YEAR))
    np.testing.assert_allclose(both.covariance, values.covariance, rtol=1e-12)
    text = np.array([f"f{k}" for k in FIRM])
    for labels in (text, list(text), pd.Series(text), pl.Series(text), text.astype(object)):
        again = fit.robust("cluster", clusters=labels)
        np.testing.assert_allclose(again.covariance, one.covariance, rtol=1e-12)


def test_rows_with_gaps_keep_their_clusters(tmp_path: Path) -> None:
    """Promise: clusters are matched to the rows of the data, those left out counted."""
    a = X[:, 0].copy()
    a[[3, 50, 51]] = np.nan
    kept = np.isfinite(a)
    data = {**COLUMNS, "a": a}
    pd.DataFrame(data).to_csv(tmp_path / "d.csv", index=False)
    expected = gw.fit({k: v[kept] for k, v in COLUMNS.items()}, "y", features="a,b,c").robust(
        "cluster", clusters=FIRM[kept]
    )
    for given in (data, str(tmp_path / "d.csv"), pl.DataFrame(data, nan_to_null=True)):
        fit = gw.fit(given, "y", features="a,b,c")
        for clusters in ("firm", FIRM, FIRM[kept]):
            ours = fit.robust("cluster", clusters=clusters)
            np.testing.assert_allclose(ours.covariance, expected.covariance, rtol=1e-12)


def test_other_rows_are_noticed() -> None:
    x, y = X.copy(), Y.copy()
    fit = gw.fit(x, y)
    y[0] += 1.0
    with pytest.raises(InputError, match="changed"):
        fit.robust()


def test_a_loaded_fit_needs_its_data(tmp_path: Path) -> None:
    fit = gw.fit(COLUMNS, "y", features="a,b,c")
    fit.save(tmp_path / "m.json")
    loaded = gw.load(tmp_path / "m.json")
    with pytest.raises(InputError, match="does not have its rows"):
        loaded.robust()
    ours = loaded.robust("cluster", clusters="firm", data=COLUMNS)
    expected = fit.robust("cluster", clusters="firm")
    np.testing.assert_allclose(ours.covariance, expected.covariance, rtol=1e-13)


def test_nothing_in_the_fit_changes() -> None:
    """Promise: robust errors are values beside the fit, never a mutation of it."""
    fit = gw.fit(X, Y)
    before = fit.to_dict()
    result = fit.robust("HC3")
    assert fit.to_dict() == before
    assert result.fit is fit
    with pytest.raises((AttributeError, TypeError)):
        result.kind = "HC0"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        result.covariance[0, 0] = 1.0


def codes(result: gw.Robust) -> set[str]:
    return {finding.code for finding in result.findings}


def test_few_clusters_are_said() -> None:
    fit = gw.fit(X, Y)
    assert "few-clusters" in codes(fit.robust("cluster", clusters=FIRM % 12))
    three = fit.robust("cluster", clusters=FIRM % 3)
    assert "fewer-clusters-than-coefficients" in codes(three)
    assert three.degrees_of_freedom == 2
    test = three.test("x1 = 0, x2 = 0, x3 = 0")
    assert test.numerator_df == 2
    assert "singular-hypotheses" in {finding.code for finding in test.findings}
    assert not codes(fit.robust("cluster", clusters=np.arange(N)))


def test_a_term_that_varies_in_one_cluster_has_no_clustered_error() -> None:
    """Promise: that the error of a term which one cluster determines is too small is said."""
    dummy = (FIRM == 7).astype(float)
    fit = gw.fit(np.column_stack([X, dummy]), Y)
    result = fit.robust("cluster", clusters=FIRM)
    assert "separated-by-clusters" in codes(result)
    found = next(f for f in result.findings if f.code == "separated-by-clusters")
    assert found.evidence["terms"] == ["x4"]
    assert "separated-by-clusters" not in codes(gw.fit(X, Y).robust("cluster", clusters=FIRM))


def test_a_clustered_error_that_would_be_zero_is_none() -> None:
    """Promise: terms that are fitted within each cluster exactly have no error, not 1e-17."""
    firm = np.arange(N) % 4
    dummies = (firm[:, None] == np.arange(4)).astype(float)
    fit = gw.fit(dummies, Y, intercept=False)
    result = fit.robust("cluster", clusters=firm)
    assert "separated-by-clusters" in codes(result)
    assert np.isnan(result.standard_errors).all()
    with pytest.raises(InputError, match="'x4' has no standard error"):
        result.test("x4 = 0")


def test_a_coefficient_of_a_single_row_has_no_hc3() -> None:
    alone = np.zeros(N)
    alone[11] = 1.0
    fit = gw.fit(np.column_stack([X, alone]), Y)
    for kind in ("HC2", "HC3"):
        result = fit.robust(kind)
        assert "single-row-coefficient" in codes(result)
        assert np.isnan(result.standard_errors).tolist() == [False] * 4 + [True]
        kept = np.arange(N) != 11
        without = gw.fit(X[kept], Y[kept]).robust(kind)
        np.testing.assert_allclose(result.standard_errors[:4], without.standard_errors, rtol=1e-10)


def test_hc0_of_a_coefficient_of_a_single_row_is_said_to_be_too_small() -> None:
    alone = np.zeros(N)
    alone[11] = 1.0
    fit = gw.fit(np.column_stack([X, alone]), Y)
    for kind in ("HC0", "HC1"):
        result = fit.robust(kind)
        assert np.isfinite(result.standard_errors).all()
        (found,) = [f for f in result.findings if f.code == "single-row-coefficient"]
        assert found.evidence["terms"] == ["x4"]
        assert "1 row has leverage one" in found.sentence
        assert f"{kind} errors are too small" in found.sentence
        assert "single-row-coefficient" not in codes(gw.fit(X, Y).robust(kind))


def test_aliased_terms_have_no_error() -> None:
    fit = gw.fit(np.column_stack([X, X[:, 0]]), Y)
    result = fit.robust("HC3")
    assert np.isnan(result.standard_errors).tolist() == [False] * 4 + [True]
    np.testing.assert_allclose(
        result.standard_errors[:4], gw.fit(X, Y).robust().standard_errors, rtol=1e-12
    )


def test_a_difference_of_sums_may_not_be_positive() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(8, 2)), rng.normal(size=8)
    found = [gw.fit(x, y).robust("HAC", kernel="truncated", lags=lags) for lags in range(1, 7)]
    bad = [result for result in found if "covariance-not-positive" in codes(result)]
    assert bad
    with pytest.raises(InputError, match="no positive covariance"):
        bad[0].test("x1 = 0")
    assert "alarm" in str(bad[0])


def test_lags_are_chosen_by_the_number_of_rows() -> None:
    fit = gw.fit(X, Y)
    assert fit.robust("HAC").lags == 4.0  # ⌊4·2.4^(2/9)⌋
    assert fit.robust("newey-west", kernel="parzen").lags == 4.0
    assert "lags-chosen" in codes(fit.robust("HAC"))
    assert "lags-chosen" not in codes(fit.robust("HAC", lags=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "HC9"}, r"kind must be one of.*Did you mean 'HC"),
        ({"kind": 3}, "kind must be"),
        ({"kind": "cluster"}, "need clusters="),
        ({"kind": "HC3", "clusters": FIRM}, "goes with kind"),
        ({"kind": "HC3", "lags": 2}, "go with kind 'HAC'"),
        ({"kind": "HC3", "correction": True}, "names its correction"),
        ({"kind": "HAC", "lags": N}, "fewer than the 240 rows"),
        ({"kind": "HAC", "lags": -1}, "at least 0"),
        ({"kind": "HAC", "lags": "four"}, "at least 0"),
        ({"kind": "HAC", "kernel": "barlett"}, "Did you mean 'bartlett'"),
        ({"kind": "cluster", "clusters": FIRM[:-1]}, "239 values and the data 240"),
        ({"kind": "cluster", "clusters": np.zeros(N)}, "1 cluster in the rows"),
        ({"kind": "cluster", "clusters": np.where(np.arange(N) == 4, np.nan, FIRM)}, "row 4"),
        ({"kind": "cluster", "clusters": [FIRM, YEAR, FIRM]}, "one or two ways; got 3"),
        ({"kind": "cluster", "clusters": "firm"}, "no named columns"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        gw.fit(X, Y).robust(**arguments)


def test_fits_without_errors_have_no_robust_ones() -> None:
    with pytest.raises(InputError, match="ridge"):
        gw.fit(X, Y, method=gw.NormalEquation(ridge=1.0)).robust()
    with pytest.raises(InputError, match="as many coefficients as rows"):
        gw.fit(X[:4], Y[:4]).robust()
    with pytest.raises(InputError, match=r"no column 'frim'.*'firm'"):
        gw.fit(COLUMNS, "y", features="a").robust("cluster", clusters="frim")


def test_it_is_shown_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    result = gw.fit(COLUMNS, "y", features="a,b,c").robust("cluster", clusters="firm")
    print(result)
    shown = capsys.readouterr().out
    assert "clustered by firm (45 clusters)" in shown
    assert "G/(G − 1)" in shown
    told = result.to_dict(0.9)
    assert told["clusters"] == [{"name": "firm", "count": 45}]
    assert told["terms"][1]["standard_error"] == float(result.standard_errors[1])
    assert "<table>" in result._repr_html_()
