"""Promise: sums and fits take further rows, merge, lose columns and go to disk, publicly."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gausswork as gw
from gausswork.errors import InputError, ModelFileError
from tests.reference import nist
from tests.reference.exact import digits, exact_fit


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 600
    data = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.uniform(1, 3, size=n),
            "kind": rng.choice(["u", "v", "w"], n),
            "w": rng.uniform(0.5, 2, n),
            "f": rng.integers(0, 4, n),
        }
    )
    data["y"] = 1 + 2 * data.a + np.log(data.b) + 3 * (data.kind == "v") + rng.normal(size=n)
    data.loc[[7, 500], "a"] = np.nan
    return data


RECIPES = {
    "columns": {"target": "y", "features": "a,b,kind"},
    "formula": {"target": "y ~ a * kind + log(b)"},
    "powers": {"target": "y ~ poly(a, 3) + b"},
    "weights": {"target": "y", "features": "a,b,kind", "weights": "w"},
    "frequencies": {"target": "y", "features": "a,b,kind", "frequencies": "f"},
    "origin": {"target": "y", "features": "a,b", "intercept": False},
    "ridge": {"target": "y", "features": "a,b", "method": gw.NormalEquation(ridge=2.0)},
    "descent": {"target": "y", "features": "a,b", "method": gw.GradientDescent(epochs=40)},
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_updated_fit_is_that_of_all_rows(frame: pd.DataFrame, recipe: str) -> None:
    """Categories, formulas, weights, penalties and gaps: all by the recipe of the first rows."""
    options = RECIPES[recipe]
    whole = gw.fit(frame, **options)
    fit = gw.fit(frame[:200], **options)
    for start in range(200, 600, 100):
        fit = fit.update(frame[start : start + 100])
    merged = gw.fit(frame[:300], **options).merge(gw.fit(frame[300:], **options))
    for found in (fit, merged):
        np.testing.assert_allclose(found.coefficients, whole.coefficients, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(found.standard_errors, whole.standard_errors, rtol=1e-11)
        assert (found.rows, found.tally) == (whole.rows, whole.tally)
        assert "updated-from-sums" in {finding.code for finding in found.findings}
        np.testing.assert_allclose(found.predict(frame[:3]), whole.predict(frame[:3]), rtol=1e-12)


def test_a_formula_keeps_the_scale_of_the_first_rows_and_says_so(frame: pd.DataFrame) -> None:
    whole = gw.fit(frame, "y ~ scale(a) + kind")
    fit = gw.fit(frame[:200], "y ~ scale(a) + kind").update(frame[200:]).update(frame[: 0 + 50])
    said = [finding for finding in fit.findings if finding.code == "learned-from-first-rows"]
    assert len(said) == 1
    assert "scale(a)" in said[0].sentence
    assert "199 rows" in said[0].sentence
    once = gw.fit(frame[:200], "y ~ scale(a) + kind").update(frame[200:])
    np.testing.assert_allclose(once.predict(frame[20:30]), whole.predict(frame[20:30]), rtol=1e-12)


def test_a_loaded_model_takes_further_rows(frame: pd.DataFrame, tmp_path: Path) -> None:
    gw.fit(frame[:400], "y ~ a + kind").save(tmp_path / "m.json")
    fit = gw.load(tmp_path / "m.json").update(frame[400:])
    whole = gw.fit(frame, "y ~ a + kind")
    np.testing.assert_allclose(fit.coefficients, whole.coefficients, rtol=1e-11)
    fit.save(tmp_path / "m.json")
    assert gw.load(tmp_path / "m.json").rows == whole.rows


def test_how_files_are_written_is_said_once(tmp_path: Path) -> None:
    for name in ("mon", "tue", "wed"):
        (tmp_path / f"{name}.csv").write_text("a;y\n1,5;2\n2,5;3\n3,5;7\n")
    fit = gw.fit(tmp_path / "mon.csv", "y")
    for name in ("tue", "wed"):
        fit = fit.update(tmp_path / f"{name}.csv")
    said = [f for f in fit.findings if f.code in ("separator-detected", "decimal-comma")]
    assert [f.sentence.partition(" ")[0] for f in said] == ["mon.csv", "mon.csv"]


@pytest.mark.parametrize("form", ["arrays", "pair", "frame and values", "csv", "polars", "dict"])
def test_further_rows_come_in_any_form(form: str, frame: pd.DataFrame, tmp_path: Path) -> None:
    data = frame[["a", "b", "y"]].dropna().reset_index(drop=True)
    fit, rest = gw.fit(data[:100], "y"), data[100:]
    x, y = rest[["a", "b"]].to_numpy(), rest["y"].to_numpy()
    if form == "arrays":
        found = fit.update(x, y)
    elif form == "pair":
        found = fit.update((x, y))
    elif form == "frame and values":
        found = fit.update(rest[["a", "b"]], rest["y"])
    elif form == "csv":
        rest.to_csv(tmp_path / "rest.csv", index=False)
        found = fit.update(tmp_path / "rest.csv")
    elif form == "polars":
        import polars

        found = fit.update(polars.from_pandas(rest))
    else:
        found = fit.update(
            {"b": rest["b"], "y": rest["y"], "a": rest["a"], "other": ["z"] * len(y)}
        )
    np.testing.assert_allclose(found.coefficients, gw.fit(data, "y").coefficients, rtol=1e-13)


def test_a_reused_buffer_does_not_become_the_earlier_rows() -> None:
    """The fit refers to its rows; once they have changed its sums stand, not what is there now."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 50, 2)), rng.normal(size=(2, 50))
    buffer, target = x[0].copy(), y[0].copy()
    fit = gw.fit(buffer, target)
    buffer[:], target[:] = x[1], y[1]
    fit = fit.update(buffer, target)
    whole = gw.fit(np.concatenate(x), np.concatenate(y))
    np.testing.assert_allclose(fit.coefficients, whole.coefficients, rtol=1e-11)
    assert fit.rows == 100


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (lambda d: d.assign(kind="new")[:3], r"'new' at row 0 .* has not seen.*'u', 'v', 'w'"),
        (lambda d: d[["a", "y"]], r"lacks 2 columns that the fit uses: 'b', 'kind'"),
        (lambda d: d[:0], "has no rows"),
        (lambda d: d.assign(b="text"), "the fit used numbers there"),
        (lambda d: np.zeros((3, 3)), "categories or a formula"),
        (lambda d: d.assign(b=np.inf), "inf at row 0"),
        (lambda d: "nowhere.csv", "there is no file"),
    ],
)
def test_rows_that_do_not_go_with_the_fit_are_refused(frame, rows, said) -> None:
    fit = gw.fit(frame, "y", features="a,b,kind")
    with pytest.raises(InputError, match=said):
        fit.update(rows(frame))


