"""Promise: the normal distribution is right to the digits that its documentation states.

Truth is mpmath with 50 digits, and printed tables. Errors are in units of 2^-53 relative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp

import gausswork as gw
from gausswork.normal import functions

from . import normal_coefficients as coefficients

UNIT = 2.0**-53
SMALLEST = 2.3e-308  # what is smaller is subnormal in float64 and has fewer digits

SETS = [None, *(functions.native.instruction_sets() if functions.native else [])]


@pytest.fixture(params=SETS, ids=lambda name: name or "numpy")
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run under plain NumPy and under every instruction set of this machine."""
    if request.param is None:
        monkeypatch.setattr(functions, "native", None)
        yield
        return
    before = functions.native.use(request.param)
    yield
    functions.native.use(before)


def tail(z: Any) -> Any:
    return mp.erfc(z / mp.sqrt(2)) / 2


def errors(found: Any, truth: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """Return relative errors in units; where the truth is subnormal, zero."""
    out = []
    with mpmath.workdps(50):
        for value, x in zip(found, at.tolist(), strict=True):
            t = truth(mp.mpf(x))
            small = abs(t) < SMALLEST
            out.append(0.0 if small else float(abs(mp.mpf(float(value)) - t) / abs(t)) / UNIT)
    return np.array(out)


def grid(count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.concatenate(
        [rng.uniform(-37, 37, count), rng.uniform(-3, 3, count), rng.uniform(-1e-6, 1e-6, 5),
         [-37.0, -8.0, -1.0, 0.0, 1.0, 8.0, 37.0]]
    )  # fmt: skip


PLACES = [(0.0, 1.0), (70.0, 10.0), (1e9 + 0.1, 0.37), (-3e-7, 1e-5), (1e305, 1e306), (0.0, 1e-310)]


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("mean", "sd"), PLACES)
def test_density_and_tails_are_good_to_five_units(mean: float, sd: float) -> None:
    """x is rounded, so z is taken from x exactly: the promise is about the x that is given."""
    x = mean + sd * grid(60)
    normal = gw.Normal(mean, sd)

    def z(x: Any) -> Any:
        return (x - mp.mpf(mean)) / mp.mpf(sd)

    assert errors(normal.cdf(x), lambda x: tail(-z(x)), x).max() <= 5.0
    assert errors(normal.sf(x), lambda x: tail(z(x)), x).max() <= 5.0
    if sd > 1e-300:  # below, the density is larger than float64 holds
        assert errors(normal.pdf(x), lambda x: mp.npdf(z(x)) / mp.mpf(sd), x).max() <= 5.0


def test_a_rounded_z_would_not_do() -> None:
    """The bound can fail: the textbook's z, rounded once, is far outside it."""
    x = 70.0 + 10.0 * np.linspace(-37, -20, 50)
    found = functions.cdf((x - 70.0) / 10.0)
    wrong = errors(found, lambda x: tail(-(x - 70) / 10), x)
    assert wrong.max() > 50.0


@pytest.mark.usefixtures("kernels")
def test_the_table_of_the_middle_is_good_at_its_seams_and_its_ends() -> None:
    """A row serves 1/32 sd; where one ends and the next begins, either must do."""
    seams = np.arange(-129, 130) / 32 + 1 / 64
    x = np.concatenate([seams, np.nextafter(seams, -9), np.nextafter(seams, 9), [-4.0, 4.0]])
    x = np.concatenate([x, np.nextafter([-4.0, 4.0], [-9.0, 9.0]), [-0.0, 5e-324, -5e-324]])
    assert errors(functions.cdf(x), lambda x: tail(-x), x).max() <= 2.5
    assert errors(functions.sf(x), tail, x).max() <= 2.5
    assert functions.cdf(np.array([0.0, -0.0])).tolist() == [0.5, 0.5]


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 1.0])
def test_numbers_of_the_middle_and_far_ones_in_any_mixture_and_count(share: float) -> None:
    """Each number has its own result, whatever stands beside it and however many there are."""
    rng = np.random.default_rng(11)
    n = 10_000
    x = np.where(rng.random(n) < share, rng.uniform(-39, 39, n), rng.uniform(-4, 4, n))
    odd = rng.integers(0, n, 40)
    x[odd] = rng.choice([np.inf, -np.inf, np.nan, 1e300, -0.0, -40.0], 40)
    some = np.concatenate([odd, rng.integers(0, n, 60)])
    for mean, sd in ((0.0, 1.0), (0.25, 1.5)):
        for name in ("cdf", "sf"):
            call = getattr(functions, name)
            found = call(x, mean, sd)
            alone = np.array([call(v, mean, sd) for v in x[some].tolist()])
            np.testing.assert_allclose(found[some], alone, rtol=6 * UNIT, atol=1e-320)
            for count in (0, 1, 3, 7, 9, 511, 513, 1030):
                few = call(x[:count], mean, sd)
                np.testing.assert_allclose(few, found[:count], rtol=6 * UNIT, atol=1e-320)


