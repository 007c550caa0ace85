"""The compiled samplers behind the signatures of :mod:`gausswork.sampling.numpy_path`."""

from __future__ import annotations

import numpy as np

from gausswork._native import _sampling
from gausswork.sampling.numpy_path import CHUNK, NARROW_SPAN, Vector
from gausswork.sampling.truncation import Plan


def uniform(out: Vector, seed: int, stream: int, offset: int, low: float, high: float) -> None:
    """Fill with uniforms; see :func:`numpy_path.uniform`."""
    kind = out.dtype.type
    bottom, top = kind(low), kind(high)
    width, last = kind(high - low), np.nextafter(top, bottom)
    _sampling.uniform(out, seed, stream, offset, float(bottom), float(width), float(last))


def normal(out: Vector, seed: int, stream: int, offset: int, mean: float, sd: float) -> None:
    """Fill with normals; see :func:`numpy_path.normal`."""
    _sampling.normal(out, seed, stream, offset, mean, sd)


def integers(out: Vector, seed: int, stream: int, offset: int, low: int, span: int) -> None:
    """Fill with whole numbers; see :func:`numpy_path.integers`."""
    narrow = span <= NARROW_SPAN
    _sampling.integers(out, seed, stream, offset, low % 2**64, span % 2**64, narrow)


def bernoulli(out: Vector, seed: int, stream: int, offset: int, p: float) -> None:
    """Fill with 1 with probability p, else 0; see :func:`numpy_path.bernoulli`."""
    scaled = p * 2.0**32
    threshold = int(scaled)
    fraction = int((scaled - threshold) * 2.0**64)
    if out.itemsize == 1:
        _sampling.bernoulli(out, seed, stream, offset, threshold, fraction)
        return
    for at in range(0, out.size, CHUNK):
        bits = np.empty(min(CHUNK, out.size - at), dtype=np.uint8)
        _sampling.bernoulli(bits, seed, stream, offset + at, threshold, fraction)
        out[at : at + CHUNK] = bits


def permutation(out: Vector, seed: int, stream: int) -> None:
    """Fill with a permutation; see :func:`numpy_path.permutation`."""
    _sampling.permutation(out, seed, stream, 0)


def truncated(
    out: Vector, seed: int, stream: int, offset: int, plan: Plan, mean: float, sd: float
) -> None:
    """Fill with normals between bounds; see :func:`numpy_path.truncated`."""
    for at in range(0, out.size, CHUNK):
        z = np.empty(min(CHUNK, out.size - at))
        _sampling.truncated(
            z,
            seed,
            stream,
            offset + at,
            plan.lower,
            plan.upper,
            plan.inner,
            plan.rate,
            plan.proposal,
        )
        out[at : at + CHUNK] = plan.scaled(z, mean, sd, out.dtype)