def test_fits_that_do_not_go_together_are_refused(frame: pd.DataFrame) -> None:
    one = gw.fit(frame, "y", features="a,b,kind")
    with pytest.raises(InputError, match=r"'kind' has the levels \['u', 'v', 'w'\]"):
        one.merge(gw.fit(frame[frame.kind != "w"], "y", features="a,b,kind"))
    with pytest.raises(InputError, match="one has an intercept"):
        gw.fit(frame, "y", features="a").merge(gw.fit(frame, "y", features="a", intercept=False))
    with pytest.raises(InputError, match="explain"):
        one.merge(gw.fit(frame, "a", features="b"))
    with pytest.raises(InputError, match="weights"):
        one.merge(gw.fit(frame, "y", features="a,b,kind", weights="w"))
    with pytest.raises(InputError, match="means and scales"):
        gw.fit(frame[:300], "y ~ scale(a)").merge(gw.fit(frame[300:], "y ~ scale(a)"))
    batches = gw.GradientDescent(epochs=2, batch_size=64)
    with pytest.raises(InputError, match="mini-batches"):
        gw.fit(frame, "y", features="a,b", method=batches).update(frame)


# --- subsets -------------------------------------------------------------------------------


def test_subsets_need_no_reading_and_keep_their_rows(frame: pd.DataFrame) -> None:
    data = frame.dropna()
    fit = gw.fit(data, "y", features="a,b,kind")
    small = fit.using("a,kind")
    again = gw.fit(data, "y", features="a,kind")
    np.testing.assert_allclose(small.coefficients, again.coefficients, rtol=1e-13)
    assert small.names == again.names
    np.testing.assert_allclose(
        small.robust("HC3").standard_errors, again.robust("HC3").standard_errors, rtol=1e-12
    )
    assert small.check().findings == again.check().findings
    steps = gw.compare(fit.using([]), fit.using("a"), small, fit).steps
    assert [step.df for step in steps] == [0, 1, 2, 1]


