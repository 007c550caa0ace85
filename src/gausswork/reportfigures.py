"""Figures for the report: SVG that takes its colours from the page, so that it is light or dark."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gausswork.errors import InputError, require

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.fit import Fit

_INK = "#222222"  # of gausswork.plots.style: what becomes the colour of the page's text
_PAPER = "#ffffff"
_MOST_SHAPES = 400  # more are one small picture inside the drawing
_DPI = 100
_SURFACE_DPI = 60  # of the smooth surfaces of a plane
_SHARED = 4  # times that a style occurs before it gets a name


def fit(fit: Fit, data: Any, level: float) -> Iterator[str]:
    """Yield the figure of a fit, where there is one."""
    from gausswork import plots

    def draw(figure: Any) -> None:
        from gausswork.plots.regression import is_plane

        ax = figure.add_subplot(projection="3d" if is_plane(fit) else None)
        plots.fit(fit, data, ax=ax, level=level)

    try:
        yield _svg("fit", draw, (7.4, 4.8))
    except InputError:  # many predictors and no rows: the check-up has said why
        return


def panel(seen: Checkup) -> Iterator[str]:
    """Yield the panel of a check-up."""
    from gausswork import plots

    yield _svg("panel", lambda figure: plots.check(seen, ax=figure.subplots(2, 2)), (9.6, 7.6))


def _svg(name: str, draw: Callable[[Any], Any], size: tuple[float, float]) -> str:
    """Return a figure as SVG to stand inside a page: no request, no script, no name twice."""
    require("mpl_toolkits.mplot3d", purpose="Plots", extra="plots")
    matplotlib = require("matplotlib", purpose="Plots", extra="plots")
    figures = require("matplotlib.figure", purpose="Plots", extra="plots")
    colours = dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK
    )
    # whatever style the user has chosen for figures, the page has its own
    settings = {
        **matplotlib.rcParamsDefault, **colours, "svg.fonttype": "none", "svg.hashsalt": name,
        "axes.facecolor": "none", "figure.facecolor": _PAPER, "legend.facecolor": _PAPER,
    }  # fmt: skip
    settings = {key: value for key, value in settings.items() if key not in _BACKEND}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        warnings.filterwarnings("ignore", message="Rasterization of")
        with matplotlib.rc_context(settings):
            figure = figures.Figure(figsize=size, layout="constrained")
            draw(figure)
            space = any(hasattr(ax, "get_zlim") for ax in figure.axes)
            for ax in figure.axes:
                for shapes in ax.collections:
                    if space or len(shapes.get_offsets()) > _MOST_SHAPES:
                        shapes.set_rasterized(True)
            file = io.StringIO()
            figure.savefig(
                file, format="svg", dpi=_SURFACE_DPI if space else _DPI, transparent=True,
                metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
            )  # fmt: skip
    return _embedded(file.getvalue(), name)


_BACKEND = frozenset({"backend", "backend_fallback", "interactive", "toolbar", "timezone"})


def _embedded(text: str, name: str) -> str:
    """Return SVG without what a page does not need: addresses, comments, names used elsewhere."""
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text, count=2)
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r"(data:image/png;base64,)([A-Za-z0-9+/=\s]+)", _smaller, text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = text.replace("url(#", f"url(#{name}-")
    text = text.replace(_INK, "currentColor").replace(_PAPER, "var(--paper)")
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)  # the page says which
    # hundredths of a point are finer than any screen
    text = re.sub(
        r' (?:d|x|y)="[^"]*"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), text
    )
    text = _with_classes(text, name)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return re.sub(r"\n\s*", "\n", text)


def _smaller(found: re.Match[str]) -> str:
    """Return a picture inside a drawing with 256 colours: it has few, and a third of the bytes."""
    pictures = require("PIL.Image", purpose="Plots", extra="plots")
    file = io.BytesIO()
    with pictures.open(io.BytesIO(base64.b64decode(found[2]))) as picture:
        few = picture.convert("RGBA").quantize(256, pictures.Quantize.FASTOCTREE)
        few.save(file, format="PNG", optimize=True)
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return found[1] + min(text, found[2], key=len)


def _with_classes(text: str, name: str) -> str:
    """Return SVG in which styles that many shapes share are said once."""
    counts = Counter(re.findall(r'style="([^"]*)"', text))
    often = {style: f"{name}-{i}" for i, (style, n) in enumerate(counts.items()) if n > _SHARED}
    text = re.sub(
        r'style="([^"]*)"',
        lambda found: f'class="{often[found[1]]}"' if found[1] in often else found[0],
        text,
    )
    rules = "".join(f".{known}{{{style}}}" for style, known in often.items())
    return text.replace("</style>", f"{rules}</style>", 1)
