"""Promise: the fast lane for small tables gives what the general path gives, with the same digits
promised, and declines whatever is out of the ordinary, so that nobody can tell the two apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gausswork._native._kernels", reason="there is no lane without a C compiler")

from gausswork._native import _kernels
from gausswork.data.sources import Batch
from gausswork.errors import InputError, NotFiniteError
from gausswork.leastsquares.backend import NUMPY
from gausswork.leastsquares.compiled import COMPILED
from gausswork.leastsquares.moments import Moments, accumulate
from gausswork.leastsquares.small import MOST_PREDICTORS, bounds, fit_small
from gausswork.leastsquares.solution import NormalEquation, Solution
from gausswork.leastsquares.solve import least_squares
from tests.laws.rows import Rows

GENERAL = replace(COMPILED, small_fit=None)
PROBLEMS = range(400)
ROUNDING = 16 * 2.0**-53  # sums of squares in another order of addition
DIGITS = ("trusted_digits", "standard_error_digits", "data_digits")
SAME_BITS = ("scales", "inverse_root", "coefficient_lows", "predictor_means", "predictor_mean_lows")


@dataclass(slots=True)
class Columns(Rows):
    """The same rows as columns, as a frame has them."""

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield consecutive slices."""
        for batch in Rows.batches(self, rows):
            assert isinstance(batch.x, np.ndarray)
            yield Batch(tuple(np.array(column) for column in batch.x.T), batch.y)


@dataclass(frozen=True, slots=True)
class Case:
    source: Rows
    intercept: bool
    method: NormalEquation


def case(seed: int) -> Case:
    """Vary shape, condition, offsets, units, noise, layout, intercept and digits asked for."""
    rng = np.random.default_rng([7, seed])
    p = int(rng.integers(1, 21))
    low, high = ((p + 2, p + 10), (p + 2, 300), (300, 2001))[int(rng.integers(3))]
    n = int(rng.integers(low, high))
    left = np.linalg.qr(rng.normal(size=(max(n, p), p)))[0][:n]
    right = np.linalg.qr(rng.normal(size=(p, p)))[0]
    x = (left * np.logspace(0, -rng.uniform(0, 9), p)) @ right.T * np.sqrt(n)
    if seed % 3 == 0:
        x = rng.normal(size=(n, p))
    if seed % 2:
        x = x + rng.normal(size=p) * 10 ** rng.uniform(-2, 5)
    y = rng.normal() + x @ rng.normal(size=p) + 10 ** rng.uniform(-3, 1) * rng.normal(size=n)
    if seed % 5 == 0:
        x, y = x.astype(np.float32), y.astype(rng.choice([np.float32, np.float64]))
    elif seed % 5 < 3:
        x, y = x * 10.0 ** rng.uniform(-30, 30, size=p), y * 10.0 ** rng.uniform(-30, 30)
    layouts: tuple[Callable[[Any, Any], Rows], ...] = (
        Rows,
        Columns,
        lambda x, y: Rows(np.asfortranarray(x), y),
        lambda x, y: Rows(np.repeat(x, 2, axis=1)[:, ::2], np.repeat(y, 3)[::3]),
    )
    asked = (None, None, 4.0, 8.0, 12.0)[int(rng.integers(5))]
    return Case(layouts[seed % 4](x, y), bool(seed % 7), NormalEquation(asked))


def lane(of: Case) -> Solution | None:
    return fit_small(of.source, intercept=of.intercept, method=of.method, backend=COMPILED)[0]


def general(of: Case) -> Solution:
    return least_squares(of.source, intercept=of.intercept, method=of.method, backend=GENERAL)


@pytest.fixture(scope="module")
def pairs() -> list[tuple[Solution, Solution]]:
    """The solutions of the problems that the lane takes, beside those of the general path."""
    cases = [case(seed) for seed in PROBLEMS]
    found = [(quick, general(of)) for of in cases if (quick := lane(of)) is not None]
    assert len(found) >= 0.85 * len(cases)  # a lane that declined everything would keep all laws
    return found


