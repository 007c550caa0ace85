"""From the solved system to the answer: what is said of columns that depend on others."""

from __future__ import annotations

import numpy as np
import pytest

import gausswork as gw


@pytest.mark.parametrize(("repeated", "findings"), [(1, 1), (5, 5), (6, 1), (40, 1)])
def test_many_dependent_columns_are_told_in_one_finding(repeated: int, findings: int) -> None:
    """Promise: every aliased column is listed, and a table of them does not bury the fit."""
    rng = np.random.default_rng(repeated)
    x = np.round(16.0 * rng.normal(size=(200, 3)))
    copies = x @ rng.integers(1, 4, size=(3, repeated))
    fit = gw.fit(np.column_stack([x, copies]), rng.normal(size=200))
    assert len(fit.dropped) == repeated
    told = [f for f in fit.findings if f.code == "dependent-column"]
    assert len(told) == findings
    listed = [f.evidence.get("columns", [f.evidence.get("column")]) for f in told]
    assert tuple(name for names in listed for name in names) == fit.dropped
    if findings == 1 < repeated:
        assert f"and {repeated - 5} more" in told[0].sentence


def test_a_dependency_is_named_with_its_factors() -> None:
    """Promise: the combination is the one that the column was made of, in the user's units."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(-50, 50, size=(2, 30)).astype(float)
    fit = gw.fit(np.column_stack([a, b, 2.0 * a - 0.5 * b + 7.0]), rng.normal(size=30))
    (dependency,) = fit.solution.dependencies
    assert dependency.column == "x3"
    assert dependency.sentence() == "x3 = 2·x1 - 0.5·x2 + 7"
    assert set(dependency.combination) == {"x1", "x2", "intercept"}
