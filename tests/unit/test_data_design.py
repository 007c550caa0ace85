"""From columns to predictors: every choice is said, every category has a visible reference."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gausswork.data import Recipe, open_data, open_predictors
from gausswork.data.recipe import Predictor
from gausswork.errors import InputError, ModelFileError

from .data_rows import codes_of, opened_rows, rows_of

DATA = {
    "age": [30.0, 41.0, 52.0, 63.0],
    "member": [True, False, True, True],
    "city": ["Ulm", "Bonn", "Ulm", "Kiel"],
    "y": [1.0, 2.0, 3.0, 4.0],
}


def test_treatment_coding() -> None:
    """Promise: one 0/1 column per level but the reference, which is the first in sorted order."""
    recipe = open_data(DATA, "y").recipe
    assert recipe.names == ("age", "member", "city[Kiel]", "city[Ulm]")
    assert recipe.references == {"city": "Bonn"}
    assert opened_rows(DATA).tolist() == [
        [30, 1, 0, 1, 1],
        [41, 0, 0, 0, 2],
        [52, 1, 0, 1, 3],
        [63, 1, 1, 0, 4],
    ]


def test_default_features_are_announced() -> None:
    """Promise: features that nobody named are named in a finding, and the reference too."""
    findings = {finding.code: finding for finding in open_data(DATA, "y").findings}
    assert findings["features-chosen"].evidence["features"] == ["age", "member", "city"]
    assert "reference level 'Bonn'" in findings["category-coded"].sentence
    assert findings["category-coded"].evidence["levels"] == ["Bonn", "Kiel", "Ulm"]


@pytest.mark.parametrize("features", ["age,city", "age, city ", ["age", "city"], ("age", "city")])
def test_features_by_name(features: Any) -> None:
    """Promise: "a,b" is the same as a list; named features are not announced."""
    assert open_data(DATA, "y", features=features).recipe.names == (
        "age",
        "city[Kiel]",
        "city[Ulm]",
    )
    assert "features-chosen" not in codes_of(DATA, features=features)


def test_features_keep_their_order() -> None:
    """Promise: the design follows the order of features=, not of the table."""
    assert open_data(DATA, "y", features=["member", "age"]).recipe.names == ("member", "age")


def test_a_name_with_a_comma_can_be_a_feature() -> None:
    """Promise: a column called "a,b" is found under that name."""
    data = {"a,b": [1, 2, 3], "y": [1, 2, 3]}
    assert open_data(data, "y", features="a,b").recipe.names == ("a,b",)


def test_no_features_is_the_mean() -> None:
    """Promise: features=[] fits the mean; without features= an empty choice is an error."""
    assert open_data(DATA, "y", features=[]).recipe.names == ()
    with pytest.raises(InputError, match=r"no usable column beside the target 'y'.*features=\[\]"):
        open_data({"y": [1.0, 2.0]}, "y")


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["age", "y"], "'y' is the target and cannot be a feature too"),
        (["age", "age"], "names 'age' more than once"),
        (["aeg"], "no column 'aeg'. Did you mean 'age'"),
        (["AGE"], "Did you mean 'age'"),
        ([None], "must be names of columns; got None"),
    ],
)
def test_features_that_make_no_sense(features: list[Any], message: str) -> None:
    """Promise: each misuse of features= is answered with the value and the remedy."""
    with pytest.raises(InputError, match=message):
        open_data(DATA, "y", features=features)


def many(levels: int, rows: int) -> dict[str, list[Any]]:
    return {"g": [f"v{n % levels:05d}" for n in range(rows)], "a": list(range(rows)),
            "y": [float(n * n % 97) for n in range(rows)]}  # fmt: skip


@pytest.mark.parametrize(
    ("levels", "rows", "used"), [(50, 200, True), (51, 200, False), (10, 10, False), (1, 9, False)]
)
def test_text_that_is_no_category_is_left_out_aloud(levels: int, rows: int, used: bool) -> None:
    """Promise: text with over 50 levels, another in each row, or one in all, is left out aloud."""
    opened = open_data(many(levels, rows), "y")
    assert ("g" in opened.recipe.categories) == used
    assert ("g" in opened.findings[0].evidence["left_out"]) == (not used)


def test_many_levels_on_request() -> None:
    """Promise: thousands of levels are coded when asked for, with a finding; more are refused."""
    data = many(3000, 6000)
    opened = open_data(data, "y", features="g")
    assert len(opened.recipe.names) == 2999
    assert "many-levels" in [finding.code for finding in opened.findings]
    rows = rows_of(opened.source)
    assert rows[:, :-1].sum() == 6000 - 2
    assert np.array_equal(rows[5, :-1].nonzero()[0], [4])
    with pytest.raises(InputError, match="more than 10000 different values"):
        open_data(many(10_001, 10_001), "y", features="g")


def test_one_level_explains_nothing() -> None:
    """Promise: a category with one level has no column, and a finding says why."""
    data = {"g": ["u", "u", "u"], "a": [1, 2, 3], "y": [1, 2, 3]}
    opened = open_data(data, "y", features="a,g")
    assert opened.recipe.names == ("a",)
    assert [finding.code for finding in opened.findings] == ["single-level"]
    with pytest.raises(InputError, match="holds 'v' at row 0"):
        list(open_predictors({"a": [1], "g": ["v"]}, opened.recipe))


def test_levels_that_look_alike_are_pointed_out() -> None:
    """Promise: 'male' and 'Male ' count as two levels, and a finding says so."""
    data = {"g": ["male", "Male ", "female"] * 2, "y": range(6)}
    opened = open_data(data, "y")
    assert opened.recipe.categories["g"] == ("Male ", "female", "male")
    (alike,) = [finding for finding in opened.findings if finding.code == "levels-alike"]
    assert alike.evidence["levels"] == ["Male ", "male"]


def test_missing_categories_are_gaps() -> None:
    """Promise: None in a category drops the row and is counted, it is no level."""
    data = {**DATA, "city": ["Ulm", None, "Bonn", "Ulm"]}
    source = open_data(data, "y").source
    assert rows_of(source)[:, -1].tolist() == [1, 3, 4]
    assert source.tally.missing == {"city": 1}
    with pytest.raises(InputError, match="'city' has no value at row 1"):
        list(open_data(data, "y", missing="error").source.batches(9))


def test_the_first_gap_in_row_order_is_named() -> None:
    """Promise: of several columns with gaps the one with the earliest row is named."""
    data = pd.DataFrame({"a": [1, None, 3], "g": [None, "u", "v"], "y": [1, 2, 3]})
    with pytest.raises(InputError, match="'g' has no value at row 0"):
        list(open_data(data, "y", missing="error").source.batches(9))


def test_every_row_with_a_gap() -> None:
    """Promise: a pass that leaves no row is an error with the worst column."""
    data = {"a": [None, 2.0, None], "g": [None, None, "u"], "y": [1, 2, 3]}
    with pytest.raises(InputError, match=r"none of the 3 rows.*has none in 2 rows"):
        list(open_data(data, "y", features="a,g").source.batches(9))


def test_a_column_called_intercept() -> None:
    """Promise: the data's own "intercept" gets another name in the design, aloud."""
    data = {"intercept": [1, 1, 2], "y": [1, 2, 3]}
    opened = open_data(data, "y")
    assert opened.source.names == ("intercept (column)",)
    assert "intercept-renamed" in [finding.code for finding in opened.findings]
    (x,) = open_predictors({"intercept": [5]}, opened.recipe)
    assert x.tolist() == [[5]]
    arrays = open_data([[1], [2]], [1, 2], features="intercept")
    assert arrays.source.names == ("intercept (column)",)


