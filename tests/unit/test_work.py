"""Promise: --show-work shows the normal equation with the user's own numbers, and the NumPy lines
that it prints compute what it shows."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re

import numpy as np
import pytest

import gausswork as gw
from gausswork import work
from gausswork.errors import InputError

FIVE = ([[1.0], [2.0], [3.0], [4.0], [5.0]], [2.0, 4.0, 6.0, 8.0, 10.0])


def run(fit: gw.Fit, **given: object) -> dict[str, object]:
    """Run the NumPy lines as they are printed and return their variables."""
    text = work.show(fit)
    lines = text.partition("7. The same in NumPy\n")[2].splitlines()
    names: dict[str, object] = dict(given)
    with contextlib.redirect_stdout(io.StringIO()):
        exec("\n".join(line.removeprefix("    ") for line in lines), names)
    return names


def figures(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]\d+)?(?![\w.])", text)]


def section(text: str, number: int) -> str:
    return text.partition(f"{number}. ")[2].partition(f"\n\n{number + 1}. ")[0]


def test_one_to_five_arrives_at_two_and_zero() -> None:
    """The example of the textbook: X = 1…5, y = 2x gives w = 2, b = 0, in whole numbers."""
    fit = gw.fit(*FIVE)
    normal = work.normal_equation(fit)
    np.testing.assert_array_equal(normal.matrix, [[5, 15], [15, 55]])
    np.testing.assert_array_equal(normal.right, [30, 110])
    text = work.show(fit, FIVE)
    assert "XtX = np.array([[5, 15], [15, 55]])" in text
    assert "Xty = np.array([30, 110])" in text
    assert "θ2 = 6.324555 / 3.162278 = 2   (x1)" in text
    assert "θ1 = (13.41641 − 6.708204·2) / 2.236068 = 0   (intercept)" in text
    assert figures(section(text, 2)) == [5.0] + [n for x in (1, 2, 3, 4, 5) for n in (1, x, 2 * x)]
    assert re.search(r"θ =  0  intercept\n\s+2 +x1", section(text, 6))
    np.testing.assert_array_equal(run(fit)["theta"], [0.0, 2.0])


@pytest.fixture(scope="module")
def fit() -> gw.Fit:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(70, 3)) * [1.0, 20.0, 0.1] + np.array([10.0, 0.0, 3.0])
    group = np.array(["a", "b"])[rng.integers(0, 2, size=70)]
    y = x @ [1.0, 2.0, 3.0] + rng.normal(size=70)
    return gw.fit({"u": x[:, 0], "v": x[:, 1], "w": x[:, 2], "group": group, "y": y}, "y")


@pytest.mark.parametrize("intercept", [True, False])
def test_the_printed_lines_reproduce_the_fit(intercept) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 3)) + np.array([4.0, 0.0, -1.0])
    fit = gw.fit(x, x[:, 0] + rng.normal(size=50), intercept=intercept)
    design = np.column_stack([np.ones(50), x]) if intercept else x
    names = run(fit)
    np.testing.assert_allclose(names["theta"], fit.coefficients, rtol=1e-11)
    np.testing.assert_allclose(names["XtX"], design.T @ design, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(names["L"] @ names["L"].T, names["XtX"], rtol=1e-13, atol=1e-12)
    np.testing.assert_allclose(names["L"] @ names["u"], names["Xty"], rtol=1e-12)


def test_what_is_shown_is_what_the_lines_compute(fit) -> None:
    text, names = work.show(fit), run(fit)
    shown = figures(section(text, 3).partition("XᵀX =")[2].partition("Xᵀy")[0])
    np.testing.assert_allclose(np.reshape(shown, (5, 5)), names["XtX"], rtol=1e-6)
    shown = figures(section(text, 4).partition("L =")[2].partition("u =")[0])
    np.testing.assert_allclose(np.reshape(shown, (5, 5)), names["L"], rtol=1e-6)
    shown = figures(section(text, 6).partition("gausswork")[0])
    np.testing.assert_allclose(shown, fit.coefficients, rtol=1e-6)
    assert figures(section(text, 5).partition("Xᵀr =")[2].partition("Sum")[0]) == [0.0] * 5


def test_steps_in_figures_multiply_out(fit) -> None:
    """Each written step, computed again from its own figures, gives its own result."""
    fit = gw.fit(np.array([[1.0, 4.0], [2.0, 1.0], [3.0, 5.0], [5.0, 2.0]]), [3.0, 1.0, 4.0, 1.0])
    steps = re.findall(r"^ +[uθ]\d = (.+) / (\S+) = (\S+)", work.show(fit), re.M)
    assert len(steps) == 6
    for top, pivot, result in steps:
        value = eval(top.replace("·", "*").replace("−", "-"), {})  # figures and signs only
        assert value / float(pivot) == pytest.approx(float(result), rel=1e-5, abs=1e-5)


def test_the_first_rows_are_those_of_the_data(fit) -> None:
    rng = np.random.default_rng(3)
    data = {"a": rng.integers(0, 9, size=9).astype(float), "y": rng.normal(size=9)}
    data["a"][1] = np.nan  # the second row is left out
    small = gw.fit(data, "y")
    text = section(work.show(small, data), 2)
    assert "first 5 of 8 rows" in text
    kept = [i for i in range(9) if i != 1][:5]
    expected = [n for i in kept for n in (1.0, data["a"][i], data["y"][i])]
    np.testing.assert_allclose(figures(text)[2:], expected, rtol=1e-5)
    assert work.show(small) == work.show(small, data)  # the fit has kept its rows
    assert "2. X and y" not in work.show(dataclasses.replace(small, source=None))


def test_data_of_another_fit_is_refused(fit) -> None:
    with pytest.raises(InputError):
        work.show(fit, {"a": [1.0, 2.0], "y": [1.0, 2.0]})
    with pytest.raises(InputError, match="Give the data that was fitted"):
        work.show(gw.fit(*FIVE), (np.ones((3, 2)), [1.0, 2.0, 4.0]))


def test_large_problems_show_a_readable_corner() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(100, 30))
    y = x[:, 0] + rng.normal(size=100)
    fit = gw.fit(x, y)
    text = work.show(fit, (x, y))
    assert max(map(len, text.splitlines())) <= 110
    assert len(text.splitlines()) < 100
    assert "31×31 in all" in text
    names = run(fit, X=np.column_stack([np.ones(100), x]), y=y)
    np.testing.assert_allclose(names["theta"], fit.coefficients, rtol=1e-10)


@pytest.mark.parametrize("columns", [2, 12])
def test_aliased_columns_are_left_out_and_said(columns) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(40, columns))
    x = np.column_stack([x, x[:, 0] + x[:, 1]])
    y = rng.normal(size=40)
    fit = gw.fit(x, y)
    assert f"it adds nothing: x{columns + 1} = x1 + x2" in work.show(fit)
    names = run(fit, X=np.column_stack([np.ones(40), x]), y=y)
    np.testing.assert_allclose(names["theta"], fit.coefficients[:-1], rtol=1e-10)


def test_where_the_textbook_fails_it_is_said() -> None:
    """An offset of 1e9: float64 has no Cholesky factor of XᵀX, or only noise in it."""
    x = 1e9 + np.arange(10.0)
    fit = gw.fit(x[:, None], 3.0 * np.arange(10.0) + np.sin(np.arange(10.0)))
    assert work.normal_equation(fit).lower is None
    text = work.show(fit)
    assert "the textbook stops here" in text
    assert "np.linalg.solve(XtX, Xty) has no correct digit" in text
    assert "gives none of these digits" in " ".join(text.split())
    assert np.linalg.matrix_rank(run(fit)["XtX"]) == 1  # of 2: so much is lost
    assert f"{fit.coefficients[1]:.7g}"[:7] in section(text, 6)


@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6, 1e7])
def test_agreement_is_counted_in_digits(offset) -> None:
    x = offset + np.arange(10.0)
    fit = gw.fit(x[:, None], 3.0 * np.arange(10.0) + np.sin(np.arange(10.0)))
    found = re.search(r"agrees to (\d+) significant digits", " ".join(work.show(fit).split()))
    assert found is not None
    theta = np.asarray(run(fit)["theta"])
    assert int(found[1]) == int(-np.log10(np.max(np.abs(theta / fit.coefficients - 1))))


@pytest.mark.parametrize("case", ["mean alone", "no freedom", "one row", "constant", "huge"])
def test_degenerate_fits_are_shown_without_warnings(case) -> None:
    fit = {
        "mean alone": lambda: gw.fit({"y": [1.0, 2.0, 4.0]}, "y", features=[]),
        "no freedom": lambda: gw.fit([[1.0], [2.0]], [1.0, 3.0]),
        "one row": lambda: gw.fit([[1.0]], [3.0]),
        "constant": lambda: gw.fit([[1.0], [2.0], [3.0]], [0.0, 0.0, 0.0]),
        "huge": lambda: gw.fit(np.array([[1.0], [2.0], [4.0]]) * 1e200, [1.0, 2.0, 3.0]),
    }[case]()
    text = work.show(fit)
    assert "7. The same in NumPy" in text
    assert "nan" not in text


def test_names_cannot_command_a_terminal() -> None:
    fit = gw.fit({"\x1b[2J": [1.0, 2.0, 3.0], "y\n": [1.0, 2.0, 4.0]}, "y\n")
    assert all(line.isprintable() for line in work.show(fit).splitlines())


def houses(rows: int, seed: int) -> dict[str, np.ndarray]:
    """Categories and whole numbers, as in a table of houses sold."""
    rng = np.random.default_rng(seed)
    rooms, land = rng.integers(1, 8, rows), rng.integers(0, 900, rows)
    return {
        "suburb": np.array(["Abb", "Bru", "Car", "Dan"])[rng.integers(0, 4, rows)],
        "kind": np.array(["h", "t", "u"])[rng.integers(0, 3, rows)],
        "rooms": rooms,
        "land": land,
        "price": 100_000 + 120_000 * rooms + 57 * land + rng.integers(0, 90_000, rows),
    }


@pytest.mark.parametrize("rows", [42, 400, 13_580])
@pytest.mark.parametrize("features", ["suburb,kind,rooms", "kind,rooms,land"])
def test_sums_of_whole_numbers_are_whole_numbers(rows, features, tmp_path) -> None:
    """Of disjoint levels the sum is 0, not the rounding that the means leave behind."""
    data = houses(rows, seed=rows)
    table = zip(*(data[name].tolist() for name in data), strict=True)
    lines = [",".join(data), *(",".join(map(str, row)) for row in table)]
    (tmp_path / "houses.csv").write_text("\n".join(lines) + "\n")
    fit = gw.fit(tmp_path / "houses.csv", "price", features=features)
    columns = [np.ones(rows, dtype=int)]
    for name in fit.names[1:]:
        column, _, level = name.removesuffix("]").partition("[")
        columns.append((data[column] == level).astype(int) if level else data[column])
    x = np.column_stack(columns)
    names, text = run(fit), work.show(fit)
    np.testing.assert_array_equal(names["XtX"], x.T @ x)
    np.testing.assert_array_equal(names["Xty"], x.T @ data["price"])
    assert "e-1" not in section(text, 3)
    corner = np.reshape(figures(section(text, 3).partition("XᵀX =")[2].partition("Xᵀy")[0])[:5], 5)
    np.testing.assert_allclose(corner, (x.T @ x)[0, :5], rtol=1e-6)
    assert not [line for line in text.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1.0, 1e9])
def test_sums_of_long_fractions_keep_their_digits(unit) -> None:
    rng = np.random.default_rng(6)
    x = np.column_stack([np.ones(300), rng.normal(size=(300, 2)) * unit + 5 * unit])
    normal = work.normal_equation(gw.fit(x[:, 1:], rng.normal(size=300)))
    sizes = np.sqrt((x * x).sum(axis=0))
    np.testing.assert_array_less(np.abs(normal.matrix - x.T @ x), 2e-15 * sizes[:, None] * sizes)


def test_columns_with_the_names_of_a_source_are_columns() -> None:
    """A frame that has columns called "batches" and "replayable" is no source."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {"batches": [1.0, 2.0, 4.0, 7.0], "replayable": [2.0, 1.0, 1.0, 5.0], "y": [1.0, 2, 3, 5]}
    )
    assert "first 4 of" not in (text := work.show(gw.fit(frame, "y"), frame))
    assert "2. X and y (4 rows)" in text


