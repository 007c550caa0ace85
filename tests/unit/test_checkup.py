"""Promise: a check-up takes one pass of bounded memory, says what leaving rows out would do without
leaving any out, finds what is there, and keeps quiet where nothing is."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import gausswork as gw
from gausswork.data.sources import Batch, Tally
from gausswork.errors import InputError
from gausswork.findings import Severity
from gausswork.leastsquares.checkup import examination as module
from gausswork.leastsquares.checkup.geometry import Geometry
from gausswork.leastsquares.checkup.influence import influence_batches
from gausswork.leastsquares.checkup.serial import Differences, Recursion


def drawn(n: int = 80, p: int = 3, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    return x, 1.0 + x @ np.arange(1.0, p + 1.0) + rng.normal(size=n)


def codes(seen: gw.Checkup) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in seen.findings}


@pytest.mark.parametrize("intercept", [True, False])
def test_influence_is_what_leaving_a_row_out_does(intercept) -> None:
    """Refitted without each row in turn: nothing is assumed of the formulas."""
    x, y = drawn(n=25)
    fit = gw.fit(x, y, intercept=intercept)
    rows = fit.influence()
    assert rows.leverage.sum() == pytest.approx(fit.rank, rel=1e-12)
    for i in range(len(y)):
        keep = np.arange(len(y)) != i
        without = gw.fit(x[keep], y[keep], intercept=intercept)
        ahead = float(without.predict(x[i : i + 1])[0])
        assert rows.left_out_residual[i] == pytest.approx(y[i] - ahead, rel=1e-9)
        unscaled = fit.standard_errors / fit.residual_sd
        shift = (fit.coefficients - without.coefficients) / (without.residual_sd * unscaled)
        np.testing.assert_allclose(rows.dfbetas[i], shift, rtol=1e-7, atol=1e-10)
        t = (y[i] - rows.fitted[i]) / (without.residual_sd * np.sqrt(1 - rows.leverage[i]))
        assert rows.studentized[i] == pytest.approx(t, rel=1e-9)
        change = fit.predict(x) - without.predict(x)
        cook = float(change @ change) / (fit.rank * fit.residual_sd**2)
        assert rows.cooks_distance[i] == pytest.approx(cook, rel=1e-7)
        ratio = np.linalg.det(without.covariance) / np.linalg.det(fit.covariance)
        assert rows.covariance_ratio[i] == pytest.approx(ratio, rel=1e-7)
    assert fit.check().press == pytest.approx(
        float(rows.left_out_residual @ rows.left_out_residual)
    )


class Counted:
    """A source that counts its passes and makes its rows as they are asked for."""

    replayable = True
    names, target = ("a", "b"), "y"

    def __init__(self, rows: int) -> None:
        self.rows, self.passes = rows, 0
        self.tally = Tally(read=0, dropped=0, missing={})

    def batches(self, rows: int):
        self.passes += 1
        rng = np.random.default_rng(3)
        for start in range(0, self.rows, rows):
            x = rng.normal(size=(min(rows, self.rows - start), 2))
            # not normal errors: pieces of a fixed pattern, whatever the batches are
            at = np.arange(start, start + len(x))
            yield Batch(x, x @ [1.0, 2.0] + np.sin(at * 12.9898) * 3.0)
        self.tally = Tally(read=self.rows, dropped=0, missing={})


def test_one_pass_and_memory_that_does_not_grow(monkeypatch) -> None:
    monkeypatch.setattr(module, "_SAMPLE", 2_000)
    peaks = []
    for rows in (20_000, 80_000):
        fit = gw.fit(Counted(rows))
        before = fit.source.passes
        tracemalloc.start()
        seen = fit.check()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert fit.source.passes == before + 1
        assert seen.rows == rows
        assert len(seen.sample) <= 2_000
    assert peaks[1] < 1.3 * peaks[0]


def test_batches_make_no_difference(monkeypatch) -> None:
    x, y = drawn(n=500)
    whole = gw.fit(x, y).check()
    monkeypatch.setattr(module, "_batch", lambda g: 37)
    parts = gw.fit(x, y).check()
    for name in ("koenker", "white", "breusch_godfrey", "reset", "harvey_collier"):
        assert getattr(parts, name).statistic == pytest.approx(
            getattr(whole, name).statistic, rel=1e-9
        )
    assert parts.durbin_watson == pytest.approx(whole.durbin_watson, rel=1e-9)
    np.testing.assert_array_equal(parts.worst.rows.row, whole.worst.rows.row)
    np.testing.assert_allclose(parts.robust_standard_errors, whole.robust_standard_errors)


def test_durbin_watson_is_calibrated() -> None:
    """Of independent errors 10 % have p below 0.1: binomial bounds of 1,000 draws at 0.1 %."""
    rng = np.random.default_rng(11)
    x = np.cumsum(rng.normal(size=(25, 2)), axis=0)  # predictors that move slowly: the hard case
    found = []
    for _ in range(1000):
        y = rng.normal(size=25)
        g = Geometry.of(gw.fit(x, y).solution)
        sums = Differences.of(g)
        sums.see(g.rows_of(x, y))
        found.append(sums.durbin_watson().p_value)
    assert 68 <= np.count_nonzero(np.array(found) < 0.1) <= 134


def test_clean_data_is_left_alone() -> None:
    """Of 60 clean samples nearly all are clear; none raises an alarm."""
    found = [codes(gw.fit(*drawn(n=200, seed=seed)).check()) for seed in range(60)]
    assert sum("check-up-clear" in one for one in found) >= 50
    assert all(Severity.ALARM not in one.values() for one in found)


def test_what_is_there_is_found() -> None:
    rng = np.random.default_rng(2)
    n = 400
    x = rng.normal(size=(n, 2))
    noise = rng.normal(size=n)
    plain = x.sum(axis=1)
    assert codes(gw.fit(x, plain + noise * np.exp(x[:, 0])).check())["unequal-spread"] in (
        Severity.CAUTION,
        Severity.ALARM,
    )
    assert codes(gw.fit(x, plain + 0.4 * plain**2 + noise).check())["curved"] == Severity.CAUTION
    walk = np.zeros(n)
    for t in range(1, n):
        walk[t] = 0.7 * walk[t - 1] + noise[t]
    seen = gw.fit(x, plain + walk).check()
    assert codes(seen)["alike-neighbours"] == Severity.CAUTION
    assert seen.durbin_watson.autocorrelation == pytest.approx(0.7, abs=0.1)
    skew = rng.exponential(size=n) - 1
    assert "residuals-not-bell-shaped" in codes(gw.fit(x, plain + skew).check())
    both = np.column_stack((x, x[:, 0] + 0.05 * rng.normal(size=n)))
    seen = gw.fit(both, plain + noise).check()
    finding = next(f for f in seen.findings if f.code == "collinear-columns")
    assert finding.severity is Severity.CAUTION
    assert "'x1'" in finding.sentence
    assert "'x3'" in finding.sentence
    y = plain + noise
    y[7] += 12.0
    x[9] = [25.0, 0.0]
    found = codes(gw.fit(x, y).check())
    assert {"outlying-row", "influential-row"} <= set(found)
    year = 2000.0 + np.arange(n) / n
    assert "far-from-zero" in codes(gw.fit(np.column_stack((x, year)), plain + noise).check())


def test_the_coefficient_without_a_row_is_that_of_a_fit_without_it() -> None:
    x, y = drawn(n=40)
    x[4], y[4] = [9.0, 0.0, 0.0], -30.0
    fit = gw.fit(x, y)
    finding = next(f for f in fit.check().findings if f.code == "influential-row")
    assert finding.evidence["rows"][0] == "4"
    without = gw.fit(np.delete(x, 4, axis=0), np.delete(y, 4))
    at = fit.names.index(finding.evidence["term"])
    assert finding.evidence["coefficient_without"] == pytest.approx(without.coefficients[at])


def test_rows_are_called_by_their_place_in_the_data() -> None:
    """Rows left out for gaps are counted too, whatever holds the data; labels name them."""
    x, y = drawn(n=60)
    x[3, 0] = x[20, 1] = np.nan
    y[41] += 30.0
    columns = {"a": x[:, 0], "b": x[:, 1], "kind": np.array(["u", "v"] * 30), "y": y}
    names = [f"row-{i}" for i in range(60)]
    for fit in (
        gw.fit(x, y),
        gw.fit(columns, "y", features="a,b"),
        gw.fit(columns, "y", features="a,b,kind"),
    ):
        seen = fit.check(labels=names)
        at = int(np.argmax(np.abs(seen.worst.rows.studentized)))
        assert seen.worst.rows.row[at] == 41
        assert seen.label(41) == "row-41"
        assert "Row row-41" in str(seen)
        rows = np.concatenate([part.row for part in influence_batches(fit, rows=7)])
        np.testing.assert_array_equal(rows, np.delete(np.arange(60), [3, 20]))
    with pytest.raises(InputError, match="labels must be a sequence with a label for each of the"):
        gw.fit(x, y).check(labels=names[:50])


def test_a_row_that_decides_alone_is_named_and_breaks_nothing() -> None:
    x, y = drawn(n=30, p=1)
    kind = np.array(["usual"] * 29 + ["lonely"], dtype=object)
    fit = gw.fit({"x": x[:, 0], "kind": kind, "y": y}, "y", features="x,kind")
    seen = fit.check()
    assert codes(seen)["row-of-its-own"] is Severity.CAUTION
    rows = fit.influence()
    assert rows.leverage[29] == pytest.approx(1.0, abs=1e-12)
    assert np.isnan(rows.studentized[29])
    assert np.isnan(rows.cooks_distance[29])
    assert np.isfinite(rows.studentized[:29]).all()
    for name in ("koenker", "white", "reset", "harvey_collier"):
        assert np.isfinite(getattr(seen, name).statistic)
    assert np.isfinite(seen.press)


def test_recursive_residuals_wait_for_every_direction() -> None:
    """Sorted by level, the first rows span little; n − k residuals remain all the same."""
    rng = np.random.default_rng(4)
    kind = np.repeat(["a", "b", "c", "d"], 25).astype(object)
    y = rng.normal(size=100)
    seen = gw.fit({"kind": kind, "x": rng.normal(size=100), "y": y}, "y").check()
    assert seen.harvey_collier.df == 100 - 5 - 1


def test_aliased_columns_have_no_part() -> None:
    x, y = drawn(n=50)
    doubled = np.column_stack((x, x[:, 0] - x[:, 1]))
    seen, plain = gw.fit(doubled, y).check(), gw.fit(x, y).check()
    assert seen.white.statistic == pytest.approx(plain.white.statistic, rel=1e-9)
    assert seen.white.df == plain.white.df
    assert seen.collinearity.variance_inflation[3] == np.inf
    assert np.isnan(seen.robust_standard_errors[4])
    assert str(seen)


def test_collinearity_is_what_regressions_on_the_others_say() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal([1e6, 0.0, 5.0], size=(70, 3))
    x[:, 2] += x[:, 1]
    y = x.sum(axis=1) + rng.normal(size=70)
    seen = gw.fit(x, y).check().collinearity
    for j in range(3):
        r2 = gw.fit(np.delete(x, j, axis=1), x[:, j]).r_squared
        assert seen.variance_inflation[j] == pytest.approx(1.0 / (1.0 - r2), rel=1e-9)
    design = np.column_stack((np.ones(70), x))
    singular = np.linalg.svd(design / np.linalg.norm(design, axis=0), compute_uv=False)
    np.testing.assert_allclose(seen.condition_indexes, singular[0] / singular, rtol=1e-6)
    np.testing.assert_allclose(seen.variance_proportions.sum(axis=0), 1.0)


def test_a_category_is_judged_by_all_its_levels() -> None:
    """Fox and Monette's factor is the ratio of determinants of correlations."""
    rng = np.random.default_rng(9)
    kind = np.array(["a", "b", "c"], dtype=object)[rng.integers(0, 3, size=90)]
    x = rng.normal(size=90) + (kind == "b")
    fit = gw.fit({"kind": kind, "x": x, "y": x + rng.normal(size=90)}, "y")
    r = np.corrcoef(np.column_stack((kind == "b", kind == "c", x)).astype(float), rowvar=False)
    expected = np.linalg.det(r[:2, :2]) * 1.0 / np.linalg.det(r)
    seen = fit.check().collinearity
    assert seen.columns == ("kind", "x")
    assert seen.generalized[0] == pytest.approx(expected, rel=1e-9)
    np.testing.assert_array_equal(seen.generalized_df, [2, 1])


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ([[1.0], [2.0]], [1.0, 2.0], "as many coefficients as rows"),
        ([[1.0], [2.0], [3.0], [4.0]], [2.0, 4.0, 6.0, 8.0], "fit is perfect"),
        ([[1.0], [2.0], [3.0]], [5.0, 5.0, 5.0], "fit is perfect"),
    ],
)
def test_nothing_to_check_is_said(x, y, said) -> None:
    with pytest.raises(InputError, match=said):
        gw.fit(x, y).check()