def test_coefficients_and_standard_errors_are_those_of_the_general_path(
    pairs: list[tuple[Solution, Solution]],
) -> None:
    for quick, slow in pairs:
        np.testing.assert_allclose(quick.coefficients, slow.coefficients, rtol=2.0**-52, atol=0)
        np.testing.assert_allclose(quick.standard_errors, slow.standard_errors, ROUNDING, 0)
        np.testing.assert_allclose(quick.condition_number, slow.condition_number, 1e-12)
        for name in ("residual_sum_of_squares", "total_sum_of_squares", "target_mean"):
            np.testing.assert_allclose(getattr(quick, name), getattr(slow, name), 2.0**-51)
        for name in ("intercept", "rows", "rank", "degrees_of_freedom", "dependencies"):
            assert getattr(quick, name) == getattr(slow, name)


def test_digits_promised_are_those_of_the_general_path(
    pairs: list[tuple[Solution, Solution]],
) -> None:
    for quick, slow in pairs:
        for name in DIGITS:  # bounds are sums in float64: the order of addition does not show
            np.testing.assert_allclose(getattr(quick, name), getattr(slow, name), atol=1e-6)
        assert [f.code for f in quick.findings] == [f.code for f in slow.findings]


def test_the_way_is_that_of_the_general_path(pairs: list[tuple[Solution, Solution]]) -> None:
    ways = Counter((s.tier, s.passes) for s, _ in pairs)
    assert {tier for tier, _ in ways} == {0, 1, 2}
    assert {passes for _, passes in ways} >= {0, 1}
    # a bound within rounding of its limit may fall on either side
    assert sum((a.tier, a.passes) == (b.tier, b.passes) for a, b in pairs) >= 0.99 * len(pairs)


def test_what_is_computed_by_the_same_code_has_the_same_bits(
    pairs: list[tuple[Solution, Solution]],
) -> None:
    for quick, slow in pairs:
        if (quick.tier, quick.passes) != (slow.tier, slow.passes):
            continue
        for name in SAME_BITS:
            np.testing.assert_array_equal(getattr(quick, name), getattr(slow, name), name)
        for one in fields(Moments):
            a, b = getattr(quick.moments, one.name), getattr(slow.moments, one.name)
            np.testing.assert_array_equal(a, b, one.name)
            assert np.asarray(a).dtype == np.asarray(b).dtype


def test_every_instruction_set_agrees() -> None:
    for seed in range(0, 40, 3):
        expected = lane(case(seed))
        for name in _kernels.instruction_sets():
            before = _kernels.use(name)
            try:
                found = lane(case(seed))
            finally:
                _kernels.use(before)
            assert (found is None) == (expected is None)
            if found is not None and expected is not None:
                difference = np.abs(found.coefficients / expected.coefficients - 1.0)
                promised = np.minimum(found.trusted_digits, expected.trusted_digits)
                assert (difference <= 2.0 * 10.0**-promised).all()


def table(n: int = 40, p: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, p))
    return x, 1.0 + x.sum(axis=1) + 0.1 * rng.normal(size=n)


def changed(values: Any, where: Any, to: Any) -> Any:
    copy = values.copy()
    copy[where] = to
    return copy


