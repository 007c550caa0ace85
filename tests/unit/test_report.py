"""Promise: print(fit) is a table to paste into a paper; every face of a fit says the same, shows no
digit that is not trusted, and lets no name from the data break out of its place."""

from __future__ import annotations

import io
import json
import math
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import gausswork as gw
from gausswork import report
from gausswork.errors import InputError
from gausswork.formatting import cell_width

HOSTILE = "<script>alert(\"1\")</script>\x1b[31m\n& 'quoted'"


@pytest.fixture(scope="module")
def fit() -> gw.Fit:
    """Numbers, a category, missing values and an aliased column."""
    rng = np.random.default_rng(1)
    height = rng.normal(170.0, 10.0, size=120)
    group = np.array(["control", "drug a", "drug b"])[rng.integers(0, 3, size=120)]
    weight = 0.9 * height - 80 + 5.0 * (group == "drug a") + rng.normal(size=120) * 6
    weight[[3, 17]] = np.nan
    return gw.fit(
        {"height": height, "inches": height / 2.54, "group": group, "weight": weight}, "weight"
    )


@pytest.fixture(scope="module")
def hostile() -> gw.Fit:
    rng = np.random.default_rng(2)
    x = rng.normal(size=60)
    levels = np.array([f"a{HOSTILE}", f"b{HOSTILE}"], dtype=object)[np.arange(60) % 2]
    return gw.fit({HOSTILE: x, "g" * 300: levels, f"y{HOSTILE}": x + rng.normal(size=60)},
                  f"y{HOSTILE}")  # fmt: skip


def test_the_table_says_what_a_paper_needs(fit) -> None:
    text = str(fit)
    lines = text.splitlines()
    assert lines[0].startswith("weight: least squares, 118 rows of ")
    head = next(line for line in lines if line.startswith("term"))
    assert head.split("  ")[0] == "term"
    for column in ("estimate", "std. error", "t", "p", "lower", "upper", "digits"):
        assert column in head
    assert "95 % interval" in text
    row = next(line for line in lines if line.startswith("height")).split()
    assert float(row[1]) == pytest.approx(fit.coefficients[1], rel=1e-3)
    assert float(row[2]) == pytest.approx(fit.standard_errors[1], rel=1e-3)
    assert float(row[-3]) == pytest.approx(fit.confidence_intervals()[1, 0], rel=1e-3)
    assert float(row[-2]) == pytest.approx(fit.confidence_intervals()[1, 1], rel=1e-3)
    assert int(row[-1]) == int(fit.trusted_digits[1])
    assert f"on {fit.degrees_of_freedom} degrees of freedom" in text
    assert f"R²              {fit.r_squared:.4f} (share of the squares about the mean" in text
    assert "F  " in text
    assert "2 of 120 rows have missing values (weight 2)" in text
    assert "group = control" in text
    assert "aliased         inches = 0.393701·height" in text
    assert all(finding.code in text for finding in fit.findings)


@pytest.mark.parametrize("which", ["fit", "hostile"])
@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_asked(which, width, request) -> None:
    shown = report.text(request.getfixturevalue(which), width=width)
    assert max(map(cell_width, shown.splitlines())) <= width


def test_the_level_is_the_one_asked_for(fit) -> None:
    assert "99.9 % interval" in report.text(fit, level=0.999)
    assert report.document(fit, level=0.999)["level"] == 0.999
    for face in (report.text, report.html_fragment, report.document):
        with pytest.raises(InputError, match=r"Did you mean 0.95\?"):
            face(fit, level=95)


def test_no_p_value_is_printed_as_zero() -> None:
    x = np.linspace(0.0, 1.0, 500)
    fit = gw.fit(x[:, None], x + 1e-9 * np.sin(1e5 * x))
    assert fit.p_values[1] == 0.0  # it underflows
    assert "< 1e-16" in str(fit)
    assert not re.search(r"\s0(\.0*)?(e[-+]\d+)?\s+-?[\d.]+\s+-?[\d.]+\s+\d+$", str(fit), re.M)


def test_estimates_stop_at_the_last_trusted_digit(fit) -> None:
    class Doubtful:
        """The same fit with two trusted digits everywhere."""

        trusted_digits = np.where(np.isnan(fit.trusted_digits), np.nan, 2.0)

        def __getattr__(self, name: str) -> object:
            return getattr(fit, name)

    for row in report.table(Doubtful()).rows:  # type: ignore[arg-type]
        digits = re.sub(r"e.*|[-.]", "", row[1]).lstrip("0")
        assert row[1] == "—" or len(digits) <= 2


