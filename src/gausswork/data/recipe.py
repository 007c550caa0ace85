"""The recipe from columns to predictors: what a fit must remember to read new data alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gausswork.data.weights import Weights
from gausswork.errors import ModelFileError

if TYPE_CHECKING:
    from gausswork.data.formulas.model import FormulaDesign

NUMBER = "number"
FLAG = "flag"
CATEGORY = "category"
_KINDS = (NUMBER, FLAG, CATEGORY)

INTERCEPT = "intercept"
# a column that is itself called "intercept" must not share a name with the fit's own
RENAMED_INTERCEPT = "intercept (column)"


@dataclass(frozen=True, slots=True)
class Predictor:
    """One column of the data as the fit uses it.

    Attributes
    ----------
    name : name of the column in the data.
    kind : ``"number"``, ``"flag"`` (true or false, coded 1 and 0) or ``"category"``.
    levels : the levels of a category, the reference level first; empty otherwise.
    """

    name: str
    kind: str = NUMBER
    levels: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns in the design: one, or one per level but the reference.

        Treatment coding: ``gender[male]`` is 1 where gender is male, 0 elsewhere.
        """
        if self.kind == CATEGORY:
            return tuple(f"{self.name}[{level}]" for level in self.levels[1:])
        return (RENAMED_INTERCEPT if self.name == INTERCEPT else self.name,)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How columns of data become the predictors of a fit.

    Attributes
    ----------
    target : name of the target; of a formula its left side, such as ``"log(y)"``.
    columns : the columns used. Without a formula their order is that of the design.
    weights : what weighs the rows of a fit, if anything; predictions do without.
    formula : what a formula makes of the columns; None where each is a predictor as it is.
    """

    target: str
    columns: tuple[Predictor, ...]
    weights: Weights | None = None
    formula: FormulaDesign | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the p columns of the design."""
        if self.formula is not None:
            return self.formula.names
        return tuple(name for column in self.columns for name in column.names)

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns that the target is computed from: mostly itself."""
        return (self.target,) if self.formula is None else self.formula.target_columns

    @property
    def references(self) -> dict[str, str]:
        """For each category the level that its coefficients are compared with."""
        if self.formula is not None:
            return self.formula.references
        return {column.name: column.levels[0] for column in self.columns if column.levels}

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """For each category its levels, the reference first."""
        return {column.name: column.levels for column in self.columns if column.levels}

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain data for JSON."""
        plain: dict[str, Any] = {
            "target": self.target,
            "columns": [
                {"name": column.name, "kind": column.kind, "levels": list(column.levels)}
                for column in self.columns
            ],
            "weights": self.weights.to_dict() if self.weights else None,
        }
        return plain if self.formula is None else {**plain, "formula": self.formula.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """Rebuild a recipe written by :meth:`to_dict`, checking every part of it.

        Raises
        ------
        ModelFileError
            The data is not such a recipe.
        """
        target = _text(_part(data, "target"), "target")
        columns = _part(data, "columns")
        if not isinstance(columns, list):
            raise ModelFileError(f"recipe: 'columns' must be a list; got {type(columns).__name__}.")
        weights = Weights.from_dict(data.get("weights"))
        recipe = cls(target, tuple(_predictor(column) for column in columns), weights)
        if data.get("formula") is not None:
            recipe = _with_formula(recipe, data["formula"])
        used = [target, *(column.name for column in recipe.columns)]
        if len(set(used)) < len(used) or len(set(recipe.names)) < len(recipe.names):
            raise ModelFileError("recipe: two columns have the same name.")
        return recipe


def _predictor(data: Any) -> Predictor:
    name = _text(_part(data, "name"), "name of a column")
    kind = _part(data, "kind")
    if kind not in _KINDS:
        raise ModelFileError(f"recipe: column {name!r} is of an unknown kind {kind!r}.")
    levels = _part(data, "levels")
    if not isinstance(levels, list):
        raise ModelFileError(f"recipe: the levels of {name!r} must be a list.")
    texts = tuple(_text(level, f"level of {name!r}") for level in levels)
    if len(set(texts)) < len(texts):
        raise ModelFileError(f"recipe: {name!r} lists a level twice.")
    if (kind == CATEGORY) != bool(texts):
        raise ModelFileError(f"recipe: {name!r} is a {kind} with {len(texts)} levels.")
    return Predictor(name, kind, texts)


def _with_formula(recipe: Recipe, data: Any) -> Recipe:
    from gausswork.data.formulas.factors import factor_columns
    from gausswork.data.formulas.model import FormulaDesign

    if not isinstance(data, Mapping):
        raise ModelFileError(f"recipe: 'formula' must be an object; got {type(data).__name__}.")
    design = FormulaDesign.from_dict(data, {c.name: c.levels for c in recipe.columns})
    used = {name for factor in design.formula.factors for name in factor_columns(factor)}
    if used != {column.name for column in recipe.columns} or design.target != recipe.target:
        raise ModelFileError("recipe: the formula and the columns disagree.")
    return replace(recipe, formula=design)


def _part(data: Any, key: str) -> Any:
    if not isinstance(data, Mapping):
        raise ModelFileError(f"recipe: expected an object, got {type(data).__name__}.")
    if key not in data:
        raise ModelFileError(f"recipe: {key!r} is missing.")
    return data[key]


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ModelFileError(f"recipe: {what} must be text; got {type(value).__name__}.")
    return value
