"""Promise: one rule says for all parts whether compiled code or plain NumPy serves."""

from __future__ import annotations

import sys

import pytest

from gausswork import _native
from gausswork.data import csv_compiled
from gausswork.errors import InputError
from gausswork.leastsquares.backend import NUMPY, default_backend
from gausswork.leastsquares.stochastic import steps
from gausswork.sampling import numpy_path
from gausswork.sampling.backend import filler

MODULES = ("_csv", "_kernels", "_normal", "_recursion", "_sampling", "_stochastic")


@pytest.fixture(autouse=True)
def forget():
    """What was found out under another environment counts no longer, before and after."""
    _native._found.cache_clear()
    yield
    _native._found.cache_clear()


def test_numpy_serves_everywhere_when_asked_for(monkeypatch):
    monkeypatch.setenv(_native.ENVIRONMENT_VARIABLE, "numpy")
    assert all(_native.compiled(name) is None for name in MODULES)
    assert default_backend() is NUMPY
    assert filler() is numpy_path
    assert steps.chosen() is steps.advance
    assert csv_compiled.parser() is None


@pytest.mark.parametrize("name", MODULES)
def test_what_was_not_built_is_done_without_unless_insisted_on(monkeypatch, name):
    monkeypatch.setitem(sys.modules, f"gausswork._native.{name}", None)  # importing it fails
    monkeypatch.delenv(_native.ENVIRONMENT_VARIABLE, raising=False)
    assert _native.compiled(name) is None
    monkeypatch.setenv(_native.ENVIRONMENT_VARIABLE, "compiled")
    with pytest.raises(InputError, match=rf"'compiled', but {name} was not built .* Reinstall"):
        _native.compiled(name)


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv(_native.ENVIRONMENT_VARIABLE, "fast")
    with pytest.raises(InputError, match="must be 'compiled' or 'numpy'; got 'fast'"):
        default_backend()
