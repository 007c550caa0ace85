"""Arrays of other libraries are looked at and opened; what cannot be used is refused in words."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.devices import is_foreign
from gausswork.data.devices.library import (
    Library,
    There,
    device_of,
    dtype_of,
    library_of,
    name_of_library,
    within_memory,
)
from gausswork.data.devices.source import DeviceSource
from gausswork.data.opened import OpenedData
from gausswork.data.opening import array_names, recipe_of
from gausswork.data.recipe import INTERCEPT, Recipe
from gausswork.data.remarks import binary_target, name_findings
from gausswork.data.tables import EXACT_INTEGERS, row_from_zero
from gausswork.data.weights import ARGUMENTS, FREQUENCY, Weights, check_weights
from gausswork.errors import InputError
from gausswork.findings import Finding

ENVIRONMENT_VARIABLE = "GAUSSWORK_ARRAYS"

# Types that NumPy has too; of the others (bfloat16, float8) the library makes float64.
_SHARED = frozenset(
    ["bool", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
_TO_HOST = {"torch": ".cpu()", "cupy": ".get()"}


@dataclass(frozen=True, slots=True)
class _Argument:
    """An array that was given, and as what."""

    array: Any
    name: str


def viewed(data: Any, y: Any, weights: Any, belonging: str = "y") -> tuple[Any, Any, Any] | None:
    """View arrays of other libraries as NumPy's, where they lie in the host's memory.

    Parameters
    ----------
    data, y, weights : at least one of them an array of another library, those that are not arrays
        left as they are.
    belonging : what y is called, for messages.

    Returns
    -------
    The same three, nothing copied; None where their own library must do the sums.

    Raises
    ------
    InputError
        They are of different libraries, lie on different devices, or hold no real numbers.
    """
    beside = [
        _Argument(array, name)
        for array, name in ((y, belonging), (weights, "weights"))
        if array is not None and not isinstance(array, str)
    ]
    if not is_foreign(data) and not isinstance(data, np.ndarray | list | tuple):
        views = [_brought_beside(argument) for argument in beside]
    else:
        given = [_Argument(data, "X"), *beside]
        for argument in given:
            if is_foreign(argument.array):
                _require_numbers(argument)
        _require_together(given)
        if _asked_for_own():
            return None
        data, *views = (_view(argument.array) for argument in given)
        if data is None or any(view is None for view in views):
            return None
    found = dict(zip((argument.name for argument in beside), views, strict=True))
    return data, found.get(belonging, y), found.get("weights", weights)


def host_view(array: Any, name: str) -> npt.NDArray[Any]:
    """View an array of another library as one of NumPy's, for what works in the host's memory only.

    Raises
    ------
    InputError
        It lies elsewhere, or holds no real numbers.
    """
    argument = _Argument(array, name)
    _require_numbers(argument)
    view = _view(array)
    if view is None:
        library = name_of_library(array)
        how = f"Bring it there with {_TO_HOST.get(library, 'numpy.asarray()')}."
        if library == "torch" and array.device.type == "cpu":
            how = "Make it float64 with .double()."
        raise InputError(
            f"{name} is an array of {library} on {device_of(array)} ({dtype_of(array)}), and what "
            f"was asked for needs one that NumPy can read, in the host's memory. {how}"
        )
    return view


def open_new(new: Any, recipe: Recipe) -> tuple[There, Iterator[npt.NDArray[np.float64]] | None]:
    """Check rows to predict, an array of another library, by the recipe of a fit.

    Returns
    -------
    the (m, p) array, and its rows in blocks where NumPy sees them in the host's memory, else None.
    """
    from gausswork.data.predictors import array_blocks, check_columns, check_positional

    check_positional(recipe)
    _require_numbers(_Argument(new, "the new data"))
    x = _matrix(plain(new), "the new data", allow_empty=True)
    check_columns(tuple(int(size) for size in x.shape), recipe)
    view = None if _asked_for_own() else _view(x)
    return x, None if view is None else array_blocks(view, recipe)


def _brought_beside(argument: _Argument) -> Any:
    """View what belongs to a table, which is in the host's memory."""
    if not is_foreign(argument.array):
        return argument.array
    return host_view(argument.array, argument.name)


