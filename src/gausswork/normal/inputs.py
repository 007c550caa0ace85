"""What the normal distribution accepts as numbers, and what it says of everything else."""

from __future__ import annotations

import numbers
from decimal import Decimal
from statistics import StatisticsError
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError


class DistributionError(InputError, StatisticsError):
    """What was asked is not defined for these numbers; a ``statistics.StatisticsError`` too."""


class NotANumberError(InputError, TypeError):
    """Something that is no number stands where one is needed."""


def real(value: Any, name: str) -> npt.NDArray[Any]:
    """Return numbers of any shape as a float64 array, or as float32 where they are float32.

    Raises
    ------
    NotANumberError
        Text, None, complex numbers, dates.
    """
    if isinstance(value, np.ma.MaskedArray):
        value = np.ma.filled(value.astype(np.float64), np.nan)
    try:
        given = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise NotANumberError(f"{name} must be numbers of a regular shape; {error}.") from None
    except (TypeError, RuntimeError) as error:  # a tensor on a graphics card
        raise NotANumberError(f"{name} cannot be read as numbers: {error}") from None
    if given.dtype.kind in "fiub":
        return given if given.dtype == np.float32 else given.astype(np.float64, copy=False)
    if given.dtype.kind == "O" and all(_is_real(v) for v in given.flat):
        try:
            return given.astype(np.float64)
        except OverflowError:
            raise DistributionError(
                f"{name} must lie in the range of float64, about ±1.8e308; got a larger number."
            ) from None
    example = value if given.ndim == 0 else next((v for v in given.flat if not _is_real(v)), value)
    raise NotANumberError(
        f"{name} must be numbers; got {example!r} ({type(example).__name__}). "
        "Convert it to float first."
    )


def _is_real(value: Any) -> bool:
    return isinstance(value, numbers.Real | Decimal | np.bool_)


def probability(value: Any, name: str) -> npt.NDArray[Any]:
    """Return probabilities as :func:`real` does; NaN passes.

    Raises
    ------
    DistributionError
        One lies outside [0, 1].
    """
    p = real(value, name)
    outside = (p < 0.0) | (p > 1.0)
    if outside.any():
        raise DistributionError(_said(name, float(p[outside].flat[0])))
    return p


def _said(name: str, wrong: float) -> str:
    hint = f" Did you mean {wrong / 100:g}?" if 1.0 < wrong <= 100.0 else ""
    return f"{name} must lie in [0, 1]; got {wrong:g}.{hint}"


def log_probability(value: Any, name: str) -> npt.NDArray[Any]:
    """Return logarithms of probabilities as :func:`real` does; NaN passes.

    Raises
    ------
    DistributionError
        One is positive.
    """
    logarithm = real(value, name)
    positive = logarithm > 0.0
    if positive.any():
        wrong = float(logarithm[positive].flat[0])
        hint = f" Did you mean log({wrong:g})?" if wrong < 1.0 else ""
        raise DistributionError(
            f"{name} is the logarithm of a probability and cannot be positive; got {wrong:g}.{hint}"
        )
    return logarithm


def spread(value: Any, name: str) -> npt.NDArray[np.float64]:
    """Return standard deviations as float64; 0, infinity and NaN pass.

    Raises
    ------
    DistributionError
        One is negative.
    """
    sd = real(value, name).astype(np.float64, copy=False)
    negative = sd < 0.0
    if negative.any():
        raise DistributionError(
            f"{name} is a standard deviation and cannot be negative; got "
            f"{float(sd[negative].flat[0]):g}. Give its size without the sign."
        )
    return sd


def level(value: Any) -> float:
    """Return a share of probability strictly between 0 and 1.

    Raises
    ------
    DistributionError
        It is none.
    """
    share = real(value, "level")
    wrong = float(share) if not share.ndim else 0.0
    if not 0.0 < wrong < 1.0:
        hint = f" Did you mean {wrong / 100:g}?" if 1.0 < wrong < 100.0 else ""
        raise DistributionError(f"level must lie in (0, 1); got {value}.{hint}")
    return wrong


def finite_number(value: Any, name: str) -> float:
    """Return one finite number.

    Raises
    ------
    DistributionError
        It is NaN or infinite, or not one.
    """
    given = real(value, name)
    if given.ndim or not np.isfinite(given):
        raise DistributionError(f"{name} must be a finite number; got {value}.")
    return float(given)


def common_shape(**arrays: npt.NDArray[Any]) -> tuple[int, ...]:
    """Return the shape to which arrays broadcast.

    Raises
    ------
    DistributionError
        There is none.
    """
    try:
        return np.broadcast_shapes(*(v.shape for v in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {v.shape}" for name, v in arrays.items() if v.ndim)
        raise DistributionError(
            f"these shapes do not fit together: {shapes}. Give arrays of one shape, or add axes of "
            "length 1, as x[:, None] does."
        ) from None
