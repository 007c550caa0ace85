"""The state of a pass over files on disk: to go on after an interruption, to the same bits.

What has been summed so far is a few nodes of the fixed tree (:mod:`gausswork.data.forest`), and a
place in the files. Both are written now and then, and when the pass is interrupted.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from gausswork.data.firstlook import FirstLook
from gausswork.data.forest import Node
from gausswork.data.sources import Place, Source
from gausswork.errors import InputError, ModelFileError
from gausswork.files import atomic, check_path, check_writable
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.backend import default_backend
from gausswork.leastsquares.doubledouble import Array, Integers
from gausswork.leastsquares.kernels import Sums
from gausswork.leastsquares.weights import WeightSums

FORMAT = "gausswork fit state"
VERSION = 1

Part: TypeAlias = tuple[int, WeightSums | None, Sums]  # of one node: rows, weights, sums

_PAUSE = 1.0  # seconds between two states, or more where writing takes long
_PATIENCE = 50.0  # times what writing takes


@dataclass(frozen=True, slots=True)
class Saved:
    """A pass as far as it has come.

    Attributes
    ----------
    tier : precision of its products.
    asked : (q,) scales that it was given; None where it guessed them from the first rows.
    exponents, shift : (q,) scales and shifts of its sums.
    blocks, rows : how many it has summed.
    nodes : their sums.
    place : where it goes on.
    levels : what the table knows of the levels of its categories; None where all were known before.
    """

    tier: int
    asked: Integers | None
    exponents: Integers
    shift: Array
    blocks: int
    rows: int
    nodes: tuple[Node[Part], ...]
    place: Place
    levels: dict[str, Any] | None = None


class AtInterruption(str):
    """Path of a state that is written only when the fit is interrupted, for data that are files."""

    __slots__ = ()


def checkpoint_of(source: Source, state: Any, resume: bool) -> Checkpoint | None:
    """Return what keeps the state of a fit; None where none is to be kept, or can be.

    Parameters
    ----------
    state : path of the file, or None.
    resume : whether to go on from it.
    """
    if state is None:
        if resume:
            raise InputError(
                "resume=True goes on from a state, and none is named. Pass state='fit.state', the "
                "file that the interrupted fit has written."
            )
        return None
    quietly = isinstance(state, AtInterruption)
    if quietly and not resume and not getattr(source, "resumable", False):
        return None
    return Checkpoint(state, source, resume=resume, always=not quietly)


class Checkpoint:
    """Keeps the state of a fit in a file while its rows are summed.

    Parameters
    ----------
    path : of the file; None to keep the state in memory alone.
    source : the rows; see :func:`identity_of`.
    resume : whether to go on from the file, if it is there.
    always : whether to write now and then, and on any error; otherwise only when interrupted.
    begun : a state in memory to go on from instead.

    Raises
    ------
    InputError
        The file cannot be written, or belongs to other data or to another question.
    ModelFileError
        The file is damaged; or, unless ``always``, there is none.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        source: Source,
        *,
        resume: bool = False,
        always: bool = True,
        begun: Saved | None = None,
    ) -> None:
        require_files(source)
        if path is not None:
            check_path(path)
            if always:
                check_writable(path)
                if not resume:
                    _refuse_other(path)
        self.path = path
        self.always = always
        self.failed = ""
        self.written_rows = 0
        self._source = source
        self._known: dict[str, Any] | None = None
        self._saved = begun
        # the same command may be given again and again, before the first state is written too
        if path is not None and resume and not (always and not Path(path).exists()):
            self._saved = load(path, self._identity, len(source.names) + 1)
        self.latest: Saved | None = None
        self._stopped: BaseException | None = None
        self._begun: tuple[int, Integers | None, Integers, Array] | None = None
        self._last = time.monotonic()
        self._pause = _PAUSE

    @property
    def _identity(self) -> dict[str, Any]:
        """See :func:`identity_of`; asked for when there is something to write or to compare."""
        if self._known is None:
            self._known = identity_of(self._source)
        return self._known

    def take(self) -> Saved | None:
        """Return the state to go on from, the first time; None where there is none."""
        saved, self._saved = self._saved, None
        return saved

    @property
    def resuming(self) -> Saved | None:
        """The state that :meth:`take` will return."""
        return self._saved

    def begin(self, tier: int, asked: Integers | None, exponents: Integers, shift: Array) -> None:
        """Begin a pass; see :class:`Saved`."""
        self._begun = tier, asked, exponents, shift

    def note(
        self, nodes: tuple[Node[Part], ...], blocks: int, rows: int, place: Place | None
    ) -> None:
        """Take note of how far the pass has come; write it if it is time."""
        if place is None or self._begun is None:
            return
        levels = None
        look: Any = getattr(self._source, "table", None)
        if isinstance(look, FirstLook):
            look.let_go(place.mark)
            levels = look.known()
        self.latest = Saved(*self._begun, blocks, rows, nodes, place, levels)
        if self.always and time.monotonic() - self._last >= self._pause:
            self._write()

    def summed(self) -> None:
        """Take note that the pass is complete: what refines may be interrupted, too."""
        if self.always and self.latest is not None:
            long = time.monotonic() - self._last >= self._pause
            if long or 0 < self.written_rows < self.latest.rows:
                self._write()

    def interrupted(self, stop: BaseException) -> None:
        """Write the latest state, once, because a pass cannot go on."""
        if stop is self._stopped:
            return
        self._stopped = stop
        if self.latest is not None and (self.always or not isinstance(stop, Exception)):
            self._write()
            if self.failed:
                stop.add_note(self.failed)

    @contextlib.contextmanager
    def guarding(self) -> Iterator[None]:
        """Write the latest state also where a pass that refines is interrupted."""
        try:
            yield
        except BaseException as stop:
            self.interrupted(stop)
            raise

    def done(self) -> None:
        """Remove the file: the fit is complete."""
        with contextlib.suppress(OSError):
            if self.path is not None and _is_ours(self.path):
                Path(self.path).unlink()

    def findings(self) -> tuple[Finding, ...]:
        """Say that the state could not be written, if so."""
        if not self.failed or self.path is None:
            return ()
        return (
            Finding(
                "state-not-written",
                Severity.CAUTION,
                "The state of this fit could not be written while its rows were read, so that an "
                f"interruption would have lost them: {self.failed} The fit itself is complete.",
                "Free some space, or name another place with state=.",
                {"path": os.fspath(self.path)},
            ),
        )

    def _write(self) -> None:
        saved, started = self.latest, time.monotonic()
        if self.path is None:
            return
        assert saved is not None
        try:
            save(saved, self._identity, self.path)
            self.failed, self.written_rows = "", saved.rows
        except (InputError, OSError) as error:  # a full disk must not cost the work so far
            self.failed = str(error)
        self._last = time.monotonic()
        self._pause = max(_PAUSE, _PATIENCE * (self._last - started))


