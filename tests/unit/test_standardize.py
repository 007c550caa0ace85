"""Promise: standardising is exact whatever the offset, in parts as at once, and can be undone."""

from __future__ import annotations

import pickle
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.normal.shape import Effect


def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def exact(column: np.ndarray, ddof: int = 0) -> tuple[float, float]:
    """Return mean and standard deviation from rational arithmetic."""
    values = [Fraction(float(v)) for v in column if not np.isnan(v)]
    mean = sum(values) / len(values)
    squares = sum((v - mean) ** 2 for v in values) / (len(values) - ddof)
    shift = 10**40
    import math

    return float(mean), math.isqrt(int(squares * shift**2)) / shift


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e12, -1e15])
@pytest.mark.parametrize("ddof", [0, 1])
def test_an_offset_costs_no_digits(offset: float, ddof: int) -> None:
    x = rng().normal(size=(200, 3)) * [1.0, 100.0, 1e4] + offset
    found = gw.Standardizer(ddof=ddof).fit(x)
    for j in range(3):
        mean, sd = exact(x[:, j], ddof)
        assert found.mean_[j] == pytest.approx(mean, rel=1e-15)
        assert found.sd_[j] == pytest.approx(sd, rel=2e-15)


def test_parts_in_any_order_are_the_whole() -> None:
    x = rng().normal(size=(1000, 2)) * [1.0, 1e-3] + [1e9, -1e6]
    whole = gw.Standardizer().fit(x)
    streamed = gw.Standardizer()
    for part in np.array_split(x, 7):
        streamed.partial_fit(part)
    parts = [gw.Standardizer().fit(part) for part in (x[:10], x[10:400], x[400:])]
    left = parts[0].merge(parts[1]).merge(parts[2])
    right = parts[2].merge(parts[0].merge(parts[1]))
    for other in (streamed, left, right):
        assert other.n_samples_seen_ == 1000
        assert other.mean_ == pytest.approx(whole.mean_, rel=1e-15)
        assert other.sd_ == pytest.approx(whole.sd_, rel=1e-13)
    assert parts[0].n_samples_seen_ == 10  # merging changes neither


def test_it_can_be_undone() -> None:
    x = rng().normal(50, 7, size=(300, 4))
    standardizer = gw.Standardizer()
    z = standardizer.fit_transform(x)
    assert np.abs(z.mean(axis=0)).max() < 1e-15
    assert z.std(axis=0) == pytest.approx(1.0, rel=1e-14)
    assert standardizer.inverse_transform(z) == pytest.approx(x, rel=1e-15)


def test_it_changes_scale_and_not_shape() -> None:
    x = rng().exponential(size=(2000, 1))
    z = gw.Standardizer().fit_transform(x)
    before, after = gw.normality(x[:, 0]), gw.normality(z[:, 0])
    assert after.shape.l_skewness == pytest.approx(before.shape.l_skewness, rel=1e-12)
    assert after.p_value == pytest.approx(before.p_value, rel=1e-9)
    assert after.effect is Effect.STRONG
    assert "not shape" in gw.Standardizer().fit(x).summary()


def test_missing_values_are_left_out_and_stay_missing() -> None:
    x = rng().normal(size=(50, 3))
    x[::5, 1] = np.nan
    x[:, 2] = np.nan
    standardizer = gw.Standardizer().fit(x)
    assert list(standardizer.n_samples_seen_) == [50, 40, 0]
    z = standardizer.transform(x)
    assert (np.isnan(z) == np.isnan(x)).all()
    assert np.nanmean(z[:, 1]) == pytest.approx(0.0, abs=1e-15)
    sklearn = pytest.importorskip("sklearn.preprocessing")
    theirs = sklearn.StandardScaler().fit(x[:, :2])
    assert standardizer.mean_[:2] == pytest.approx(theirs.mean_)
    assert z[:, :2] == pytest.approx(theirs.transform(x[:, :2]), nan_ok=True)


def test_a_part_without_values_changes_nothing() -> None:
    x = rng().normal(size=(20, 2))
    x[:5, 0] = np.nan
    parts = gw.Standardizer().partial_fit(x[:5]).partial_fit(x[5:])
    whole = gw.Standardizer().fit(x)
    assert parts.mean_ == pytest.approx(whole.mean_)
    assert parts.sd_ == pytest.approx(whole.sd_)


