"""Promise: the estimators are scikit-learn's in every way that its own checks and tests look at,
and right where its own are not."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import sklearn
import sklearn.linear_model
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.linear_model import LinearRegression as Theirs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gausswork.errors import InputError
from gausswork.sklearn import LinearRegression, Ridge

# SCIPY_ARRAY_API must be set before SciPy is imported: the subprocess below runs that check.
ELSEWHERE = "check_array_api_input"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [LinearRegression(), LinearRegression(fit_intercept=False), Ridge(), Ridge(fit_intercept=False)]
)
def test_scikit_learns_checks(estimator, check) -> None:
    if getattr(check, "func", check).__name__ == ELSEWHERE:
        return  # seen in test_all_checks_at_once
    check(estimator)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=300, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["LinearRegression", "Ridge"])
def test_all_checks_at_once_with_none_left_out(name: str) -> None:
    done = run(
        f"""
        from collections import Counter
        from sklearn.utils.estimator_checks import check_estimator
        from gausswork.sklearn import {name}
        found = check_estimator({name}(), on_fail=None)
        print(dict(Counter(one["status"] for one in found)))
        """,
        SCIPY_ARRAY_API="1",
    )
    counts = eval(done.stdout)  # what the lines above have printed
    assert set(counts) == {"passed"}, (counts, done.stderr)
    assert counts["passed"] > 50


def test_scikit_learns_own_tests_pass_with_ours_in_its_place() -> None:
    # Left out: positive=True, which is no least squares; and that copy_X=False overwrites X, which
    # ours never does. The rest of that file tests private functions.
    done = run(
        """
        import sys
        import pytest
        import sklearn.linear_model
        import sklearn.linear_model._base as base
        from gausswork.sklearn import LinearRegression
        sklearn.linear_model.LinearRegression = base.LinearRegression = LinearRegression
        sys.exit(pytest.main([
            "--pyargs", "sklearn.linear_model.tests.test_base", "-q", "-p", "no:cacheprovider",
            "-c", "/dev/null", "-W", "ignore", "-k",
            "(linear_regression or fit_intercept or sample_weights_greater) and not positive",
        ]))
        """
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = int(done.stdout.split(" passed")[0].split()[-1])
    assert passed >= 26


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(120, 4))
    return x, x @ [1.0, -2.0, 0.5, 3.0] + 1.0 + rng.normal(size=120) / 10


def test_a_column_of_another_unit_keeps_its_coefficient(rows) -> None:
    x, y = rows
    scaled = x * [1.0, 1e-9, 1.0, 1e8]
    ours, theirs = LinearRegression().fit(scaled, y), Theirs().fit(scaled, y)
    expected = LinearRegression().fit(x, y).coef_ / [1.0, 1e-9, 1.0, 1e8]
    assert ours.coef_ == pytest.approx(expected, rel=1e-12)
    assert (ours.trusted_digits_ > 12).all()
    assert theirs.coef_[1] == 0.0  # why this estimator exists


def test_dependent_columns_share_as_with_the_pseudo_inverse(rows) -> None:
    x, y = rows
    for extra in (x[:, :2], x[:, :1] * 2.0 + 3.0, np.ones((120, 2)), np.zeros((120, 1))):
        wide = np.column_stack([x, extra])
        for intercept in (True, False):
            ours = LinearRegression(fit_intercept=intercept).fit(wide, y)
            theirs = Theirs(fit_intercept=intercept, tol=1e-10).fit(wide, y)
            assert ours.coef_ == pytest.approx(theirs.coef_, abs=1e-9)
            assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=1e-9)
            assert ours.rank_ == theirs.rank_
    assert "dependent-column" in {finding.code for finding in ours.findings_}


def test_fewer_rows_than_columns(rows) -> None:
    x, y = rows[0][:3], rows[1][:3]
    assert LinearRegression().fit(x, y).coef_ == pytest.approx(Theirs().fit(x, y).coef_, abs=1e-9)


def test_it_goes_where_scikit_learn_goes(rows) -> None:
    pd = pytest.importorskip("pandas")
    x, y = rows
    frame = pd.DataFrame(x, columns=list("abcd")).assign(kind=np.where(x[:, 0] > 0, "u", "v"))
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(drop="first", sparse_output=False), ["kind"]),
            (PolynomialFeatures(2, include_bias=False), ["a", "b"]),
            remainder=StandardScaler(),
        ).set_output(transform="pandas"),
        LinearRegression(),
    )
    assert cross_val_score(model, frame, y).min() > 0.99
    assert list(model.fit(frame, y)[-1].feature_names_in_) == list(
        model[:-1].get_feature_names_out()
    )
    search = GridSearchCV(model, {"linearregression__fit_intercept": [True, False]})
    assert search.fit(frame, y).best_params_ == {"linearregression__fit_intercept": True}
    logged = TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp)
    assert logged.fit(x, np.exp(y)).score(x, np.exp(y)) > 0.9


def test_metadata_is_routed(rows) -> None:
    x, y = rows
    weights = np.arange(1.0, 121.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            LinearRegression().set_fit_request(sample_weight=True),
        ).fit(x, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(x)
    expected = Theirs().fit(scaled, y, sample_weight=weights)
    assert model[-1].coef_ == pytest.approx(expected.coef_, rel=1e-10)


def test_pickles_and_clones_hold_no_data(rows) -> None:
    x, y = rows
    model = LinearRegression(n_jobs=1, digits=15).fit(np.tile(x, (100, 1)), np.tile(y, 100))
    stored = pickle.dumps(model)
    assert len(stored) < 5_000
    assert (pickle.loads(stored).predict(x) == model.predict(x)).all()
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "coef_")


def test_several_targets(rows) -> None:
    x, y = rows
    both = np.column_stack([y, -2 * y])
    model = LinearRegression().fit(x, both)
    assert (
        model.coef_.shape == model.trusted_digits_.shape == model.standard_errors_.shape == (2, 4)
    )
    assert model.intercept_.shape == (2,)
    assert model.predict(x) == pytest.approx(Theirs().fit(x, both).predict(x))


@pytest.mark.parametrize(
    ("ours", "theirs"), [(LinearRegression, Theirs), (Ridge, sklearn.linear_model.Ridge)]
)
@pytest.mark.parametrize("intercept", [True, False])
def test_one_column_of_targets_has_their_shapes(rows, ours, theirs, intercept) -> None:
    x, y = rows
    model = ours(fit_intercept=intercept).fit(x, y[:, None])
    expected = theirs(fit_intercept=intercept).fit(x, y[:, None])
    assert model.coef_.shape == expected.coef_.shape == model.trusted_digits_.shape
    assert np.shape(model.intercept_) == np.shape(expected.intercept_)
    assert model.predict(x).shape == expected.predict(x).shape
    assert model.predict(x) == pytest.approx(expected.predict(x))


def test_sparse_predictors_give_the_same_bits(rows) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x, y = np.where(np.abs(rows[0]) > 1, rows[0], 0.0), rows[1]
    weights = np.abs(x[:, 0]) + 0.5
    for by in (None, weights):
        dense = LinearRegression().fit(x, y, sample_weight=by)
        thin = LinearRegression().fit(sparse.csc_array(x), y, sample_weight=by)
        assert (dense.coef_ == thin.coef_).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fit_intercept": "yes"}, "fit_intercept must be True or False; got 'yes'"),
        ({"n_jobs": 0}, "n_jobs must be None, -1 or at least 1; got 0"),
        ({"digits": "all"}, "digits must be None or a number"),
        ({"digits": 40}, "digits must lie in"),
        ({"positive": True}, "positive=True is not supported"),
    ],
)
def test_settings_that_mean_nothing_are_refused(rows, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        LinearRegression(**settings).fit(*rows)


def test_values_that_are_not_finite_are_refused_in_scikit_learns_words(rows) -> None:
    x, y = rows[0].copy(), rows[1]
    for bad, words in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
        x[7, 2] = bad
        with pytest.raises(ValueError, match=words):
            LinearRegression().fit(x, y)


def test_ridge_is_scikit_learns(rows) -> None:
    from sklearn.linear_model import Ridge as TheirRidge

    x, y = rows
    wide = np.column_stack([x, x[:, 0] - x[:, 1]])
    both = np.column_stack([y, y**2])
    weights = np.linspace(0.1, 2.0, 120)
    for alpha in (1e-3, 1.0, 1e4):
        ours = Ridge(alpha).fit(wide, y, sample_weight=weights)
        theirs = TheirRidge(alpha).fit(wide, y, sample_weight=weights)
        # Their Cholesky factor has lost half its digits: the columns depend on each other.
        assert ours.coef_ == pytest.approx(theirs.coef_, rel=1e-7, abs=1e-8)
        assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=1e-7)
    each = Ridge([0.5, 7.0]).fit(x, both)
    assert each.coef_ == pytest.approx(TheirRidge([0.5, 7.0]).fit(x, both).coef_, rel=1e-9)
    search = GridSearchCV(Ridge(), {"alpha": [1e-3, 1e4]}).fit(x, y)
    assert search.best_params_ == {"alpha": 1e-3}


@pytest.mark.parametrize("alpha", [-1.0, np.nan, "one", [1.0, 2.0, 3.0]])
def test_a_penalty_that_means_nothing_is_refused(rows, alpha) -> None:
    with pytest.raises(InputError, match="alpha must be"):
        Ridge(alpha).fit(*rows)
