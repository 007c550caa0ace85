"""The messages between page and server: read with suspicion, refused in words, written as JSON.

The page sends ``{"id": n, "room": r, "ask": a, "state": {...}}``, ``{"cancel": n}``, or, after a
reload, ``{"id": n, "attach": job, "seen": k}``. The server sends ``{"id": n, ...}`` with one of
``answer``, ``job``, ``parts``, ``done``, ``skipped`` or ``error``, the last with a sentence and a
remedy.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from gausswork.errors import GaussworkError, InputError

LARGEST_MESSAGE = 1_000_000  # characters of JSON; some 20 000 points
LARGEST_ID = 2**53
ASKS = ("answer", "script", "train", "save")
_SENTENCE_END = re.compile(r"[.?!](?=\s)")


@dataclass(frozen=True, slots=True)
class Ask:
    """A room is asked something.

    Attributes
    ----------
    id : number that the page chose, and finds its answer by.
    room : name of the room, not checked yet.
    ask : one of ``ASKS``.
    state : the state of the room, not checked yet; its numbers are finite.
    """

    id: int
    room: str
    ask: str
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cancel:
    """What was asked under this number is not wanted any more."""

    id: int


@dataclass(frozen=True, slots=True)
class Attach:
    """Long work is to be followed further, after a reload; ``seen`` parts are known already."""

    id: int
    job: str
    seen: int


class MessageError(InputError):
    """A message cannot be used; ``id`` is its number where it could be read."""

    def __init__(self, text: str, number: int | None = None) -> None:
        super().__init__(text)
        self.id = number


def parse(text: str) -> Ask | Cancel | Attach:
    """Read a message.

    Raises
    ------
    MessageError
        It is too long, no JSON, or none of the messages above.
    """
    if len(text) > LARGEST_MESSAGE:
        raise MessageError(
            f"the message has {len(text):,} characters; the lab reads up to {LARGEST_MESSAGE:,}. "
            "Use fewer points, or give the data as a CSV file."
        )
    try:
        message = json.loads(text, parse_constant=_not_finite, parse_float=_finite)
    except MessageError:
        raise
    except (ValueError, RecursionError):
        raise MessageError(
            "the message is not JSON that can be read. Reload the page and try again."
        ) from None
    if not isinstance(message, dict):
        raise MessageError("a message must be a JSON object. Reload the page and try again.")
    if "cancel" in message:
        return Cancel(_number(message, "cancel"))
    number = _number(message, "id")
    if "attach" in message:
        job = message["attach"]
        if not isinstance(job, str) or len(job) > 64:
            raise MessageError("attach must name a training. Start the training again.", number)
        return Attach(number, job, _number(message, "seen"))
    room, ask, state = message.get("room"), message.get("ask"), message.get("state")
    if not isinstance(room, str):
        raise MessageError("room must be the name of a room. Reload the page.", number)
    if ask not in ASKS:
        raise MessageError(
            f"ask must be one of {', '.join(ASKS)}; got {str(ask)[:40]!r}. Reload the page.", number
        )
    if not isinstance(state, dict):
        raise MessageError(
            "state must be a JSON object. Reset the room to its first state.", number
        )
    return Ask(number, room, ask, state)


def _number(message: Mapping[str, Any], name: str) -> int:
    value = message.get(name)
    if type(value) is not int or not 0 <= value <= LARGEST_ID:
        raise MessageError(
            f"{name} must be a whole number from 0 to 2**53; got {str(value)[:40]!r}. "
            "Reload the page and try again."
        )
    return value


def _not_finite(constant: str) -> NoReturn:
    raise MessageError(
        f"the message holds {constant}, which is no number to compute with. Give a finite number."
    )


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MessageError(
            f"the number {text[:40]} is too large for double precision. Give one below 1.8e308."
        )
    return value


def write(message: Mapping[str, Any]) -> str:
    """Return a message as JSON, in which there is neither NaN nor infinity.

    Raises
    ------
    ValueError, TypeError
        The message holds what JSON does not know: a mistake of the room that made it.
    """
    return json.dumps(message, allow_nan=False, separators=(",", ":"))


def refusal(error: BaseException) -> dict[str, str]:
    """Return an error as the page shows it: what is wrong, and what to do about it."""
    if isinstance(error, GaussworkError):
        text = str(error)
        end = _SENTENCE_END.search(text)
        if end is None:
            return {"sentence": _capital(text), "remedy": ""}
        return {"sentence": _capital(text[: end.end()]), "remedy": text[end.end() :].strip()}
    if isinstance(error, MemoryError):
        return {
            "sentence": "There is not enough memory for this.",
            "remedy": "Use less data, or close other programs.",
        }
    return {
        "sentence": f"Something unexpected went wrong ({type(error).__name__}: {error}).",
        "remedy": "Your work is kept. This is a bug in gausswork: please report it.",
    }


def _capital(text: str) -> str:
    """Begin a sentence that begins with a plain word with a capital; names stay as they are."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text
