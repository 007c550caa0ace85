"""Run a module, and end when the process that has started this one ends, however it ends.

    python -m tests.large.orderly MODULE [ARGUMENTS...]

Standard input is a pipe that its parent holds: where that is killed, nothing keeps running.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
