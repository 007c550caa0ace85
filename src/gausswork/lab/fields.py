"""A room's state as somebody sent it: each entry is taken out with its type and range checked."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gausswork.errors import InputError

_LARGEST = sys.float_info.max
_TEXT = 1000  # characters of a name
_SHOWN = 40  # characters of a wrong value in a message


class Fields:
    """The entries of an untrusted state.

    What is missing has the value that it has in ``start``, so that a link made by an older version
    still opens; what nobody asks for is left alone.

    Parameters
    ----------
    state : as it came out of JSON.
    start : the state that a new visitor sees.
    """

    __slots__ = ("_start", "_state")

    def __init__(self, state: Mapping[str, Any], start: Mapping[str, Any]) -> None:
        self._state, self._start = state, start

    def _given(self, name: str) -> Any:
        return self._state[name] if name in self._state else self._start[name]

    def number(self, name: str, *, least: float = -math.inf, most: float = math.inf) -> float:
        """Return a finite number in [least, most].

        Raises
        ------
        InputError
            It is something else.
        """
        return number(self._given(name), name, least=least, most=most)

    def optional(self, name: str, *, least: float, most: float) -> float | None:
        """Return the same, or None where there is none; errors as :meth:`number`."""
        return None if self._given(name) is None else self.number(name, least=least, most=most)

    def whole(self, name: str, *, least: int, most: int) -> int:
        """Return a whole number in [least, most]; errors as :meth:`number`."""
        value = self.number(name, least=least, most=most)
        if value != int(value):
            raise InputError(f"{name} must be a whole number; got {_seen(value)}.")
        return int(value)

    def choice(self, name: str, options: Sequence[str]) -> str:
        """Return one of the options; errors as :meth:`number`."""
        value = self._given(name)
        if not isinstance(value, str) or value not in options:
            raise InputError(
                f"{name} must be one of {', '.join(options)}; got {_seen(value)}. Choose another."
            )
        return value

    def flag(self, name: str) -> bool:
        """Return true or false; errors as :meth:`number`."""
        value = self._given(name)
        if not isinstance(value, bool):
            raise InputError(f"{name} must be true or false; got {_seen(value)}.")
        return value

    def column(self, name: str) -> tuple[str, str] | None:
        """Return the table's id and the name of a column of it, or None where none is chosen.

        Errors as :meth:`number`.
        """
        value = self._given(name)
        if value is None:
            return None
        parts = [value.get(key) for key in ("table", "column")] if isinstance(value, dict) else []
        if not parts or not all(isinstance(part, str) and len(part) <= _TEXT for part in parts):
            raise InputError(
                f"{name} must name a table and one of its columns; got {_seen(value)}. Choose a "
                "column again."
            )
        return str(parts[0]), str(parts[1])

    def numbers(
        self, name: str, *, count: int, least: float = -math.inf, most: float = math.inf
    ) -> tuple[float, ...]:
        """Return a list of so many finite numbers; errors as :meth:`number`."""
        value = self._given(name)
        if not isinstance(value, list | tuple) or len(value) != count:
            raise InputError(f"{name} must be a list of {count} numbers; got {_seen(value)}.")
        return tuple(
            number(each, f"{name}[{at}]", least=least, most=most) for at, each in enumerate(value)
        )

    def range(self, name: str) -> tuple[float, float] | None:
        """Return two finite numbers, the smaller first, or None; errors as :meth:`number`."""
        if self._given(name) is None:
            return None
        low, high = self.numbers(name, count=2)
        if not low < high:
            raise InputError(f"{name} must run from a smaller to a larger number.")
        return low, high


def number(value: Any, name: str, *, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a finite number in [least, most].

    Raises
    ------
    InputError
        It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must be a number; got {_seen(value)}.")
    if not -_LARGEST <= value <= _LARGEST:  # NaN too; a whole number may be larger than any float
        raise InputError(f"{name} must be a finite number below 1.8e308; got {_seen(value)}.")
    if not least <= value <= most:
        raise InputError(f"{name} must lie {_between(least, most)}; got {_seen(value)}.")
    return float(value)


def _between(least: float, most: float) -> str:
    if math.isinf(most):
        return f"at {least:g} or above"
    return f"at {most:g} or below" if math.isinf(least) else f"between {least:g} and {most:g}"


def _seen(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
