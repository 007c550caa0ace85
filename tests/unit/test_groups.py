"""Promise: one regression for each group, from any data, with what is odd in a group said."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gausswork as gw
from gausswork.cli import main
from gausswork.errors import InputError
from gausswork.leastsquares.backend import default_backend


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 2000
    data = pd.DataFrame(
        {
            "a": rng.normal(size=n) + 1e5,
            "b": rng.uniform(1, 3, size=n),
            "kind": rng.choice(["u", "v", "w"], n),
            "w": rng.uniform(0.5, 2, n),
            "f": rng.integers(0, 4, n),
            "shop": rng.choice(["north", "south", "east"], n),
            "year": rng.integers(2001, 2004, n),
        }
    )
    data["y"] = 1 + data.a * 2 + np.log(data.b) + 3 * (data.kind == "v") + rng.normal(size=n)
    data.loc[5, "a"] = np.nan
    data.loc[9, "shop"] = None
    return data


RECIPES = {
    "columns": {"target": "y", "features": "a,b"},
    "category": {"target": "y", "features": "a,kind"},
    "formula": {"target": "y ~ a + log(b) + C(kind) + a:b"},
    "powers": {"target": "y ~ poly(b, 4) + kind"},
    "weights": {"target": "y", "features": "a,b", "weights": "w"},
    "frequencies": {"target": "y", "features": "a,b", "frequencies": "f"},
    "ridge": {"target": "y", "features": "a,b", "method": gw.NormalEquation(ridge=3.0)},
    "mean": {"target": "y ~ 1"},
    "origin": {"target": "y", "features": "b", "intercept": False},
}


@pytest.mark.parametrize("kernels", ["compiled", "numpy"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_group_is_fitted_like_its_rows(
    frame: pd.DataFrame, recipe: str, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernels == "compiled" and default_backend().name != kernels:
        pytest.skip("the compiled kernels were not built")
    monkeypatch.setenv("GAUSSWORK_KERNELS", kernels)
    options = RECIPES[recipe]
    groups = gw.fit_groups(frame, by="shop", **options)
    assert groups.keys == ("east", "north", "south")
    for place, key in enumerate(groups):
        alone = gw.fit(frame[frame["shop"] == key], **options)
        assert groups.names == alone.names
        for found in (groups.coefficients[place], groups[key].coefficients):
            np.testing.assert_allclose(found, alone.coefficients, rtol=1e-14)
        np.testing.assert_allclose(groups.standard_errors[place], alone.standard_errors, rtol=1e-13)
        assert groups.rows[place] == alone.rows
        assert groups.r_squared[place] == pytest.approx(alone.r_squared, rel=1e-12)
        assert groups.residual_sd[place] == pytest.approx(alone.residual_sd, rel=1e-12, nan_ok=True)
        np.testing.assert_allclose(groups.p_values[place], alone.p_values, rtol=1e-9, atol=1e-300)
        if recipe not in ("ridge",):
            assert groups[key].log_likelihood == pytest.approx(alone.log_likelihood, rel=1e-12)
    assert groups.trusted_digits.min() > 15.0
    missing = {"shop": 1} if recipe in ("mean", "origin", "powers") else {"a": 1, "shop": 1}
    assert groups.tally.missing == missing


def test_any_data_any_reader_the_same_bits(frame: pd.DataFrame, tmp_path: Path) -> None:
    import polars
    import pyarrow as pa

    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.to_parquet(tmp_path / "data.parquet")
    for by in ("year", ["shop", "year"], "shop,year"):
        whole = gw.fit_groups(frame, "y", by, features="a,b")
        for data in (
            tmp_path / "data.csv", tmp_path / "data.parquet", polars.from_pandas(frame),
            pa.Table.from_pandas(frame), frame.to_dict("list"),
            frame.assign(shop=frame.shop.astype("category")),
        ):  # fmt: skip
            found = gw.fit_groups(data, "y", by, features="a,b")
            assert found.keys == whole.keys
            assert found.coefficients.tobytes() == whole.coefficients.tobytes()
            assert found.tally.dropped == 2 if "shop" in by else 1
    assert whole.keys[0] == ("east", 2001)
    complete = frame.dropna()
    arrays = gw.fit_groups(
        complete[["a", "b"]].to_numpy(), complete["y"].to_numpy(), complete["year"].to_numpy()
    )
    again = gw.fit_groups(complete, "y", "year", features="a,b")
    assert arrays.keys == again.keys == (2001, 2002, 2003)
    assert arrays.coefficients.tobytes() == again.coefficients.tobytes()


def test_a_stream_that_passes_once_is_enough(frame: pd.DataFrame) -> None:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame)
    stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=77))
    found = gw.fit_groups(stream, "y", "year", features="a,b")
    whole = gw.fit_groups(frame, "y", "year", features="a,b")
    assert found.coefficients.tobytes() == whole.coefficients.tobytes()


def test_odd_groups_are_said_and_do_not_stop_the_others() -> None:
    data = {
        "g": list("aaaabbcddddd") + ["e"] * 4,
        "x": [1, 2, 3, 4, 1, 2, 5, 1, 1, 1, 1, 1, 1, 2, 3, 4],
        "z": [2, 4, 6, 8, 0, 1, 1, 1, 2, 3, 4, 6, 1, 0, 0, 1],
        "y": [1, 2, 3, 9, 5, 1, 2, 1, 2, 3, 4, 9.0, 1, 3, 2, 5],
    }
    groups = gw.fit_groups(data, "y ~ x + z", "g")
    np.testing.assert_array_equal(groups.rank, [2, 2, 1, 2, 3])
    np.testing.assert_array_equal(groups.rows, [4, 2, 1, 5, 4])
    assert np.isnan(groups.coefficients[0, 2])  # z = 2x
    assert np.isnan(groups.coefficients[3, 1])  # x does not vary
    assert groups["a"].dropped == ("z",)
    assert groups.coefficients[2, 0] == 2.0
    assert np.isnan(groups.standard_errors[1]).all()
    codes = {finding.code: finding for finding in groups.findings}
    assert codes["groups-rank-deficient"].evidence["first"] == ["a", "b", "c", "d"]
    assert codes["groups-without-freedom"].evidence["groups"] == 2
    assert "dependent-column" in {finding.code for finding in groups["d"].findings}
    text = str(groups)
    assert "5 groups" in text
    assert "groups-rank-deficient" in text


def test_thousands_of_groups_against_numpy() -> None:
    """Beside a least-squares solution of every single group."""
    rng = np.random.default_rng(2)
    n, p, g = 60_000, 3, 4000
    x, of = rng.normal(size=(n, p)), rng.integers(0, g, n)
    y = x @ rng.normal(size=p) + 0.1 * of + rng.normal(size=n)
    groups = gw.fit_groups(x, y, of)
    assert len(groups) == g
    design = np.column_stack([np.ones(n), x])
    for key in rng.choice(g, 200, replace=False).tolist():
        rows = of == key
        if rows.sum() < 5:
            continue
        expected = np.linalg.lstsq(design[rows], y[rows])[0]
        np.testing.assert_allclose(
            groups.coefficients[groups.keys.index(key)], expected, rtol=1e-9, atol=1e-10
        )
    assert groups.trusted_digits[groups.rank == p + 1].min() > 10.0


def test_groups_beside_statsmodels(frame: pd.DataFrame) -> None:
    """The same coefficients, errors and R² as statsmodels has, to the digits of its pinv."""
    import statsmodels.formula.api as smf

    data = frame.dropna().assign(a=lambda d: d.a - 1e5)
    groups = gw.fit_groups(data, "y ~ a + b + kind", "shop")
    for place, key in enumerate(groups):
        peer = smf.ols("y ~ a + b + kind", data[data["shop"] == key]).fit()
        names = {"intercept": "Intercept", "kind[v]": "kind[T.v]", "kind[w]": "kind[T.w]"}
        order = [names.get(name, name) for name in groups.names]
        np.testing.assert_allclose(groups.coefficients[place], peer.params[order], rtol=1e-7)
        np.testing.assert_allclose(groups.standard_errors[place], peer.bse[order], rtol=1e-7)
        assert groups.r_squared[place] == pytest.approx(peer.rsquared, rel=1e-7)


def test_as_frames_and_plain_data(frame: pd.DataFrame) -> None:
    groups = gw.fit_groups(frame, "y", ["shop", "year"], features="a,b")
    table = groups.to_frame()
    assert isinstance(table, pd.DataFrame)
    assert len(table) == 9 * 3
    row = table[(table.shop == "north") & (table.year == 2002) & (table.term == "b")].iloc[0]
    assert row.estimate == groups["north", 2002].coefficients[2]
    document = json.loads(json.dumps(groups.to_dict(), allow_nan=False))
    assert document["groups"][0]["group"] == ["east", 2001]
    assert len(list(groups.items())) == len(groups) == 9
    assert ("north", 2002) in groups
    assert "nowhere" not in groups
    with pytest.raises(InputError, match=r"there is no group 'nort'"):
        gw.fit_groups(frame, "y", "shop", features="a")["nort"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "zz"}, "no column 'zz'"),
        ({}, "by must name the column"),
        ({"by": "y"}, "is the target"),
        ({"by": "shop", "features": "a,shop"}, "explains nothing"),
        ({"by": "shop", "target": "y ~ a * shop"}, "explains nothing"),
        ({"by": "shop,shop"}, "each column once"),
        ({"by": [1, 2]}, "must agree"),
        ({"by": "shop", "method": gw.GradientDescent()}, "NormalEquation for groups"),
        ({"by": "shop", "threads": 0}, "threads must be at least 1"),
        ({"by": "shop", "missing": "error"}, "has no value"),
        ({"by": "shop", "target": "y ~ a", "features": "a"}, "both say"),
    ],
)
def test_what_cannot_be_grouped_is_refused(frame: pd.DataFrame, options, said: str) -> None:
    with pytest.raises(InputError, match=said):
        gw.fit_groups(frame, **{"target": "y", **options})


# --- the command line ----------------------------------------------------------------------


def test_the_command_line(frame, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame.to_csv("data.csv", index=False)
    groups = gw.fit_groups(frame, "y ~ a + b", "shop")
    assert main(["fit", "data.csv", "y ~ a + b", "--by", "shop", "-o", "out.csv"]) == 0
    captured = capsys.readouterr()
    assert "3 groups" in captured.out
    assert "wrote out.csv" in captured.err
    rows = list(csv.DictReader(Path("out.csv").read_text().splitlines()))
    assert [float(row["estimate"]) for row in rows] == groups.coefficients.ravel().tolist()
    assert main(["fit", "data.csv", "y ~ a + b", "--by", "shop", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["groups"][1]["coefficients"] == groups.coefficients[1].tolist()
    quiet = ["fit", "data.csv", "--target", "y", "--features", "a", "--quiet"]
    assert main([*quiet, "--by", "shop,year", "-o", "out.parquet"]) == 0
    assert len(pd.read_parquet("out.parquet")) == 18
    for wrong in (
        ["-o", "x.csv"],
        ["--by", "nothing"],
        ["--by", "shop", "--save", "m.json"],
        ["--by", "shop", "-o", "x.txt"],
        ["--by", "shop", "--plot", "p.png"],
    ):
        assert main([*quiet, *wrong]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "data.csv", "out.csv", "out.parquet",
    ]  # fmt: skip


def _misaligned() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"a": rng.normal(size=30), "g": list("uvw" * 10), "y": rng.normal(size=30)}
    )
    return frame, frame.iloc[::-1]


def test_a_target_or_labels_in_another_order_are_refused() -> None:
    """Promise: frames whose indexes disagree are not silently misaligned."""
    frame, turned = _misaligned()
    with pytest.raises(InputError, match="X and y have different pandas indexes"):
        gw.fit_groups(frame[["a", "g"]], turned["y"], by="g")
    with pytest.raises(InputError, match="data and by have different pandas indexes"):
        gw.fit_groups(frame[["a", "y"]], "y", by=turned["g"])


def test_labels_that_are_lists_are_refused_in_words() -> None:
    frame, _ = _misaligned()
    with pytest.raises(InputError, match="cannot be told apart"):
        gw.fit_groups(frame.assign(k=[[1]] * 30), "y ~ a", by="k")


def test_infinite_labels_are_words_in_json() -> None:
    frame, _ = _misaligned()
    groups = gw.fit_groups(frame.assign(k=np.where(frame.g == "u", np.inf, 1.0)), "y ~ a", by="k")
    assert "inf" in json.dumps(groups.to_dict(), allow_nan=False)