X, Y = table()
OUT_OF_THE_ORDINARY = {
    "constant column": (changed(X, np.s_[:, 1], 5.0), Y),
    "column of zeros": (changed(X, np.s_[:, 1], 0.0), Y),
    "duplicate column": (X[:, [0, 1, 1]], Y),
    "nearly dependent columns": (X * [1, 1, 0] + (X[:, :1] + 1e-12 * X) * [0, 0, 1], Y),
    "perfect fit": (X, X @ [1.0, 2.0, 3.0]),
    "constant target": (X, np.ones(len(Y))),
    "a coefficient that is zero": (
        np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]] * 5),
        np.array([1.0, -1.0, 1.0, -1.0, 2.0, -2.0, 2.0, -2.0] * 2 + [0.0] * 4),
    ),
    "as many rows as coefficients": (X[:4], Y[:4]),
    "fewer rows than coefficients": (X[:2], Y[:2]),
    "one row": (X[:1], Y[:1]),
    "no predictors": (X[:, :0], Y),
    "more predictors than the lane has room for": table(80, MOST_PREDICTORS + 1),
    "an outlier that the sample does not see": (
        changed(table(600, 1)[0], (1, 0), 1e200),
        table(600, 1)[1],
    ),
}


def identical(a: Solution, b: Solution) -> None:
    for one in fields(Solution):
        first, second = getattr(a, one.name), getattr(b, one.name)
        if isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second, one.name)
        elif isinstance(first, Moments):
            assert first.to_dict() == second.to_dict()
        else:
            assert first == second or (first != first and second != second), one.name


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", OUT_OF_THE_ORDINARY)
def test_what_is_out_of_the_ordinary_goes_the_general_way(name: str, intercept: bool) -> None:
    of = Case(Rows(*OUT_OF_THE_ORDINARY[name]), intercept, NormalEquation())
    if lane(of) is not None:
        # through the origin a constant column, say, is a column like others
        assert not intercept
        return
    identical(least_squares(of.source, intercept=intercept, backend=COMPILED), general(of))


@pytest.mark.parametrize("where", ["x", "y"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 1, 599])
def test_values_that_are_not_finite_are_refused_as_ever(where: str, value: float, row: int) -> None:
    x, y = table(600, 2)
    (x if where == "x" else y)[row] = value
    of = Case(Rows(x, y), True, NormalEquation())
    assert lane(of) is None
    with pytest.raises(NotFiniteError) as quick:
        least_squares(of.source, backend=COMPILED)
    with pytest.raises(NotFiniteError) as slow:
        general(of)
    assert str(quick.value) == str(slow.value)


def test_the_lane_takes_as_many_predictors_as_it_says() -> None:
    assert lane(Case(Rows(*table(200, MOST_PREDICTORS)), True, NormalEquation())) is not None


def test_large_tables_are_not_for_the_lane_and_lose_no_rows() -> None:
    for n in (2**14 + 1, 70_000):  # one block that is too large, and two blocks
        rows = Rows(*table(n))
        solution, blocks = fit_small(
            rows, intercept=True, method=NormalEquation(), backend=COMPILED
        )
        assert solution is None
        read = accumulate(rows, blocks=blocks)
        assert read.to_dict() == accumulate(rows).to_dict()
        assert read.rows == n


def test_a_small_table_in_several_blocks_loses_no_rows() -> None:
    """No source that keeps the protocol does this; one that does not is still fitted in full."""

    class Short(Rows):
        def batches(self, rows: int) -> Iterator[Batch]:
            yield from Rows.batches(self, 10)

    of = Case(Short(X, Y), True, NormalEquation())
    assert lane(of) is None
    identical(least_squares(of.source, backend=COMPILED), general(of))
    assert least_squares(of.source, backend=COMPILED).rows == len(Y)


def test_one_pass_over_the_source_is_all() -> None:
    class Counted(Rows):
        passes = 0

        def batches(self, rows: int) -> Iterator[Batch]:
            yield from Rows.batches(self, rows)
            Counted.passes += 1

    least_squares(Counted(X, Y), backend=COMPILED)
    assert Counted.passes == 1


def test_streams_and_numpy_kernels_go_the_general_way() -> None:
    once = Rows(X, Y, replayable=False)
    assert least_squares(once, backend=COMPILED).tier == 1
    method = NormalEquation()
    assert fit_small(Rows(X, Y), intercept=True, method=method, backend=NUMPY)[0] is None