def test_coefficients_that_are_not_of_least_squares_are_not_checked() -> None:
    x, y = drawn()
    with pytest.raises(InputError, match="without the penalty"):
        gw.fit(x, y, method=gw.NormalEquation(ridge=5.0)).check()
    with pytest.raises(InputError, match="the descent stopped before it"):
        gw.fit(x, y, method=gw.GradientDescent(learning_rate=0.01, epochs=5)).check()


def test_few_rows_are_checked_as_far_as_they_go() -> None:
    seen = gw.fit([[1.0], [2.0], [4.0]], [1.0, 3.0, 2.0]).check()
    assert "little-to-check" in codes(seen)
    assert np.isnan(seen.white.p_value) or 0.0 <= seen.white.p_value <= 1.0
    assert str(seen)
    assert seen.to_dict()


def test_the_mean_alone_is_checked() -> None:
    y = np.random.default_rng(0).normal(size=40)
    seen = gw.fit({"y": y}, "y", features=[]).check()
    assert np.isnan(seen.koenker.statistic)
    assert np.isnan(seen.reset.statistic)
    assert np.isfinite(seen.durbin_watson.statistic)
    assert np.isfinite(seen.harvey_collier.statistic)
    assert str(seen)


@pytest.mark.parametrize("lags", [0, -1, 2.5, True, "4", 10**6])
def test_lags_must_be_a_number_of_rows(lags) -> None:
    with pytest.raises(InputError, match="lags must be a whole number from 1"):
        gw.fit(*drawn()).check(lags=lags)


