"""The arguments that all draws share, checked once: shape, type, place, seed."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gausswork.errors import InputError
from gausswork.sampling.numpy_path import Vector
from gausswork.sampling.state import State, check_position, check_seed, check_stream
from gausswork.sampling.words import END

Shape = int | Sequence[int]
FLOATS = ("float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True, slots=True)
class Request:
    """What to fill and from where.

    Attributes
    ----------
    values : (n,) contiguous vector to fill.
    result : what the caller gets: an array over the same memory, or a tensor.
    written : whether ``values`` must be copied into ``result`` at the end.
    """

    values: Vector
    result: Any
    written: bool
    seed: int
    stream: int
    offset: int
    threads: int | None

    def done(self) -> Any:
        """Return the result, filled."""
        if self.written:
            shaped = self.values.reshape(tuple(self.result.shape))
            if isinstance(self.result, np.ndarray):
                self.result[...] = shaped
            else:
                from gausswork.sampling import tensors

                tensors.copy(shaped, self.result)
        return self.result


def request(
    shape: Shape | None,
    seed: int | State,
    stream: int | str,
    offset: int,
    dtype: Any,
    out: Any,
    like: Any,
    threads: int | None,
    *,
    allowed: Sequence[str],
    default: str,
) -> Request:
    """Check the arguments and find the memory to fill.

    ``allowed`` are the names of the types that the draw knows; ``default`` the one of NumPy.
    """
    where = state(seed, stream, offset)
    torch_wanted = _torch_wanted(like, out)
    if out is not None:
        values, result, written = _place(out, shape, dtype, allowed)
    else:
        sizes = check_shape(shape)
        if torch_wanted:
            from gausswork.sampling import tensors

            result = tensors.empty(sizes, dtype, allowed, default)
            values, written = tensors.vector(result), False
        else:
            result = np.empty(sizes, dtype=dtype_named(dtype, allowed, default))
            values, written = result.reshape(-1), False
    if where.position + values.size > END:
        raise InputError(
            f"{values.size} values from index {where.position} on pass the end of the stream, "
            "2**48. Take the rest from another stream."
        )
    return Request(
        values, result, written, where.seed, where.number, where.position, check_threads(threads)
    )


def state(seed: int | State, stream: int | str, offset: int) -> State:
    """Return where to draw from; a :class:`State` in place of the seed says it all."""
    if isinstance(seed, State):
        if stream != 0:
            raise InputError(
                f"seed is a State, which has its stream, and stream={stream!r} was given as well. "
                f"Leave it out, or take seed=state.child({stream!r})."
            )
        return seed.advanced(check_position(offset, "offset")) if offset else seed
    check_seed(seed), check_stream(stream)
    return State(seed, stream, check_position(offset, "offset"))


def check_shape(shape: object) -> tuple[int, ...]:
    """Return a shape as a tuple of sizes."""
    sizes: Any = shape
    if shape is None:
        raise InputError("shape is missing: give an int, a tuple such as (3, 4), or out=.")
    if isinstance(shape, bool | str | bytes):
        raise InputError(f"shape must be an int or a tuple of ints; got {shape!r}, such as (3, 4).")
    if isinstance(shape, numbers.Integral):
        sizes = (shape,)
    try:
        found = tuple(operator.index(size) for size in sizes)
    except TypeError:
        raise InputError(
            f"shape must be an int or a tuple of ints; got {shape!r}. "
            "Give one argument, such as 5 or (3, 4)."
        ) from None
    if any(isinstance(size, bool) or size < 0 for size in found):
        raise InputError(f"sizes must be whole numbers from 0 on; got shape {shape!r}.")
    if math.prod(found) > END:
        raise InputError(f"shape {shape!r} asks for more than 2**48 values. Draw it in parts.")
    return found


def dtype_named(dtype: object, allowed: Sequence[str], default: str) -> np.dtype[Any]:
    """Return a type as NumPy's, if the draw knows it."""
    if dtype is None:
        return np.dtype(default)
    name = str(dtype).removeprefix("torch.") if "torch" in type(dtype).__module__ else dtype
    try:
        found = np.dtype(name)  # type: ignore[call-overload]
    except TypeError:
        found = None
    if found is None or found.name not in allowed or not found.isnative:
        raise InputError(
            f"dtype must be {' or '.join((', '.join(allowed[:-1]), allowed[-1]))}; got {dtype!r}. "
            "Draw one of these and convert it."
        )
    kind: np.dtype[Any] = np.dtype(found)
    return kind


def check_threads(threads: object) -> int | None:
    """Return a number of threads; None leaves it to the processors."""
    if threads is None:
        return None
    if isinstance(threads, bool) or not isinstance(threads, numbers.Integral) or threads < 1:
        raise InputError(
            f"threads must be a whole number from 1 on; got {threads!r}. "
            "Leave it out to use all cores."
        )
    return int(threads)


def finite(name: str, value: object) -> float:
    """Return an argument that must be one finite number."""
    number = real(name, value)
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number; got {value!r}. Give one, such as 0.0.")
    return number + 0.0  # −0 is 0


def real(name: str, value: object) -> float:
    """Return an argument that must be one number; infinities pass, NaN does not."""
    if not isinstance(value, bool) and hasattr(value, "__float__") and not isinstance(value, str):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isnan(number):
            return number
    raise InputError(f"{name} must be a number; got {value!r}. Give one, such as 0.0.")


def _torch_wanted(like: object, out: object) -> bool:
    if like is None or (isinstance(like, str) and like == "numpy"):
        return False
    if isinstance(like, str) and like == "torch":
        if isinstance(out, np.ndarray):
            raise InputError("like='torch' asks for a tensor, and out is a NumPy array. Drop one.")
        return True
    raise InputError(f"like must be 'numpy' or 'torch'; got {like!r}.")


def _place(
    out: Any, shape: Shape | None, dtype: Any, allowed: Sequence[str]
) -> tuple[Vector, Any, bool]:
    """Return the vector to fill, what to give back, and whether to copy one into the other."""
    if isinstance(out, np.ndarray):
        kind = dtype_named(out.dtype, allowed, "")
        if not out.flags.writeable:
            raise InputError("out is read-only. Give an array that may be written, or none.")
        in_place = out.flags.c_contiguous
        vector = out.reshape(-1) if in_place else np.empty(out.size, dtype=kind)
    elif type(out).__module__.partition(".")[0] == "torch" and hasattr(out, "untyped_storage"):
        from gausswork.sampling import tensors

        kind = dtype_named(out.dtype, allowed, "")
        vector, in_place = tensors.place(out)
    else:
        raise InputError(
            f"out must be a NumPy array or a torch tensor; got {type(out).__name__}. "
            "Leave it out to get a new array."
        )
    if shape is not None and check_shape(shape) != tuple(out.shape):
        raise InputError(
            f"shape {shape!r} and out of shape {tuple(out.shape)} do not agree. Give out alone."
        )
    if dtype is not None and dtype_named(dtype, allowed, "") != kind:
        raise InputError(f"dtype {dtype!r} and out of type {out.dtype} differ. Give out alone.")
    return vector, out, not in_place
