"""Promise: a widget in a notebook is the room of the lab, with the library's numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("anywidget")

import traitlets

import gausswork as gw
import gausswork.notebook as gwn
from gausswork.errors import InputError
from gausswork.lab import widget as lab_widget

from .conftest import Watched, agrees

X, Y = [1.0, 2.0, 3.0, 4.0, 5.0], [1.2, 1.9, 3.4, 3.8, 5.3]
STATIC = Path(lab_widget.__file__).parent / "static"


def replies(widget: Any) -> list[Any]:
    """Collect what a widget sends to its page."""
    sent: list[Any] = []
    widget.send = lambda content, buffers=None: sent.append(json.loads(content["gausswork"]))
    return sent


def ask(widget: Any, text: str) -> None:
    """Send a message as the page does."""
    widget._receive(widget, {"gausswork": text}, [])


def test_the_numbers_are_those_of_the_library_and_follow_the_state() -> None:
    widget = gwn.regression(X, Y)
    fit = gw.fit(np.array(X)[:, None], Y)
    assert widget.shown["slope"] == fit.coefficients[1]
    widget.state = {**widget.state, "y": [2.0, 4.0, 6.0, 8.0, 10.0]}
    assert widget.shown["slope"] == pytest.approx(2.0, rel=1e-14)


def test_a_bell_and_a_descent_begin_as_they_are_asked_to() -> None:
    bell = gwn.bell(mean=100.0, sd=15.0, a=85.0, b=115.0)
    assert gw.Normal(100, 15).between(85, 115) in bell.shown.values()
    descent = gwn.descent(X, Y, learning_rate=0.05)
    assert descent.state["learning_rate"] == 0.05
    assert descent.state["x"] == X


def test_a_frame_and_a_series_are_shown_by_their_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"height": X, "weight": Y, "none": [1.0, None, 3.0, 4.0, 5.0]})
    widget = gwn.regression("height", "weight", data=frame)
    assert (widget.state["x_name"], widget.state["y_name"]) == ("height", "weight")
    assert gwn.regression(frame["height"], frame["weight"]).state["x_name"] == "height"
    assert gwn.regression("none", "weight", data=frame).shown["rows"] == 4
    assert gwn.bell(frame["weight"]).state["column"]["column"] == "weight"


def test_many_rows_are_shown_as_a_table() -> None:
    x = np.linspace(0.0, 1.0, 5000)
    widget = gwn.regression(x, 3.0 * x + 1.0)
    assert widget.shown["rows"] == 5000
    assert widget.shown["slope"] == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gwn.regression(X), "both"),
        (lambda: gwn.regression(X, Y[:-1]), "5 values and y 4"),
        (lambda: gwn.regression(["a", "b"], [1, 2]), "x must be numbers"),
        (lambda: gwn.regression([[1.0]], [[2.0]]), "one column"),
        (lambda: gwn.regression([1.0, np.inf], [1.0, 2.0]), "infinity"),
        (lambda: gwn.regression(X, Y, data={"a": X}), "names of its columns"),
        (lambda: gwn.regression("a", "c", data={"a": X, "b": Y}), "no column 'c'"),
        (lambda: gwn.regression(X, Y, bnad="none"), "Did you mean 'band'"),
        (lambda: gwn.bell(sd=-1.0), "sd"),
        (lambda: gwn.bell([]), "one column"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()


def test_a_state_that_is_none_is_refused_and_the_old_one_stays() -> None:
    widget = gwn.bell()
    before = widget.state
    with pytest.raises(traitlets.TraitError, match="sd"):
        widget.state = {**before, "sd": "wide"}
    assert widget.state == before


def test_questions_of_the_page_are_answered_and_others_refused_in_words() -> None:
    widget = gwn.regression(X, Y)
    sent = replies(widget)
    state = dict(widget.state)
    ask(widget, json.dumps({"id": 1, "room": "regression", "ask": "answer", "state": state}))
    assert sent[-1]["answer"]["shown"]["slope"] == widget.shown["slope"]
    ask(widget, json.dumps({"id": 2, "room": "regression", "ask": "script", "state": state}))
    assert "gw.fit" in sent[-1]["answer"]
    for room, what in (("bell", "answer"), ("regression", "train"), ("regression", "save")):
        ask(widget, json.dumps({"id": 3, "room": room, "ask": what, "state": state}))
        assert sent[-1]["error"]["sentence"]
    ask(widget, "no json")
    assert sent[-1]["error"]["remedy"]
    widget._receive(widget, {"another": "message"}, [])
    widget._receive(widget, "text", [])
    assert len(sent) == 6


@pytest.mark.parametrize("room", ["regression", "descent", "bell"])
def test_every_import_of_the_page_is_found(room: str) -> None:
    """The loader has no parser of JavaScript: what it reads must be written plainly."""
    found = lab_widget.modules(lab_widget.ENTRY, f"rooms/{room}.js")
    names = [path for path, _ in found]
    for number, (path, source) in enumerate(found):
        assert not re.search(r"""(?:from|import)\s*\(?\s*["']\.""", source), path
        for wanted in re.findall(r'"@([^"]+)@"', source):
            assert wanted in names[:number]
    assert "core/lab.js" not in names  # the shell of the page has no place in a notebook


def test_the_styles_stay_inside_the_widget() -> None:
    styles = lab_widget.styles()
    assert ":root" not in styles
    assert ':host([data-theme="dark"])' in styles
    assert re.search(r"(?m)^\.widget\b", styles)


# A page with a stand-in for the model of a notebook, as anywidget describes it.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>notebook</title></head>
<body><main><h1>Notebook</h1><div id="cell"></div></main>
<script type="module" src="/page.js"></script></body></html>"""
SCRIPT = """
import widget from "./widget.js";
const listeners = new Map();
const values = __VALUES__;
globalThis.model = {
  get: (name) => values[name],
  set: (name, value) => { values[name] = value; },
  save_changes: () => saved(JSON.stringify(values.state)),
  on: (name, call) => listeners.set(name, [...(listeners.get(name) ?? []), call]),
  off: (name, call) => listeners.set(name, listeners.get(name).filter((one) => one !== call)),
  send: async (content) => tell("msg:custom", { gausswork: await kernel(content.gausswork) }),
};
const tell = (name, ...what) => { for (const call of listeners.get(name) ?? []) call(...what); };
globalThis.change = (state) => { values.state = state; tell("change:state"); };
globalThis.close = await widget.render({ model, el: document.getElementById("cell") });
"""


@pytest.fixture
def shown_in_a_page(watch: Callable[..., Watched]) -> Callable[[Any], Watched]:
    """A function that shows a widget in Chromium, with the widget itself as the kernel."""

    def show(widget: Any) -> Watched:
        seen = watch("http://127.0.0.1:9/")
        sent = replies(widget)
        values = {name: getattr(widget, name) for name in ("start", "state", "tables")}
        files = {
            "/": ("text/html", PAGE),
            "/page.js": ("text/javascript", SCRIPT.replace("__VALUES__", json.dumps(values))),
            "/widget.js": ("text/javascript", widget._esm),
            "/favicon.ico": ("image/svg+xml", ""),
        }

        def serve(route: Any) -> None:
            kind, text = files[route.request.url.removeprefix("http://127.0.0.1:9")]
            route.fulfill(status=200, content_type=kind, body=str(text))

        def kernel(text: str) -> str:
            ask(widget, text)
            return json.dumps(sent[-1])

        def saved(text: str) -> None:
            widget.state = json.loads(text)

        seen.page.route("http://127.0.0.1:9/**", serve)
        seen.page.expose_function("kernel", kernel)
        seen.page.expose_function("saved", saved)
        seen.page.goto(seen.address)
        seen.page.wait_for_selector('[data-room][data-busy="false"]')
        return seen

    return show


def test_a_point_dragged_in_a_notebook_moves_the_line_and_the_state_in_python(
    shown_in_a_page: Callable[[Any], Watched], axe: Callable[[Any], list[str]]
) -> None:
    widget = gwn.regression(X, Y)
    seen = shown_in_a_page(widget)
    assert agrees(seen.page.inner_text('[data-shown="slope"]'), widget.shown["slope"])
    handle = seen.page.locator('[data-handle="point 5"]')
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    seen.page.mouse.move(x, y)
    seen.page.mouse.down()
    seen.page.mouse.move(x, y - 60, steps=5)
    seen.page.mouse.up()
    seen.page.wait_for_selector('[data-room][data-busy="false"]')
    seen.page.wait_for_timeout(200)
    assert widget.state["y"][4] > Y[4]
    fit = gw.fit(np.array(widget.state["x"])[:, None], widget.state["y"])
    assert widget.shown["slope"] == fit.coefficients[1]
    assert agrees(seen.page.inner_text('[data-shown="slope"]'), fit.coefficients[1])
    assert not axe(seen.page)


@pytest.mark.parametrize("make", [gwn.regression, gwn.descent, gwn.bell])
def test_each_widget_opens_follows_python_and_goes_without_a_trace(
    shown_in_a_page: Callable[[Any], Watched], make: Callable[[], Any]
) -> None:
    widget = make()
    seen = shown_in_a_page(widget)
    room = widget._room
    before = seen.page.locator("[data-shown]").all_inner_texts()
    changed = {"regression": {"y": [50.0 + 3 * k for k in range(15)]}, "bell": {"mean": 50.0}}
    new = {**widget.state, **changed.get(room, {"x": [1.0, 2.0, 3.0, 4.0, 9.0]})}
    seen.page.evaluate("state => change(state)", new)
    seen.page.wait_for_timeout(100)
    seen.page.wait_for_selector('[data-room][data-busy="false"]')
    assert seen.page.locator("[data-shown]").all_inner_texts() != before
    seen.page.get_by_role("button", name="Show Python").click()
    seen.page.wait_for_selector(".python code span")
    seen.page.evaluate("close()")
    assert seen.page.locator("#cell > *").count() == 0
