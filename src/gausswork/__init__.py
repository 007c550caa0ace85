"""gausswork: least squares that says how many of its digits to trust.

The public names are imported on first use, so that ``import gausswork`` stays quick. Where NumPy is
loaded already, the larger part of that price is paid: the fit path is then loaded at once, and a
first fit takes no longer than a later one.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gausswork import errors, initialization, plots, sampling
    from gausswork.data.databases.query import Query
    from gausswork.data.distributed.files import FilesOnCluster
    from gausswork.findings import Finding
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.checkup.influence import Influence
    from gausswork.leastsquares.descent.history import Descent
    from gausswork.leastsquares.descent.method import GradientDescent
    from gausswork.leastsquares.descent.outlook import Outlook, outlook
    from gausswork.leastsquares.descent.surface import LossSurface, loss_surface
    from gausswork.leastsquares.fit import Fit
    from gausswork.leastsquares.fitting import fit
    from gausswork.leastsquares.groups import Groups, fit_groups
    from gausswork.leastsquares.models import load
    from gausswork.leastsquares.moments import Moments
    from gausswork.leastsquares.nested import Comparison, compare
    from gausswork.leastsquares.ridge import RidgePath, ridge_path
    from gausswork.leastsquares.robust.covariance import Robust
    from gausswork.leastsquares.several import fit_many
    from gausswork.leastsquares.solution import NormalEquation
    from gausswork.leastsquares.stochastic.result import MiniBatch
    from gausswork.leastsquares.stochastic.rules import Optimizer, Schedule
    from gausswork.leastsquares.wald import HypothesisTest
    from gausswork.normal.distribution import Normal
    from gausswork.normal.estimation import NormalState
    from gausswork.normal.inference import (
        Inference,
        Summary,
        z_mean,
        z_mean_difference,
        z_proportion,
        z_proportion_difference,
    )
    from gausswork.normal.limit import CentralLimit, central_limit
    from gausswork.normal.normality import Normality, normality, normality_of_moments
    from gausswork.normal.outliers import Outliers, outliers
    from gausswork.normal.standardize import Standardizer
    from gausswork.tables.frames import glance, tidy
    from gausswork.tables.grid import Grid
    from gausswork.tables.side_by_side import table
    from gausswork.work import normal_equation

__version__ = "0.2.0"

__all__ = [
    "CentralLimit",
    "Checkup",
    "Comparison",
    "Descent",
    "FilesOnCluster",
    "Finding",
    "Fit",
    "GradientDescent",
    "Grid",
    "Groups",
    "HypothesisTest",
    "Inference",
    "Influence",
    "LossSurface",
    "MiniBatch",
    "Moments",
    "Normal",
    "NormalEquation",
    "NormalState",
    "Normality",
    "Optimizer",
    "Outliers",
    "Outlook",
    "Query",
    "RidgePath",
    "Robust",
    "Schedule",
    "Standardizer",
    "Summary",
    "central_limit",
    "compare",
    "errors",
    "fit",
    "fit_groups",
    "fit_many",
    "glance",
    "initialization",
    "load",
    "loss_surface",
    "normal_equation",
    "normality",
    "normality_of_moments",
    "outliers",
    "outlook",
    "plots",
    "ridge_path",
    "sampling",
    "table",
    "tidy",
    "z_mean",
    "z_mean_difference",
    "z_proportion",
    "z_proportion_difference",
]

# Public name -> the module that defines it; a module itself stands under its own name.
_HOMES = {
    "FilesOnCluster": "gausswork.data.distributed.files",
    "Standardizer": "gausswork.normal.standardize",
    "z_proportion_difference": "gausswork.normal.inference",
    "z_proportion": "gausswork.normal.inference",
    "z_mean_difference": "gausswork.normal.inference",
    "z_mean": "gausswork.normal.inference",
    "Inference": "gausswork.normal.inference",
    "Summary": "gausswork.normal.inference",
    "CentralLimit": "gausswork.normal.limit",
    "central_limit": "gausswork.normal.limit",
    "Checkup": "gausswork.leastsquares.checkup.examination",
    "Influence": "gausswork.leastsquares.checkup.influence",
    "Comparison": "gausswork.leastsquares.nested",
    "Grid": "gausswork.tables.grid",
    "HypothesisTest": "gausswork.leastsquares.wald",
    "glance": "gausswork.tables.frames",
    "table": "gausswork.tables.side_by_side",
    "tidy": "gausswork.tables.frames",
    "Robust": "gausswork.leastsquares.robust.covariance",
    "RidgePath": "gausswork.leastsquares.ridge",
    "compare": "gausswork.leastsquares.nested",
    "Groups": "gausswork.leastsquares.groups",
    "fit_groups": "gausswork.leastsquares.groups",
    "fit_many": "gausswork.leastsquares.several",
    "ridge_path": "gausswork.leastsquares.ridge",
    "Descent": "gausswork.leastsquares.descent.history",
    "Finding": "gausswork.findings",
    "Fit": "gausswork.leastsquares.fit",
    "GradientDescent": "gausswork.leastsquares.descent.method",
    "MiniBatch": "gausswork.leastsquares.stochastic.result",
    "LossSurface": "gausswork.leastsquares.descent.surface",
    "normal_equation": "gausswork.work",
    "loss_surface": "gausswork.leastsquares.descent.surface",
    "Moments": "gausswork.leastsquares.moments",
    "Normal": "gausswork.normal.distribution",
    "NormalEquation": "gausswork.leastsquares.solution",
    "Normality": "gausswork.normal.normality",
    "Optimizer": "gausswork.leastsquares.stochastic.rules",
    "Query": "gausswork.data.databases.query",
    "Outlook": "gausswork.leastsquares.descent.outlook",
    "Schedule": "gausswork.leastsquares.stochastic.rules",
    "NormalState": "gausswork.normal.estimation",
    "errors": "gausswork.errors",
    "fit": "gausswork.leastsquares.fitting",
    "initialization": "gausswork.initialization",
    "load": "gausswork.leastsquares.models",
    "normality": "gausswork.normal.normality",
    "normality_of_moments": "gausswork.normal.normality",
    "outlook": "gausswork.leastsquares.descent.outlook",
    "plots": "gausswork.plots",
    "sampling": "gausswork.sampling",
    "outliers": "gausswork.normal.outliers",
    "Outliers": "gausswork.normal.outliers",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(home)
    value = module if home == f"{__name__}.{name}" else getattr(module, name)
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _load_fit_path() -> None:
    for name in ("gausswork.leastsquares.fitting", "gausswork.data.opening"):
        importlib.import_module(name)
    with contextlib.suppress(ImportError):  # where they were not built NumPy serves, and says so
        importlib.import_module("gausswork.leastsquares.compiled")


if "numpy" in sys.modules:
    _load_fit_path()
