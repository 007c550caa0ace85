"""The few functions that sums need of an array library, under one set of names.

They are those of the array API standard (data-apis.org/array-api), of which PyTorch and CuPy keep
the meaning under names of their own. The package array-api-compat translates all of the standard;
these are fifteen functions, and need no dependency.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError

# Elements worked on at once: what a processor's cache holds, what keeps a graphics card busy.
ON_HOST, ON_DEVICE = 1 << 17, 1 << 21
PORTIONS = 8  # of which a block of rows has at most so many
_COPIES = 12  # of a block at a time in the sums of the finest tier with weights, as measured

There: TypeAlias = Any  # an array of the other library, where it lies
Host: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Library:
    """An array library on one device. Functions take and return its arrays, unless said.

    Attributes
    ----------
    name : as a person calls it: ``"torch"``.
    device : where the arrays lie, in words: ``"cuda:0"``.
    portion : how many elements to work on at once where temporaries are many.
    float64 : converts an array of numbers or flags; the array itself where it is float64.
    send : takes float64 numbers of NumPy to the device.
    fetch : brings an array to the host as it is.
    join : of several arrays along an axis.
    sum, max, min : along an axis.
    reshape : into a shape.
    transpose : exchanges the last two axes.
    where : elements of one array or another.
    isfinite, sqrt, log : of every element.
    nonzero : the numbers of the true elements of a vector.
    take : rows by their numbers.
    """

    name: str
    device: str
    portion: int
    float64: Callable[[There], There]
    send: Callable[[npt.NDArray[Any]], There]
    fetch: Callable[[There], npt.NDArray[Any]]
    join: Callable[[Sequence[There], int], There]
    sum: Callable[[There, int], There]
    max: Callable[[There, int], There]
    min: Callable[[There, int], There]
    reshape: Callable[[There, tuple[int, ...]], There]
    transpose: Callable[[There], There]
    where: Callable[[There, There, There], There]
    isfinite: Callable[[There], There]
    sqrt: Callable[[There], There]
    log: Callable[[There], There]
    nonzero: Callable[[There], There]
    take: Callable[[There, There], There]

    @property
    def words(self) -> str:
        """Library and device, for messages."""
        return f"{self.name} on {self.device}"

    def host(self, array: There) -> Host:
        """Bring an array to the host as float64."""
        return np.asarray(self.fetch(self.float64(array)), dtype=np.float64)

    def column(self, vector: There) -> There:
        """Return a vector as a matrix of one column."""
        return self.reshape(vector, (-1, 1))


@contextmanager
def within_memory(library: Library) -> Iterator[None]:
    """Say in words that a device has no memory left for a block of rows and what is made of it."""
    try:
        yield
    except Exception as error:
        text = f"{type(error).__name__} {error}"  # by name: each library has its own
        if "OutOfMemory" not in text and "RESOURCE_EXHAUSTED" not in text:
            raise
        room = _COPIES * PORTIONS * library.portion * 8 // 10**6
        raise InputError(
            f"{library.words} has no memory left for a block of rows; up to {room:,} MB are "
            "needed beside the data. Free what is not in use, or bring the arrays to the host "
            f"first. ({first_line(error)})"
        ) from error


def first_line(error: Exception) -> str:
    """Return the beginning of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def name_of_library(array: Any) -> str:
    """Return the name of the library that an array is of, as it is imported."""
    for name, kind in (("torch", "Tensor"), ("cupy", "ndarray"), ("jax", "Array")):
        known = getattr(sys.modules.get(name), kind, None)
        if isinstance(known, type) and isinstance(array, known):
            return name
    return type(array).__module__.partition(".")[0]


def device_of(array: Any) -> str:
    """Return where an array lies, in words."""
    if name_of_library(array) == "jax":
        places = sorted(str(device) for device in array.devices())
        return ", ".join(places)
    if name_of_library(array) == "cupy":
        return f"cuda:{array.device.id}"
    return str(getattr(array, "device", "its device"))


def dtype_of(array: Any) -> str:
    """Return the type of the elements as NumPy would name it: ``"float32"``, ``"bfloat16"``."""
    return str(getattr(array, "dtype", type(array).__name__)).rpartition(".")[2]


def library_of(array: Any) -> Library:
    """Return the library of an array, for the device on which it lies."""
    name = name_of_library(array)
    if name == "torch":
        return _torch(array)
    if name == "cupy":
        return _cupy(array)
    if name == "jax":
        return _jax(array)
    return _standard(array, name)