def test_data_that_has_changed_is_told() -> None:
    x, y = drawn()
    fit = gw.fit(x, y)
    y[[3, 9]] += [5.0, -5.0]  # the same sums, other residuals
    with pytest.raises(InputError, match="squared residuals add up to"):
        fit.check()
    with pytest.raises(InputError, match="changed"):
        fit.check((x[:50], y[:50]))


def test_units_and_offsets_make_no_difference() -> None:
    x, y = drawn(n=150)
    plain = gw.fit(x, y).check()
    far = gw.fit(x * [1e-8, 1e7, 1.0] + [0.0, 1e9, 1e6], 1e6 * y + 1e9).check()
    for name in ("koenker", "breusch_pagan", "white", "breusch_godfrey", "reset", "harvey_collier"):
        assert getattr(far, name).statistic == pytest.approx(
            getattr(plain, name).statistic, rel=1e-5
        )
    np.testing.assert_allclose(far.worst.rows.leverage, plain.worst.rows.leverage, rtol=1e-6)
    np.testing.assert_array_equal(far.worst.rows.row, plain.worst.rows.row)


@pytest.mark.parametrize("kind", ["plain", "sorted", "line"])
def test_compiled_and_plain_recursions_agree(kind, monkeypatch) -> None:
    rng = np.random.default_rng(6)
    x, y = drawn(n=300, p=4)
    if kind == "sorted":  # a direction that comes late, and one that repeats for long
        x[:, 0] = np.arange(300) >= 250
        x[:40, 1] = 0.0
    if kind == "line":  # neighbours so alike that predictions reach far
        x[:, 2] = np.arange(300) / 300.0
        x[:, 3] = x[:, 2] ** 2
    y += 0.01 * rng.normal(size=300)
    g = Geometry.of(gw.fit(x, y).solution)
    rows = g.rows_of(x, y)
    found = []
    for compiled in (True, False):
        if not compiled:
            monkeypatch.setattr("gausswork.leastsquares.checkup.serial._compiled", lambda: None)
        recursion = Recursion.of(g)
        recursion.see(rows)
        found.append((recursion.count, recursion.total, recursion.square))
    assert found[0][0] == found[1][0] == 300 - g.rank
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-6, abs=1e-8)
    assert found[0][2] == pytest.approx(found[1][2], rel=1e-8)
    # the squares of all recursive residuals add up to the residual sum of squares
    assert found[0][2] == pytest.approx(g.degrees_of_freedom, rel=1e-8)


