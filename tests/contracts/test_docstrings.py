"""Promise: the examples in docstrings do what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import gausswork

ROOT = Path(__file__).resolve().parents[2]
# Importing the first runs the command line; the others are there only where they were compiled.
NOT_IMPORTED = (
    "gausswork.__main__",
    "gausswork._native._kernels",
    "gausswork._native._normal",
    "gausswork._native._sampling",
    "gausswork._native._stochastic",
    "gausswork.leastsquares.compiled",
    "gausswork.sampling.compiled",
)
MODULES = sorted(
    {"gausswork"}
    | {info.name for info in pkgutil.walk_packages(gausswork.__path__, "gausswork.")}
    - set(NOT_IMPORTED)
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not failed


def test_there_are_examples() -> None:
    fit = importlib.import_module("gausswork.leastsquares.fitting")
    assert any(test.examples for test in doctest.DocTestFinder().find(fit))
