"""How Sphinx builds the documentation."""

import gausswork

project = "gausswork"
author = "the gausswork developers"
project_copyright = "2026, the gausswork developers"
release = version = gausswork.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"gausswork {release}"
html_show_sourcelink = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings give types and shapes
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
# Types in docstrings are words and shapes such as "(n, p) float64", not names of objects.
nitpick_ignore_regex = [("py:class", r".*")]
