"""Promise: figures show the fit over its data, labelled, on the axes given; never shown by
themselves, never half-written, told apart without colour."""

from __future__ import annotations

import builtins
import dataclasses
import io
import pkgutil
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import gausswork as gw
from gausswork import plots
from gausswork.errors import InputError, MissingPackageError
from gausswork.plots.style import MOST_POINTS

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed(monkeypatch):
    """No function may call show(); whatever was opened is closed."""
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("show() was called"))
    yield
    plt.close("all")


def table(n: int = 120) -> dict[str, object]:
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=n) + 5.0, rng.normal(size=n)
    group = np.array(["a", "b"], dtype=object)[np.arange(n) % 2]
    return {"x": x, "z": z, "group": group, "y": 2 * x + (group == "b") + rng.normal(size=n)}


def fitted(features: str, n: int = 120) -> tuple[gw.Fit, dict[str, object]]:
    data = table(n)
    return gw.fit(data, "y", features=features), data


def points(ax) -> np.ndarray:
    """Return all scattered points, (m, 2)."""
    kinds = [c for c in ax.collections if type(c).__name__ == "PathCollection"]
    return np.concatenate([np.asarray(c.get_offsets()) for c in kinds])


@pytest.mark.parametrize(
    ("features", "across", "up"),
    [("x", "x", "y"), ("x,group", "x", "y"), ("group", "group", "y"),
     ("x,z,group", "fitted y", "observed y")],
)  # fmt: skip
def test_every_kind_of_fit_is_drawn_with_labels_and_all_rows(features, across, up) -> None:
    fit, data = fitted(features)
    ax = plots.fit(fit, data)
    assert ax.get_xlabel() == across
    assert ax.get_ylabel() == up
    shown = points(ax)
    assert len(shown) == 120
    np.testing.assert_allclose(np.sort(shown[:, 1]), np.sort(data["y"]))


def test_line_and_bands_are_those_of_the_fit() -> None:
    fit, data = fitted("x")
    ax = plots.fit(fit, data, level=0.8)
    line = ax.lines[0]
    grid = {"x": line.get_xdata()}
    np.testing.assert_allclose(line.get_ydata(), fit.predict(grid), rtol=1e-12)
    found = fit.predict(grid, interval="prediction", level=0.8)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), found.lower, rtol=1e-12)
    np.testing.assert_allclose(ax.lines[2].get_ydata(), found.upper, rtol=1e-12)
    band = next(c for c in ax.collections if type(c).__name__ == "FillBetweenPolyCollection")
    mean = fit.predict(grid, interval="confidence", level=0.8)
    corners = band.get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(mean.lower.min())
    assert corners[:, 1].max() == pytest.approx(mean.upper.max())
    assert "80 % prediction, of a new row" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_groups_differ_without_colour() -> None:
    fit, data = fitted("x,group")
    ax = plots.fit(fit, data)
    handles = ax.get_legend().legend_handles[:2]
    assert len({h.get_marker() for h in handles}) == 2
    paths = [
        c.get_paths()[0].vertices for c in ax.collections if len(np.asarray(c.get_offsets())) > 1
    ]
    assert len({p.shape for p in paths}) == 2  # a circle and a triangle
    widths = [line.get_linewidth() for line in ax.lines]
    styles = {
        line._dash_pattern[1] is None for line in ax.lines if line.get_linewidth() == max(widths)
    }
    assert styles == {True, False}  # one line is solid, one is dashed


def test_many_points_become_a_density() -> None:
    fit, data = fitted("x", n=MOST_POINTS + 1)
    ax = plots.fit(fit, data)
    kinds = {type(c).__name__ for c in ax.collections}
    assert "PolyCollection" in kinds
    assert "PathCollection" not in kinds
    cells = next(c for c in ax.collections if type(c).__name__ == "PolyCollection")
    assert np.sum(cells.get_array()) == MOST_POINTS + 1


def test_without_data_the_line_alone_is_drawn() -> None:
    fit, _ = fitted("x,group")
    assert len(points(plots.fit(fit))) == 120  # the rows that the fit has kept
    fit = dataclasses.replace(fit, source=None)
    ax = plots.fit(fit)
    x = ax.lines[0].get_xdata()
    assert x[0] == pytest.approx(5.0 - 2.0, abs=0.5)  # two standard deviations about the mean
    assert x[-1] == pytest.approx(5.0 + 2.0, abs=0.5)
    fit, _ = fitted("x,z,group")
    with pytest.raises(InputError, match="needs the rows"):
        plots.fit(dataclasses.replace(fit, source=None))


def test_arrays_are_given_as_a_pair() -> None:
    data = table()
    x, y = data["x"][:, None], data["y"]
    assert len(points(plots.fit(gw.fit(x, y), (x, y)))) == 120