def identity_of(source: Source) -> dict[str, Any]:
    """Return what a pass is over and how it reads: the same on both sides of an interruption.

    Raises
    ------
    InputError
        The source is not made of files that can be read from any place.
    """
    require_files(source)
    found: Any = source
    plain = {
        "data": found.table.identity(),
        "recipe": found.recipe.to_dict(),
        "missing": found.missing,
        "kernels": default_backend().name,
    }
    same: dict[str, Any] = json.loads(json.dumps(plain))
    return same


def require_files(source: Source) -> None:
    """Refuse data of which no state can be kept."""
    if not getattr(source, "resumable", False):
        raise InputError(
            "state= keeps the state of a fit of CSV, Parquet or Arrow files, for a later run to go "
            "on from; these data are none. Leave state= and resume= out."
        )


def save(saved: Saved, identity: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a state as JSON; the file is complete or as it was before."""
    place = saved.place
    body = {
        "format": FORMAT,
        "version": VERSION,
        "identity": dict(identity),
        "tier": saved.tier,
        "asked": None if saved.asked is None else saved.asked.tolist(),
        "exponents": saved.exponents.tolist(),
        "shift": _packed(saved.shift),
        "blocks": saved.blocks,
        "rows": saved.rows,
        "nodes": [_of_node(node) for node in saved.nodes],
        "place": {
            "mark": list(place.mark),
            "skip": place.skip,
            "read": place.read,
            "dropped": place.dropped,
            "missing": dict(place.missing),
            "rounded": {name: str(value) for name, value in place.rounded.items()},
        },
        "levels": saved.levels,
    }
    with atomic(path) as part:
        part.write_text(json.dumps({**body, "checksum": _checksum(body)}, indent=1), "utf-8")


def load(path: str | os.PathLike[str], identity: Mapping[str, Any], q: int) -> Saved:
    """Read a state that :func:`save` wrote, and that belongs to this fit.

    Parameters
    ----------
    identity : see :func:`identity_of`.
    q : number of columns summed.
    """
    check_path(path)
    name = os.fspath(path)
    try:
        body = json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise ModelFileError(
            f"there is no state {name} to go on from: was the fit of these data and columns "
            "interrupted in this folder? Begin anew without resume=True."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"the state {name} cannot be read: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"it is not JSON ({error})") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ModelFileError(
            f"{name} is not the state of a fit. Name the file that an interrupted fit has "
            "written, or another one to begin anew."
        )
    if body.get("version") != VERSION:
        raise ModelFileError(
            f"the state {name} has version {body.get('version')!r}, and this gausswork reads "
            f"version {VERSION}. Use the gausswork that wrote it, or begin anew."
        )
    claimed = body.pop("checksum", None)
    try:
        if claimed != _checksum(body):
            raise ValueError("its checksum does not fit")
        _compare(name, body["identity"], identity)
        return _saved(body, q)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def known_levels(path: str | os.PathLike[str] | None) -> Any:
    """Return what a state knows of levels, None where there is no sound state that knows any."""
    try:
        body = json.loads(Path(path or "").read_text("utf-8"))
        claimed = body.pop("checksum")
        return body["levels"] if claimed == _checksum(body) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # whoever goes on from the state says what is wrong with it


def _saved(body: Mapping[str, Any], q: int) -> Saved:
    place = body["place"]
    file, at, line = (int(part) for part in place["mark"])
    asked = body["asked"]
    return Saved(
        tier=int(body["tier"]),
        asked=None if asked is None else np.array(asked, dtype=np.int64),
        exponents=np.array(body["exponents"], dtype=np.int64),
        shift=_unpacked(body["shift"], q),
        blocks=int(body["blocks"]),
        rows=int(body["rows"]),
        nodes=tuple(_node(node, q) for node in body["nodes"]),
        place=Place(
            (file, at, line),
            int(place["skip"]),
            int(place["read"]),
            int(place["dropped"]),
            dict(place["missing"]),
            {name: int(value) for name, value in place["rounded"].items()},
        ),
    )


def _of_node(node: Node[Part]) -> dict[str, Any]:
    rows, weights, sums = node.value
    upper = np.triu_indices(len(sums.first_high))
    parts = (sums.first_high, sums.first_low, sums.second_high[upper], sums.second_low[upper])
    of_weights = None
    if weights is not None:
        numbers = np.array([*weights.total, weights.logs, weights.least])
        of_weights = [weights.rows, _packed(numbers)]
    return {
        "level": node.level,
        "first": node.first,
        "width": node.width,
        "rows": rows,
        "weights": of_weights,
        "sums": _packed(np.concatenate(parts)),
    }


def _node(body: Mapping[str, Any], q: int) -> Node[Part]:
    weights = None
    if body["weights"] is not None:
        high, low, logs, least = _unpacked(body["weights"][1], 4).tolist()
        weights = WeightSums(int(body["weights"][0]), (high, low), logs, least)
    half = q * (q + 1) // 2
    numbers = _unpacked(body["sums"], 2 * q + 2 * half)
    seconds = []
    for start in (2 * q, 2 * q + half):
        matrix = np.zeros((q, q))
        matrix[np.triu_indices(q)] = numbers[start : start + half]
        seconds.append(matrix + np.triu(matrix, 1).T)
    sums = Sums(numbers[:q].copy(), numbers[q : 2 * q].copy(), *seconds)
    value = (int(body["rows"]), weights, sums)
    return Node(int(body["level"]), int(body["first"]), int(body["width"]), value)


def _compare(name: str, written: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for part, value in wanted.items():
        before = written[part]
        if before == value:
            continue
        if part == "data":
            said = f"other data: {_changed(before, value)}"
        elif part == "recipe":
            said = "another question: target, features, levels or weights differ"
        elif part == "kernels":
            said = f"sums of the {before} kernels, and now the {value} ones would add to them"
        else:
            said = f"a fit with {part}={before!r}, and now it is {value!r}"
        raise InputError(
            f"the state {name} belongs to {said}. Go on with what it was begun with, or begin anew."
        )


def _changed(before: Sequence[Any], now: Sequence[Any]) -> str:
    """Say which file differs."""
    if len(before) != len(now):
        return f"there were {len(before)} files and now there are {len(now)}"
    for old, new in zip(before, now, strict=True):
        if old != new:
            same = old[0] == new[0]
            return f"{new[0]} has changed" if same else f"{new[0]} stands where {old[0]} stood"
    return "they have changed"


def _is_ours(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a state does."""
    opening = f'{{\n "format": "{FORMAT}"'.encode()
    with Path(path).open("rb") as file:
        return file.read(len(opening)) == opening


def _refuse_other(path: str | os.PathLike[str]) -> None:
    """Refuse to write over a file that is something else."""
    place = Path(path)
    if place.is_file() and place.stat().st_size and not _is_ours(path):
        raise InputError(
            f"{os.fspath(path)} is not the state of a fit, and is not written over. Name another "
            "file with state=."
        )


def _damaged(path: str | os.PathLike[str], why: str) -> ModelFileError:
    return ModelFileError(
        f"the state {os.fspath(path)} is damaged: {why}. Delete it and begin anew."
    )


def _checksum(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _packed(values: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode("ascii")


def _unpacked(text: str, size: int) -> Array:
    values = np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(np.float64)
    if len(values) != size:
        raise ValueError(f"{len(values)} numbers where {size} belong")
    return values
