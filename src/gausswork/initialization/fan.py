"""How many inputs a unit sums over, and how many units an input feeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gausswork.errors import InputError


@dataclass(frozen=True, slots=True)
class Fans:
    """The fans of one weight.

    Attributes
    ----------
    fan_in : number of products that one output is a sum of.
    fan_out : number of outputs that one input goes into.
    units : number of outputs: rows of the weight as a matrix of shape (units, fan_in).
    """

    fan_in: int
    fan_out: int
    units: int

    def of(self, mode: str) -> float:
        """Return the number that the variance is divided by: ``"fan_in"``, ``"fan_out"``, …."""
        if mode == "fan_in":
            return float(self.fan_in)
        return float(self.fan_out) if mode == "fan_out" else 0.5 * (self.fan_in + self.fan_out)


def fans(shape: Sequence[int], *, transposed: bool = False, groups: int = 1) -> Fans:
    """Return the fans of a weight of this shape.

    Parameters
    ----------
    shape : ``(out, in, *kernel)`` as PyTorch has it, where ``in`` is the channels of one group; of
        a transposed convolution ``(in, out of one group, *kernel)``.
    transposed : whether the shape is that of a transposed convolution.
    groups : number of groups of a convolution.

    Returns
    -------
    fan_in = inputs of one group × kernel cells, fan_out = outputs of one group × kernel cells. A
    stride is not counted, as in He et al. (2015).

    Notes
    -----
    ``torch.nn.init`` reads the first axis as outputs whatever the layer is: it mixes up the fans
    of transposed convolutions, and counts the outputs of all groups.

    Raises
    ------
    InputError
        The shape has fewer than two axes, or an axis of length zero.
    """
    sizes = check_shape(shape)
    if len(sizes) < 2:
        raise InputError(
            f"fans need a weight of shape (out, in, *kernel); got shape {sizes}. A bias or a gain "
            "has none: set it to a constant, or use 'uniform' or 'normal', whose spread is given."
        )
    if groups < 1 or sizes[0] % groups:
        raise InputError(
            f"groups must divide the first axis of the shape, {sizes[0]}; got {groups}."
        )
    if 0 in sizes:
        raise InputError(f"shape {sizes} has an axis of length zero: there is nothing to draw.")
    cells = math.prod(sizes[2:])
    first, second = sizes[0] // groups, sizes[1]
    inputs, outputs = (first, second) if transposed else (second, first)
    return Fans(inputs * cells, outputs * cells, outputs)


def check_shape(shape: Any) -> tuple[int, ...]:
    """Return a shape as a tuple of whole numbers."""
    try:
        sizes = (int(shape),) if isinstance(shape, int) else tuple(int(size) for size in shape)
        whole = sizes == ((shape,) if isinstance(shape, int) else tuple(shape))
    except (TypeError, ValueError):
        whole = False
        sizes = ()
    if not whole or any(size < 0 for size in sizes):
        raise InputError(
            f"shape must be whole numbers such as (out, in) = (128, 64); got {shape!r}."
        )
    return sizes