def open_foreign(
    x: Any, y: Any, target: str | None, features: Any, missing: str, weights: Any, weighting: str
) -> OpenedData:
    """Open arrays that stay with their library; see :func:`gausswork.data.open_data`."""
    if y is None:
        raise InputError(
            "the target is missing: an array has no column names, so pass the target's values as "
            "the second argument, as in fit(X[:, 1:], X[:, 0])."
        )
    if isinstance(weights, str):
        raise InputError(
            f"{ARGUMENTS[weighting]} is {weights!r}, but an array has no column names. Pass the "
            f"{ARGUMENTS[weighting]} themselves, an array where X is."
        )
    library = library_of(x)
    x, y = _matrix(plain(x), "X"), plain(y)
    rows, p = (int(size) for size in x.shape)
    y = _vector(y, "y", x)
    names = array_names(p, features)
    name = target or "y"
    if name in names:
        raise InputError(f"the target and a feature are both called {name!r}. Rename one of them.")
    recipe = recipe_of(names, name)
    if weights is not None:
        argument = ARGUMENTS[weighting]
        weights = _vector(plain(weights), argument, x)
        with within_memory(library):
            _check_weights(library, weights, weighting)
        recipe = replace(recipe, weights=Weights(argument, weighting))
    with within_memory(library):
        findings: tuple[Finding, ...] = tuple(_rounded(library, x, y, names, name))
    if dtype_of(y) == "bool":
        findings = (*findings, binary_target(name))
    if INTERCEPT in names:
        findings = (*findings, *name_findings(recipe))
    source = DeviceSource(library, x, y, recipe.names, name, missing, weights, weighting)
    return OpenedData(source, recipe, findings, f"arrays {rows}×{p} ({library.words})")


def _asked_for_own() -> bool:
    """Whether arrays in the host's memory are to be summed by their own library, too."""
    wanted = os.environ.get(ENVIRONMENT_VARIABLE, "")
    if wanted not in ("", "own"):
        raise InputError(
            f"{ENVIRONMENT_VARIABLE} must be 'own' (every array is summed by its own library) or "
            f"unset; got {wanted!r}."
        )
    return wanted == "own"


def _require_numbers(given: _Argument) -> None:
    """Refuse what holds no real numbers, or has no values that could be read."""
    array, name, of = given.array, given.name, name_of_library(given.array)
    if of == "torch":
        _require_plain_tensor(array, name)
    if of == "jax" and isinstance(array, sys.modules["jax"].core.Tracer):
        raise InputError(
            f"{name} is being traced (by jax.jit, grad or vmap) and has no values. A fit is no "
            "part of a JAX program: call it outside, on arrays."
        )
    if hasattr(array, "todense"):  # such as sparse.COO
        raise InputError(f"{name} is a sparse array, which is not read here. Pass a dense one.")
    kind = dtype_of(array)
    if kind.startswith("complex"):
        raise InputError(
            f"{name} must hold real numbers; it holds complex numbers ({kind}). Pass the real and "
            "the imaginary part as columns of their own."
        )
    if not kind.startswith(("float", "bfloat", "int", "uint", "bool")):
        raise InputError(f"{name} must hold real numbers; it holds values of dtype {kind}.")


def _require_plain_tensor(tensor: Any, name: str) -> None:
    torch = sys.modules["torch"]
    if tensor.is_quantized:
        raise InputError(f"{name} is a quantized tensor. Pass {name}.dequantize().")
    if tensor.is_nested:
        raise InputError(
            f"{name} is a nested tensor, whose rows differ in length. Pass one of shape (n, p)."
        )
    if tensor.layout is not torch.strided:
        raise InputError(
            f"{name} is a sparse tensor ({str(tensor.layout).removeprefix('torch.')}), which is "
            f"not read here. If it fits into memory, pass {name}.to_dense()."
        )
    if tensor.device.type == "meta":
        raise InputError(
            f"{name} is a tensor on the meta device: it has a shape and no values. Pass one that "
            "has, on cpu or cuda."
        )


def _require_together(given: Sequence[_Argument]) -> None:
    """Refuse arrays of different libraries or on different devices."""
    foreign = next(each for each in given if is_foreign(each.array))
    library, device = name_of_library(foreign.array), device_of(foreign.array)
    for other in given:
        if not is_foreign(other.array):
            what = type(other.array).__name__
            what = f"a NumPy array ({what})" if isinstance(other.array, np.ndarray) else f"a {what}"
        elif name_of_library(other.array) != library:
            what = f"an array of {name_of_library(other.array)}"
        elif device_of(other.array) != device:
            raise InputError(
                f"{foreign.name} lies on {device} and {other.name} on {device_of(other.array)}. "
                f"Bring both to one device, as in {_moved(other.name, foreign, library)}."
            )
        else:
            continue
        raise InputError(
            f"{foreign.name} is an array of {library} (on {device}) and {other.name} is {what}: "
            f"they must be of one library. Pass {_moved(other.name, foreign, library)}."
        )


