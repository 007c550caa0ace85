"""What is said aloud about the columns of a fit: features chosen, categories coded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gausswork.data.kinds import Field, Kind, listed
from gausswork.data.levels import alike
from gausswork.data.recipe import CATEGORY, INTERCEPT, RENAMED_INTERCEPT, Predictor, Recipe
from gausswork.findings import Finding, Severity

MOST_LEVELS_UNASKED = 50  # a text column with more levels is used only when asked for by name


def mending_of(fields: Iterable[Field]) -> str:
    """Say how text that looks like numbers becomes numbers; empty when there is none."""
    suspects = [field for field in fields if field.kind is Kind.TEXT and field.remedy]
    if not suspects:
        return ""
    names = listed(field.name for field in suspects)
    remedy = suspects[0].remedy
    return f"If {names} should be numbers: {remedy[0].lower()}{remedy[1:]} "


def announcement(
    target: str, chosen: Sequence[Predictor], left_out: dict[str, str], mending: str
) -> Finding:
    """Say which features were chosen, which were left out and why."""
    names = [column.name for column in chosen]
    sentence = (
        f"No features were named, so {target!r} is explained by every other usable column: "
        f"{listed(names, most=20)}."
    )
    if left_out:
        reasons = "; ".join(f"{name!r} ({why})" for name, why in list(left_out.items())[:20])
        more = f"; and {len(left_out) - 20} more" if len(left_out) > 20 else ""
        sentence += f" Left out: {reasons}{more}."
    category = ", which also makes such text a category" if mending else ""
    return Finding(
        "features-chosen",
        Severity.NOTE,
        sentence,
        f"{mending}Choose them with features={category}.",
        {"features": names, "left_out": dict(left_out)},
    )


def category_findings(
    column: Predictor, field: Field, counts: Mapping[str, int]
) -> Iterator[Finding]:
    """Say how a category is coded, and what is odd about it; ``counts`` are rows by level."""
    if column.kind != CATEGORY:
        return
    if field.kind is Kind.TEXT and field.remedy:
        yield Finding(
            "numbers-as-category",
            Severity.CAUTION,
            f"{column.name!r} looks like a column of numbers and is used as a category, because "
            f"it holds {field.holds}.",
            f"If it should be numbers: {field.remedy[0].lower()}{field.remedy[1:]}",
            {"column": column.name, "holds": field.holds},
        )
    evidence = {
        "column": column.name,
        "levels": list(column.levels[:100]),
        "reference": column.levels[0],
        "count": len(column.levels),
    }
    if len(column.levels) == 1:
        yield Finding(
            "single-level",
            Severity.CAUTION,
            f"{column.name!r} is {column.levels[0]!r} in every row, so it explains nothing and "
            "has no coefficient.",
            "Leave it out of features=.",
            evidence,
        )
        return
    yield Finding(
        "category-coded",
        Severity.NOTE,
        f"{column.name!r} is a category with {len(column.levels)} levels: each coefficient "
        f"compares one level with the reference level {column.levels[0]!r}.",
        evidence=evidence,
    )
    lonely = [level for level in column.levels if counts.get(level) == 1]
    if lonely:
        several = len(lonely) > 1
        yield Finding(
            "level-of-one-row",
            Severity.CAUTION,
            f"{column.name!r} has {len(lonely)} level{'s' if several else ''} with one row only: "
            f"{listed(lonely)}. The fit goes exactly through {'these rows' if several else 'it'}, "
            f"so {'they say' if several else 'it says'} nothing about the scatter.",
            "Join rare levels to others, or leave such rows out.",
            {"column": column.name, "levels": lonely[:100], "count": len(lonely)},
        )
    if len(column.levels) > MOST_LEVELS_UNASKED:
        yield Finding(
            "many-levels",
            Severity.CAUTION,
            f"{column.name!r} has {len(column.levels)} levels and takes "
            f"{len(column.levels) - 1} coefficients.",
            "Group rare levels if that is more than the question needs.",
            evidence,
        )
    yield from alike(column.name, column.levels)


def name_findings(recipe: Recipe) -> Iterator[Finding]:
    """Say so where a column had to get another name in the design."""
    if any(column.name == INTERCEPT and column.kind != CATEGORY for column in recipe.columns):
        yield Finding(
            "intercept-renamed",
            Severity.NOTE,
            f"The column {INTERCEPT!r} of the data is reported as {RENAMED_INTERCEPT!r}: the fit "
            "has an intercept of its own.",
            "If the column is all ones, leave it out: the intercept is added without it.",
            {"column": INTERCEPT, "name": RENAMED_INTERCEPT},
        )


def binary_target(target: str) -> Finding:
    """Say that a target of true and false makes the fit a model of probabilities."""
    return Finding(
        "binary-target",
        Severity.NOTE,
        f"The target {target!r} is true or false and is fitted as 1 and 0. This is a linear "
        "probability model: a prediction is the probability of true, and may lie below 0 or "
        "above 1; the standard errors assume equal spread, which such a target does not have.",
        "Where probabilities near 0 or 1 matter, a logistic regression suits it better.",
        {"target": target},
    )