def test_terms_of_a_formula_are_kept_by_their_text(frame: pd.DataFrame, tmp_path: Path) -> None:
    data = frame.dropna()
    fit = gw.fit(data, "y ~ a * kind + log(b) + poly(b, 2)")
    small = fit.using(["log( b )", "kind"])
    again = gw.fit(data, "y ~ log(b) + kind")
    assert set(small.names) == set(again.names)
    np.testing.assert_allclose(sorted(small.coefficients), sorted(again.coefficients), rtol=1e-12)
    small.save(tmp_path / "small.json")
    np.testing.assert_allclose(
        gw.load(tmp_path / "small.json").predict(data[:9]), again.predict(data[:9]), rtol=1e-12
    )
    with pytest.raises(InputError, match="coded by other columns"):
        fit.using(["a:kind"])
    with pytest.raises(InputError, match="no column 'log\\(a\\)'"):
        fit.using(["log(a)"])


# --- moments -------------------------------------------------------------------------------


def test_moments_are_updated_merged_and_fitted_publicly(frame: pd.DataFrame) -> None:
    whole = gw.fit(frame, "y", features="a,b")
    sums = gw.Moments.of(frame[:100], "y", features="a,b").update(frame[100:250])
    rest = [gw.Moments.of(part, "y", features="a,b") for part in (frame[250:400], frame[400:])]
    total = sums.merge(*rest)
    for found in (gw.fit(total), gw.fit(rest[1].merge(sums).update(rest[0]))):
        np.testing.assert_allclose(found.coefficients, whole.coefficients, rtol=1e-14)
        np.testing.assert_allclose(found.standard_errors, whole.standard_errors, rtol=1e-13)
        assert found.trusted_digits.min() > 15.0
    other = gw.fit(total, target="a", features=["y", "b"], intercept=False)
    again = gw.fit(frame, "a", features="y,b", intercept=False)
    np.testing.assert_allclose(other.coefficients, again.coefficients, rtol=1e-13)


def test_weighted_moments(frame: pd.DataFrame) -> None:
    kwargs = {"features": "a,b"}
    sums = gw.Moments.of(frame[:300], "y", weights="w", **kwargs)
    sums = sums.update(frame[300:], weights="w")
    whole = gw.fit(frame, "y", weights="w", **kwargs)
    np.testing.assert_allclose(gw.fit(sums).standard_errors, whole.standard_errors, rtol=1e-13)
    with pytest.raises(InputError, match="analytic weights: give those"):
        sums.update(frame)
    with pytest.raises(InputError, match="cannot be merged"):
        sums.merge(gw.Moments.of(frame, "y", **kwargs))


