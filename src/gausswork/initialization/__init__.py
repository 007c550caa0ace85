"""Starting a network: schemes for its weights, a plan before they are set, a doctor afterwards.

The names are imported on first use; PyTorch enters only where a network is given.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gausswork.initialization.activations import ACTIVATIONS, gain
    from gausswork.initialization.apply import Initialized, initialize
    from gausswork.initialization.comparison.comparing import compare
    from gausswork.initialization.comparison.result import Comparison, Trained
    from gausswork.initialization.doctor import Diagnosis, diagnose
    from gausswork.initialization.draws import draw, lsuv, variance_scaling
    from gausswork.initialization.fan import Fans, fans
    from gausswork.initialization.mup import mup_factors, mup_groups
    from gausswork.initialization.networks import mlp
    from gausswork.initialization.plans import Plan, plan
    from gausswork.initialization.schemes import Scheme, scheme
    from gausswork.initialization.theory import MeanField, edge_of_chaos, mean_field

__all__ = [
    "ACTIVATIONS",
    "Comparison",
    "Diagnosis",
    "Fans",
    "Initialized",
    "MeanField",
    "Plan",
    "Scheme",
    "Trained",
    "compare",
    "diagnose",
    "draw",
    "edge_of_chaos",
    "fans",
    "gain",
    "initialize",
    "lsuv",
    "mean_field",
    "mlp",
    "mup_factors",
    "mup_groups",
    "plan",
    "scheme",
    "variance_scaling",
]

_HOMES = {
    "ACTIVATIONS": "activations",
    "Comparison": "comparison.result",
    "Diagnosis": "doctor",
    "Fans": "fan",
    "Initialized": "apply",
    "MeanField": "theory",
    "Plan": "plans",
    "Scheme": "schemes",
    "Trained": "comparison.result",
    "compare": "comparison.comparing",
    "diagnose": "doctor",
    "draw": "draws",
    "edge_of_chaos": "theory",
    "fans": "fan",
    "gain": "activations",
    "initialize": "apply",
    "lsuv": "draws",
    "mean_field": "theory",
    "mlp": "networks",
    "mup_factors": "mup",
    "mup_groups": "mup",
    "plan": "plans",
    "scheme": "schemes",
    "variance_scaling": "draws",
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
