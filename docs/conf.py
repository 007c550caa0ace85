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
    plots.samplers(path=pictures / "samplers.png")
    draw_bells(pictures)
    draw_descent(pictures)


def draw_bells(pictures: Path) -> None:
    """Draw the pictures of the chapter about the bell curve."""
    import csv

    import numpy as np
    from matplotlib.figure import Figure

    from gausswork import plots

    with (HERE.parent / "examples/galton-families.csv").open() as file:
        rows = list(csv.DictReader(file))
    sons = np.array([float(row["childHeight"]) for row in rows if row["gender"] == "male"])
    waits = np.random.default_rng(2).exponential(size=400)
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    axes = figure.subplots(1, 2)
    plots.qq(sons, ax=axes[0], name="height of sons")
    plots.qq(waits, ax=axes[1], name="waits")
    plots.save(figure, pictures / "qq.png")
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    for ax, n in zip(figure.subplots(1, 2), (3, 100), strict=True):
        plots.central_limit(gausswork.central_limit("exponential", n), ax=ax)
    plots.save(figure, pictures / "central-limit.png")


def draw_descent(pictures: Path) -> None:
    """Draw the pictures of the chapter about gradient descent."""
    from gausswork import plots

    method = gausswork.GradientDescent(learning_rate=0.01, epochs=1000)
    line = gausswork.fit(HERE.parent / "examples/line.csv", target="y", method=method)
    plots.path(line, path=pictures / "descent-path.png")
    plots.rates(line, path=pictures / "descent-rates.png")


def setup(app: Any) -> None:
    """Register with Sphinx."""
    app.connect("builder-inited", draw)