def _torch(array: Any) -> Library:
    torch: Any = sys.modules["torch"]
    device = array.device

    def send(values: npt.NDArray[Any]) -> There:
        return torch.tensor(values, dtype=torch.float64, device=device)

    # rows of unsigned numbers are no different from rows of signed ones, which torch can pick
    signed = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}

    def take(array: There, rows: There) -> There:
        same = array.view(signed.get(array.dtype, array.dtype))
        return torch.index_select(same, 0, rows).view(array.dtype)

    return Library(
        name="torch",
        device=str(device),
        portion=ON_HOST if device.type == "cpu" else ON_DEVICE,
        float64=lambda a: a.to(torch.float64),
        send=send,
        fetch=lambda a: a.cpu().resolve_neg().numpy(),
        join=lambda arrays, axis: torch.cat(tuple(arrays), dim=axis),
        sum=lambda a, axis: torch.sum(a, dim=axis),
        max=lambda a, axis: torch.amax(a, dim=axis),
        min=lambda a, axis: torch.amin(a, dim=axis),
        reshape=torch.reshape,
        transpose=lambda a: a.transpose(-1, -2),
        where=torch.where,
        isfinite=torch.isfinite,
        sqrt=torch.sqrt,
        log=torch.log,
        nonzero=lambda a: torch.nonzero(a, as_tuple=True)[0],
        take=take,
    )


def _cupy(array: Any) -> Library:
    cupy: Any = sys.modules["cupy"]
    device = array.device.id
    if device != cupy.cuda.Device().id:  # on which CuPy starts all that it does
        raise InputError(
            f"X lies on cuda:{device}, and CuPy's present device is cuda:{cupy.cuda.Device().id}. "
            "Call inside `with X.device:`."
        )
    functions = _of_namespace(cupy)
    functions["float64"] = lambda a: a.astype(cupy.float64, copy=False)
    functions["transpose"] = lambda a: cupy.swapaxes(a, -1, -2)
    functions["send"] = lambda values: cupy.asarray(values, dtype=cupy.float64)
    functions["fetch"] = lambda a: a.get()
    return Library(name="cupy", device=f"cuda:{device}", portion=ON_DEVICE, **functions)


def _jax(array: Any) -> Library:
    jax: Any = sys.modules["jax"]
    if not jax.config.jax_enable_x64:
        raise InputError(
            "JAX is set to 32 bits, and what is computed for an array of it, here on "
            f"{device_of(array)}, is float64. Call jax.config.update('jax_enable_x64', True) "
            "first, or pass numpy.asarray(X) in the place of X, and so for the others."
        )
    numpy: Any = jax.numpy
    functions = _of_namespace(numpy)
    functions["float64"] = lambda a: a.astype(numpy.float64)
    # not committed to a device: what it is added to decides where
    functions["send"] = lambda values: numpy.asarray(values, dtype=numpy.float64)
    functions["fetch"] = np.asarray
    host = all(device.platform == "cpu" for device in array.devices())
    portion = ON_HOST if host else ON_DEVICE
    return Library(name="jax", device=device_of(array), portion=portion, **functions)


def _standard(array: Any, name: str) -> Library:
    """Take a library at the word of the standard."""
    namespace = array.__array_namespace__()
    device = array.device
    functions = _of_namespace(namespace)
    functions["float64"] = lambda a: namespace.astype(a, namespace.float64, copy=False)
    functions["send"] = lambda values: namespace.asarray(
        values, dtype=namespace.float64, device=device
    )
    functions["fetch"] = _to_host
    return Library(name=name, device=str(device), portion=ON_DEVICE, **functions)


def _to_host(array: There) -> npt.NDArray[Any]:
    try:
        return np.from_dlpack(array, device="cpu")  # type: ignore[call-arg, unused-ignore]
    except (BufferError, TypeError, RuntimeError, AttributeError, ValueError):
        return np.asarray(array)  # NumPy before 2.1, and arrays that cannot be exported


def _of_namespace(xp: ModuleType | Any) -> dict[str, Callable[..., Any]]:
    """Return the functions that have one name wherever the standard is followed, or nearly."""
    join = getattr(xp, "concat", None) or xp.concatenate
    return {
        "join": lambda arrays, axis: join(tuple(arrays), axis=axis),
        "sum": lambda a, axis: xp.sum(a, axis=axis),
        "max": lambda a, axis: xp.max(a, axis=axis),
        "min": lambda a, axis: xp.min(a, axis=axis),
        "reshape": xp.reshape,
        "transpose": lambda a: a.mT,
        "where": xp.where,
        "isfinite": xp.isfinite,
        "sqrt": xp.sqrt,
        "log": xp.log,
        "nonzero": lambda a: xp.nonzero(a)[0],
        "take": lambda a, rows: xp.take(a, rows, axis=0),
    }
