"""The same bits in torch tensors; torch is imported here and nowhere else, on first use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gausswork.errors import InputError, require
from gausswork.sampling.arguments import dtype_named
from gausswork.sampling.numpy_path import Vector


def _torch() -> Any:
    return require("torch", purpose="Tensors", extra="torch")


def empty(sizes: tuple[int, ...], dtype: Any, allowed: Sequence[str], default: str) -> Any:
    """Return a new tensor on the CPU; the float type is torch's default unless given."""
    torch = _torch()
    if dtype is None and default == "float64":
        dtype = torch.get_default_dtype()
    name = dtype_named(dtype, allowed, default).name
    return torch.empty(sizes, dtype=getattr(torch, name), device="cpu")


def vector(tensor: Any) -> Vector:
    """Return the memory of a contiguous CPU tensor as a NumPy vector."""
    flat: Vector = tensor.detach().numpy().reshape(-1)
    return flat


def place(tensor: Any) -> tuple[Vector, bool]:
    """Return a vector for the values of a tensor, and whether it is the tensor's own memory."""
    if tensor.layout is not _torch().strided or tensor.device.type == "meta":
        raise InputError(
            f"out must be a tensor with memory to write; got one with layout {tensor.layout} "
            f"on device {tensor.device}. Give a dense tensor."
        )
    if tensor.device.type == "cpu" and tensor.is_contiguous() and not tensor.is_conj():
        return vector(tensor), True
    return np.empty(tensor.numel(), dtype=str(tensor.dtype).removeprefix("torch.")), False


def copy(values: Vector, tensor: Any) -> None:
    """Write values of the shape of a tensor into it, wherever it lives."""
    torch = _torch()
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(values))
