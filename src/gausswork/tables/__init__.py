"""Tables of results: several fits side by side, and the small tables of tests and paths.

Every table is a :class:`~gausswork.tables.grid.Grid` of texts, which knows how to be plain text,
HTML, Markdown, LaTeX and CSV. None of this computes anything but the text of a number.
"""

from gausswork.tables.grid import Grid, printable
from gausswork.tables.results import comparison, ridge_path

__all__ = ["Grid", "comparison", "printable", "ridge_path"]