def test_progress_and_threads_are_heeded() -> None:
    seen: list[int] = []
    least_squares(Rows(X, Y), progress=seen.append, backend=COMPILED)
    assert seen == [len(Y)]
    with pytest.raises(InputError, match="threads"):
        least_squares(Rows(X, Y), threads=0, backend=COMPILED)


def kernel(k: Any, x: Any = X, y: Any = Y, wanted: float = 15.0, tolerance: float = 1e-13) -> Any:
    """Return what the kernel answers, and the buffer that it writes."""
    p = x.shape[1]
    q = p + 1
    out = np.full(2 * q * q + 10 * q + p * p + 3 * p, np.nan)
    return _kernels.small_fit(x, y, True, wanted, tolerance, k, out), out


NAMES = (
    "sample_rows", "least_exponent", "most_exponent", "error_0", "error_1", "error_2",
    "unit_roundoff", "safety", "resolution", "rounding_noise", "most_doubt", "rounding",
    "caution", "residual_error", "most_passes", "least_gain", "full_digits",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("resolution", 1e30),  # no pivot is large enough
        ("rounding_noise", 1.0),  # every column is constant
        ("most_doubt", 0.0),
        ("rounding", 1e-10),  # standard errors are never good enough
        ("most_passes", 0.0),
        ("residual_error", 1e-10),  # a pass leaves too large an error
    ],
)
def test_each_constant_that_decides_is_where_the_kernel_reads_it(name: str, value: float) -> None:
    constants = bounds(COMPILED.gram_error)
    assert len(constants) == len(NAMES)
    assert kernel(constants)[0] is not None
    assert kernel(changed(constants, NAMES.index(name), value))[0] is None


def test_each_constant_that_is_a_number_of_the_answer_is_where_the_kernel_reads_it() -> None:
    constants = bounds(COMPILED.gram_error)
    found, out = kernel(constants)
    q = X.shape[1] + 1

    def with_(name: str, value: float, **options: Any) -> tuple[Any, Any]:
        return kernel(changed(constants, NAMES.index(name), value), **options)

    exponents, shift = slice(0, q), slice(q, 2 * q)
    assert (with_("sample_rows", 10.0)[1][shift] != out[shift]).all()
    assert (with_("least_exponent", 5.0)[1][exponents] == 5.0).all()
    assert (with_("most_exponent", -7.0)[1][exponents] == -7.0).all()
    table = out[4 * q + 2 * q * q :][: 6 * q].reshape(6, q)
    assert (table[3] == constants[-1]).all()
    assert with_("full_digits", 15.5)[0][-2] == 15.5
    coarse, coarser = (with_("unit_roundoff", 2.0**-k)[0][-1] for k in (40, 37))
    assert coarser == pytest.approx(coarse - 3 * np.log10(2))
    # tier 0 is left when its errors, or the factor for safety, are too large; so is tier 1
    assert found[0] == 0
    assert with_("error_0", 1e-12)[0][0] == with_("caution", 1e4)[0][0] == 1
    two = changed(changed(constants, 3, 1e-12), 4, 1e-12)
    assert kernel(two)[0][0] == 2
    assert kernel(changed(two, 5, 1e-12))[0] is None
    # a pass that gains less than it must is the last: the digits are not reached
    far = {"wanted": 30.0}
    assert kernel(constants, **far)[0] is None
    assert with_("least_gain", -1.0, **far)[0] is None


def test_the_kernel_refuses_buffers_of_the_wrong_size() -> None:
    constants = bounds(COMPILED.gram_error)
    with pytest.raises(ValueError, match="float64"):
        kernel(constants[:-1])
    with pytest.raises(ValueError, match="float64"):
        _kernels.small_fit(X, Y, True, 15.0, 1e-13, constants, np.empty(7))
    with pytest.raises(ValueError, match="rows of y"):
        kernel(constants, y=Y[:-1])
