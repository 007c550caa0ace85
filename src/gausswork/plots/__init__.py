"""Figures. Each function takes a result and ``ax=``, labels its axes and returns them.

Colour is never the only signal: groups differ in marker and line style too. Nothing is shown.
The functions are imported on first use. A module here never has the name of a function: importing
it would put the module in the place of the function.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gausswork.plots.animation import animate
    from gausswork.plots.bells import bell
    from gausswork.plots.descent import loss, path, rates
    from gausswork.plots.estimates import coefficients
    from gausswork.plots.initialization import doctor, growth, layers, schemes
    from gausswork.plots.panel import check
    from gausswork.plots.regression import fit
    from gausswork.plots.sampling import samplers
    from gausswork.plots.shape import central_limit, histogram, qq, samples
    from gausswork.plots.style import check_path, save
    from gausswork.plots.trainings import training

__all__ = [
    "animate",
    "bell",
    "central_limit",
    "check",
    "check_path",
    "coefficients",
    "doctor",
    "fit",
    "growth",
    "histogram",
    "layers",
    "loss",
    "path",
    "qq",
    "rates",
    "samplers",
    "samples",
    "save",
    "schemes",
    "training",
]

# Public function -> the module that defines it.
_HOMES = {
    "animate": "animation",
    "bell": "bells",
    "central_limit": "shape",
    "check": "panel",
    "check_path": "style",
    "coefficients": "estimates",
    "doctor": "initialization",
    "fit": "regression",
    "growth": "initialization",
    "histogram": "shape",
    "layers": "initialization",
    "loss": "descent",
    "path": "descent",
    "qq": "shape",
    "rates": "descent",
    "samplers": "sampling",
    "samples": "shape",
    "save": "style",
    "schemes": "initialization",
    "training": "trainings",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
