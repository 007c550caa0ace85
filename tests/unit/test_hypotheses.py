"""Joint hypotheses: a safe grammar, exact arithmetic, and the tests of statsmodels."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

import gausswork as gw
from gausswork.data.formulas.tokens import FormulaError
from gausswork.errors import InputError
from gausswork.leastsquares.hypotheses import parse
from tests.reference.exact import exact_fit, relative_error

NAMES = (
    "intercept", "a", "b", "a:b", "kind[u v]", "my col", "log(c)", "poly(d, 2)[1]", "a - b", "aa",
)  # fmt: skip
RNG = np.random.default_rng(61)
X = RNG.normal(size=(70, 4))
Y = X @ [1.0, 1.1, 0.0, -0.5] + 2.0 + RNG.normal(size=70)


def read(text: str) -> list[tuple[dict[str, Fraction], Fraction]]:
    return [
        ({n: w for n, w in zip(NAMES, h.weights, strict=True) if w}, h.value)
        for h in parse(text, NAMES)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b", [({"a": 1, "b": -1}, 0)]),
        ("a", [({"a": 1}, 0)]),
        ("a = b, aa = 0.1", [({"a": 1, "b": -1}, 0), ({"aa": 1}, Fraction(1, 10))]),
        ("a = b = 2", [({"a": 1, "b": -1}, 0), ({"b": 1}, 2)]),
        ("2*a - b/4 + 1 = 3e-1", [({"a": 2, "b": Fraction(-1, 4)}, Fraction(-7, 10))]),
        ("-(a - 2*(b + aa)) = 0", [({"a": -1, "b": 2, "aa": 2}, 0)]),
        ("a*2*3 = 1/3", [({"a": 6}, Fraction(1, 3))]),
        ("a:b = kind[u v]", [({"a:b": 1, "kind[u v]": -1}, 0)]),
        ("log(c) = poly(d, 2)[1]", [({"log(c)": 1, "poly(d, 2)[1]": -1}, 0)]),
        ("`my col` = `a - b`", [({"my col": 1, "a - b": -1}, 0)]),
        ("a - b = 0", [({"a": 1, "b": -1}, 0)]),
        ("  a=+b  ,aa=-.5", [({"a": 1, "b": -1}, 0), ({"aa": 1}, Fraction(-1, 2))]),
        ("1 = a", [({"a": -1}, -1)]),
    ],
)
def test_what_is_read(text: str, expected: list[tuple[dict[str, int], int]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("aaa = 0", 1, "no term 'aaa'. Did you mean aa?"),
        ("a = bb", 5, "Did you mean b?"),
        ("a = ", 5, "ends where"),
        ("a = , b", 5, "',' stands where"),
        ("a*b = 0", 2, "must be linear"),
        ("a/b = 0", 2, "only numbers can divide"),
        ("a/0 = 1", 2, "divides by zero"),
        ("2a = 0", 2, "write a '*'"),
        ("a == b", 4, "one '='"),
        ("a = a", 1, "no term is left"),
        ("1 = 1", 1, "no term is left"),
        ("(a = 0", 1, "never closed"),
        ("a = 0)", 6, "not expected"),
        ("`my col = 0", 1, "never closed"),
        ("my col = 0", 1, "backticks"),
        ("a ; b", 3, "';' is not expected"),
        ("a = 1e999", 5, "beyond the range"),
        ("1e300*1e300*a = 0", 1, "beyond the range"),
        ("__import__('os').system('x') = 0", 1, "no term"),
        ("a.real = 0", 1, "no term 'a.real'"),
        ("lambda: a", 1, "no term 'lambda'"),
        ("kind[w] = 0", 1, r"no term 'kind\[w\]'"),
        (f"{'(' * 60}a{')' * 60}", 51, "50 deep"),
    ],
)
def test_errors_point_at_the_character(text: str, at: int, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        parse(text, NAMES)
    lines = str(caught.value).splitlines()
    assert f"(character {at} of the hypothesis)" in lines[0]
    assert lines[2].index("^") - 4 == at - 1


@pytest.mark.parametrize("text", ["", "  ", 3, None, ["a"], "a" * 10_001])
def test_what_is_no_hypothesis(text: object) -> None:
    with pytest.raises(InputError):
        parse(text, NAMES)  # type: ignore[arg-type]


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Promise: nothing is run, and nothing but an InputError comes out."""
    with contextlib.suppress(InputError):
        parse(text, NAMES)


@given(st.lists(st.sampled_from(["a", "b", "+", "-", "*", "/", "(", ")", "=", ",", "2", "`my col`",
                                 "0", "1e300", " "]), max_size=25))  # fmt: skip
def test_any_tokens_are_read_or_refused(tokens: list[str]) -> None:
    try:
        found = parse("".join(tokens), NAMES)
    except InputError:
        return
    assert all(any(h.weights) for h in found)


