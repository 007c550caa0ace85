"""Promise: one call fits data of any kind, says what it decided, and gives a result that knows all
about itself and never changes."""

from __future__ import annotations

import numpy as np
import pytest

import gausswork as gw
from gausswork.data.sources import Batch, Tally
from gausswork.errors import InputError, NotFiniteError


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 2))
    return x, x @ [1.0, -2.0] + 3.0 + rng.normal(size=50)


class Rows:
    """A source of somebody else's making."""

    replayable = True

    def __init__(self, x: np.ndarray, y: np.ndarray, names: tuple[str, ...]) -> None:
        self.x, self.y, self.names, self.target = x, y, names, "t"
        self.tally = Tally(read=0, dropped=0, missing={})

    def batches(self, rows: int):
        for start in range(0, len(self.y), rows):
            yield Batch(self.x[start : start + rows], self.y[start : start + rows])
        self.tally = Tally(read=len(self.y), dropped=0, missing={})


def test_every_kind_of_data_gives_the_same_fit(rows, tmp_path) -> None:
    pa = pytest.importorskip("pyarrow")
    pd = pytest.importorskip("pandas")
    x, y = rows
    columns = {"x1": x[:, 0], "x2": x[:, 1], "y": y}
    frame = pd.DataFrame(columns)
    lines = ["x1,x2,y", *(",".join(map(repr, row)) for row in frame.to_numpy().tolist())]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    fits = [
        gw.fit(x, y),
        gw.fit(np.asfortranarray(x), y.tolist()),
        gw.fit(columns, "y"),
        gw.fit(frame, target="y"),
        gw.fit(frame[["x1", "x2"]], frame["y"]),
        gw.fit(pa.table(columns), "y"),
        gw.fit(pa.table(columns).to_reader(), "y"),
        gw.fit(tmp_path / "d.csv", "y"),
        gw.fit(str(tmp_path / "*.csv"), "y", features="x1,x2"),
        gw.fit(Rows(x, y, ("x1", "x2"))),
    ]
    for fit in fits:
        assert fit.names == ("intercept", "x1", "x2")
        assert fit.rows == 50
        np.testing.assert_array_equal(fit.coefficients, fits[0].coefficients)
        # a stream read once has no second look at the rows: its last digits may differ
        np.testing.assert_allclose(fit.standard_errors, fits[0].standard_errors, rtol=1e-13)
        np.testing.assert_allclose(fit.predict(x), fits[0].predict(x), rtol=1e-15)


def test_rows_with_gaps_are_dropped_counted_or_refused(rows) -> None:
    x, y = rows[0].copy(), rows[1].copy()
    x[3, 0] = x[8, 1] = y[8] = np.nan
    fit = gw.fit(x, y)
    assert (fit.rows, fit.tally.read, fit.tally.dropped) == (48, 50, 2)
    assert fit.tally.missing == {"x1": 1, "x2": 1, "y": 1}
    kept = np.delete(np.arange(50), [3, 8])
    np.testing.assert_array_equal(fit.coefficients, gw.fit(x[kept], y[kept]).coefficients)
    with pytest.raises(InputError, match="missing='error' refuses"):
        gw.fit(x, y, missing="error")
    with pytest.raises(InputError, match="missing must be"):
        gw.fit(x, y, missing="ignore")