@pytest.mark.usefixtures("kernels")
def test_single_numbers_and_arrays_of_parameters_agree_with_arrays() -> None:
    x = 70.0 + 10.0 * grid(20)
    normal, many = gw.Normal(70, 10), gw.Normal(np.full(len(x), 70.0), 10.0)
    for name in ("pdf", "cdf", "sf", "logpdf", "logcdf", "logsf"):
        whole = getattr(normal, name)(x)
        with np.errstate(divide="ignore"):
            for other in ([getattr(normal, name)(v) for v in x.tolist()], getattr(many, name)(x)):
                # Two paths, each within its bound.
                np.testing.assert_allclose(other, whole, rtol=10 * UNIT, atol=0)


@pytest.mark.usefixtures("kernels")
def test_logarithms_far_beyond_underflow() -> None:
    z = np.concatenate([grid(60), [-1e3, -1e8, 1e3, 50.0]])
    normal = gw.Normal()
    log_below = errors(
        normal.logcdf(z), lambda z: mp.log1p(-tail(z)) if z > 0 else mp.log(tail(-z)), z
    )
    log_above = errors(
        normal.logsf(z), lambda z: mp.log1p(-tail(-z)) if z < 0 else mp.log(tail(z)), z
    )
    density = errors(normal.logpdf(z), lambda z: -z * z / 2 - mp.log(2 * mp.pi) / 2, z)
    assert max(log_below.max(), log_above.max(), density.max()) <= 6.0


def quantile_of_log(logarithm: Any) -> Any:
    """Return z with log Q(z) = logarithm, by Newton's method."""
    z = mp.sqrt(-2 * logarithm) if logarithm < -1 else mp.mpf(1)
    for _ in range(80):
        step = (mp.log(tail(z)) - logarithm) * tail(z) / mp.npdf(z)
        z += step
        if abs(step) < mp.mpf(10) ** -45 * (1 + abs(z)):
            break
    return z


@pytest.mark.usefixtures("kernels")
def test_quantiles_are_good_to_ten_units_down_to_1e_minus_300() -> None:
    rng = np.random.default_rng(6)
    edges = [0.075, 0.0750001, 0.0749999, 1e-300, 0.5 - 2.0**-40, np.exp(-25.0), 2e-11]
    p = np.concatenate([10 ** rng.uniform(-300, -1, 60), rng.uniform(0, 0.5, 60), edges])
    normal = gw.Normal()
    assert errors(normal.quantile(p), lambda p: -quantile_of_log(mp.log(p)), p).max() <= 10.0
    assert errors(normal.isf(p), lambda p: quantile_of_log(mp.log(p)), p).max() <= 10.0
    upper = 1.0 - p[p > 1e-16]
    found = errors(normal.quantile(upper), lambda p: quantile_of_log(mp.log(1 - p)), upper)
    assert found.max() <= 10.0