@pytest.mark.parametrize("intercept", [True, False])
def test_weighted_rows_are_left_out_with_their_weights(intercept) -> None:
    """Refitted without each row, weights and all; rows of weight zero have no part."""
    x, y = drawn(n=24, p=2)
    weights = np.random.default_rng(1).uniform(0.2, 5.0, size=24)
    weights[5] = 0.0
    fit = gw.fit(x, y, weights=weights, intercept=intercept)
    rows = fit.influence()
    np.testing.assert_array_equal(rows.row, np.delete(np.arange(24), 5))
    assert rows.leverage.sum() == pytest.approx(fit.rank, rel=1e-12)
    for at, i in enumerate(rows.row):
        keep = np.arange(24) != i
        without = gw.fit(x[keep], y[keep], weights=weights[keep], intercept=intercept)
        ahead = float(without.predict(x[i : i + 1])[0])
        assert rows.left_out_residual[at] == pytest.approx(y[i] - ahead, rel=1e-9)
        unscaled = fit.standard_errors / fit.residual_sd
        shift = (fit.coefficients - without.coefficients) / (without.residual_sd * unscaled)
        np.testing.assert_allclose(rows.dfbetas[at], shift, rtol=1e-7, atol=1e-10)
    seen = fit.check()
    used = weights > 0.0
    pressed = float(weights[used] @ rows.left_out_residual**2)
    assert seen.press == pytest.approx(pressed, rel=1e-9)