def test_infinities_are_refused_by_place(rows) -> None:
    x = rows[0].copy()
    x[7, 1] = np.inf
    with pytest.raises(InputError, match=r"column 'x2' is inf at row 7"):
        gw.fit(x, rows[1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_source_that_is_not_finite_names_the_column(rows, bad) -> None:
    """A source of somebody else's making has no places to point at, but its columns have names."""
    x, y = rows[0].copy(), rows[1]
    x[30, 1] = bad
    with pytest.raises(NotFiniteError, match="column 'b' has values that are NaN or infinite"):
        gw.fit(Rows(x, y, ("a", "b")))


def test_the_data_is_not_written_to(rows) -> None:
    x, y = rows[0].copy(), rows[1].copy()
    x.flags.writeable = y.flags.writeable = False
    fit = gw.fit(x, y)
    fit.predict(x, interval=0.95)
    np.testing.assert_array_equal(x, rows[0])


def test_a_source_with_an_intercept_of_its_own_needs_a_decision(rows) -> None:
    x = np.column_stack([np.ones(50), rows[0][:, 0]])
    source = Rows(x, rows[1], ("intercept", "x"))
    with pytest.raises(InputError, match="or fit without an intercept"):
        gw.fit(source)
    fit = gw.fit(source, intercept=False)
    assert fit.names == ("intercept", "x")
    assert fit.intercept == 0.0  # the fit itself adds none
    plain = gw.fit(rows[0][:, :1], rows[1])
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-12)


def test_findings_of_data_and_solution_stand_side_by_side(rows) -> None:
    x, y = rows
    data = {"a": x[:, 0], "b": 2 * x[:, 0], "g": ["u", "v"] * 25, "y": y}
    codes = [finding.code for finding in gw.fit(data, "y").findings]
    assert codes.count("features-chosen") == 1
    assert {"category-coded", "dependent-column"} <= set(codes)


def test_several_dependent_columns_are_all_said(rows) -> None:
    x, y = rows
    data = {"a": x[:, 0], "b": 2 * x[:, 0], "c": 3 * x[:, 0], "y": y}
    fit = gw.fit(data, "y")
    assert fit.dropped == ("b", "c")
    assert [f.code for f in fit.findings].count("dependent-column") == 2


def test_progress_counts_rows_and_bytes(rows, tmp_path) -> None:
    calls: list[tuple[int, int | None, int | None]] = []
    gw.fit(*rows, progress=lambda *done: calls.append(done))
    assert calls[-1] == (50, None, None)
    (tmp_path / "d.csv").write_text("x,y\n" + "1,2\n2,4.5\n3,6\n" * 100)
    calls.clear()
    gw.fit(tmp_path / "d.csv", "y", progress=lambda *done: calls.append(done))
    size = (tmp_path / "d.csv").stat().st_size
    assert calls[-1][0] == 300
    assert all(total == size and 0 <= done <= size for _, done, total in calls)


def test_method_and_threads_are_passed_on(rows) -> None:
    fit = gw.fit(*rows, method=gw.NormalEquation(digits=5), threads=1)
    assert fit.method.digits == 5
    with pytest.raises(InputError, match="threads must be at least 1"):
        gw.fit(*rows, threads=0)
    with pytest.raises(InputError, match=r"digits must lie in \(0, 15\]"):
        gw.fit(*rows, method=gw.NormalEquation(digits=16))


def test_nothing_of_a_fit_can_be_replaced(rows) -> None:
    fit = gw.fit(*rows)
    for name in ("target", "solution", "findings", "names", "something_new"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(fit, name, None)
    with pytest.raises(AttributeError):
        fit.solution.rows = 3
    for values in (fit.coefficients, fit.standard_errors, fit.trusted_digits):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0.0


def test_moments_of_a_fit_merge_and_can_be_solved(rows) -> None:
    from gausswork.leastsquares.solve import solve

    x, y = rows
    merged = gw.fit(x[:20], y[:20]).moments.merge(gw.fit(x[20:], y[20:]).moments)
    whole = gw.fit(x, y)
    np.testing.assert_allclose(solve(merged).coefficients, whole.coefficients, rtol=1e-13)


def test_a_column_comes_before_a_formula_and_the_data_before_both(rows) -> None:
    columns = {"Price": rows[1], "Rooms": rows[0][:, 0], "Land": rows[0][:, 1], "a~b": rows[1]}
    with pytest.raises(InputError, match=r"the data comes first.*fit\(data, 'Price ~ Rooms'\)"):
        gw.fit("Price ~ Rooms", columns)
    assert gw.fit(columns, "Price ~ Rooms * Land").names[-1] == "Rooms:Land"
    assert gw.fit(columns, "a~b", features="Rooms,Land").target == "a~b"
    with pytest.raises(InputError, match="has no column 'Prise'"):
        gw.fit(columns, "Prise")
    with pytest.raises(InputError, match="there is no file"):
        gw.fit("~/no/such.csv", "y")


@pytest.mark.parametrize("features", [",", "", " ", " , ,"])
def test_features_that_name_nothing_are_refused(rows, features) -> None:
    columns = {"y": rows[1], "a": rows[0][:, 0]}
    with pytest.raises(InputError, match=f"features names no column; got '{features}'"):
        gw.fit(columns, "y", features=features)
    assert gw.fit(columns, "y", features=[]).names == ("intercept",)
