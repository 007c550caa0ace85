"""Renders the sections of the project's docstrings.

They look like those of NumPy, but what follows ``name :`` is a sentence with shapes and
meaning, where NumPy's have the name of a type. So each section becomes a definition list.
"""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (.*)")
UNDERLINE = re.compile(r"-{3,}")


def rendered(lines: list[str]) -> list[str]:
    """Return a docstring with its sections as reStructuredText."""
    result: list[str] = []
    in_list = False
    for position, line in enumerate(lines):
        following = lines[position + 1] if position + 1 < len(lines) else ""
        if line and UNDERLINE.fullmatch(following):
            in_list = line in {"Parameters", "Attributes"}
            result += [f".. rubric:: {line}", ""]
        elif UNDERLINE.fullmatch(line):
            continue
        elif in_list and (entry := ENTRY.fullmatch(line)):
            names = ", ".join(f"``{name}``" for name in entry[1].split(", "))
            result += [names, f"    {entry[2]}"]
        else:
            result.append(line)
    return result


def process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Rewrite a docstring in place, as autodoc wants it."""
    lines[:] = rendered(lines)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")  # which knows this event
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
