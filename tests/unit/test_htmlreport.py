"""Promise: a report is one small file that asks the network for nothing, says what the fit and its
check-up say, and takes nothing from the data for anything but text."""

from __future__ import annotations

import builtins
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import gausswork as gw
from gausswork import htmlreport
from gausswork.errors import InputError

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>x</script>",
    "]]>--><!--",
    "javascript:alert(1)",
    "${7*7}{{7*7}}",
    "a\nb\u202e\x1b[31m",
)


def drawn(n: int = 60, names: tuple[str, ...] = ("a", "b", "y")) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 2))
    return dict(zip(names, (*x.T, x.sum(axis=1) + rng.normal(size=n)), strict=True))


class Reader(HTMLParser):
    """Collects tags, attributes and text; complains about tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "img", "hr", "link", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def page(fit: gw.Fit, tmp_path, **given) -> str:
    htmlreport.write(fit, tmp_path / "report.html", **given)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def assert_asks_for_nothing(text: str) -> None:
    reader = Reader(text)
    for tag, attributes in reader.tags:
        assert tag not in {"script", "link", "iframe", "img", "object", "embed", "base", "form"}
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in {"href", "src", "xlink:href", "srcset", "action"}:
                assert value is not None
                assert value.startswith(("#", "data:image/png;base64,")), value[:80]
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert "http:" not in text
    assert "https:" not in text


def test_it_says_what_the_fit_and_the_check_up_say(tmp_path) -> None:
    fit = gw.fit(drawn(), "y")
    text = page(fit, tmp_path)
    shown = " ".join("".join(Reader(text).text).split())
    for title in ("Equation", "Coefficients", "Check-up", "Findings", "Data", "How to do it again"):
        assert title in shown
    for name, value in zip(("a", "b"), fit.coefficients[1:], strict=True):
        assert f"{value:.6f}"[:5] in shown
        assert name in shown
    seen = fit.check()
    for finding in seen.findings:
        assert " ".join(finding.sentence.split()) in shown
        assert finding.remedy in shown
    assert "Breusch–Pagan" in shown
    assert "60 rows read from dict of columns 60×3" in shown
    assert text.count("<svg") == 2  # the plane, and the panel
    assert_asks_for_nothing(text)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_five_thousand_rows_stay_below_300_kb(p, tmp_path) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(5000, p))
    fit = gw.fit(x, x.sum(axis=1) + rng.standard_t(3, size=5000))
    text = page(fit, tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 300_000
    assert_asks_for_nothing(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_levels_and_labels_are_text_and_nothing_else(name, tmp_path) -> None:
    rng = np.random.default_rng(3)
    level = np.array([f"{name}1", f"{name}2"], dtype=object)[np.arange(40) % 2]
    data = {f"x{name}": rng.normal(size=40), "kind": level, f"y{name}": rng.normal(size=40)}
    fit = gw.fit(data, f"y{name}")
    text = page(fit, tmp_path, command=f"gausswork fit '{name}'")
    assert_asks_for_nothing(text)
    assert "\x1b" not in text
    assert "\u202e" not in text
    page(fit, tmp_path, checkup=fit.check(labels=[name] * 40))
    assert_asks_for_nothing((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_the_same_fit_gives_the_same_bytes(tmp_path) -> None:
    fit = gw.fit(drawn(), "y")
    assert page(fit, tmp_path) == page(fit, tmp_path)


def test_no_name_occurs_twice_and_references_resolve(tmp_path) -> None:
    reader = Reader(page(gw.fit(drawn(), "y"), tmp_path))
    names = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(names) == len(set(names))
    used = {a["href"][1:] for _, a in reader.tags if (a.get("href") or "").startswith("#")}
    assert used <= set(names)


def test_only_a_report_is_replaced(tmp_path) -> None:
    fit = gw.fit(drawn(), "y")
    fit.report(tmp_path / "r.html")
    fit.report(tmp_path / "r.html")
    (tmp_path / "notes.html").write_text("<p>mine</p>")
    with pytest.raises(InputError, match="is not a gausswork report, so it was not replaced"):
        fit.report(tmp_path / "notes.html")
    assert (tmp_path / "notes.html").read_text() == "<p>mine</p>"
    with pytest.raises(InputError, match=r"a report is an HTML file; got .*Call it r\.html"):
        fit.report(tmp_path / "r.pdf")
    with pytest.raises(InputError, match=r"directory of .* does not exist"):
        fit.report(tmp_path / "nowhere" / "r.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.html", "r.html"]


def test_a_failure_leaves_no_half_file(tmp_path, monkeypatch) -> None:
    fit = gw.fit(drawn(), "y")
    fit.report(tmp_path / "r.html")
    before = (tmp_path / "r.html").read_bytes()
    monkeypatch.setattr(
        "gausswork.files.os.fsync", lambda number: (_ for _ in ()).throw(OSError(28))
    )
    with pytest.raises(InputError, match="cannot write"):
        fit.report(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_a_fit_without_rows_says_what_is_missing(tmp_path) -> None:
    data = drawn()
    gw.fit(data, "y").save(tmp_path / "m.json")
    fit = gw.load(tmp_path / "m.json")
    text = page(fit, tmp_path)
    assert "without them there is no check-up" in text
    fit.report(tmp_path / "report.html", data)
    assert "Breusch–Pagan" in (tmp_path / "report.html").read_text()


def test_a_perfect_fit_has_a_report(tmp_path) -> None:
    text = page(gw.fit([[1.0], [2.0], [3.0], [4.0]], [2.0, 4.0, 6.0, 8.0]), tmp_path)
    assert "There is no check-up: the fit is perfect" in text


def test_without_matplotlib_figures_are_missing_and_it_says_so(tmp_path, monkeypatch) -> None:
    fit = gw.fit(drawn(), "y")
    real = builtins.__import__

    def refusing(name, *args, **kwargs):
        if name.split(".")[0] in ("matplotlib", "mpl_toolkits"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])
        return real(name, *args, **kwargs)

    def absent(name, *args):
        if name.split(".")[0] in ("matplotlib", "mpl_toolkits"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])
        return real(name)

    monkeypatch.setattr(builtins, "__import__", refusing)
    monkeypatch.setattr("gausswork.errors.importlib.import_module", absent)
    text = page(fit, tmp_path)
    assert "<svg" not in text
    assert "No figures" in text
    assert "Breusch–Pagan" in text


def test_the_lines_of_python_make_the_fit_again(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = drawn()
    lines = [
        "a,b,y",
        *(",".join(map(repr, map(float, r))) for r in zip(*data.values(), strict=True)),
    ]
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n")
    for fit in (
        gw.fit("d.csv", "y", intercept=False),
        gw.fit("d.csv", "y ~ a + I(a**2)"),
        gw.fit("d.csv", "y", features="b"),
    ):
        space: dict[str, object] = {}
        exec(htmlreport.python_lines(fit).partition("print")[0], space)
        again = space["fit"]
        assert isinstance(again, gw.Fit)
        assert again.names == fit.names
        np.testing.assert_array_equal(again.coefficients, fit.coefficients)


def test_the_document_of_a_check_up_is_json() -> None:
    seen = gw.fit(drawn(), "y").check()
    text = json.dumps(seen.to_dict(), allow_nan=False)
    assert json.loads(text)["koenker"]["p"] == seen.koenker.p_value
    assert "<table>" in seen._repr_html_()
    assert (
        "<script>"
        not in gw.fit(drawn(names=("a", "b", "<script>")), "<script>").check()._repr_html_()
    )


def test_five_thousand_rows_of_many_colours_stay_small(tmp_path) -> None:
    """Noise is the picture that compresses least; long names and levels come on top."""
    rng = np.random.default_rng(3)
    rows = {name: rng.normal(size=5000) for name in ("y", "a" * 30, "b", "c")}
    rows["g"] = rng.choice(["one", "two", "three", "four"], 5000)
    path = tmp_path / "report.html"
    gw.fit(rows, target="y").report(path)
    assert path.stat().st_size < 300_000
