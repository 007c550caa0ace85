"""Arrays of other libraries for tests: those of this machine, and a device that tells on copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import array_api_strict as strict
import numpy as np
import pytest
import torch

DEVICE = strict.Device("device1")  # NumPy is refused there, as on a graphics card


def of_torch(values: Any) -> Any:
    """Return a tensor in the host's memory."""
    return torch.tensor(np.asarray(values))


def of_strict(values: Any) -> Any:
    """Return an array of the strict implementation of the standard, not in the host's memory."""
    return strict.asarray(np.asarray(values), device=DEVICE)


def of_jax(values: Any) -> Any:
    """Return a JAX array; the test skips where JAX is not installed."""
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    return jax.numpy.asarray(np.asarray(values))


def of_cuda(values: Any) -> Any:
    """Return a tensor on the first graphics card; the test skips where there is none."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.tensor(np.asarray(values), device="cuda")


def of_cupy(values: Any) -> Any:
    """Return a CuPy array; the test skips without CuPy or a device."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if not cupy.cuda.is_available():
        pytest.skip("no CUDA device")
    return cupy.asarray(np.asarray(values))


# JAX compiles each operation for each shape: it has tests of its own.
MAKERS: dict[str, Callable[[Any], Any]] = {
    "torch": of_torch,
    "array_api_strict": of_strict,
    "torch on cuda": of_cuda,
    "cupy": of_cupy,
}


def to_numpy(array: Any) -> np.ndarray:
    """Bring the array of any of these libraries to the host."""
    if isinstance(array, torch.Tensor):
        return array.cpu().numpy()
    if hasattr(array, "get"):
        return array.get()
    return np.from_dlpack(array) if isinstance(array, type(of_strict([0.0]))) else np.asarray(array)


@contextmanager
def copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Collect the sizes of all that leaves a tensor or a strict array for NumPy or Python."""
    sizes: list[int] = []

    def counted(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def wrapped(self: Any, *given: Any, **named: Any) -> Any:
            sizes.append(int(np.prod([int(size) for size in self.shape], initial=1)))
            return inner(self, *given, **named)

        monkeypatch.setattr(owner, name, wrapped)

    with monkeypatch.context():
        for name in ("numpy", "tolist", "item", "__array__", "__dlpack__", "__float__", "__int__"):
            counted(torch.Tensor, name)
        for name in ("__array__", "__dlpack__", "__float__", "__int__", "__bool__"):
            counted(type(of_strict([0.0])), name)
        yield sizes
