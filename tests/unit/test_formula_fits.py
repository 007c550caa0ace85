"""Promise: a formula gives the design that R and its followers give, whatever holds the data; the
fit remembers it, and new rows are read alike."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

import gausswork as gw
from gausswork.data.formulas.coding import codings
from gausswork.errors import InputError, ModelFileError
from gausswork.leastsquares.kernels import columns_of

pd = pytest.importorskip("pandas")
patsy = pytest.importorskip("patsy")

N = 90


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(5)
    kinds = rng.choice(["u", "v", "w"], N)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=N), "b": rng.normal(size=N) * 3 + 10, "c": rng.uniform(1, 5, N),
            "kind": kinds, "g": rng.choice(["p", "q"], N), "code": rng.integers(1, 13, N),
            "flag": rng.random(N) > 0.5,
        }
    )  # fmt: skip
    frame["y"] = np.exp(frame.a / 3 + (kinds == "v") + rng.normal(size=N) / 5)
    return frame


def design(fit: gw.Fit) -> np.ndarray:
    """Return the design that was fitted, the intercept among its columns."""
    (batch,) = fit.source.batches(N)
    x = columns_of(batch.x, slice(0, N))
    return np.column_stack([np.ones(len(x)), x]) if fit.solution.intercept else x


@pytest.mark.parametrize(
    "formula",
    [
        "a + b",
        "a*b + kind",
        "a*kind*g",
        "a:kind",
        "kind:g",
        "kind + kind:g",
        "0 + kind + g",
        "0 + a + kind:g",
        "0 + kind:a + g",
        "a/kind",
        "(a + kind + g)**2 - a:g",
        "C(code)",
        "C(code, Sum)",
        "C(kind, Sum)*C(g, Sum)",
        "C(kind, Treatment('v'))*a",
        "C(code, Treatment(7))",
        "np.log(c) + I(a**2 * b) + I(c > 2)",
        "center(b):kind",
        "standardize(b)*a",
        "flag*kind",
        "1",
    ],
)
def test_the_design_spans_what_patsy_spans(table, formula: str) -> None:
    fit = gw.fit(table, "y ~ " + formula.replace("Treatment(7)", "Treatment('7')"))
    theirs = np.asarray(patsy.dmatrix(formula, table))
    ours = design(fit)
    assert ours.shape == theirs.shape
    # Each of their columns is a combination of ours, and as many are independent.
    basis, _ = np.linalg.qr(ours)
    assert np.linalg.matrix_rank(ours) == np.linalg.matrix_rank(theirs)
    assert np.allclose(basis @ (basis.T @ theirs), theirs, atol=1e-9)
    # Up to names and order, treatment and sum coding are the very same columns.
    order = lambda x: x[:, np.lexsort(np.round(x, 9))]  # noqa: E731
    assert np.allclose(order(ours), order(theirs), atol=1e-12)


def test_terms_that_add_nothing_get_no_column() -> None:
    # a:b after a*b and c: everything is spanned already
    first, second = codings([((), ("a",)), ((), ("a",))], intercept=True)
    assert first == [{"a": False}]
    assert second == []


def test_without_intercept_the_first_category_keeps_all_levels(table) -> None:
    fit = gw.fit(table, "y ~ kind + g - 1")
    assert fit.names == ("kind[u]", "kind[v]", "kind[w]", "g[q]")
    assert fit.intercept == 0.0


def test_a_formula_of_plain_columns_is_the_same_fit(table) -> None:
    named = gw.fit(table, "y", features=["a", "kind"])
    written = gw.fit(table, "y ~ a + kind")
    assert written.names == named.names
    assert (written.coefficients == named.coefficients).all()


def test_the_bits_do_not_depend_on_the_reader(table, tmp_path) -> None:
    formula = "log(y) ~ poly(a, 3) * C(code, Sum) + scale(b) + poly(c, 2, raw=False):kind"
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    fits = [gw.fit(d, formula) for d in (table, tmp_path / "t.csv", tmp_path / "t.parquet")]
    assert len({fit.coefficients.tobytes() for fit in fits}) == 1


def test_prediction_applies_what_the_fit_has_learned(table, tmp_path) -> None:
    formula = "log(y) ~ scale(b) + poly(c, 3, raw=False) * kind + C(code) + I(a^2)"
    fit = gw.fit(table, formula)
    fit.save(tmp_path / "m.json")
    loaded = gw.load(tmp_path / "m.json")
    some = table.drop(columns="y").iloc[[3]]  # of one row no scale could be learned
    whole = fit.predict(table)
    assert fit.predict(some)[0] == pytest.approx(whole[3], rel=1e-12)
    assert (loaded.predict(table) == whole).all()
    assert np.sum((np.log(table.y) - whole) ** 2) == pytest.approx(
        fit.solution.residual_sum_of_squares, rel=1e-9
    )


def test_orthogonal_polynomials_are_orthonormal_over_the_rows(table) -> None:
    x = design(gw.fit(table, "y ~ poly(b, 4, raw=False)"))[:, 1:]
    assert np.allclose(x.T @ x, np.eye(4), atol=1e-13)
    assert np.allclose(x.sum(axis=0), 0.0, atol=1e-13)
    # They are those of R: the QR factor of the powers about the mean, with positive leading sign.
    powers = np.vander(table.b - table.b.mean(), 5, increasing=True)
    q, r = np.linalg.qr(powers)
    assert np.allclose(x, (q * np.sign(np.diag(r)))[:, 1:], atol=1e-12)


def test_rows_with_a_gap_are_left_out_of_what_is_learned(table) -> None:
    gaps = table.copy()
    gaps.loc[[4, 20], "a"] = np.nan
    formula = "y ~ a + scale(b) + poly(c, 2, raw=False)"
    left, kept = gw.fit(gaps, formula), gw.fit(table.drop(index=[4, 20]), formula)
    assert left.tally.dropped == 2
    assert left.coefficients == pytest.approx(kept.coefficients, rel=1e-12)
    assert np.isnan(left.predict(gaps)[[4, 20]]).all()


def test_findings_say_what_the_formula_means(table) -> None:
    fit = gw.fit(table, "log(y) ~ a^2 + C(kind, Sum)")
    codes = {finding.code: finding.sentence for finding in fit.findings}
    assert "no square is fitted" in codes["power-of-term"]
    assert "log(y)" in codes["target-transformed"]
    assert "mean of all levels" in codes["category-coded"]
    assert fit.target == "log(y)"


def test_the_dot_stands_for_every_other_usable_column(table) -> None:
    fit = gw.fit(table, "log(y) ~ . - code")
    assert fit.names == (
        "intercept", "a", "b", "c", "kind[v]", "kind[w]", "g[q]", "flag"
    )  # fmt: skip
    assert "features-chosen" in {finding.code for finding in fit.findings}


def test_a_lonely_level_is_a_finding() -> None:
    data = {"y": [1.0, 2, 4, 3, 5, 9], "k": ["a", "a", "b", "b", "b", "z"]}
    for target in ("y", "y ~ k", "y ~ C(k, Sum)"):
        found = [f for f in gw.fit(data, target).findings if f.code == "level-of-one-row"]
        assert len(found) == 1
        assert "'z'" in found[0].sentence


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ log(a)", "log(a) is not a number at row"),
        ("y ~ sqrt(a)", "not a number"),
        ("y ~ log(a - a)", "infinite"),
        ("log(a) ~ b", "log(a) is not a number at row"),
        ("y ~ poly(1e200 * b, 3)", "infinite"),
        ("y ~ log(kind)", "C(kind)"),
        ("kind ~ a", "the target must be numbers"),
        ("y ~ y + a", "both sides"),
        ("log(y) ~ y", "both sides"),
        ("y ~ C(kind, Treatment('z'))", "no level 'z'"),
        ("y ~ C(code, Treatment('77'))", "no level '77'"),
        ("y ~ poly(code, 12, raw=False)", "more than 12 different values"),
        ("y ~ scale(I(a - a))", "the same in every row"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_the_place(table, formula, words) -> None:
    with pytest.raises(InputError) as caught:
        gw.fit(table, formula)
    assert words in str(caught.value)


def test_a_failing_row_is_named_behind_rows_left_out(table, tmp_path) -> None:
    bad = table[["y", "c"]].copy()
    bad.loc[2, "y"] = np.nan
    bad.loc[7, "c"] = 0.0
    bad.to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(InputError, match=r"line 9 of .*bad.csv, where c = 0.0"):
        gw.fit(tmp_path / "bad.csv", "y ~ log(c)")


def test_formula_and_other_arguments_do_not_contradict(table) -> None:
    with pytest.raises(InputError, match="features="):
        gw.fit(table, "y ~ a", features="b")
    with pytest.raises(InputError, match="- 1"):
        gw.fit(table, "y ~ a", intercept=False)
    with pytest.raises(InputError, match="the data comes first"):
        gw.fit("y ~ a", table)
    with pytest.raises(InputError, match="named"):
        gw.fit(table, "y ~ a*b").predict(np.zeros((2, 2)))


def test_unseen_levels_are_refused(table) -> None:
    new = table.assign(code=99)
    with pytest.raises(InputError, match="a level that the fit has not seen"):
        gw.fit(table, "y ~ C(code)").predict(new)
    with pytest.raises(InputError, match="a level that the fit has not seen"):
        gw.fit(table, "y ~ C(kind, Sum)*a").predict(table.assign(kind="z"))


def test_hostile_column_names_are_data() -> None:
    name = "__import__('os').system('true')"
    data = {name: [1.0, 2.0, 3.0, 5.0], "y": [1.0, 2.5, 2.5, 4.0], "a~b": [1.0, 0.0, 1.0, 1.0]}
    fit = gw.fit(data, f"y ~ `{name}` + I(`{name}`^2)")
    assert fit.names == ("intercept", name, f"I({name}^2)")
    assert gw.fit(data, "y ~ `a~b`").names == ("intercept", "a~b")
    assert gw.fit(data, "a~b", features="y").target == "a~b"  # a column comes before a formula


def test_a_stream_serves_a_formula_that_learns_nothing(table) -> None:
    import pyarrow as pa

    def reader():
        return pa.Table.from_pandas(table).to_reader()

    assert gw.fit(reader(), "y ~ a*log(c)").coefficients == pytest.approx(
        gw.fit(table, "y ~ a*log(c)").coefficients, rel=1e-12
    )
    for formula in ("y ~ a*kind", "y ~ scale(a)"):
        with pytest.raises(InputError, match="read only once"):
            gw.fit(reader(), formula)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(text="y ~ __import__('os')"),
        lambda d: d.update(text=7),
        lambda d: d.update(states=[]),
        lambda d: d["states"].append({"factor": "nothing"}),
        lambda d: d["states"][0].update(levels=["u", "u"]),
        lambda d: d["states"][0].update(reference=5),
        lambda d: d["states"][0].update(reference=True),
        lambda d: d["states"][1].update(spread=0.0),
        lambda d: d["states"][1].update(centre="0"),
        lambda d: d.update(text="log(y) ~ C(kind, Sum)*a"),
    ],
)
def test_a_hostile_model_is_refused(table, tmp_path, spoil) -> None:
    path = tmp_path / "m.json"
    gw.fit(table, "log(y) ~ C(kind, Sum) + scale(b)").save(path)
    saved = json.loads(path.read_text())
    spoil(saved["design"]["formula"])
    path.write_text(json.dumps(saved))
    with pytest.raises(ModelFileError):
        gw.load(path)


def test_plots_work_and_rows_are_found_again(table, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    fit = gw.fit(table, "log(y) ~ a*kind")
    fit.plot(path=tmp_path / "f.png")
    fit.plot(table, path=tmp_path / "g.png")
    assert (tmp_path / "f.png").read_bytes() == (tmp_path / "g.png").read_bytes()


def test_statsmodels_agrees(table) -> None:
    smf = pytest.importorskip("statsmodels.formula.api")
    formula = "np.log(y) ~ a*C(kind) + I(b**2) + C(g, Sum)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smf.ols(formula, table).fit()
    ours = gw.fit(table, formula)
    assert np.sort(ours.coefficients) == pytest.approx(np.sort(theirs.params), rel=1e-9)
    assert np.sort(ours.standard_errors) == pytest.approx(np.sort(theirs.bse), rel=1e-9)
    assert ours.r_squared == pytest.approx(theirs.rsquared, rel=1e-12)


def test_weights_and_frequencies_go_with_a_formula(table) -> None:
    twice = table.assign(n=np.where(np.arange(N) % 3 == 0, 2, 1))
    repeated = twice.loc[twice.index.repeat(twice.n)].reset_index(drop=True)
    formula = "log(y) ~ a*kind + C(code, Sum)"
    weighted = gw.fit(twice, formula, frequencies="n")
    whole = gw.fit(repeated, formula)
    assert weighted.coefficients == pytest.approx(whole.coefficients, rel=1e-12)
    assert weighted.standard_errors == pytest.approx(whole.standard_errors, rel=1e-11)
    dotted = gw.fit(twice, "log(y) ~ .", weights="n")
    assert "n" not in dotted.names