def test_equal_weights_change_nothing_and_statsmodels_agrees_on_others() -> None:
    from statsmodels.regression.linear_model import OLS, WLS

    x, y = drawn(n=150)
    plain, equal = gw.fit(x, y).check(), gw.fit(x, y, weights=np.full(150, 4.0)).check()
    names = ("koenker", "breusch_pagan", "white", "breusch_godfrey", "reset", "harvey_collier")
    for name in names:
        assert getattr(equal, name).statistic == pytest.approx(
            getattr(plain, name).statistic, rel=1e-8
        )
    assert equal.durbin_watson == pytest.approx(plain.durbin_watson, rel=1e-8)
    np.testing.assert_allclose(equal.robust_standard_errors, plain.robust_standard_errors)
    weights = np.random.default_rng(2).uniform(0.1, 3.0, size=150)
    fit = gw.fit(x, y, weights=weights)
    seen = fit.check(lags=2)
    design = np.column_stack((np.ones(150), x))
    theirs = WLS(y, design, weights=weights).fit()
    root = np.sqrt(weights)
    f = (theirs.fittedvalues - theirs.fittedvalues.mean()) / theirs.fittedvalues.std()
    curved = OLS(y * root, np.column_stack((design, f**2, f**3)) * root[:, None]).fit()
    base = OLS(y * root, design * root[:, None]).fit()
    assert seen.reset.statistic == pytest.approx(curved.compare_f_test(base)[0], rel=1e-7)
    e = theirs.wresid
    squares = OLS(e**2, design).fit()
    assert seen.koenker.statistic == pytest.approx(150 * squares.rsquared, rel=1e-8)
    steps = np.diff(e)
    assert seen.durbin_watson.statistic == pytest.approx(steps @ steps / (e @ e), rel=1e-9)
    np.testing.assert_allclose(
        seen.robust_standard_errors,
        WLS(y, design, weights=weights).fit(cov_type="HC3").bse,
        rtol=1e-8,
    )
    with pytest.raises(InputError, match="without frequencies"):
        gw.fit(x, y, frequencies=np.full(150, 2)).check()