@pytest.mark.parametrize("kind", [None, "HC0", "HC3", "HAC"])
@pytest.mark.parametrize(
    "text",
    ["x1 = 0", "x1 = x2", "x1 = x2, x3 = 0", "x1 = 0, x2 = 0, x3 = 0, x4 = 0", "2*x1 - x4 = 2.5",
     "intercept = 2, x1 + x2 = 2"],
)  # fmt: skip
def test_the_tests_are_those_of_statsmodels(text: str, kind: str | None) -> None:
    fit = gw.fit(X, Y)
    options = {} if kind is None else {"cov_type": kind}
    if kind == "HAC":
        options["cov_kwds"] = {"maxlags": 3}
    model = sm.OLS(Y, sm.add_constant(X)).fit(use_t=True, **options)
    theirs = model.f_test(text.replace("intercept", "const"))
    ours = fit.test(text) if kind is None else fit.robust(
        kind, **({"lags": 3} if kind == "HAC" else {})
    ).test(text)  # fmt: skip
    assert ours.statistic == pytest.approx(float(theirs.fvalue), rel=1e-9)
    assert ours.p_value == pytest.approx(float(theirs.pvalue), rel=1e-7)
    assert ours.chi_square == pytest.approx(ours.statistic * ours.numerator_df, rel=1e-14)
    wald = model.wald_test(text.replace("intercept", "const"), use_f=False, scalar=True)
    assert ours.chi_square_p == pytest.approx(float(wald.pvalue), rel=1e-7)


def test_all_slopes_are_the_f_test_of_the_fit() -> None:
    fit = gw.fit(X, Y)
    ours = fit.test("x1 = 0, x2 = 0, x3 = 0, x4 = 0")
    assert ours.statistic == pytest.approx(fit.f_test.statistic, rel=1e-12)
    assert (ours.numerator_df, ours.denominator_df) == (4, 65)


@pytest.mark.parametrize("gap", [1e-4, 1e-7, 1e-10])
def test_ill_conditioned_fits_keep_their_digits(gap: float) -> None:
    """Promise: F of a = b is t² of the same fit in other coordinates, to ten digits."""
    rng = np.random.default_rng(3)
    a = 100.0 + rng.normal(size=50)
    b = a + gap * rng.normal(size=50)
    y = a + rng.normal(size=50)
    ours = gw.fit(np.column_stack([a, b]), y).test("x1 = x2").statistic
    # a·α + b·β = (a + b)(α + β)/2 + (a − b)(α − β)/2, exactly in double the coordinates
    low = exact_fit(np.column_stack([a, b]), y)
    assert low.coefficients[1] is not None
    assert low.coefficients[2] is not None
    difference = low.coefficients[1] - low.coefficients[2]
    whole = exact_difference_variance(a, b, y)
    assert relative_error(ours, difference**2 / whole) < 1e-10


def exact_difference_variance(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> Fraction:
    """Return the exact variance of α − β by eliminating: c'(X'X)⁻¹c from fits on a+b and a−b."""
    plus = [Fraction(u) + Fraction(v) for u, v in zip(a.tolist(), b.tolist(), strict=True)]
    minus = [Fraction(u) - Fraction(v) for u, v in zip(a.tolist(), b.tolist(), strict=True)]
    from tests.reference.exact import exact_fit_rational

    found = exact_fit_rational([plus, minus], [Fraction(v) for v in y.tolist()])
    variance = found.variances[2]
    assert variance is not None
    return 4 * variance  # the coefficient of a − b is (α − β)/2


def test_what_follows_from_others_adds_nothing() -> None:
    fit = gw.fit(X, Y)
    once, twice = fit.test("x1 = x2"), fit.test("x1 = x2, 2*x1 - 2*x2 = 0")
    assert twice.statistic == once.statistic
    assert twice.numerator_df == 1
    assert [f.code for f in twice.findings] == ["redundant-hypothesis"]


def test_the_same_hypothesis_twice_counts_once() -> None:
    fit = gw.fit(X, Y)
    once, twice = fit.test("x1 = x2"), fit.test("x1 = x2, x1 = x2")
    assert (twice.statistic, twice.numerator_df) == (once.statistic, 1)
    assert [f.code for f in twice.findings] == ["redundant-hypothesis"]
    assert twice.hypotheses == ("x1 = x2", "x1 = x2")


def test_contradictions_and_aliased_terms_are_refused() -> None:
    fit = gw.fit(np.column_stack([X, X[:, 0]]), Y)
    with pytest.raises(InputError, match="contradict"):
        fit.test("x1 = x2, x1 - x2 = 1")
    with pytest.raises(InputError, match="'x5' has no standard error"):
        fit.test("x5 = 0")
    with pytest.raises(InputError, match="ridge"):
        gw.fit(X, Y, method=gw.NormalEquation(ridge=1.0)).test("x1 = 0")


def test_it_is_shown() -> None:
    text = str(gw.fit(X, Y).test("x1 = x2, x3 = 0.25"))
    assert "x3 = 0.25" in text
    assert "on 2 and 65 degrees of freedom" in text
