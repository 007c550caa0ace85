"""The exceptions of gausswork: each says which argument, which value, and what to do."""

from __future__ import annotations

import importlib
from types import ModuleType


class GaussworkError(Exception):
    """Root of every error that gausswork raises on purpose."""

    # Whether the lines of the message after the first are a drawing, such as a caret.
    drawn = False


class InputError(GaussworkError, ValueError):
    """An argument or the data given cannot be used; the message names the remedy."""


class NotFiniteError(InputError):
    """A column holds NaN or infinities where numbers are needed."""


class DataFileError(InputError):
    """A data file cannot be read; the message says where (file, line, column)."""


class ClusterError(InputError):
    """A partition or a worker of a cluster has failed; the message says which, and what to do."""


class ModelFileError(InputError):
    """A saved model is corrupt, truncated, hostile or of a newer format."""


class DatabaseError(InputError):
    """A database cannot be reached, refuses a query, or stops before its answer is complete."""


class QueryError(DatabaseError):
    """A database refuses a query and says where; the message shows the place."""

    drawn = True


class MissingPackageError(GaussworkError, ImportError):
    """An optional package is needed and not installed; the message says what to install."""


def require(module: str, *, purpose: str, extra: str) -> ModuleType:
    """Import an optional package, or say what to install.

    Parameters
    ----------
    module : dotted name to import, such as ``"matplotlib.pyplot"``.
    purpose : what needs it, as the start of a sentence: ``"Plots"``.
    extra : the extra of gausswork that installs it, such as ``"plots"``.

    Raises
    ------
    MissingPackageError
        The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there but broken: hiding that would mislead
        raise MissingPackageError(
            f"{purpose} need the package {package!r}, which is not installed. "
            f"Install it with: pip install 'gausswork[{extra}]'"
        ) from None
