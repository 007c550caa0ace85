"""Promise: a formula means what R and its followers mean by it, runs nothing, and an error points
at the character."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gausswork.data.formulas.arithmetic import MOST_DEPTH
from gausswork.data.formulas.expressions import FUNCTIONS, evaluate
from gausswork.data.formulas.grammar import parse
from gausswork.data.formulas.tokens import MOST_CHARACTERS, FormulaError
from gausswork.errors import InputError

COLUMNS = ("y", "a", "b", "c", "kind", "Sepal.Length", "a column", "Groesse", "size_m²")


def terms(text: str) -> list[str]:
    formula = parse(text, ("a", "b"), names=COLUMNS)
    return ["1"] * formula.intercept + [":".join(map(str, term)) for term in formula.terms]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("y ~ a + b", "1 a b"),
        ("y~a+b", "1 a b"),
        ("y ~ 1", "1"),
        ("y ~ 0", ""),
        ("y ~ a - 1", "a"),
        ("y ~ 0 + a", "a"),
        ("y ~ -1 + a", "a"),
        ("y ~ a + 0 + 1", "1 a"),
        ("y ~ a:b", "1 a:b"),
        ("y ~ a %in% b", "1 a:b"),
        ("y ~ a*b", "1 a b a:b"),
        ("y ~ a*b*c", "1 a b c a:b a:c b:c a:b:c"),
        ("y ~ a*b - a", "1 b a:b"),
        ("y ~ a/b", "1 a a:b"),
        ("y ~ (a + b)/c", "1 a b a:b:c"),
        ("y ~ (a + b + c)^2", "1 a b c a:b a:c b:c"),
        ("y ~ (a + b + c)**2 - a:b", "1 a b c a:c b:c"),
        ("y ~ a:b + a", "1 a a:b"),  # main effects come first
        ("y ~ b:a + a:b", "1 b:a"),
        ("y ~ a + a", "1 a"),
        ("y ~ (a + b - 1)", "a b"),
        ("y ~ a:(b + c)", "1 a:b a:c"),
        ("y ~ .", "1 a b"),
        ("y ~ . - b", "1 a"),
        ("y ~ .:c", "1 a:c b:c"),
        ("y ~ `a column` + Sepal.Length", "1 a column Sepal.Length"),
        ('y ~ Q("a column")', "1 a column"),
        ("y ~ size_m²", "1 size_m²"),
        ("y ~ I(a*b)", "1 I(a * b)"),
        ("y ~ I(a**2 - -b/c)", "1 I(a^2 - -b / c)"),
        ("y ~ np.log(a) + numpy.exp(b)", "1 log(a) exp(b)"),
        ("y ~ log( a )+log(a)", "1 log(a)"),
        ("y ~ asin(a) + ceiling(b)", "1 arcsin(a) ceil(b)"),
        ("y ~ C(kind)", "1 C(kind)"),
        ("y ~ C(kind, Sum)", "1 C(kind, Sum)"),
        ("y ~ C(kind, contr.sum)", "1 C(kind, Sum)"),
        ("y ~ C(kind, Treatment)", "1 C(kind)"),
        ("y ~ C(kind, Treatment('b'))", "1 C(kind, Treatment('b'))"),
        ('y ~ C(kind, Treatment(reference="b"))', "1 C(kind, Treatment('b'))"),
        ("y ~ poly(a, 3)", "1 poly(a, 3)"),
        ("y ~ poly(log(a), degree=3, raw=FALSE)", "1 poly(log(a), 3, raw=False)"),
        (
            "y ~ center(a) + scale(b) + standardize(a - b)",
            "1 center(a) scale(b) standardize(a - b)",
        ),
        ("log(y + 1) ~ a", "1 a"),
    ],
)
def test_a_formula_means_what_r_means(text: str, meaning: str) -> None:
    # ":" within a name is none of these tests' names, so joining by it is unambiguous
    assert " ".join(terms(text)) == meaning


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("y ~ a + (b", 8, "never closed"),
        ("y ~ a + b)", 9, "')' stands where"),
        ("y ~ a +", 7, "the formula ends where"),
        ("y ~", 3, "nothing after ~"),
        ("~ a", 0, "the target is missing"),
        ("y ~ a ~ b", 6, "a second ~"),
        ("y ~ aa", 4, "no column 'aa'"),
        ("y ~ kinds", 4, "Did you mean 'kind'"),
        ("yy ~ a", 0, "no column 'yy'"),
        ("y ~ lgo(a)", 4, "Did you mean log"),
        ("y ~ 2*a", 4, "I(2 * x)"),
        ("y ~ 1*a", 5, "cannot be joined by *"),
        ("y ~ a^b", 6, "whole number"),
        ("y ~ a^2.5", 6, "whole number"),
        ("y ~ a^99", 6, "whole number"),
        ("y ~ log(a b)", 10, "'b' stands where"),
        ("y ~ log()", 8, "')' stands where"),
        ("y ~ I(2)", 4, "reads no column"),
        ("y ~ poly(a)", 10, "needs a degree"),
        ("y ~ poly(a, 0)", 12, "between 1 and"),
        ("y ~ poly(a, 2.5)", 12, "whole number"),
        ("y ~ poly(a, 2, war=1)", 15, "only raw="),
        ("y ~ C(kind, Helmert)", 12, "unknown"),
        ("y ~ C(a + b)", 8, "'+' stands where"),
        ("y ~ log(C(kind))", 8, "term of its own"),
        ("poly(y, 2) ~ a", 0, "term of its own"),
        ("y ~ (1 | kind)", 7, "random effects"),
        ("y ~ `a", 4, "never closed"),
        ("y ~ a $ b", 6, "no meaning in a formula"),
        ("y ~ a; b", 5, "no meaning in a formula"),
        ("3 ~ a", 0, "reads no column"),
    ],
)
def test_an_error_points_at_the_character(text: str, at: int, words: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text, names=COLUMNS)
    first, shown, caret = str(caught.value).split("\n")
    assert words in first
    assert f"(character {at + 1} of the formula)" in first
    assert shown.strip() == text.strip()
    assert caret.index("^") - 4 == at


def test_a_long_formula_is_shown_around_the_error() -> None:
    text = "y ~ " + " + ".join(["a"] * 200) + " + nonsense + b"
    with pytest.raises(FormulaError) as caught:
        parse(text, names=COLUMNS)
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) < 110
    assert shown[caret.index("^") :].startswith("nonsense")


@pytest.mark.parametrize(
    "hostile",
    [
        "y ~ __import__('os').system('true')",
        "y ~ eval('1')",
        "y ~ exec(a)",
        "y ~ open('x')",
        "y ~ a.__class__",
        "y ~ (lambda: a)()",
        "y ~ [x for x in a]",
        "y ~ a if b else c",
        "y ~ {a}",
        "y ~ f'{a}'",
        "y ~ log.__globals__(a)",
        "y ~ np.load(a)",
        "y ~ np.random.rand(a)",
        "y ~ getattr(a, 'b')",
        "y ~ a@b",
        "y ~ a := 1",
        "y ~ `__import__('os')`",
        "y ~ I(a, b)",
        "y ~ log(a, out=b)",
        "y ~ \x00a",
        "y ~ a\u202eb",
        "y ~ 'a'",
    ],
)
def test_a_formula_never_runs_code(hostile: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(hostile, names=COLUMNS)
    assert isinstance(caught.value, FormulaError)
    assert all(c.isprintable() or c == "\n" for c in str(caught.value))


def test_depth_and_length_are_bounded() -> None:
    deep = "y ~ " + "(" * 10 * MOST_DEPTH + "a" + ")" * 10 * MOST_DEPTH
    for text in (deep, deep.replace("(", "log("), "y ~ I(" + "a^" * 500 + "a)"):
        with pytest.raises(FormulaError, match="nested more than"):
            parse(text, names=COLUMNS)
    with pytest.raises(InputError, match="may have"):
        parse("y ~ a" + " " * MOST_CHARACTERS, names=COLUMNS)
    with pytest.raises(FormulaError, match="more than 2000 terms"):
        parse("y ~ (" + "+".join(f"x{i}" for i in range(60)) + ")^8")


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        parse("y ~ " + text, ("a",), names=COLUMNS)


@given(
    st.recursive(
        st.sampled_from(["a", "b", "2", "0.5", "`a column`"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "^", "<", ">="]), inner).map(
                lambda p: f"({p[0]} {p[1]} {p[2]})"
            ),
            inner.map(lambda e: f"-({e})"),
            st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner).map(lambda p: f"{p[0]}({p[1]})"),
        ),
        max_leaves=8,
    )
)
def test_what_a_term_is_called_means_the_same_as_what_was_written(text: str) -> None:
    columns = {
        "a": np.array([0.5, 2.0]), "b": np.array([3.0, 0.25]), "a column": np.array([1.5, 4.0])
    }  # fmt: skip
    read = parse(f"y ~ I({text} + a)").terms[0][0].expression
    shown = str(read).replace("a column", "`a column`")
    again = parse(f"y ~ I({shown})").terms[0][0].expression
    assert np.array_equal(evaluate(read, columns), evaluate(again, columns), equal_nan=True)