def test_the_steps_of_the_normal_equation_are_its_triangular_solves() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(30, 2)) + 3.0
    fit = gw.fit(x, x @ [1.0, -2.0] + rng.normal(size=30))
    normal = gw.normal_equation(fit)
    assert normal.lower is not None
    assert normal.forward is not None
    assert normal.back is not None
    assert normal.lower @ normal.forward == pytest.approx(normal.right, rel=1e-12)
    assert normal.lower.T @ normal.back == pytest.approx(normal.forward, rel=1e-12)
    assert normal.back == pytest.approx(fit.coefficients, rel=1e-10)
    assert normal.left_over(fit.coefficients).tolist() == [0.0, 0.0, 0.0]
    off = fit.coefficients + [0.1, 0.0, 0.0]  # noqa: RUF005 - a sum of vectors
    residual = fit.influence().residual - 0.1
    design = np.column_stack([np.ones(30), x])
    assert normal.left_over(off) == pytest.approx(design.T @ residual, rel=1e-9)


def test_without_digits_there_are_no_steps_to_show() -> None:
    x = 1e9 + np.arange(10.0)
    normal = gw.normal_equation(gw.fit({"x": x, "y": np.arange(10.0) ** 2}, target="y"))
    assert normal.lower is normal.forward is normal.back is None
