"""Units that are alike: the same weights and the same gradients, so they stay alike for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.initialization.probe import Layer

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

_WEIGHTS_ALIKE = 1e-6  # relative to the size of a row: rounding of float32
_GRADIENTS_ALIKE = 1e-4  # sums of float32 in another order


@dataclass(frozen=True, slots=True)
class Alike:
    """Units of one layer that are copies of one another.

    Attributes
    ----------
    units : how many there are in the layer.
    copies : how many of them have a twin.
    distinct : how many remain if twins are counted once.
    """

    units: int
    copies: int
    distinct: int


def alike(layer: Layer, gradients: Mapping[int, Any]) -> Alike | None:
    """Return how many units of a layer are copies; None without a gradient to compare.

    Units of different blocks (gates of an LSTM, groups of a convolution) are never compared: they
    do different things with the same weights. A unit is a copy only if its gradient is one as
    well: a readout that starts at zero has equal rows, and its gradients tell them apart.
    """
    units = copies = distinct = 0
    for weights, slopes in _blocks(layer, gradients):
        groups = [
            part
            for group in _groups(weights, _WEIGHTS_ALIKE)
            for part in _groups_within(slopes, group)
        ]
        units += len(weights)
        copies += sum(len(group) for group in groups)
        distinct += len(weights) - sum(len(group) - 1 for group in groups)
    return Alike(units, copies, distinct) if units else None


def _blocks(layer: Layer, gradients: Mapping[int, Any]) -> Iterator[tuple[Array, Array]]:
    """Yield (weights, gradients), each (units, numbers), of every block with two units or more."""
    parameters = layer.module._parameters
    for local, slot in layer.slots.items():
        parameter = parameters.get(local)
        if slot.role != "weight" or parameter is None or id(parameter) not in gradients:
            continue
        slope = gradients[id(parameter)]
        for i, block in enumerate(slot.blocks):
            rows = block.of(parameter.detach())
            units = rows.shape[0]
            if units < 2:
                continue
            ours, theirs = [_flat(rows)], [_flat(block.of(slope))]
            for name, bias in parameters.items():
                if (
                    bias is not None
                    and bias.ndim == 1
                    and id(bias) in gradients
                    and bias.shape[0] == units * len(slot.blocks)
                    and layer.slots[name].role == "bias"
                ):
                    part = slice(i * units, (i + 1) * units)
                    ours.append(_flat(bias.detach()[part].reshape(-1, 1)))
                    theirs.append(_flat(gradients[id(bias)][part].reshape(-1, 1)))
            yield np.concatenate(ours, axis=1), np.concatenate(theirs, axis=1)


def _flat(tensor: Any) -> Array:
    dense = tensor.to_dense() if tensor.is_sparse else tensor
    flat = dense.detach().float().cpu().reshape(dense.shape[0], -1)
    return np.asarray(flat.numpy(), dtype=np.float64)


def _groups_within(rows: Array, group: Indices) -> Iterator[Indices]:
    for part in _groups(rows[group], _GRADIENTS_ALIKE):
        yield group[part]


def _groups(rows: Array, tolerance: float) -> list[Indices]:
    """Return the groups of two or more rows that are equal, as indices.

    Rows are compared along a random direction first: equal rows lie side by side there.
    """
    sizes = np.sqrt((rows * rows).sum(axis=1))
    largest = float(sizes.max(initial=0.0))
    if not np.isfinite(largest):
        return []
    direction = np.random.default_rng(0).standard_normal(rows.shape[1])
    along = rows @ direction
    order = np.argsort(along, kind="stable")
    reach = tolerance * largest * np.sqrt(rows.shape[1])
    groups: list[Indices] = []
    start = 0
    for at in range(1, len(order) + 1):
        if at < len(order):
            one, other = order[at - 1], order[at]
            near = along[other] - along[one] <= 8.0 * reach
            if near and np.abs(rows[one] - rows[other]).max() <= tolerance * largest:
                continue
        if at - start > 1:
            groups.append(np.sort(order[start:at]))
        start = at
    return groups
