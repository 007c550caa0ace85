"""The state of a mini-batch descent on disk: to go on after an interruption, to the same bits."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gausswork.errors import InputError, ModelFileError
from gausswork.files import atomic, check_path
from gausswork.leastsquares.stochastic.steps import Array

FORMAT = "gausswork descent state"
VERSION = 1


@dataclass(frozen=True, slots=True)
class State:
    """Where a descent stands.

    Attributes
    ----------
    identity : what the descent is of and how it goes; it can only go on as the same.
    values : (4·width + 8,) of :class:`~gausswork.leastsquares.stochastic.steps.Memory`.
    history : (epochs + 1, 4 + k) loss, held-out loss (NaN without), rate, gradient norm, then the
        parameters after each epoch.
    """

    identity: Mapping[str, Any]
    values: Array
    history: Array


def save(state: State, path: str | os.PathLike[str]) -> None:
    """Write a state as JSON; the file is complete or as it was before.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    body = {
        "format": FORMAT,
        "version": VERSION,
        "identity": dict(state.identity),
        "values": packed(state.values),
        "history": packed(state.history),
        "columns": state.history.shape[1],
    }
    with atomic(path) as place:
        place.write_text(json.dumps({**body, "checksum": _checksum(body)}, indent=1), "utf-8")


def load(path: str | os.PathLike[str], identity: Mapping[str, Any], width: int) -> State:
    """Read a state that :func:`save` wrote, and that belongs to this descent.

    Raises
    ------
    ModelFileError
        The file is damaged, or is none of a descent.
    InputError
        It belongs to other data or to another way to descend; the message says what differs.
    """
    check_path(path)
    try:
        text = Path(path).read_text("utf-8")
        body = json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"the state {os.fspath(path)} cannot be read: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it is not JSON ({error})") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ModelFileError(
            f"{os.fspath(path)} is not the state of a descent. Name the file that a descent with "
            "state= has written, or another one to begin anew."
        )
    if body.get("version") != VERSION:
        raise ModelFileError(
            f"the state {os.fspath(path)} has version {body.get('version')!r}, and this gausswork "
            f"reads version {VERSION}. Use the gausswork that wrote it, or begin anew."
        )
    claimed = body.pop("checksum", None)
    try:
        if claimed != _checksum(body):
            raise ValueError("its checksum does not fit")
        values, history = unpacked(body["values"]), unpacked(body["history"])
        history = history.reshape(-1, int(body["columns"]))
        written = dict(body["identity"])
        _compare(path, written, identity)
        if len(values) != width or not np.isfinite(values).all() or len(history) < 1:
            raise ValueError("its numbers do not fit")
    except InputError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    return State(written, values, history)


def _compare(
    path: str | os.PathLike[str], written: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    for name, value in wanted.items():
        if written.get(name) != value:
            if name == "data":
                said = "other data"
            else:
                said = f"a descent with {name} = {written.get(name)!r}, and now it is {value!r}"
            raise InputError(
                f"the state {os.fspath(path)} belongs to {said}. Go on with what it was begun "
                "with, or name another file to begin anew."
            )


def _damaged(path: str | os.PathLike[str], why: str) -> ModelFileError:
    return ModelFileError(
        f"the state {os.fspath(path)} is damaged: {why}. Delete it and begin anew, or take an "
        "earlier copy."
    )


def _checksum(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def packed(values: Array) -> str:
    """Return numbers as text that keeps every bit."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode("ascii")


def unpacked(text: str) -> Array:
    """Return what :func:`packed` wrote."""
    raw = base64.b64decode(text, validate=True)
    return np.frombuffer(raw, dtype="<f8").astype(np.float64)
