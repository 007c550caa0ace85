"""Tables of results: several fits side by side, and the small tables of tests and paths.

Every table is a :class:`~gausswork.tables.grid.Grid` of texts, which knows how to be plain text,
HTML, Markdown, LaTeX and CSV. None of this computes anything but the text of a number.
"""

from gausswork.tables.grid import Grid, printable
from gausswork.tables.results import comparison, hypothesis_test, ridge_path
from gausswork.tables.robust import robust, robust_document

__all__ = [
    "Grid",
    "comparison",
    "hypothesis_test",
    "printable",
    "ridge_path",
    "robust",
    "robust_document",
]