def test_rows_left_out_of_the_fit_are_not_drawn() -> None:
    data = table()
    data["y"][4] = np.nan
    fit = gw.fit(data, "y", features="x")
    assert len(points(plots.fit(fit, data))) == 119


def test_a_file_is_read_once_more(tmp_path) -> None:
    (tmp_path / "d.csv").write_text("x,y\n1,2\n2,3\n3,5\n4,4\n")
    fit = gw.fit(tmp_path / "d.csv", "y")
    assert len(points(fit.plot(tmp_path / "d.csv"))) == 4


@pytest.mark.parametrize("case", ["no freedom", "perfect", "constant", "mean alone", "one level"])
def test_degenerate_fits_are_drawn_without_warnings(case, tmp_path) -> None:
    data = {
        "no freedom": {"x": [1.0, 2.0], "y": [1.0, 3.0]},
        "perfect": {"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]},
        "constant": {"x": [1.0, 2.0, 3.0], "y": [4.0, 4.0, 4.0]},
        "mean alone": {"y": [1.0, 2.0, 4.0]},
        "one level": {"g": ["a", "a", "a"], "x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 5.0]},
    }[case]
    features = [] if case == "mean alone" else [k for k in data if k != "y"]
    plots.fit(gw.fit(data, "y", features=features), data, path=tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_names_are_text_not_mathematics(tmp_path) -> None:
    data = {
        "$\\frac{": [1.0, 2.0, 3.0, 5.0],
        "_hidden": ["a", "b", "a", "b"],
        "身長": [1.0, 2, 4, 4],
    }
    fit = gw.fit(data, "身長")
    ax = plots.fit(fit, data, path=tmp_path / "f.png")
    assert ax.get_xlabel() == "\\$\\frac{"
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts[0].strip() == "_hidden = a"


@pytest.mark.parametrize("kind", [".png", ".pdf", ".svg", ".PNG"])
def test_the_ending_decides_on_the_format(tmp_path, kind) -> None:
    fit, data = fitted("x")
    path = tmp_path / f"figure{kind}"
    fit.plot(data, path=path)
    start = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[kind.lower()]
    assert path.read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["figure", "figure.docx", "figure.jpg", ".png"])
def test_an_unknown_format_is_refused_before_anything_is_drawn(tmp_path, name) -> None:
    fit, data = fitted("x")
    with pytest.raises(InputError, match=r"a figure is written as .png, .pdf, .svg"):
        fit.plot(data, path=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_fails_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    fit, data = fitted("x")
    path = tmp_path / "f.png"
    path.write_bytes(b"old")

    def broken(self, *a, **k):
        raise RuntimeError("no ink")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", broken)
    with pytest.raises(RuntimeError, match="no ink"):
        fit.plot(data, path=path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.png"]


def test_axes_given_are_used() -> None:
    fit, data = fitted("x")
    _, (left, right) = plt.subplots(1, 2)
    assert plots.fit(fit, data, ax=left) is left
    assert plots.coefficients(fit, ax=right) is right
    assert len(plt.get_fignums()) == 1


def test_coefficients_show_their_intervals() -> None:
    fit, _ = fitted("x,z,group")
    ax = plots.coefficients(fit, level=0.9)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["x", "z", "group[b]"]
    assert "90 % interval" in ax.get_xlabel()
    bars = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_ydata()[0] >= 0
            and line.get_xdata()[0] != line.get_xdata()[1]]  # fmt: skip
    np.testing.assert_allclose(
        [bar.get_xdata() for bar in bars], fit.confidence_intervals(0.9)[1:], rtol=1e-12
    )
    filled = [line.get_markerfacecolor() for line in ax.lines if line.get_marker() == "o"]
    outside = (fit.confidence_intervals(0.9)[1:].prod(axis=1) > 0).tolist()
    hollow = ax.get_facecolor()  # as the background, white or black
    assert [colour != hollow for colour in filled] == outside
    assert outside == [True, False, True]  # both kinds occur


def test_aliased_terms_and_many_terms_are_said() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 60))
    x[:, 59] = x[:, 0]
    fit = gw.fit(x, 5 * x[:, 30] + rng.normal(size=200))
    ax = plots.coefficients(fit)
    assert "the 40 terms with the largest |t| of 60" in ax.get_title(loc="left")
    assert "x31" in [t.get_text() for t in ax.get_yticklabels()]
    few = gw.fit(x[:, [0, 1, 59]], x[:, 1] + rng.normal(size=200))
    assert "aliased: no coefficient" in " ".join(
        t.get_text() for t in plots.coefficients(few).texts
    )
    with pytest.raises(InputError, match="no term but the intercept"):
        plots.coefficients(gw.fit({"y": [1.0, 2.0, 4.0]}, "y", features=[]))


def test_without_matplotlib_it_says_what_to_install(monkeypatch) -> None:
    fit, data = fitted("x")
    original = builtins.__import__
    for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "matplotlib":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    with pytest.raises(MissingPackageError, match=r"pip install 'gausswork\[plots\]'"):
        plots.fit(fit, data)
    assert builtins.__import__ is original


def test_no_module_of_plots_stands_in_the_place_of_a_function() -> None:
    modules = {name for _, name, _ in pkgutil.iter_modules(plots.__path__)}
    assert modules >= {"style", "regression"}
    assert not modules & set(plots.__all__)


def test_importing_plots_does_not_import_matplotlib() -> None:
    code = "import sys, gausswork.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_same_fit_is_the_same_picture() -> None:
    fit, data = fitted("group")
    pictures = []
    for _ in range(2):
        buffer = io.BytesIO()
        plots.fit(fit, data).figure.savefig(buffer, format="png", metadata={"Software": None})
        pictures.append(buffer.getvalue())
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_the_legend_explains_what_is_drawn_and_nothing_else(rows) -> None:
    """One row, or one value in every row, makes a point: no line, no band."""
    x = np.arange(float(rows))
    ax = plots.fit(gw.fit(x, np.sin(x)), (x, np.sin(x)))
    legend = ax.get_legend()
    shown = [] if legend is None else [text.get_text() for text in legend.get_texts()]
    expected = ["fitted line", "95 % confidence, of the line", "95 % prediction, of a new row"]
    assert shown == expected[: {1: 0, 2: 1, 40: 3}[rows]]
    assert ax.get_title(loc="left").startswith(f"{rows} row{'s' * (rows > 1)}")


def test_a_group_without_a_line_keeps_its_marker_in_the_legend() -> None:
    data = {"x": [1.0, 2.0, 3.0, 4.0, 7.0], "group": [*"aaaab"], "y": [1.0, 3.0, 2.0, 5.0, 4.0]}
    ax = plots.fit(gw.fit(data, "y", features="x,group"), data)
    first, second = ax.get_legend().legend_handles[:2]
    assert first.get_linestyle() != "None"
    assert second.get_linestyle() == "None"
    assert second.get_marker() not in ("", "None", first.get_marker())


def test_one_fitted_value_has_no_line_to_explain() -> None:
    data = {"a": [1.0, 1.0, 1.0], "b": [2.0, 2.0, 2.0], "y": [1.0, 2.0, 4.0]}
    assert plots.fit(gw.fit(data, "y"), data).get_legend() is None


def test_two_numeric_predictors_make_a_plane_with_bands() -> None:
    fit, data = fitted("x,z")
    ax = plots.fit(fit, data, level=0.9)
    assert ax.name == "3d"
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("x", "z", "y")
    surfaces = [c for c in ax.collections if type(c).__name__ == "Poly3DCollection"]
    assert len(surfaces) == 5  # the plane, and two bands of two
    corners = np.asarray(surfaces[0]._faces).reshape(-1, 3)
    expected = fit.predict({"x": corners[:, 0], "z": corners[:, 1]})
    np.testing.assert_allclose(corners[:, 2], expected, rtol=1e-9)
    clouds = [c for c in ax.collections if type(c).__name__ == "Path3DCollection"]
    heights = np.concatenate([np.asarray(c._offsets3d[2]) for c in clouds])
    np.testing.assert_allclose(np.sort(heights), np.sort(data["y"]))
    above, below = (len(c._offsets3d[2]) for c in clouds)
    assert above == np.count_nonzero(data["y"] >= fit.predict(data))
    assert below == 120 - above


def test_on_flat_axes_the_plane_is_seen_from_above() -> None:
    fit, data = fitted("x,z")
    ax = plots.fit(fit, data, ax=plt.subplots()[1])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "z")
    assert len(points(ax)) == 120
    assert "lines of equal fitted y" in ax.get_title(loc="left")
    assert plots.fit(dataclasses.replace(fit, source=None)).name == "3d"  # without rows too


@pytest.mark.parametrize("features", ["group", "x,z,group"])
def test_lines_and_dots_stand_out_on_black(features) -> None:
    """What is drawn in ink on white is drawn in light on black."""
    with plt.style.context("dark_background"):
        fit, data = fitted(features)
        drawn = [*plots.fit(fit, data).lines, *plots.coefficients(fit).texts]
    assert drawn
    for artist in drawn:
        red, green, blue, _ = mpl.colors.to_rgba(artist.get_color())
        assert 0.299 * red + 0.587 * green + 0.114 * blue > 0.25


def test_axes_that_are_none_are_refused_in_words():
    for call in (
        lambda ax: gw.plots.qq(np.arange(20.0), ax=ax),
        lambda ax: gw.plots.bell(gw.Normal(), ax=ax),
        lambda ax: gw.plots.samplers(ax=ax),
    ):
        with pytest.raises(InputError, match=r"ax must be .*matplotlib axes; got int 3"):
            call(3)