def _moved(name: str, like: _Argument, library: str) -> str:
    """Write how an array becomes one of the library and device of another."""
    if library == "torch":
        return f"torch.as_tensor({name}, device={like.name}.device)"
    if library == "cupy":
        return f"cupy.asarray({name})"
    if library == "jax":
        return f"jax.device_put({name}, {like.name}.sharding)"
    return f"xp.asarray({name}, device={like.name}.device), xp the namespace of {like.name}"


def _view(array: Any) -> npt.NDArray[Any] | None:
    """View an array as one of NumPy's without copying it; None where that cannot be."""
    library = name_of_library(array)
    if dtype_of(array) not in _SHARED or library == "cupy":
        return None
    if library == "torch":
        if array.device.type != "cpu":
            return None
        try:
            view: npt.NDArray[Any] = array.detach().resolve_neg().numpy()
        except (RuntimeError, TypeError) as error:  # batched by vmap, fake while it is compiled
            raise InputError(
                f"the values of a tensor cannot be read ({str(error).splitlines()[0]}). A fit is "
                "no part of torch.func or torch.compile: call it outside, on tensors."
            ) from error
        return view
    if library == "jax":
        return np.asarray(array) if _on_host(array) else None
    try:
        return np.asarray(array)  # raises where the array is not in the host's memory
    except (TypeError, RuntimeError, ValueError, BufferError):
        return None


def _on_host(array: Any) -> bool:
    devices = array.devices()
    return len(devices) == 1 and all(device.platform == "cpu" for device in devices)


def plain(array: Any) -> There:
    """Return an array without what a library notes down to differentiate by it."""
    return array.detach() if name_of_library(array) == "torch" else array


def _matrix(x: There, name: str, *, allow_empty: bool = False) -> There:
    shape = tuple(int(size) for size in x.shape)
    if len(shape) == 1:
        return x[:, None]
    if len(shape) != 2:
        holds = "a single number" if not shape else f"of shape {shape}"
        raise InputError(
            f"{name} must be rows by columns, (n, p); it is {holds}. Use {name}.reshape(n, p)."
        )
    if not shape[0] and not allow_empty:
        raise InputError(f"{name} has no rows (shape {shape}), so there is nothing to fit.")
    return x


def _vector(y: There, name: str, x: There) -> There:
    shape = tuple(int(size) for size in y.shape)
    if len(shape) == 2 and shape[1] == 1:
        y, shape = y[:, 0], shape[:1]
    if len(shape) != 1:
        raise InputError(
            f"{name} must be one column of values, shape (n,); its shape is {shape}. "
            f"{'One target at a time: pass' if name == 'y' else 'Pass'} {name}[:, 0]."
        )
    if shape[0] != int(x.shape[0]):
        hint = " Did you mean X.T?" if int(x.shape[1]) == shape[0] else ""
        raise InputError(
            f"X has {int(x.shape[0])} rows and {name} has {shape[0]} "
            f"value{'' if shape[0] == 1 else 's'}; they must agree.{hint}"
        )
    return y


def _check_weights(library: Library, weight: There, kind: str) -> None:
    """Refuse what cannot be a weight: looked for there, and named here."""
    w = library.float64(weight)
    fine = (w >= 0.0) & library.isfinite(w)
    if kind == FREQUENCY:
        fine = fine & (w < 2.0**53)
        fine = fine & (library.where(fine, w, library.send(np.full(1, 0.5))) % 1.0 == 0.0)
    else:
        fine = fine & (w <= 1e100) & ((w == 0.0) | (w >= 1e-100))
    wrong = library.nonzero(~fine)
    if int(wrong.shape[0]):
        row = int(library.fetch(wrong[:1])[0])
        check_weights(library.host(w[row : row + 1]), kind, where=row_from_zero(row))
        raise AssertionError("what was refused there is refused here")


def _rounded(
    library: Library, x: There, y: There, names: tuple[str, ...], target: str
) -> list[Finding]:
    """Say which columns hold integers that float64 has no room for."""
    from gausswork.data.encode import rounded_integers

    found = []
    for array, of in ((x, names), (library.column(y), (target,))):
        if dtype_of(array) not in ("int64", "uint64") or not of:
            continue
        if library.name == "torch" and dtype_of(array) == "uint64":
            array = library.float64(array)  # which torch cannot compare
        ends = [library.fetch(end(array, 0)).tolist() for end in (library.min, library.max)]
        for name, low, high in zip(of, *ends, strict=True):
            largest = int(low if -low > high else high)
            if abs(largest) > EXACT_INTEGERS:
                found.append(rounded_integers(name, largest))
    return found
