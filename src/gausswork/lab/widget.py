"""A room as a widget of a notebook: its page as one module, its questions answered in the kernel.

The page's own modules are handed to the browser as they are: a small loader gives each an address
of its own (a blob) and puts these addresses in the place of the paths by which they import each
other. So there is no second copy of the front end that could be older than the first.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from gausswork.errors import GaussworkError, InputError, require
from gausswork.lab import rooms, wire
from gausswork.lab.app import report
from gausswork.lab.tables import Tables

STATIC = Path(__file__).parent / "static"
ENTRY = "notebook.js"
_IMPORT = re.compile(r'((?:^|[\s;}])(?:import|export)\b[^"\'`;]*?\bfrom\s*)"(\.{1,2}/[^"]+)"')
_LOADER = """\
const parts = %s;
const css = %s;
const addresses = {};
for (const [path, source] of parts) {
  const whole = source.replace(/"@([^"]+)@"/g, (_, wanted) => JSON.stringify(addresses[wanted]));
  addresses[path] = URL.createObjectURL(new Blob([whole], { type: "text/javascript" }));
}
const entry = import(addresses[%s]);
const room = import(addresses[%s]);
export default {
  async render({ model, el }) {
    return (await entry).open({ model, el, room: await room, css });
  },
};
"""


def imported(path: str, source: str) -> list[str]:
    """Return the modules that a module imports, as paths below ``static``."""
    return [_resolved(path, found[2]) for found in _IMPORT.finditer(source)]


def _resolved(path: str, wanted: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(path).parent / wanted).parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def modules(*entries: str) -> list[tuple[str, str]]:
    """Return modules and all that they import, each after those that it needs.

    Their imports read ``"@path@"`` in the place of a relative path.
    """
    found: dict[str, str] = {}

    def visit(path: str) -> None:
        if path in found:
            return
        source = (STATIC / path).read_text(encoding="utf-8")
        for other in imported(path, source):
            visit(other)
        found[path] = _IMPORT.sub(lambda m: f'{m[1]}"@{_resolved(path, m[2])}@"', source)

    for entry in entries:
        visit(entry)
    return list(found.items())


def styles() -> str:
    """Return the styles of the page as those of a shadow tree."""
    text = (STATIC / "lab.css").read_text(encoding="utf-8")
    text = re.sub(r":root(:not\([^)]*\)|\[[^\]]*\])", r":host(\1)", text).replace(":root", ":host")
    return re.sub(r"(?m)^body\b", ".widget", text)


@functools.cache
def module(room: str) -> str:
    """Return the module that a notebook loads for a room."""
    path = f"rooms/{room}.js"
    parts = json.dumps(modules(ENTRY, path))
    return _LOADER % (parts, json.dumps(styles()), json.dumps(ENTRY), json.dumps(path))


@functools.cache
def widget_class() -> Any:
    """Return the class of the widgets; made when the first one is, as it needs anywidget."""
    anywidget = require("anywidget", purpose="Widgets", extra="notebook")
    traitlets = require("traitlets", purpose="Widgets", extra="notebook")

    class RoomWidget(anywidget.AnyWidget):  # type: ignore[misc, name-defined]
        """A room of the lab in a notebook.

        Attributes
        ----------
        state : the state of the room, as last left alone by the hand; set it to change the room.
        shown : name -> number of those on the screen, for the latest answer.
        """

        start = traitlets.Dict().tag(sync=True)
        state = traitlets.Dict().tag(sync=True)
        tables = traitlets.Dict().tag(sync=True)
        shown = traitlets.Dict().tag(sync=True)

        def __init__(self, room: str, state: Mapping[str, Any], tables: Tables) -> None:
            self._room = room
            self._held = tables
            told = {"tables": [table.to_dict() for table in tables], "first": tables.first or None}
            start = {**rooms.room(room).START, **state}
            super().__init__(
                _esm=module(room), start=start, state=start, tables=told, shown=self._shown(start)
            )
            self.on_msg(self._receive)

        @traitlets.validate("state")  # type: ignore[untyped-decorator]
        def _checked(self, proposal: Any) -> dict[str, Any]:
            state: dict[str, Any] = dict(proposal["value"])
            try:
                rooms.room(self._room).read(state)
            except InputError as error:
                raise traitlets.TraitError(str(error)) from None
            return state

        @traitlets.observe("state")  # type: ignore[untyped-decorator]
        def _set(self, change: Any) -> None:
            self.shown = self._shown(change["new"])

        def _shown(self, state: Mapping[str, Any]) -> dict[str, Any]:
            try:
                answer = rooms.room(self._room).answer(state, self._held)
            except GaussworkError:
                return {}  # the widget says what is wrong
            return dict(answer["shown"])

        def _receive(self, widget: Any, content: Any, buffers: Any) -> None:
            text = content.get("gausswork") if isinstance(content, dict) else None
            if not isinstance(text, str):
                return
            number: int | None = None
            try:
                message = wire.parse(text)
                if not isinstance(message, wire.Ask):
                    return
                number = message.id
                reply = wire.write({"id": number, "answer": self._answer(message)})
            except Exception as error:
                report(error)
                number = getattr(error, "id", number)
                reply = wire.write({"id": number, "error": wire.refusal(error)})
            self.send({"gausswork": reply})

        def _answer(self, message: wire.Ask) -> Any:
            if message.room != self._room or message.ask == "train":
                raise InputError("this widget shows one room only. Open the lab: gausswork lab.")
            room = rooms.room(self._room)
            if message.ask == "script":
                return room.script(message.state, self._held)
            if message.ask == "save":
                raise InputError("this room saves nothing here. Open the lab: gausswork lab.")
            return room.answer(message.state, self._held)

    return RoomWidget
