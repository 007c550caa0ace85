"""Where a sequence of random numbers stands: seed, stream and position, a value to save."""

from __future__ import annotations

import hashlib
import json
import numbers
from dataclasses import dataclass, replace
from typing import Any

from gausswork.errors import InputError
from gausswork.sampling.words import END

_NAMED = 1 << 63  # streams with a name lie above those with a number


@dataclass(frozen=True, slots=True)
class State:
    """Seed, stream and position: all that a value depends on, beside the kind of draw.

    A state never changes; :meth:`advanced` and :meth:`child` return others.

    Parameters
    ----------
    seed : whole number from 0 to 2⁶⁴ − 1.
    stream : a number from 0 to 2⁶³ − 1, or a name. Streams share no word. A name stands for the
        64-bit BLAKE2b hash of its UTF-8 bytes, with the highest bit set.
    position : index of the next value, below 2⁴⁸.

    Raises
    ------
    InputError
        A number is out of range.

    Examples
    --------
    >>> from gausswork.sampling import State, normal
    >>> state = State(seed=1, stream="weights")
    >>> first = normal(3, seed=state)
    >>> normal(2, seed=state.advanced(3)).tolist() == normal(5, seed=state)[3:].tolist()
    True
    """

    seed: int
    stream: int | str = 0
    position: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", check_seed(self.seed))
        object.__setattr__(self, "stream", check_stream(self.stream))
        object.__setattr__(self, "position", check_position(self.position))

    @property
    def number(self) -> int:
        """The stream as the 64-bit number in the counter."""
        return stream_number(self.stream)

    def advanced(self, count: int) -> State:
        """Return the state ``count`` values further on."""
        return replace(self, position=self.position + whole("count", count))

    def child(self, name: str | int) -> State:
        """Return the start of a sub-stream: ``state.child("layer 1").child("bias")``.

        The name of the sub-stream is the two names with a slash between them.
        """
        check_stream(name)
        return State(self.seed, f"{self.stream}/{name}", 0)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain data for JSON."""
        return {"seed": self.seed, "stream": self.stream, "position": self.position}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> State:
        """Return the state that :meth:`to_dict` gave.

        Raises
        ------
        InputError
            Something is missing, of another type or out of range.
        """
        if not isinstance(saved, dict) or set(saved) != {"seed", "stream", "position"}:
            raise InputError(
                f"a saved state has the entries seed, stream and position; got {saved!r}. "
                "Give what State.to_dict() returned."
            )
        return cls(**saved)

    def to_json(self) -> str:
        """Return the state as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> State:
        """Return the state that :meth:`to_json` wrote; raises InputError as :meth:`from_dict`."""
        try:
            saved = json.loads(text)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"a saved state is a line of JSON; got {text!r}. "
                "Give what State.to_json() returned."
            ) from error
        return cls.from_dict(saved)


def stream_number(stream: int | str) -> int:
    """Return the 64-bit number of a checked stream."""
    if isinstance(stream, int):
        return stream
    digest = hashlib.blake2b(stream.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "little") | _NAMED


def whole(name: str, value: object) -> int:
    """Return a whole number that is not a bool, or say what was given instead."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise InputError(f"{name} must be a whole number; got {value!r}. Give an int, such as 1.")
    return int(value)


def check_seed(seed: object) -> int:
    """Return the seed as a number."""
    if seed is None:
        raise InputError(
            "seed must be a whole number; got None. Choose one, such as seed=0: the same seed "
            "gives the same numbers. For others every time, take seed=secrets.randbits(64)."
        )
    value = whole("seed", seed)
    if not 0 <= value < 2**64:
        raise InputError(f"seed must lie in [0, 2**64); got {value}. Did you mean {value % 2**64}?")
    return value


def check_stream(stream: object) -> int | str:
    """Return the stream as a number or a name."""
    if isinstance(stream, str):
        try:
            stream.encode("utf-8")
        except UnicodeEncodeError:
            raise InputError(
                f"stream must be text that UTF-8 can hold; got {stream!r}. Choose another name."
            ) from None
        return stream
    if isinstance(stream, bool) or not isinstance(stream, numbers.Integral):
        raise InputError(
            f"stream must be a name or a whole number; got {stream!r}. "
            "Give one, such as stream='weights' or stream=1."
        )
    if not 0 <= int(stream) < _NAMED:
        raise InputError(
            f"stream must lie in [0, 2**63); got {int(stream)}. A name, such as stream='weights', "
            "needs no counting."
        )
    return int(stream)


def check_position(position: object, name: str = "position") -> int:
    """Return a position as a number."""
    value = whole(name, position)
    if not 0 <= value < END:
        raise InputError(
            f"{name} must lie in [0, 2**48); got {value}. Another stream starts at 0 again."
        )
    return value
