"""How Sphinx builds the documentation."""

import sys
from pathlib import Path
from typing import Any

import gausswork
from gausswork import plots

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "gausswork"
author = "the gausswork developers"
project_copyright = "2026, the gausswork developers"
release = version = gausswork.__version__

extensions = ["house_docstrings", "myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"gausswork {release}"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_show_sourcelink = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say what each argument is, with its shape
autodoc_preserve_defaults = True


def draw(app: Any) -> None:
    """Draw the pictures of the pages, so that they show what this version draws."""
    heights = HERE.parent / "examples/galton-families.csv"
    fit = gausswork.fit(heights, target="childHeight", features="midparentHeight,gender")
    pictures = HERE / "generated"
    pictures.mkdir(exist_ok=True)
    fit.plot(heights, path=pictures / "galton.png")
    plots.schemes(512, 512, path=pictures / "schemes.png")


def setup(app: Any) -> None:
    """Register with Sphinx."""
    app.connect("builder-inited", draw)
