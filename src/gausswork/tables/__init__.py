"""Tables of results: several fits side by side, and the small tables of tests and paths.

Every table is a :class:`~gausswork.tables.grid.Grid` of texts, which knows how to be plain text,
HTML, Markdown, LaTeX and CSV. None of this computes anything but the text of a number.
"""

from gausswork.tables.frames import glance, tidy
from gausswork.tables.grid import Grid, printable
from gausswork.tables.results import comparison, hypothesis_test, ridge_path
from gausswork.tables.robust import robust, robust_document
from gausswork.tables.side_by_side import table

__all__ = [
    "Grid",
    "comparison",
    "glance",
    "hypothesis_test",
    "printable",
    "ridge_path",
    "robust",
    "robust_document",
    "table",
    "tidy",
]
