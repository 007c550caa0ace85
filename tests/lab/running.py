"""Run the scripts that rooms print, and compare what they bind with what the screen shows."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest


def run_script(text: str) -> dict[str, Any]:
    """Return the names that a script binds."""
    bound: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "script.py", "exec"), bound)
    return bound


def assert_computes(text: str, shown: Mapping[str, Any]) -> None:
    """Check that a script computes every number on the screen, under its name."""
    bound = run_script(text)
    assert shown
    for name, value in shown.items():
        assert name in bound, f"the script does not compute {name}"
        assert np.asarray(bound[name]) == pytest.approx(np.asarray(value), rel=1e-12, abs=1e-300), (
            name
        )