def test_moments_on_disk_keep_every_bit(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "sums.json"
    for weights in (None, "w"):
        sums = gw.Moments.of(frame, "y", features="a,b", weights=weights)
        sums.save(path)
        again = gw.Moments.load(path)
        assert again.to_dict() == sums.to_dict()
        found, before = gw.fit(again), gw.fit(sums)
        assert found.coefficients.tobytes() == before.coefficients.tobytes()
        assert found.standard_errors.tobytes() == before.standard_errors.tobytes()


def test_other_files_are_left_alone_and_refused(frame: pd.DataFrame, tmp_path: Path) -> None:
    sums = gw.Moments.of(frame, "y", features="a,b")
    model, text = tmp_path / "model.json", tmp_path / "text.txt"
    gw.fit(sums).save(model)
    text.write_text("mine")
    for path in (model, text):
        before = path.read_bytes()
        with pytest.raises(InputError, match="not replaced"):
            sums.save(path)
        assert path.read_bytes() == before
        with pytest.raises(ModelFileError):
            gw.Moments.load(path)
    sums.save(tmp_path / "sums.json")
    with pytest.raises(ModelFileError):
        gw.load(tmp_path / "sums.json")


def test_a_hostile_file_of_moments_is_refused_or_harmless(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    """Whatever is changed in it, there is a ModelFileError, an InputError, or a fit."""
    path = tmp_path / "sums.json"
    gw.Moments.of(frame, "y", features="a,b", weights="w").save(path)
    document = json.loads(path.read_text())
    rng = random.Random(5)
    values = [None, -1, 2**70, 1e308, "", "x", [], {}, True, [1] * 9, -(2**63), 0, 0.5, "AAAA"]
    places = [("moments", key) for key in document["moments"]] + [("version",), ("format",)]
    places += [("moments", "weights", "sums"), ("moments", "weights", "kind")]
    places += [("moments", "first", 0), ("moments", "second", 1), ("moments", "exponents", 0)]
    refused = 0
    for place in places:
        for value in values:
            changed = json.loads(json.dumps(document))
            part = changed
            for key in place[:-1]:
                part = part[key]
            part[place[-1]] = value
            path.write_text(json.dumps(changed))
            try:
                sums = gw.Moments.load(path)
                gw.fit(sums)
                sums.merge(sums)
            except InputError:
                refused += 1
    assert refused > len(places) * len(values) * 0.8
    text = json.dumps(document)
    for _ in range(60):
        path.write_text(text[: rng.randrange(len(text))])
        with pytest.raises(ModelFileError):
            gw.Moments.load(path)


def test_moments_refuse_what_they_cannot_sum(frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"'kind' holds text.*fit\.update"):
        gw.Moments.of(frame, "y")
    with pytest.raises(InputError, match="a formula makes others"):
        gw.Moments.of(frame, "y ~ log(b)")
    sums = gw.Moments.of(frame, "y", features="a,b")
    for wrong, said in (
        (lambda: sums.merge(frame), "only moments merge"),
        (lambda: sums.using("zz"), "no column 'zz'"),
        (lambda: sums.using("a,a"), "more than once"),
        (lambda: gw.fit(sums, features="y"), "cannot be a feature"),
        (lambda: gw.fit(sums, frame["y"]), "hold their target"),
        (lambda: gw.fit(sums, weights="w"), "weighed already"),
        (lambda: sums.update(frame[["a", "y"]]), "no column 'b'"),
    ):
        with pytest.raises(InputError, match=said):
            wrong()


@pytest.mark.parametrize("name", nist.NAMES)
def test_certified_data_in_three_parts(name: str) -> None:
    """NIST StRD: beside the exact solution no digit too many; all fits without any trouble many."""
    data = nist.load(name)
    x, y = data.binary_design()
    first = len(y) // 3
    second = max(first + 1, len(y) // 2)
    fit = gw.fit(x[:first], y[:first], intercept=data.intercept)
    fit = fit.update(x[first:second], y[first:second]).update(x[second:], y[second:])
    kept = np.flatnonzero(np.isfinite(fit.coefficients))
    columns = kept[data.intercept :] - data.intercept
    truth = exact_fit(x[:, columns], y, intercept=data.intercept)
    for k, exact in zip(kept, truth.coefficients, strict=True):
        pair = (fit.coefficients[k], fit.solution.coefficient_lows[k])
        assert fit.trusted_digits[k] <= digits(pair, exact, cap=40.0)
    if name != "Filip":  # its sums alone cannot tell powers up to the tenth apart, and say so
        assert len(columns) == x.shape[1]
        assert fit.trusted_digits.min() > 6.0


def test_further_rows_of_another_width_are_refused_in_these_words() -> None:
    fit = gw.fit(np.arange(12.0).reshape(6, 2) ** 2, np.arange(6.0) ** 3)
    with pytest.raises(InputError, match="have 5 columns; the fit uses 2: 'x1', 'x2'"):
        fit.update(np.ones((3, 5)), np.ones(3))


def test_a_target_in_another_order_is_refused() -> None:
    """Promise: frames whose indexes disagree are not silently misaligned."""
    frame = pd.DataFrame({"a": np.arange(9.0) ** 2, "y": np.arange(9.0)})
    fit = gw.fit(frame[["a"]], frame["y"])
    with pytest.raises(InputError, match="different pandas indexes"):
        fit.update(frame[["a"]], frame["y"].iloc[::-1])
