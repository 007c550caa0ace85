"""Leaves a network exactly as it was, whatever a forward pass does to it.

A forward pass changes more than one thinks: running statistics of batch norms, the vectors of a
spectral norm, rows of an embedding with ``max_norm``, counters, caches, the random generators. All
of that is put back, on an error too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gausswork.initialization.slots import torch


@dataclass(slots=True)
class _Tensor:
    """A tensor as it was: the object and its values."""

    tensor: Any
    values: Any

    @classmethod
    def of(cls, tensor: Any) -> _Tensor:
        return cls(tensor, tensor.detach().clone())

    def restore(self) -> None:
        # Compared by value: batch norms write to their statistics without a new version number.
        if self.tensor.shape != self.values.shape:
            self.tensor.data = self.values
        elif not bool(torch().equal(self.tensor.detach(), self.values)):
            with torch().no_grad():
                self.tensor.copy_(self.values)


@contextlib.contextmanager
def untouched(model: Any, *, seed: int) -> Iterator[None]:
    """Run what is inside with gradients on and seeded generators; then put everything back.

    Parameters, gradients, buffers, modes, hooks, attributes and the states of the generators on
    CPU and, where CUDA is in use, on its devices are afterwards what they were.
    """
    th = torch()
    modules = list(model.modules())
    attributes = [_attributes(module) for module in modules]
    tensors: dict[int, _Tensor] = {}
    for tensor in (*model.parameters(), *model.buffers(), *_loose(modules)):
        if not tensor.is_meta and id(tensor) not in tensors:
            tensors[id(tensor)] = _Tensor.of(tensor)
    parameters = list(model.parameters())
    flags = [p.requires_grad for p in parameters]
    gradients = [p.grad for p in parameters]
    for gradient in gradients:
        if gradient is not None and id(gradient) not in tensors:
            tensors[id(gradient)] = _Tensor.of(gradient)
    generators = _generators()
    states = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        with th.inference_mode(False), th.enable_grad():
            yield
    finally:
        for module, known in zip(modules, attributes, strict=True):
            _restore(module.__dict__, known)
        for kept in tensors.values():
            kept.restore()
        for parameter, flag, gradient in zip(parameters, flags, gradients, strict=True):
            parameter.requires_grad_(flag)
            if parameter.grad is not gradient:
                parameter.grad = gradient
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def _generators() -> list[Any]:
    """Return the global generators in use; asking for those of CUDA must not start CUDA."""
    th = torch()
    found = [th.default_generator]
    if th.cuda.is_available() and th.cuda.is_initialized():
        found += list(th.cuda.default_generators)
    return found


def _loose(modules: list[Any]) -> Iterator[Any]:
    """Yield tensors that modules hold as plain attributes."""
    th = torch()
    for module in modules:
        for value in module.__dict__.values():
            if isinstance(value, th.Tensor):
                yield value


def _attributes(module: Any) -> dict[str, tuple[Any, Any]]:
    """Return the attributes of a module: each object, and a copy of it if it is a container."""
    known = {}
    for name, value in module.__dict__.items():
        copied: Any = None
        if isinstance(value, dict):
            copied = dict(value)
        elif isinstance(value, list):
            copied = list(value)
        known[name] = (value, copied)
    return known


def _restore(attributes: dict[str, Any], known: dict[str, tuple[Any, Any]]) -> None:
    for name in [name for name in attributes if name not in known]:
        del attributes[name]
    for name, (value, copied) in known.items():
        if isinstance(copied, dict) and not _same(list(value.items()), list(copied.items())):
            value.clear()
            value.update(copied)
        elif isinstance(copied, list) and not _same(
            list(enumerate(value)), list(enumerate(copied))
        ):
            value[:] = copied
        attributes[name] = value


def _same(one: list[tuple[Any, Any]], other: list[tuple[Any, Any]]) -> bool:
    return len(one) == len(other) and all(
        a[0] == b[0] and a[1] is b[1] for a, b in zip(one, other, strict=True)
    )
