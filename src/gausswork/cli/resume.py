"""``--state`` and ``--resume``: a fit that was interrupted goes on, for ``gausswork fit``."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gausswork.cli.command import say

# what the sums depend on; the rest of the arguments may change between the two runs
_QUESTION = ("data", "sql", "target", "features", "weights", "frequencies", "missing")


def of_fit(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments ``state`` and ``resume`` of a fit; mini-batches keep their own."""
    if hasattr(arguments, "batch_size"):
        return {}
    resume = hasattr(arguments, "resume")
    if hasattr(arguments, "state"):
        return {"state": arguments.state, "resume": resume}
    from gausswork.leastsquares.checkpoint import AtInterruption

    return {"state": AtInterruption(_default(arguments)), "resume": resume}


def _default(arguments: argparse.Namespace) -> str:
    """Name a file in this folder by the question, for ``--resume`` to find it again."""
    question = {name: getattr(arguments, name, None) for name in _QUESTION}
    digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    return f"gausswork-{digest[:8]}.state"


@contextlib.contextmanager
def resumable(arguments: argparse.Namespace) -> Iterator[None]:
    """Say after an interruption how to go on, where a state was kept."""
    state = getattr(arguments, "state", None) or _default(arguments)
    before = _stamp(state)
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        of_descent = hasattr(arguments, "batch_size")
        kept = _stamp(state) is not None and (
            _stamp(state) != before or hasattr(arguments, "resume") or of_descent
        )
        lost = "; ".join(getattr(stop, "__notes__", ()))
        if not kept and lost:
            text = f"interrupted; the sums so far could not be kept: {lost}"
            if isinstance(stop, KeyboardInterrupt):
                raise KeyboardInterrupt(text) from None
            say(text)
        if not kept:
            raise
        what = "state of the descent is" if of_descent else "sums so far are"
        text = f"interrupted; the {what} in {state}. Go on from it with --resume."
        if isinstance(stop, KeyboardInterrupt):
            raise KeyboardInterrupt(text) from None
        if not arguments.quiet:
            say(text)
        raise


def _stamp(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = os.stat(Path(path))  # noqa: PTH116 - one call, no exception twice
        return found.st_mtime_ns, found.st_ino
    return None