@pytest.mark.usefixtures("kernels")
def test_inverses_of_logarithms_are_good_to_ten_units_far_beyond() -> None:
    rng = np.random.default_rng(7)
    low = -(10 ** rng.uniform(0.0, 6.0, 60))
    high = -(10 ** rng.uniform(-280.0, -0.4, 60))
    normal = gw.Normal()
    for name, sign in (("quantile_from_log", -1), ("isf_from_log", 1)):
        inverse = getattr(normal, name)

        def far(v: Any, sign: int = sign) -> Any:
            return sign * quantile_of_log(v)

        def near(v: Any, sign: int = sign) -> Any:
            return -sign * quantile_of_log(mp.log(-mp.expm1(v)))

        assert errors(inverse(low), far, low).max() <= 10.0
        assert errors(inverse(high), near, high).max() <= 10.0
    # −log Q(z) = z²/2 + log z + …: at 1e300 the first term is all that float64 sees.
    assert normal.isf_from_log(-1e300) == pytest.approx(2**0.5 * 1e150, rel=4 * UNIT)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (70.0, 10.0), (1000.1, 3e-5)])
def test_between_is_good_to_1e_minus_13_in_tails_and_narrow_intervals(
    mean: float, sd: float
) -> None:
    rng = np.random.default_rng(8)
    start = np.concatenate(
        [rng.uniform(-3, 3, 40), rng.uniform(5, 30, 40), rng.uniform(-36, -5, 40)]
    )
    width = 3 * 10 ** -rng.uniform(-0.7, 11, len(start))
    a, b = mean + sd * start, mean + sd * (start + width)
    found = gw.Normal(mean, sd).between(a, b)
    with mpmath.workdps(60):  # the difference of tails loses some 12 of these digits
        for value, low, high in zip(found, a.tolist(), b.tolist(), strict=True):
            u, v = ((mp.mpf(end) - mp.mpf(mean)) / mp.mpf(sd) for end in (low, high))
            truth = tail(u) - tail(v) if u + v > 0 else tail(-v) - tail(-u)
            if truth > SMALLEST:
                assert float(abs(mp.mpf(float(value)) - truth) / truth) <= 1e-13


# z, 1 - Φ(z) and its logarithm, as printed by Abramowitz & Stegun (1964), tables 26.1 and 26.2.
PRINTED = [
    (1.0, 0.158655253931457), (2.0, 0.022750131948179), (3.0, 0.001349898031630),
    (0.5, 0.308537538725987), (1.5, 0.066807201268858), (2.5, 0.006209665325776),
]  # fmt: skip
PRINTED_LOG10 = [(5.0, -6.54265), (10.0, -23.11805), (20.0, -88.56010), (50.0, -544.96634),
                 (100.0, -2173.87154), (500.0, -54289.90830)]  # fmt: skip
# Upper percentage points: Owen (1962), and the table in CRC's handbook.
PRINTED_POINTS = [(0.05, 1.644854), (0.025, 1.959964), (0.01, 2.326348), (0.005, 2.575829),
                  (0.001, 3.090232), (0.0005, 3.290527), (1e-4, 3.719016), (1e-6, 4.753424),
                  (1e-9, 5.997807)]  # fmt: skip


def test_printed_tables() -> None:
    normal = gw.Normal()
    for z, share in PRINTED:
        assert abs(normal.sf(z) - share) <= 0.6e-15  # the last printed place
    for z, logarithm in PRINTED_LOG10:
        assert abs(normal.logsf(z) / np.log(10.0) - logarithm) <= 0.6e-5
    for share, z in PRINTED_POINTS:
        assert abs(normal.isf(share) - z) <= 0.6e-6


def test_the_tables_in_the_source_are_what_the_derivation_gives() -> None:
    found = coefficients.tables()
    package = Path(gw.__file__).parent
    python = (package / "normal" / "coefficients.py").read_text(encoding="utf-8")
    assert python == coefficients.python_source(found)


def test_the_tables_of_the_compiled_functions_are_what_the_derivation_gives() -> None:
    native = Path(__file__).parents[2] / "src" / "gausswork" / "_native"
    if not native.is_dir():
        pytest.skip("an installed package has no C sources")
    c = (native / "normal_tables.h").read_text(encoding="utf-8")
    assert c == coefficients.c_source(coefficients.tables())
    rows = (native / "normal_rows.h").read_text(encoding="utf-8")
    assert rows == coefficients.rows_source(coefficients.rows())