def test_a_constant_column_becomes_zero() -> None:
    x = np.column_stack([np.full(9, 0.1), np.arange(9.0)])
    standardizer = gw.Standardizer()
    assert (standardizer.fit_transform(x)[:, 0] == 0.0).all()
    assert (standardizer.sd_[0], standardizer.scale_[0]) == (0.0, 1.0)
    assert (standardizer.inverse_transform(np.zeros((2, 2)))[:, 0] == 0.1).all()
    assert "never varies" in standardizer.summary()


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_sizes_that_have_no_squares(size: float) -> None:
    x = rng().normal(size=(40, 1)) * size
    z = gw.Standardizer().fit_transform(x)
    assert z == pytest.approx(gw.Standardizer().fit_transform(x / size), rel=1e-10)
    parts = gw.Standardizer().partial_fit(x[:7]).partial_fit(x[7:])
    assert parts.sd_ == pytest.approx(gw.Standardizer().fit(x).sd_)


def test_options() -> None:
    x = rng().normal(5, 3, size=(30, 2))
    assert gw.Standardizer(scale=False).fit_transform(x) == pytest.approx(x - x.mean(axis=0))
    assert gw.Standardizer(center=False).fit_transform(x) == pytest.approx(x / x.std(axis=0))
    assert repr(gw.Standardizer(ddof=1)) == "Standardizer(ddof=1)"
    assert gw.Standardizer().set_params(ddof=1).get_params()["ddof"] == 1
    assert gw.Standardizer().fit_transform(x.astype(np.float32)).dtype == np.float32


def test_the_callers_array_is_left_alone() -> None:
    x = rng().normal(size=(20, 2))
    x.flags.writeable = False
    standardizer = gw.Standardizer().fit(x)
    for options in ({}, {"center": False}, {"scale": False}, {"center": False, "scale": False}):
        standardizer = gw.Standardizer(**options).fit(x)
        assert not np.shares_memory(standardizer.transform(x), x)
        assert not np.shares_memory(standardizer.inverse_transform(x), x)


def test_names_of_columns_are_kept_and_compared() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rng().normal(size=(9, 2)), columns=["a", "b"])
    standardizer = gw.Standardizer().fit(frame)
    assert list(standardizer.get_feature_names_out()) == ["a", "b"]
    with pytest.raises(InputError, match="same order"):
        standardizer.transform(frame[["b", "a"]])
    with pytest.raises(InputError, match="other names"):
        standardizer.merge(gw.Standardizer().fit(frame.rename(columns={"a": "c"})))
    with pytest.warns(UserWarning, match="valid feature names"):
        standardizer.transform(frame.to_numpy())


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([1.0, 2.0, 3.0], "Reshape your data"),
        (np.empty((0, 3)), "0 sample"),
        (np.empty((3, 0)), "0 feature"),
        ([[1.0, np.inf]], "infinity, first in row 0, column 1"),
        ([["a", "b"]], "must hold numbers"),
        (np.array([[1 + 2j]]), "Complex"),
        ([[1.0, 2.0], [3.0]], "cannot be made|must hold"),
    ],
)
def test_bad_tables_are_refused_with_a_remedy(data: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        gw.Standardizer().fit(data)


def test_bad_use_is_refused() -> None:
    with pytest.raises(InputError, match="not fitted yet"):
        gw.Standardizer().transform([[1.0]])
    fitted = gw.Standardizer().fit([[1.0, 2.0], [2.0, 5.0]])
    with pytest.raises(InputError, match="expecting 2 features"):
        fitted.transform([[1.0]])
    with pytest.raises(InputError, match="no parts of one table"):
        fitted.merge(gw.Standardizer().fit([[1.0], [2.0]]))
    with pytest.raises(InputError, match="no parameter 'with_mean'"):
        fitted.set_params(with_mean=False)
    with pytest.raises(InputError, match="ddof must be"):
        gw.Standardizer(ddof=2).fit([[1.0]])


def test_scikit_learns_own_checks_pass() -> None:
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not inherit, and says so
        results = checks.check_estimator(gw.Standardizer(), on_fail=None, on_skip=None)
    assert len(results) > 30
    failed = [r["check_name"] for r in results if r["status"] == "failed"]
    assert not failed


def test_it_works_in_a_pipeline() -> None:
    pipeline = pytest.importorskip("sklearn.pipeline")
    linear = pytest.importorskip("sklearn.linear_model")
    base = pytest.importorskip("sklearn.base")
    x = rng().normal(size=(60, 2)) * [1.0, 1e4]
    y = x @ [1.0, 1e-4]
    model = pipeline.make_pipeline(gw.Standardizer(), linear.LinearRegression()).fit(x, y)
    assert model.predict(x) == pytest.approx(y)
    assert base.clone(gw.Standardizer(ddof=1)).ddof == 1
    again = pickle.loads(pickle.dumps(model[0]))
    assert (again.transform(x) == model[0].transform(x)).all()
