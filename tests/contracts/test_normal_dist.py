"""Promise: Normal takes the place of statistics.NormalDist: its own test class passes.

The class is read from the standard library of the interpreter that runs the tests; some ship
without it, and then these tests are skipped.
"""

from __future__ import annotations

import statistics
import sys
import types
import unittest
from typing import Any

import pytest

from gausswork import Normal

library = pytest.importorskip("test.test_statistics", reason="this Python ships without its tests")

MODULE = types.SimpleNamespace(
    NormalDist=Normal, StatisticsError=statistics.StatisticsError, mean=statistics.mean
)


class Suite(library.TestNormalDist, unittest.TestCase):  # type: ignore[misc]
    """The class of the standard library, with Normal where NormalDist was."""

    __test__ = False  # run below, by name
    module = MODULE


NAMES = sorted(name for name in dir(library.TestNormalDist) if name.startswith("test_"))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "test_inv_cdf"])
def test_the_test_of_the_standard_library_passes(name: str) -> None:
    result = Suite(name).run()
    assert result is not None
    assert result.testsRun == 1
    assert result.wasSuccessful(), (result.failures + result.errors)[0][1]


def test_inv_cdf_of_the_standard_library_passes() -> None:
    """Python 3.11 refuses sd = 0 here; from 3.12 on the mean is the answer, as it is ours."""
    result = Suite("test_inv_cdf").run()
    assert result is not None
    assert not result.errors
    if sys.version_info >= (3, 12):
        assert result.wasSuccessful()
    else:
        ((_, trace),) = result.failures
        assert trace.rstrip().endswith("AssertionError: StatisticsError not raised")
    assert Normal(100, 0).inv_cdf(0.5) == 100.0


def test_the_suite_can_fail() -> None:
    class Broken(Normal):
        def cdf(self, x: Any) -> Any:
            return super().cdf(x) + 1e-4

    class BrokenSuite(Suite):
        module = types.SimpleNamespace(**{**vars(MODULE), "NormalDist": Broken})

    result = BrokenSuite("test_cdf").run()
    assert result is not None
    assert not result.wasSuccessful()


def test_every_public_name_of_normal_dist_is_there() -> None:
    missing = [name for name in dir(statistics.NormalDist) if not hasattr(Normal, name)]
    assert not missing


def test_mu_and_sigma_are_taken_by_name() -> None:
    assert Normal(mu=3, sigma=2) == Normal(mean=3, sd=2) == Normal(3, 2)
