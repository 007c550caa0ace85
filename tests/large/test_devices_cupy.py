"""Promise: what is asked of CuPy is what CuPy has, as far as that can be seen without a device.

A module in its place has the functions of CuPy that are used, with CuPy's arguments, over NumPy;
its arrays refuse to become NumPy's but by ``get()``, as CuPy's do. With CuPy and a device,
``test_devices.py`` runs everything on it.
"""

from __future__ import annotations

import operator
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.lib.mixins import NDArrayOperatorsMixin

import gausswork as gw
from gausswork.errors import InputError

FULL = gw.NormalEquation(digits=15)


class ndarray(NDArrayOperatorsMixin):  # noqa: N801  (its name in CuPy)
    """Numbers on a device."""

    fetched: list[int] = []  # noqa: RUF012  (sizes of all that was brought to the host)

    def __init__(self, values: np.ndarray, device: int = 0) -> None:
        self._values = np.asarray(values)
        self.device = SimpleNamespace(id=device)

    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, key: Any) -> ndarray:
        return ndarray(self._values[key])

    def __array__(self, *given: Any, **named: Any) -> np.ndarray:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> ndarray:
        if method != "__call__" or any(isinstance(value, np.ndarray) for value in inputs):
            return NotImplemented
        with np.errstate(all="ignore"):
            return ndarray(ufunc(*map(_plain, inputs), **named))

    def __matmul__(self, other: ndarray) -> ndarray:
        return ndarray(operator.matmul(self._values, other._values))

    def astype(self, dtype: Any, copy: bool = True) -> ndarray:
        return ndarray(self._values.astype(dtype, copy=copy))

    def get(self) -> np.ndarray:
        self.fetched.append(self._values.size)
        return self._values.copy()


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value._values if isinstance(value, ndarray) else value


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a module in the place of CuPy."""

    def wrapped(name: str) -> Any:
        def function(*given: Any, **named: Any) -> Any:
            with np.errstate(all="ignore"):
                found = getattr(np, name)(*_plain(given), **named)
            return tuple(map(ndarray, found)) if isinstance(found, tuple) else ndarray(found)

        return function

    module: Any = ModuleType("cupy")
    module.ndarray, module.float64 = ndarray, np.float64
    for name in ("asarray", "concatenate", "sum", "max", "min", "reshape", "where", "isfinite",
                 "sqrt", "log", "nonzero", "take", "swapaxes"):  # fmt: skip
        setattr(module, name, wrapped(name))
    module.cuda = SimpleNamespace(Device=lambda: SimpleNamespace(id=0))
    monkeypatch.setitem(sys.modules, "cupy", module)
    ndarray.fetched.clear()
    return module


def data(rows: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Return predictors of different units and a target."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, 3)) * [1.0, 1e6, 1e-8] + [5.0, 0.0, 0.0]
    return x, x @ [1.0, 2e-6, 3e8] + rng.standard_normal(rows)


def test_a_fit_is_that_of_numpy(cupy: Any) -> None:
    x, y = data(100_000)
    fit, plain = gw.fit(ndarray(x), ndarray(y), method=FULL), gw.fit(x, y, method=FULL)
    assert fit.coefficients.tolist() == plain.coefficients.tolist()
    assert fit.description == "arrays 100000×3 (cupy on cuda:0)"
    assert 0 < max(ndarray.fetched) <= 16 * 4 * 4  # no row among them


def test_gaps_weights_and_integers(cupy: Any) -> None:
    x, y = data()
    w = np.random.default_rng(2).poisson(2.0, 3000)
    x[7, 1] = np.nan
    fit = gw.fit(ndarray(x), ndarray(y), frequencies=ndarray(w), method=FULL)
    plain = gw.fit(x, y, frequencies=w, method=FULL)
    assert fit.coefficients.tolist() == plain.coefficients.tolist()
    assert (fit.tally, fit.rows) == (plain.tally, plain.rows)
    np.testing.assert_allclose(fit.predict(), plain.predict(), rtol=1e-12)
    big = np.rint(x[8:, :2] * 1e11).astype(np.int64)
    found = gw.fit(ndarray(big), ndarray(y[8:]))
    assert "integers-rounded" in {finding.code for finding in found.findings}


def test_predictions_stay_there(cupy: Any) -> None:
    x, y = data()
    fit = gw.fit(x, y)
    found: Any = fit.predict(ndarray(x), interval=0.9)
    plain: Any = fit.predict(x, interval=0.9)
    for mine, theirs in zip(found, plain, strict=True):
        assert type(mine) is ndarray
        # of sums about 5, some of which come near zero
        np.testing.assert_allclose(mine.get(), theirs, rtol=1e-14, atol=1e-14)


def test_another_device_than_the_present_one(cupy: Any) -> None:
    x, y = data()
    with pytest.raises(InputError, match=r"lies on cuda:1, and .* cuda:0.*with X\.device"):
        gw.fit(ndarray(x, device=1), ndarray(y, device=1))
    with pytest.raises(InputError, match=r"cupy\.asarray\(y\)"):
        gw.fit(ndarray(x), y)
