"""C sources of the optional compiled modules, and whether those or plain NumPy serve."""

from __future__ import annotations

import importlib
import os
from functools import cache
from types import ModuleType

from gausswork.errors import InputError

ENVIRONMENT_VARIABLE = "GAUSSWORK_KERNELS"


def compiled(name: str) -> ModuleType | None:
    """Return a compiled module, such as ``"_kernels"``; None where plain NumPy serves.

    A module serves where it was built. The environment variable ``GAUSSWORK_KERNELS`` decides
    otherwise: ``numpy`` asks for none, ``compiled`` insists on all.

    Raises
    ------
    InputError
        The variable says something else, or ``compiled`` where the module was not built.
    """
    return _found(name, os.environ.get(ENVIRONMENT_VARIABLE, ""))


@cache
def _found(name: str, wanted: str) -> ModuleType | None:
    if wanted not in ("", "compiled", "numpy"):
        raise InputError(
            f"{ENVIRONMENT_VARIABLE} must be 'compiled' or 'numpy'; got {wanted!r}. "
            "Unset it to let gausswork choose."
        )
    if wanted == "numpy":
        return None
    try:
        return importlib.import_module(f"gausswork._native.{name}")
    except ImportError as error:
        if wanted == "compiled":
            raise InputError(
                f"{ENVIRONMENT_VARIABLE} is 'compiled', but {name} was not built ({error}). "
                "Reinstall gausswork where a C compiler is at hand, or unset it."
            ) from error
        return None