def test_design_names_that_collide() -> None:
    """Promise: a column called like a level of another is refused, not mixed up."""
    with pytest.raises(InputError, match=r"same name: 'g\[v\]'"):
        open_data({"g": ["u", "v", "u"], "g[v]": [1, 2, 3], "y": [1, 2, 3]}, "y")


def test_progress_while_levels_are_collected() -> None:
    """Promise: the pass over text columns reports its rows."""
    seen: list[int] = []
    open_data(DATA, "y", progress=lambda rows, done, total: seen.append(rows))
    assert seen == [4]


def recipe() -> Recipe:
    columns = (Predictor("a"), Predictor("f", "flag"), Predictor("g", "category", ("u", "v", "w")))
    return Recipe("y", columns)


def test_recipes_survive_json() -> None:
    """Promise: to_dict is plain JSON, from_dict gives an equal recipe."""
    for one in (recipe(), Recipe("y", ()), open_data(DATA, "y").recipe):
        assert Recipe.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": 3}, "target must be text"),
        ({"columns": None}, "'columns' must be a list"),
        ({"columns": [3]}, "expected an object"),
        ({"columns": [{"name": "a"}]}, "'kind' is missing"),
        ({"columns": [{"name": "a", "kind": "code", "levels": []}]}, "unknown kind 'code'"),
        ({"columns": [{"name": "a", "kind": "number", "levels": ["x"]}]}, "number with 1 levels"),
        ({"columns": [{"name": "a", "kind": "category", "levels": []}]}, "category with 0 levels"),
        ({"columns": [{"name": "a", "kind": "category", "levels": [1]}]}, "level of 'a' must be"),
        ({"columns": [{"name": "a", "kind": "category", "levels": "uv"}]}, "must be a list"),
        ({"columns": [{"name": "a", "kind": "category", "levels": ["u", "u"]}]}, "a level twice"),
        ({"columns": [{"name": "y", "kind": "number", "levels": []}]}, "the same name"),
        ({"columns": [{"name": ["a"], "kind": [], "levels": []}]}, "must be text"),
        ({"columns": [{"name": "a", "kind": [], "levels": []}]}, "unknown kind"),
    ],
)
def test_broken_recipes_are_refused(change: dict[str, Any], message: str) -> None:
    """Promise: whatever a model file holds in place of a recipe is a clear error."""
    with pytest.raises(ModelFileError, match=message):
        Recipe.from_dict({**recipe().to_dict(), **change})
    with pytest.raises(ModelFileError, match="expected an object"):
        Recipe.from_dict(3)  # type: ignore[arg-type]


