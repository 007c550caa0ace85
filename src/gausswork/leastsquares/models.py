"""Fits as JSON files: written all or nothing, read with suspicion. Reading one runs nothing."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from gausswork import plain
from gausswork.data.recipe import Recipe
from gausswork.data.sources import Tally
from gausswork.errors import ModelFileError
from gausswork.findings import Finding
from gausswork.leastsquares import documents
from gausswork.leastsquares.descent.method import GradientDescent
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.solution import FULL_DIGITS, Dependency, NormalEquation, Solution

FORMAT = "gausswork-model"
VERSION = 1
WEIGHTED = 2  # version of a model with weights, which older readers would misread
MODEL = documents.Kind(FORMAT, "gausswork model", "saved model", "fit.save() or --save")

_VECTORS = (
    "coefficients", "coefficient_lows", "standard_errors",
    "trusted_digits", "standard_error_digits", "data_digits",
)  # fmt: skip
_PREDICTOR_VECTORS = ("predictor_means", "predictor_mean_lows", "scales")
_NUMBERS = (
    "target_mean", "target_mean_low", "residual_sum_of_squares", "total_sum_of_squares",
)  # fmt: skip

T = TypeVar("T")


def save(fit: Fit, path: str | os.PathLike[str]) -> None:
    """Write a fit. An older model of that name is replaced; any other file is left alone.

    Raises
    ------
    InputError
        The file cannot be written, or something else than a model has that name.
    """
    documents.write(encode(fit), path, MODEL)


def check_place(path: str | os.PathLike[str]) -> None:
    """Refuse a path where no model can be saved, before the work whose result it is to hold."""
    documents.check_place(path, MODEL)


def load(path: str | os.PathLike[str]) -> Fit:
    """Read a fit that :meth:`Fit.save` wrote. Every part is checked; nothing in the file is run.

    Raises
    ------
    ModelFileError
        The file is not a complete, consistent model; the message says what is wrong with it.
    """
    return documents.read(path, MODEL, decode)


def encode(fit: Fit) -> dict[str, Any]:
    """Return a fit as plain data; finite numbers keep every bit, NaN becomes None."""
    # Of a descent the file holds what it was on its way to, and how it went: that tells the rest.
    s = _least_squares(fit)
    solution: dict[str, Any] = {"intercept": s.intercept}
    solution |= {name: _listed(getattr(s, name)) for name in (*_VECTORS, *_PREDICTOR_VECTORS)}
    solution |= {name: _written(getattr(s, name)) for name in _NUMBERS}
    solution |= {
        "inverse_root": _listed(s.inverse_root[np.triu_indices(len(s.scales))]),
        "rank": s.rank,
        "dependencies": [
            {"column": d.column, "combination": {n: _written(v) for n, v in d.combination.items()}}
            for d in s.dependencies
        ],
        "condition_number": _written(s.condition_number),
        "tier": s.tier,
        "passes": s.passes,
        "ridge": s.ridge,
        "shrinkage": s.shrinkage,
    }
    return {
        "format": FORMAT,
        "version": WEIGHTED if s.moments.weighting else VERSION,
        "target": fit.target,
        "description": fit.description,
        "method": fit.method.to_dict(),
        "design": fit.design.to_dict(),
        "tally": {
            "read": fit.tally.read,
            "dropped": fit.tally.dropped,
            "missing": dict(fit.tally.missing),
        },
        "solution": solution,
        "moments": s.moments.to_dict(),
        "findings": [plain.plain(finding.to_dict()) for finding in fit.findings],
        **_written_descent(fit),
    }


def _written_descent(fit: Fit) -> dict[str, Any]:
    """Return the path of mini-batches, which without the rows cannot be walked again."""
    if fit.descent is None or fit.descent.mini_batch is None:
        return {}
    from gausswork.leastsquares.stochastic import models as stochastic_models

    return {"descent": stochastic_models.encode(fit.descent)}


def decode(document: Any) -> Fit:
    """Rebuild a fit from the plain data of :func:`encode`.

    Raises
    ------
    ModelFileError
        A part is missing, of the wrong type or size, not finite, or at odds with another.
    """
    top = _Part(document, "the model")
    if top.data.get("format") != FORMAT:
        raise ModelFileError(f"this is not a gausswork model: its format is not {FORMAT!r}.")
    version = top.integer("version", low=1)
    sums = top.data.get("moments")
    known = WEIGHTED if isinstance(sums, dict) and sums.get("weights") else VERSION
    if version > known:
        raise ModelFileError(
            f"the model has format version {version}, and this gausswork reads up to {known}. "
            "Upgrade gausswork."
        )
    moments = Moments.from_dict(top.part("moments").data)
    target = top.text("target")
    design = Recipe.from_dict(top.part("design").data)
    if {moments.target, design.target} != {target}:
        raise ModelFileError("its parts name different targets.")
    if design.names != moments.names:
        raise ModelFileError("its design and its moments name different predictors.")
    if moments.weighting != (design.weights.kind if design.weights else None):
        raise ModelFileError("its design and its moments have weights of different kinds.")
    if len(set(moments.names)) < len(moments.names):
        raise ModelFileError("two predictors have the same name.")
    method = top.part("method")
    name = method.text("name")
    if name not in ("normal-equation", "gradient-descent"):
        raise ModelFileError(f"its method {name!r} is unknown.")
    tally = top.part("tally")
    missing = tally.part("missing")
    findings = top.list("findings")
    fit = Fit(
        target=target,
        solution=_solution(top.part("solution"), moments),
        design=design,
        tally=Tally(
            read=tally.integer("read"),
            dropped=tally.integer("dropped"),
            missing={name: missing.integer(name) for name in missing.data},
        ),
        description=top.text("description"),
        method=_checked(
            "method",
            lambda: NormalEquation(
                digits=method.number("digits", none=True), ridge=_optional(method, "ridge")
            ),
        )
        if name == "normal-equation"
        else NormalEquation(),
        findings=tuple(_finding(item) for item in findings),
    )
    return fit if name == "normal-equation" else _descended(fit, method, top)


def _least_squares(fit: Fit) -> Solution:
    reference = fit.descent.least_squares if fit.descent is not None else None
    return reference or fit.solution


def _descended(fit: Fit, method: _Part, top: _Part) -> Fit:
    """Walk the descent again from its moments: that takes no longer than reading it would."""
    from gausswork.leastsquares.descent.fitting import where_it_ended
    from gausswork.leastsquares.descent.full import descend
    from gausswork.leastsquares.stochastic import models as stochastic_models

    asked = _checked("the method", lambda: GradientDescent.from_dict(method.data))
    exact = fit.solution
    if asked.batch_size is not None:
        descent = stochastic_models.decode(top.part("descent").data, asked, exact)
    else:
        with np.errstate(all="ignore"):
            descent = _checked("the descent", lambda: descend(exact, asked))
    return replace(fit, method=asked, descent=descent, solution=where_it_ended(exact, descent))


def _solution(part: _Part, moments: Moments) -> Solution:
    p = len(moments.names)
    intercept = part.boolean("intercept")
    k = p + intercept
    dependencies = tuple(_dependency(item, moments.names) for item in part.list("dependencies"))
    aliased = np.zeros(k, dtype=np.bool_)
    for dependency in dependencies:
        aliased[moments.names.index(dependency.column) + intercept] = True
    vectors: dict[str, Any] = {name: part.vector(name, k, gaps=True) for name in _VECTORS}
    for name in ("coefficients", "coefficient_lows", "trusted_digits"):
        if not np.array_equal(~np.isfinite(vectors[name]), aliased):
            raise ModelFileError(f"{name!r} and the list of aliased columns disagree.")
    if (np.nan_to_num(vectors["standard_errors"]) < 0.0).any():
        raise ModelFileError("a standard error is negative.")
    if (np.isnan(vectors["standard_error_digits"]) & np.isfinite(vectors["standard_errors"])).any():
        raise ModelFileError("a standard error has no 'standard_error_digits'.")
    for name in ("trusted_digits", "standard_error_digits"):
        known = vectors[name][np.isfinite(vectors[name])]
        if ((known < 0.0) | (known > FULL_DIGITS)).any():
            raise ModelFileError(f"{name!r} lie outside 0 and {FULL_DIGITS}.")
    predictors: dict[str, Any] = {name: part.vector(name, p) for name in _PREDICTOR_VECTORS}
    if (np.frexp(predictors["scales"])[0] != 0.5).any():
        raise ModelFileError("'scales' are not powers of two.")
    root = np.zeros((p, p))
    root[np.triu_indices(p)] = part.vector("inverse_root", p * (p + 1) // 2)
    if (root.diagonal() < 0.0).any():
        raise ModelFileError("'inverse_root' is not positive.")
    numbers: dict[str, Any] = {name: part.number(name) for name in _NUMBERS}
    if min(numbers["residual_sum_of_squares"], numbers["total_sum_of_squares"]) < 0.0:
        raise ModelFileError("a sum of squares is negative.")
    rank = part.integer("rank")
    if rank != k - int(aliased.sum()) or moments.rows < 1:
        raise ModelFileError("its rank, rows and coefficients do not go together.")
    condition = part.number("condition_number", none=True)
    return Solution(
        intercept=intercept,
        **vectors,
        **predictors,
        **numbers,
        inverse_root=root,
        rows=moments.rows,
        rank=rank,
        degrees_of_freedom=moments.rows - rank,
        dependencies=dependencies,
        condition_number=math.inf if condition is None else condition,
        tier=part.integer("tier"),
        passes=part.integer("passes"),
        moments=moments,
        ridge=_optional(part, "ridge"),
        shrinkage=_optional(part, "shrinkage"),
    )


def _optional(part: _Part, key: str) -> float:
    """Return a number that older models do not have; they mean 0."""
    return float(part.number(key)) if key in part.data else 0.0


def _dependency(item: Any, names: tuple[str, ...]) -> Dependency:
    part = _Part(item, "a dependency")
    column, terms = part.text("column"), part.part("combination")
    if column not in names or not set(terms.data) <= {*names, "intercept"} - {column}:
        raise ModelFileError("a dependency names a column that the model does not have.")
    return Dependency(column, {name: terms.number(name) for name in terms.data})


def _finding(item: Any) -> Finding:
    part = _Part(item, "a finding")
    for key in ("code", "severity", "sentence", "remedy"):
        part.text(key)
    part.part("evidence")
    return _checked("a finding", lambda: Finding.from_dict(part.data))


def _checked(what: str, build: Callable[[], T]) -> T:
    try:
        return build()
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{what} cannot be read ({error}).") from error


class _Part:
    """An object of the document whose members are taken out by type."""

    __slots__ = ("data", "name")

    def __init__(self, data: Any, name: str) -> None:
        if not isinstance(data, dict):
            raise ModelFileError(f"{name} must be an object; got {type(data).__name__}.")
        self.data: dict[str, Any] = data
        self.name = name

    def _get(self, key: str) -> Any:
        if key not in self.data:
            raise ModelFileError(f"{self.name} has no {key!r}.")
        return self.data[key]

    def _wrong(self, key: str, wanted: str) -> ModelFileError:
        got = json.dumps(self.data[key])[:40]
        return ModelFileError(f"{key!r} in {self.name} must be {wanted}; got {got}.")

    def part(self, key: str) -> _Part:
        return _Part(self._get(key), repr(key))

    def text(self, key: str) -> str:
        value = self._get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return value

    def boolean(self, key: str) -> bool:
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def integer(self, key: str, *, low: int = 0) -> int:
        value = self._get(key)
        if type(value) is not int or not low <= value < 2**63:
            raise self._wrong(key, f"an integer of at least {low}")
        return value

    def number(self, key: str, *, none: bool = False) -> Any:
        """Return a finite float; None too if ``none`` says that it may be missing."""
        value = self._get(key)
        if value is None and none:
            return None
        if not _finite(value):
            raise self._wrong(key, "a finite number")
        return float(value)

    def list(self, key: str) -> list[Any]:
        value = self._get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def vector(self, key: str, size: int, *, gaps: bool = False) -> npt.NDArray[np.float64]:
        """Return (size,) finite floats; with ``gaps`` null stands for NaN and "inf" for itself."""
        values = self.list(key)
        if len(values) != size:
            raise ModelFileError(f"{key!r} has {len(values)} numbers where {size} belong.")
        for value in values:
            if not (_finite(value) or (gaps and (value is None or value in ("inf", "-inf")))):
                raise ModelFileError(f"{key!r} holds something that is not a finite number.")
        return np.array([math.nan if v is None else float(v) for v in values], dtype=np.float64)


def _finite(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # an integer beyond the range of float64
        return False


def _written(value: float) -> float | str | None:
    """Return a number for JSON: NaN (not defined) as null, infinity as text."""
    return plain.number(value) if math.isfinite(value) or math.isnan(value) else str(float(value))


def _listed(values: npt.NDArray[np.float64]) -> list[float | str | None]:
    return [_written(value) for value in values.tolist()]