@pytest.mark.parametrize(("groups", "size"), [(60, 3), (20, 5), (60, 20)])
def test_equal_and_independent_errors_in_sorted_groups_raise_no_alarm(groups, size) -> None:
    """The fit makes residuals of a group alike in size and opposite in sign: no fault of errors."""
    rng = np.random.default_rng(17)
    group = np.repeat([f"g{i:02d}" for i in range(groups)], size)
    seen = []
    for _ in range(6):
        rows = {"y": rng.normal(size=len(group)), "g": group}
        seen += gw.fit(rows, target="y", features="g").check().findings
    # each test finds something in one of a hundred
    assert sum(f.code in ("unequal-spread", "alike-neighbours") for f in seen) <= 1
    assert all(f.severity is not Severity.ALARM for f in seen)


def test_unequal_and_dependent_errors_in_sorted_groups_are_seen() -> None:
    rng = np.random.default_rng(18)
    group = np.repeat([f"g{i:02d}" for i in range(15)], 20)
    errors = rng.normal(size=301)
    dependent = {"y": errors[1:] + 0.9 * errors[:-1], "g": group}
    assert "alike-neighbours" in codes(gw.fit(dependent, target="y", features="g").check())
    unequal = {"y": errors[1:] * np.repeat([0.2, 1.0, 3.0], 100), "g": group}
    assert "unequal-spread" in codes(gw.fit(unequal, target="y", features="g").check())


def test_one_row_is_spoken_of_as_one() -> None:
    x = np.linspace(0.0, 1.0, 40)[:, np.newaxis]
    noise = np.random.default_rng(3).normal(size=40)
    noise[20] = 9.0
    said = " ".join(f.sentence for f in gw.fit(x, noise).check().findings)
    assert "lies 1 row, where" in said
    noise[[0, 20, 39]] = 16.0, 0.0, -18.0
    said = " ".join(f.sentence for f in gw.fit(x, noise).check().findings)
    assert "weighs much too." in said


@pytest.mark.parametrize(("n", "p"), [(6, 1), (10, 1), (20, 2), (60, 15)])
def test_good_rows_are_seldom_called_influential_however_few_there_are(n: int, p: int) -> None:
    rng = np.random.default_rng(n)
    found = 0
    for _ in range(40):
        x = rng.normal(size=(n, p))
        codes = {f.code for f in gw.fit(x, x.sum(axis=1) + rng.normal(size=n)).check().findings}
        found += "influential-row" in codes
    assert found <= 8  # 5 % of 40 is 2; before, one in three and more


@pytest.mark.parametrize("n", [12, 40])
def test_a_row_that_decides_is_named_also_among_few(n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    y = x + rng.normal(size=n) / 10
    x[3], y[3] = 6.0, -6.0
    found = {f.code: f for f in gw.fit(x[:, None], y).check().findings}
    assert "3" in str(found["influential-row"].evidence["rows"][0])


def test_a_row_without_which_the_fit_is_perfect_is_named_in_plain_words() -> None:
    for x, y in (
        ([1.0, 3.0, 4.0, 5.0], [2.0, 5.0, 9.0, 8.0]),  # 2, 5, 8 lie on a line
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.1, 0.2, 0.3, 7.0, 0.5, 0.6]),
    ):
        found = gw.fit({"x": x, "y": y}, target="y", features=["x"]).check().findings
        said = [f.sentence for f in found if f.code == "influential-row"]
        row = 2 if len(x) == 4 else 3
        assert said == [
            f"Without row {row} the others would be fitted perfectly: it alone makes all the "
            "residuals."
        ]
        assert not any("e+" in f.sentence or "inf" in f.sentence for f in found)


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e150])
def test_condition_indexes_do_not_depend_on_the_unit(unit: float) -> None:
    x = np.array([1.0, 2.0, 4.0, 7.0])
    seen = gw.fit({"x": x * unit, "y": [1.0, 3.0, 2.0, 5.0]}, target="y", features=["x"]).check()
    known = gw.fit({"x": x, "y": [1.0, 3.0, 2.0, 5.0]}, target="y", features=["x"]).check()
    assert seen.collinearity.condition_indexes == pytest.approx(
        known.collinearity.condition_indexes, rel=1e-12
    )
