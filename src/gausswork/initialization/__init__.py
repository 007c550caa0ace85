"""Starting a network: schemes for its weights, a plan before they are set, a doctor afterwards.

The names are imported on first use; PyTorch enters only where a network is given.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gausswork.initialization.activations import ACTIVATIONS, gain
    from gausswork.initialization.apply import Initialized, initialize
    from gausswork.initialization.fan import Fans, fans
    from gausswork.initialization.plans import Plan, plan
    from gausswork.initialization.schemes import Scheme, scheme
    from gausswork.initialization.theory import MeanField, edge_of_chaos, mean_field

__all__ = [
    "ACTIVATIONS",
    "Fans",
    "Initialized",
    "MeanField",
    "Plan",
    "Scheme",
    "edge_of_chaos",
    "fans",
    "gain",
    "initialize",
    "mean_field",
    "plan",
    "scheme",
]

_HOMES = {
    "ACTIVATIONS": "activations",
    "Fans": "fan",
    "Initialized": "apply",
    "MeanField": "theory",
    "Plan": "plans",
    "Scheme": "schemes",
    "edge_of_chaos": "theory",
    "fans": "fan",
    "gain": "activations",
    "initialize": "apply",
    "mean_field": "theory",
    "plan": "plans",
    "scheme": "schemes",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
