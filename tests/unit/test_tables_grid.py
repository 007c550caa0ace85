"""A table in five forms: the same cells, and nothing in a name is obeyed."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest

from gausswork.findings import Finding, Severity
from gausswork.tables.escapes import latex, markdown, spreadsheet
from gausswork.tables.grid import Grid

HOSTILE = [
    "<script>alert(1)</script>", "a & b", '"quoted"', "=HYPERLINK(\"http://x\")", "+1+cmd", "-2+3",
    "@SUM(A1)", "\\input{/etc/passwd}", "100% {of} $x_1^2$ ~ #1", "| a | b |", "*bold* _it_ `code`",
    "[link](javascript:1)",
]  # fmt: skip


def grid(names: list[str]) -> Grid:
    rows = tuple((name, f"{-1.5 * k:.1f}", "2.25***") for k, name in enumerate(names))
    return Grid(
        "A <title> & more", ("term", "estimate", "t"), (*rows, (), ("R²", "0.50", "−1.25")),
        (("note", "words | 100 %"),),
        (Finding("some-code", Severity.NOTE, "seen <b>", "do & be"),),
    )  # fmt: skip


class Cells(HTMLParser):
    """Collects tags and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Note a tag."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def test_html_has_only_its_own_tags() -> None:
    parser = Cells()
    parser.feed(grid(HOSTILE).html())
    assert set(parser.tags) <= {
        "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "strong",
    }  # fmt: skip
    assert set(HOSTILE) <= set(parser.texts)


def test_csv_runs_nothing_and_keeps_numbers() -> None:
    rows = list(csv.reader(io.StringIO(grid(HOSTILE).csv())))
    for row in rows[1:]:
        name = row[0]
        assert not name.startswith(("=", "+", "-", "@", "\t"))
        float(row[1])  # numbers stay numbers, negative ones too
    assert rows[-1][2] == "-1.25"
    assert spreadsheet("=1+1") == "'=1+1"
    assert spreadsheet(" =1+1") == "' =1+1"
    assert spreadsheet("\t=1") == "'\t=1"
    assert spreadsheet("-3.5e-07") == "-3.5e-07"
    assert spreadsheet("-3.5**") == "-3.5**"
    assert spreadsheet("plain") == "plain"


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_reads_no_command(text: str) -> None:
    """Promise: what is left after removing our own escapes holds none of TeX's signs."""
    shown = latex(text)
    for own in (
        r"\textbackslash{}", r"\{", r"\}", r"\$", r"\&", r"\#", r"\%", r"\_",
        r"\textasciicircum{}", r"\textasciitilde{}", r"\textless{}", r"\textgreater{}",
        r"\textbar{}", r"\textquotedbl{}", r"\textasciigrave{}", r"\textquotesingle{}", "-{}",
        "{[}", "{]}", "{*}",
    ):  # fmt: skip
        shown = shown.replace(own, "")
    assert not set(shown) & set("\\{}$&#%_^~")


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_names_as_they_are(text: str) -> None:
    shown = markdown(text)
    for sign in "*_`|[]":
        assert shown.count(sign) == shown.count(f"\\{sign}")
    assert "<" not in shown


def test_numbers_keep_their_minus() -> None:
    assert latex("-1.5") == "$-$1.5"
    assert latex("−1.5") == "$-$1.5"
    assert markdown("-1.5**").startswith("-1.5")
    assert markdown("-1.5") == "-1.5"


def test_text_lines_up() -> None:
    lines = grid(["a", "bb"]).text().splitlines()
    points = {line.index(".") for line in lines if line[:2] in ("a ", "bb", "R²")}
    assert len(points) == 1
    assert lines[0] == "A <title> & more"
    assert "note (some-code): seen <b> do & be" in lines
    assert str(grid(["a"])) == grid(["a"]).text()
    assert grid(["a"])._repr_html_() == grid(["a"]).html()


def test_latex_is_a_whole_table() -> None:
    text = grid(["a"]).latex()
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1
    assert text.count(r"\midrule") == 2