NEW = {"a": [1.0, None, 3.0], "f": [True, False, False], "g": ["w", "u", "v"]}


@pytest.mark.parametrize("kind", ["dict", "pandas", "reordered", "extra"])
def test_new_data_is_found_by_name(kind: str) -> None:
    """Promise: columns of new data may come in any order and with others beside them."""
    new: Any = {
        "dict": NEW,
        "pandas": pd.DataFrame(NEW),
        "reordered": dict(reversed(NEW.items())),
        "extra": {"z": [[1], [2], [3]], **NEW},
    }[kind]
    (x,) = open_predictors(new, recipe())
    assert x.dtype == np.float64
    assert np.array_equal(x, [[1, 1, 0, 1], [np.nan] * 4, [3, 0, 1, 0]], equal_nan=True)


def test_new_data_in_blocks() -> None:
    """Promise: rows come in order, 65,536 at a time, whatever the portions."""
    n = 150_000
    blocks = list(open_predictors(np.arange(float(n)), Recipe("y", (Predictor("a"),))))
    assert [len(block) for block in blocks] == [65_536, 65_536, n - 131_072]
    assert np.array_equal(np.concatenate(blocks)[:, 0], np.arange(n))


def test_one_row_and_none() -> None:
    """Promise: a dict of single values is one row; no rows give no predictions."""
    (x,) = open_predictors({"a": 1, "f": False, "g": "v"}, recipe())
    assert x.tolist() == [[1, 0, 1, 0]]
    assert list(open_predictors(pd.DataFrame(NEW).iloc[:0], recipe())) == []


