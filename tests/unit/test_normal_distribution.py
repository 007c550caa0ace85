"""Promise: Normal keeps what it says: limits, shapes, dtypes, errors, comparisons, estimates."""

from __future__ import annotations

import copy
import math
import pickle
import statistics
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork import Normal
from gausswork.errors import InputError, NotFiniteError
from gausswork.normal import functions

INF, NAN = math.inf, math.nan
OF_X = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")
OF_P = ("quantile", "isf")
OF_LOG = ("quantile_from_log", "isf_from_log")


@pytest.fixture(params=["compiled", "numpy"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both paths; without a compiler only the second."""
    if request.param == "compiled" and functions.native is None:
        pytest.skip("the compiled functions are not built")
    if request.param == "numpy":
        monkeypatch.setattr(functions, "native", None)
        monkeypatch.setattr("gausswork.normal.distribution._NATIVE", None)
    return str(request.param)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("pdf", INF, 0.0), ("pdf", -INF, 0.0), ("logpdf", INF, -INF), ("logpdf", -INF, -INF),
        ("cdf", INF, 1.0), ("cdf", -INF, 0.0), ("sf", INF, 0.0), ("sf", -INF, 1.0),
        ("logcdf", INF, 0.0), ("logcdf", -INF, -INF), ("logsf", INF, -INF), ("logsf", -INF, 0.0),
        ("cdf", 3.0, 0.5), ("sf", 3.0, 0.5), ("cdf", -1e300, 0.0), ("cdf", 1e300, 1.0),
        ("quantile", 0.0, -INF), ("quantile", 1.0, INF), ("quantile", 0.5, 3.0),
        ("isf", 0.0, INF), ("isf", 1.0, -INF), ("isf", 0.5, 3.0),
        ("quantile_from_log", 0.0, INF), ("quantile_from_log", -INF, -INF),
        ("isf_from_log", 0.0, -INF), ("isf_from_log", -INF, INF),
    ],
)  # fmt: skip
def test_limits_are_exact_for_numbers_and_arrays(name: str, at: float, value: float) -> None:
    function = getattr(Normal(3, 2), name)
    assert function(at) == value
    assert function(np.array([at, at])).tolist() == [value, value]
    assert isinstance(function(at), float)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("name", OF_X + OF_P + OF_LOG)
def test_nan_gives_nan_and_nothing_else_does(name: str) -> None:
    function = getattr(Normal(3, 2), name)
    safe = -0.5 if name in OF_LOG else 0.25
    found = function(np.array([NAN, safe, NAN]))
    assert np.isnan(found).tolist() == [True, False, True]
    assert math.isnan(function(NAN))
    assert math.isnan(getattr(Normal(NAN, 1), name)(safe))
    assert math.isnan(getattr(Normal(0, NAN), name)(safe))


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("name", OF_X + OF_P + OF_LOG)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (5,), (2, 3, 4)])
def test_shapes_and_dtypes(name: str, shape: tuple[int, ...]) -> None:
    sign = -1.0 if name in OF_LOG else 1.0
    x = np.full(shape, 0.3 * sign)
    function = getattr(Normal(0.1, 2.0), name)
    for dtype, kept in ((np.float64, np.float64), (np.float32, np.float32),
                        (np.float16, np.float64), (np.longdouble, np.float64)):  # fmt: skip
        found = function(x.astype(dtype))
        assert np.shape(found) == shape
        assert found.dtype == kept
    strided = np.full((*shape, 2), 0.3 * sign)[..., 0]
    np.testing.assert_array_equal(function(strided), function(x))
    assert function(x.astype(">f8")).dtype == np.float64


def test_float32_is_computed_in_float64_and_rounded_once() -> None:
    x = np.linspace(-8, 8, 1001, dtype=np.float32)
    for name in OF_X:
        function = getattr(Normal(0.1, 1.3), name)
        np.testing.assert_array_equal(function(x), function(x.astype(float)).astype(np.float32))
    assert isinstance(Normal().cdf(np.float32(0.3)), np.float32)


@pytest.mark.usefixtures("path")
def test_mean_and_sd_broadcast() -> None:
    many = Normal(np.array([[0.0], [70.0]]), np.array([1.0, 10.0, 0.1]))
    assert many.shape == (2, 3)
    assert len(many) == 2
    x = np.array([0.5, 60.0, 70.05])
    found = many.cdf(x)
    for i in range(2):
        for j in range(3):
            one = many[i, j]
            assert one == Normal((0.0, 70.0)[i], (1.0, 10.0, 0.1)[j])
            assert found[i, j] == pytest.approx(one.cdf(float(x[j])), rel=1e-15)
    assert many.between(-1, 1).shape == (2, 3)
    assert many.quantile(0.5).tolist() == [[0.0] * 3, [70.0] * 3]
    assert many.interval(0.9).lower.shape == (2, 3)
    assert (many + 1).mean.tolist() == [[1.0] * 3, [71.0] * 3]
    assert (np.array([1.0, 2.0, 3.0]) * many).sd.tolist() == [[1.0, 20.0, 3.0 * 0.1]] * 2
    assert [n.shape for n in many] == [(3,), (3,)]
    assert many == copy.deepcopy(many) == pickle.loads(pickle.dumps(many))
    assert hash(many) == hash(pickle.loads(pickle.dumps(many)))
    with pytest.raises(ValueError, match="read-only"):
        many.mean[0, 0] = 3.0
    with pytest.raises(TypeError, match="array of them"):
        Normal()[0]


def test_the_arrays_of_the_caller_are_neither_kept_nor_written() -> None:
    mean = np.zeros(3)
    normal = Normal(mean, 1.0)
    mean += 5.0
    assert normal.mean.tolist() == [0.0, 0.0, 0.0]
    x = np.array([3.0, 1.0, 2.0])
    normal.cdf(x)
    assert x.tolist() == [3.0, 1.0, 2.0]


@pytest.mark.usefixtures("path")
def test_an_sd_of_zero_is_a_step_for_arrays_and_refused_where_normal_dist_refuses() -> None:
    point = Normal(5, 0)
    x = np.array([4.0, 5.0, 6.0, NAN])
    np.testing.assert_array_equal(point.cdf(x), [0.0, 1.0, 1.0, NAN])
    np.testing.assert_array_equal(point.sf(x), [1.0, 0.0, 0.0, NAN])
    np.testing.assert_array_equal(point.pdf(x), [0.0, INF, 0.0, NAN])
    np.testing.assert_array_equal(point.logpdf(x), [-INF, INF, -INF, NAN])
    np.testing.assert_array_equal(point.logcdf(x), [-INF, 0.0, 0.0, NAN])
    assert point.quantile(np.array([0.0, 0.3, 1.0])).tolist() == [5.0, 5.0, 5.0]
    assert point.inv_cdf(0.3) == 5.0
    assert point.between(4, 6) == 1.0
    assert point.between(5, 6) == 0.0
    assert point.outside(4, 6) == 0.0
    assert point.outside(6, 7) == 1.0
    assert point.samples(2, seed=1) == [5.0, 5.0]
    assert point.entropy() == -INF
    for refused in (
        lambda: point.pdf(5),
        lambda: point.cdf(5),
        lambda: point.zscore(5),
        lambda: point.overlap(Normal()),
        lambda: Normal().divergence(point),
    ):
        with pytest.raises(statistics.StatisticsError):
            refused()
    mixed = Normal([5.0, 5.0], [0.0, 1.0])
    assert mixed.cdf(5.0).tolist() == [1.0, 0.5]


@pytest.mark.usefixtures("path")
def test_infinite_parameters_give_limits() -> None:
    assert Normal(0, INF).cdf(3.0) == 0.5
    assert Normal(0, INF).pdf(3.0) == 0.0
    assert Normal(INF, 1).cdf(3.0) == 0.0
    assert Normal(-INF, 1).sf(3.0) == 0.0
    assert Normal(0, INF).between(-1, 1) == 0.0


@pytest.mark.usefixtures("path")
def test_neither_huge_nor_tiny_parameters_overflow_on_the_way() -> None:
    assert Normal(-1e308, 1e308).cdf(1e308) == pytest.approx(Normal().cdf(2.0), rel=1e-15)
    assert Normal(0, 1e-320).cdf(1e-320) == pytest.approx(Normal().cdf(1.0), rel=1e-15)
    assert Normal(1e-310, 1e-310).pdf(0.0) == pytest.approx(2.4197072451914335e309 / 1.0, rel=1e-9)
    assert Normal(0, 1e305).pdf(1e305) == pytest.approx(0.24197072451914337e-305, rel=1e-13)
    assert Normal(0, 1e-305).logpdf(0.0) == pytest.approx(-0.9189385 + 305 * math.log(10), rel=1e-7)


def test_numbers_of_other_kinds_are_numbers() -> None:
    normal = Normal(Fraction(1, 2), Decimal("2"))
    assert normal == Normal(0.5, 2.0)
    assert normal.cdf(Fraction(1, 2)) == 0.5
    assert normal.cdf(True) == normal.cdf(1.0)
    assert normal.cdf([0, 1]).shape == (2,)
    assert normal.cdf(np.int8(1)) == normal.cdf(1)
    masked = np.ma.masked_array([0.5, 3.0], [False, True])
    assert np.isnan(normal.cdf(masked)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Normal(0, -1), "sd is a standard deviation and cannot be negative; got -1"),
        (lambda: Normal(0, [1, -2]), "got -2"),
        (lambda: Normal("70", 10), "mean must be numbers; got '70'"),
        (lambda: Normal(None, 10), "mean must be numbers; got None"),
        (lambda: Normal(1j, 10), "mean must be numbers"),
        (lambda: Normal([1, 2], [1, 2, 3]), "do not fit together: mean (2,), sd (3,)"),
        (lambda: Normal(1, mu=2), "give mean or mu, not both"),
        (lambda: Normal(10**400, 1), "range of float64"),
        (lambda: Normal().cdf("x"), "x must be numbers; got 'x'"),
        (lambda: Normal().cdf([1.0, None]), "x must be numbers; got None"),
        (lambda: Normal().cdf([[1], [1, 2]]), "regular shape"),
        (lambda: Normal([0, 1], 1).cdf([1, 2, 3]), "do not fit together"),
        (lambda: Normal().quantile(95), "p must lie in [0, 1]; got 95. Did you mean 0.95?"),
        (lambda: Normal().quantile([0.5, -0.1]), "got -0.1"),
        (lambda: Normal().inv_cdf(0.0), "p must lie in (0, 1); got 0"),
        (lambda: Normal().inv_cdf(50.0), "Did you mean 0.5?"),
        (lambda: Normal().quantile_from_log(0.5), "Did you mean log(0.5)?"),
        (lambda: Normal().interval(95), "level must lie in (0, 1); got 95. Did you mean 0.95?"),
        (lambda: Normal().interval("a"), "level must be numbers"),
        (lambda: Normal().intervals([0]), "sds must be positive"),
        (lambda: Normal().between(2, 1), "a must not be larger than b; got a = 2, b = 1"),
        (lambda: Normal().between(0, [1, -1]), "b = -1"),
        (lambda: Normal().outside("a", 1), "a must be numbers"),
        (lambda: Normal().overlap(3), "overlap needs another Normal; got int"),
        (lambda: Normal().samples(1.5), "n counts draws"),
        (lambda: Normal().samples(-1), "cannot be negative"),
        (lambda: Normal().draws(3, seed=[1]), "seed must be"),
        (lambda: Normal(0, INF).draws(3, seed=1), "finite mean and sd"),
        (lambda: Normal.fit([]), "at least 1 number"),
        (lambda: Normal.from_samples([1.0]), "at least two numbers"),
        (lambda: Normal.fit([1.0, NAN]), "1 of 2 values are NaN or infinite"),
        (lambda: Normal.fit_robust([]), "at least 1 number"),
        (lambda: Normal.fit(["a"]), "data must be numbers; got"),
        (lambda: Normal.from_summaries(0, 1, 1), "whole number of at least 1"),
        (lambda: Normal.from_summaries(3, 1, -1), "cannot be negative"),
        (lambda: Normal.from_summaries([3, 4], [1, 2, 3], 1), "do not fit together"),
        (lambda: Normal([1, 2], 1) + Normal([1, 2, 3], 1), "do not fit together"),
        (lambda: Normal([1, 2], 1) * [1, 2, 3], "do not fit together"),
        (lambda: Normal([1, 2], 1).overlap(Normal([1, 2, 3], 1)), "do not fit together"),
        (lambda: Normal([1, 2], 1).zscore([1, 2, 3]), "do not fit together"),
        (lambda: Normal.from_summaries([3, 4], 1, [NAN, 1]), "sd must be finite"),
        (lambda: Normal() * "a", "other operand must be numbers"),
        (lambda: Normal() + None, "other operand must be numbers"),
    ],
)  # fmt: skip
def test_bad_input_is_named_with_a_remedy(call: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert said in str(caught.value)


def test_normals_are_not_multiplied_with_each_other_and_never_change() -> None:
    normal = Normal(1, 2)
    with pytest.raises(TypeError):
        normal * normal
    with pytest.raises(TypeError):
        normal / normal
    with pytest.raises(ZeroDivisionError):
        normal / 0
    for name in ("_mu", "_sigma", "mean", "other"):
        with pytest.raises(AttributeError):
            setattr(normal, name, 3.0)
    total = sum([normal, normal, normal])
    assert (total.mean, total.variance) == (3.0, pytest.approx(12.0, rel=1e-15))


def test_how_it_is_shown() -> None:
    assert str(Normal(70, 10)) == "Normal(mean=70.0, sd=10.0)"
    assert repr(Normal(70, 10)) == "NormalDist(mu=70.0, sigma=10.0)"
    assert repr(Normal([1, 2], 3)) == "NormalDist(mu=array([1., 2.]), sigma=array([3., 3.]))"


def test_intervals_are_the_rule_of_68_95_997() -> None:
    one, two, three = Normal(100, 15).intervals()
    assert (one.lower, one.upper, one.sds) == (85.0, 115.0, 1.0)
    assert [f"{part.probability:.4%}" for part in (one, two, three)] == [
        "68.2689%", "95.4500%", "99.7300%"
    ]  # fmt: skip
    interval = Normal(100, 15).interval(0.95)
    assert interval.lower == pytest.approx(100 - 15 * 1.959963984540054, rel=1e-15)
    assert Normal(100, 15).between(interval.lower, interval.upper) == pytest.approx(0.95, rel=1e-14)


def test_outside_is_what_between_leaves() -> None:
    normal = Normal(70, 10)
    assert normal.outside(60, 80) == pytest.approx(0.31731050786291415, rel=1e-15)
    assert normal.outside(-INF, 80) == normal.sf(80.0)
    assert normal.outside(40, 100) + normal.between(40, 100) == pytest.approx(1.0, rel=1e-15)
    # 38 sd away on both sides: 1 − between has no digit of it.
    assert normal.outside(-290, 430) == pytest.approx(2 * normal.cdf(-290.0), rel=1e-15)


def test_entropy_and_divergence() -> None:
    assert Normal(5, 2).entropy() == pytest.approx(
        0.5 * math.log(2 * math.pi * math.e * 4), rel=1e-15
    )
    a, b = Normal(1, 2), Normal(3, 5)
    expected = math.log(5 / 2) + (4 + 4) / 50 - 0.5
    assert a.divergence(b) == pytest.approx(expected, rel=1e-14)
    assert a.divergence(a) == 0.0
    # Nearly equal: (Δ²)/2·2 in t; the textbook's three terms cancel to nothing.
    near = Normal(0, 1 + 1e-9)
    assert near.divergence(Normal()) == pytest.approx(1e-18, rel=1e-6)
    many = Normal([1, 1], [2, 2]).divergence(b)
    np.testing.assert_allclose(many, [expected] * 2, rtol=1e-14)


def test_overlap_against_integration_and_in_the_far_tail() -> None:
    pairs = [((0, 1), (1, 2)), ((0, 1), (0, 1e-3)), ((0, 1), (3, 1)), ((5, 2), (4.9, 2.01)),
             ((0, 1), (0, 1e6)), ((-7, 0.1), (8, 3))]  # fmt: skip
    for (m1, s1), (m2, s2) in pairs:
        a, b = Normal(m1, s1), Normal(m2, s2)
        x = np.unique(np.concatenate([np.linspace(n.mean - 40 * n.sd, n.mean + 40 * n.sd, 400_001)
                                      for n in (a, b)]))  # fmt: skip
        lower = np.minimum(a.pdf(x), b.pdf(x))
        area = float(np.sum((lower[1:] + lower[:-1]) * np.diff(x)) / 2)
        assert a.overlap(b) == b.overlap(a) == pytest.approx(area, rel=1e-6)
        arrays = Normal([m1], [s1]).overlap(Normal([m2], [s2]))
        assert arrays.shape == (1,)
        assert arrays[0] == pytest.approx(a.overlap(b), rel=1e-13)
    # Where NormalDist has 0.0: two tails, each good to its own digits.
    assert Normal(0, 1).overlap(Normal(60, 1)) == pytest.approx(2 * Normal().sf(30.0), rel=1e-15)


def test_z_scores() -> None:
    normal = Normal(100, 15)
    assert normal.zscore(142) == 2.8
    assert normal.zscore(np.array([100.0, 85.0])).tolist() == [0.0, -1.0]
    assert normal.zscore(np.array([85.0], dtype=np.float32)).dtype == np.float32
    assert Normal([0.0, 1.0], 2.0).zscore(3.0).tolist() == [1.5, 1.0]


def test_fits() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(70, 10, 1001)
    ml = Normal.fit(x)
    assert ml.mean == pytest.approx(x.mean(), rel=1e-15)
    assert ml.sd == pytest.approx(x.std(), rel=1e-14)
    assert Normal.fit(x, ddof=1).sd == pytest.approx(x.std(ddof=1), rel=1e-14)
    exact = statistics.NormalDist.from_samples(x.tolist())
    for found in (Normal.from_samples(x), Normal.from_samples(x.tolist())):
        assert found.mean == pytest.approx(exact.mean, rel=1e-15)
        assert found.sd == pytest.approx(exact.stdev, rel=1e-14)
    spoilt = x.copy()
    spoilt[:200] = 1e6
    assert abs(Normal.fit_robust(spoilt).mean - 70) < 5
    assert abs(Normal.fit_robust(x).sd - 10) < 1
    assert Normal.fit_robust([1.0, 2.0, 3.0, 4.0, 100.0]) == Normal(3.0, 1.482602218505602)
    assert Normal.fit(5.0) == Normal(5.0, 0.0)
    assert Normal.fit(v for v in (1.0, 3.0)) == Normal(2.0, 1.0)


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e307, 1e-200, 1e-307])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_a_stream_is_as_good_as_all_at_once(scale: float, offset: float) -> None:
    rng = np.random.default_rng(4)
    x = (rng.normal(size=10_000) + offset) * (scale / max(offset, 1.0))
    parts = np.array_split(x, [1, 1, 7, 500, 9_000])
    stream = Normal.from_stream(iter(parts), ddof=1)
    mean = math.fsum(v / len(x) for v in x.tolist())
    exact = statistics.stdev([Fraction(v) for v in x[:: 1 if scale == 1.0 else 50].tolist()])
    assert stream.mean == pytest.approx(mean, rel=1e-14, abs=1e-15 * float(np.abs(x).max()))
    if scale == 1.0:
        assert stream.sd == pytest.approx(float(exact), rel=1e-13)
    halves = gw.NormalState.of(x[:3000]), gw.NormalState.of(x[3000:])
    for merged in (halves[0].merge(halves[1]), halves[1].merge(halves[0])):
        assert merged.count == len(x)
        assert merged.parameters(ddof=1)[1] == pytest.approx(stream.sd, rel=1e-13)
    assert 0.0 < stream.sd < INF


def test_summaries_are_the_data_they_summarise() -> None:
    rng = np.random.default_rng(5)
    groups = [rng.normal(m, 2, n) for m, n in ((0, 5), (3, 40), (-1, 1))]
    n = [len(g) for g in groups]
    mean = [float(g.mean()) for g in groups]
    sd = [float(g.std(ddof=1)) if len(g) > 1 else NAN for g in groups]
    found = Normal.from_summaries(n, mean, sd)
    everything = np.concatenate(groups)
    assert found.mean == pytest.approx(everything.mean(), rel=1e-13)
    assert found.sd == pytest.approx(everything.std(ddof=1), rel=1e-13)
    one = Normal.from_summaries(10, 5.0, 2.0)
    assert (one.mean, one.sd) == (5.0, pytest.approx(2.0, rel=1e-15))


def test_data_that_are_not_finite_are_named() -> None:
    with pytest.raises(NotFiniteError, match="2 of 3"):
        Normal.fit([1.0, INF, NAN])


def test_draws_come_from_the_sampler_of_the_project() -> None:
    normal = Normal(70, 10)
    x = normal.draws(20_000, seed=1)
    assert (x == normal.draws(20_000, seed=1)).all()
    assert x[:5].tolist() == normal.samples(5, seed=1)
    z = gw.sampling.normal(20_000, seed=1, stream="normal")
    np.testing.assert_allclose(x, 70 + 10 * z, rtol=1e-15)
    # 5 standard errors of mean and sd.
    assert abs(x.mean() - 70) < 5 * 10 / math.sqrt(20_000)
    assert abs(x.std() - 10) < 5 * 10 / math.sqrt(40_000)
    assert normal.samples(3) != normal.samples(3)
    assert normal.samples(3, seed="a") != normal.samples(3, seed="b")
    many = Normal([0.0, 100.0], [1.0, 2.0]).draws((50, 3), seed=2)
    assert many.shape == (50, 3, 2)
    assert abs(many[..., 1].mean() - 100) < 5 * 2 / math.sqrt(150)


def test_at_is_the_way_back_from_zscore() -> None:
    scores = Normal(70, 10)
    assert scores.at(-1.5) == 55.0
    assert type(scores.at(2)) is float
    z = np.array([-3.0, 0.25, 8.0])
    assert scores.zscore(scores.at(z)) == pytest.approx(z)
    assert Normal([0, 1], [1, 2]).at(1.0).tolist() == [1.0, 3.0]
    with pytest.raises(InputError, match="z must be numbers"):
        scores.at("1")