def test_a_stream_without_unicode_gets_plain_signs(fit, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    shown = str(fit)
    shown.encode("ascii")
    assert "R^2" in shown


@pytest.mark.parametrize("case", ["two rows", "perfect", "constant", "mean alone", "no intercept"])
def test_degenerate_fits_are_printed_without_warnings(case) -> None:
    x = [[1.0], [2.0], [3.0], [4.0]]
    fit = {
        "two rows": lambda: gw.fit(x[:2], [1.0, 3.0]),
        "perfect": lambda: gw.fit(x, [2.0, 4.0, 6.0, 8.0]),
        "constant": lambda: gw.fit(x, [5.0] * 4),
        "mean alone": lambda: gw.fit({"y": [1.0, 2.0, 4.0]}, "y", features=[]),
        "no intercept": lambda: gw.fit(x, [1.0, 2.0, 2.0, 5.0], intercept=False),
    }[case]()
    for shown in (str(fit), fit._repr_html_(), json.dumps(fit.to_dict(), allow_nan=False)):
        assert "nan" not in shown.lower().replace("finance", "")
        assert "Infinity" not in shown


def test_many_terms_are_cut_in_the_middle_and_the_cut_is_said() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 90))
    fit = gw.fit(x, x[:, 0] + rng.normal(size=200))
    shown = str(fit)
    assert "… 31 more terms; to_dict() and --json have them all" in shown
    assert "\nx54 " in shown
    assert "\nx55 " not in shown
    assert "\nx90 " in shown
    assert len(fit.to_dict()["terms"]) == 91


class Tags(HTMLParser):
    """Collects tags and text as a browser would."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_escapes_everything_from_the_data(fit, hostile) -> None:
    for one in (fit, hostile):
        page = Tags()
        page.feed(one._repr_html_())
        assert page.open == []
        assert page.seen <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul",
                             "li", "p", "strong", "code"}  # fmt: skip
    assert "<script>alert(\"1\")</script>\\x1b[31m\\x0a& 'quoted'" in page.text


def test_terminal_and_text_show_no_control_characters(hostile) -> None:
    assert all(line.isprintable() for line in str(hostile).splitlines())


def test_the_document_is_complete_and_clean_json(fit) -> None:
    document = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert document == fit.to_dict()
    by_name = {term["name"]: term for term in document["terms"]}
    assert list(by_name) == list(fit.names)
    for key, values in (
        ("estimate", fit.coefficients),
        ("standard_error", fit.standard_errors),
        ("t", fit.t_values),
        ("p", fit.p_values),
        ("lower", fit.confidence_intervals()[:, 0]),
        ("upper", fit.confidence_intervals()[:, 1]),
        ("trusted_digits", fit.trusted_digits),
        ("standard_error_digits", fit.standard_error_digits),
        ("data_digits", fit.data_digits),
    ):
        found = [math.nan if t[key] is None else t[key] for t in document["terms"]]
        np.testing.assert_array_equal(found, values, err_msg=key)
    assert by_name["inches"]["estimate"] is None
    assert by_name["inches"]["aliased"].startswith("inches = 0.393701·height")
    for key in (
        *("target", "rows", "rank", "degrees_of_freedom", "residual_sd", "r_squared"),
        *("r_squared_definition", "adjusted_r_squared", "log_likelihood", "aic", "bic"),
    ):
        assert document[key] == getattr(fit, key)
    assert document["f_test"]["statistic"] == fit.f_test.statistic
    assert document["rows_dropped"] == 2
    assert document["missing"] == {"weight": 2}
    assert document["references"] == {"group": "control"}
    assert [f["code"] for f in document["findings"]] == [f.code for f in fit.findings]
    covariance = np.array(document["covariance"], dtype=float)
    np.testing.assert_array_equal(covariance, fit.covariance)


def test_repr_is_short(fit) -> None:
    assert repr(fit) == "Fit(target='weight', terms=5, rows=118)"


def test_a_fit_cannot_be_changed(fit) -> None:
    with pytest.raises(AttributeError):
        fit.target = "other"


@pytest.mark.parametrize(("rows", "said"), [(3, "1 degree"), (4, "2 degrees"), (2, "0 degrees")])
def test_one_degree_of_freedom_is_one(rows, said) -> None:
    text = str(gw.fit(np.arange(float(rows)), [1.0, 2.0, 4.0, 3.0][:rows]))
    assert f" on {said} of freedom" in text