def test_recipes_without_columns_count_rows() -> None:
    """Promise: the mean model predicts as many rows as it is given."""
    for new in (np.empty((5, 0)), {"z": [1] * 5}):
        (x,) = open_predictors(new, Recipe("y", ()))
        assert x.shape == (5, 0)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({**NEW, "g": ["w", "u", "x"]}, r"'g' holds 'x' at row 2 .*Known levels: 'u', 'v', 'w'"),
        ({"a": [1], "f": [True]}, "no column 'g'"),
        ({"A": [1], "f": [True], "g": ["u"]}, "no column 'a'. Did you mean 'A'"),
        ({**NEW, "a": ["x", "y", "z"]}, "'a' holds text; the fit used numbers"),
        ({**NEW, "a": [1.0, np.inf, 2.0]}, "'a' is inf at row 1"),
        ({**NEW, "a": pd.to_datetime(["2020-01-01"] * 3)}, "'a' holds timestamps"),
        (np.zeros((3, 3)), "uses the categories 'g'"),
    ],
)
def test_new_data_that_does_not_fit(new: Any, message: str) -> None:
    """Promise: new data that the fit cannot read is refused with column, value and remedy."""
    with pytest.raises(InputError, match=message):
        list(open_predictors(new, recipe()))


def test_arrays_are_taken_by_position() -> None:
    """Promise: an array needs as many columns as the fit has; a vector is one column."""
    numbers = Recipe("y", (Predictor("a"), Predictor("b")))
    (x,) = open_predictors([[1, 2], [3, np.nan]], numbers)
    assert np.array_equal(x, [[1, 2], [np.nan, np.nan]], equal_nan=True)
    with pytest.raises(InputError, match="has 3 columns; the fit uses 2: 'a', 'b'"):
        open_predictors(np.zeros((4, 3)), numbers)
    with pytest.raises(InputError, match=r"x\.reshape\(1, -1\)"):
        open_predictors([1.0, 2.0], numbers)


def test_arrays_of_new_data_are_checked_and_not_changed() -> None:
    """Promise: arrays without gaps are views, gaps make rows of NaN in a copy, inf is named."""
    numbers = Recipe("y", (Predictor("a"), Predictor("b")))
    whole = np.arange(10.0).reshape(5, 2)
    (x,) = open_predictors(whole, numbers)
    assert np.shares_memory(x, whole)
    gaps = whole.copy()
    gaps[1, 0] = np.nan
    (x,) = open_predictors(gaps, numbers)
    assert np.isnan(x).tolist() == [[row == 1] * 2 for row in range(5)]
    assert np.isnan(gaps).sum() == 1
    gaps[3, 1] = -np.inf
    with pytest.raises(InputError, match=r"column 'b' is -inf at row 3"):
        list(open_predictors(gaps, numbers))


def test_numbers_match_categories_of_numbers() -> None:
    """Promise: a fit on text levels "1" and "2" reads new integers 1 and 2."""
    data = {"g": ["1", "2", "3", "1", "2", "3"], "y": range(6)}
    fitted = open_data(data, "y").recipe
    for values in ([3, 1], pd.Series([3, 1]), pd.Series([3.0, 1.0]), pd.Categorical([3, 1])):
        (x,) = open_predictors({"g": values}, fitted)
        assert x.tolist() == [[0, 1], [0, 0]]


def test_all_missing_columns_are_named() -> None:
    """Promise: new data that lacks columns is told all of them, the nearest names and a remedy."""
    with pytest.raises(InputError) as error:
        open_predictors({"A": [1], "f": [True], "z": [3]}, recipe())
    assert str(error.value) == (
        "dict of columns 1×3 lacks 2 columns that the fit uses: 'a', 'g'. Did you mean 'A' for "
        "'a'? Its columns are 'A', 'f', 'z'. Add those that are missing, or rename the columns "
        "that hold them."
    )
    with pytest.raises(InputError, match=r"no column 'g'.*The fit uses it: add it, or rename"):
        open_predictors({"a": [1], "f": [True]}, recipe())
