"""``gausswork lab``: see least squares, the bell curve and initialisation in the browser."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gausswork.cli.command import DONE, EXIT_CODES, whole

_EXAMPLES = """\
examples:
  gausswork lab
  gausswork lab heights.csv
  gausswork lab --no-browser --port 9000
"""


def add(commands: Any, shape: dict[str, Any]) -> None:
    """Add the command to the parser; ``shape`` is what all parsers share."""
    command = commands.add_parser(
        "lab",
        help="see and drag it in the browser: regression, descent, the bell, your data",
        description="Open a page in the browser in which least squares, gradient descent, the bell "
        "curve, the central limit theorem, random numbers and initialisation are seen and played "
        "with. It runs on this machine and asks the network for nothing.",
        epilog=f"{_EXAMPLES}\n{EXIT_CODES}",
        **shape,
    )
    command.add_argument(
        "data", metavar="DATA", nargs="?", type=Path, help="a CSV or Parquet file for all rooms"
    )
    command.add_argument(
        "--port",
        metavar="N",
        type=whole,
        help="listen on this port (default: 8765, or the next that is free)",
    )
    command.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="listen on this address (default: 127.0.0.1, this machine only)",
    )
    command.add_argument(
        "--no-browser", action="store_true", help="print the address, open no browser"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C; return the exit code."""
    from gausswork.errors import InputError, require
    from gausswork.lab import launch
    from gausswork.lab.tables import Tables

    if arguments.port is not None and not 1 <= arguments.port <= 65535:
        raise InputError(f"--port must be from 1 to 65535; got {arguments.port}.")
    for package in ("starlette", "uvicorn", "websockets"):
        require(package, purpose=launch.PURPOSE, extra="lab")
    from gausswork.lab.app import Lab

    tables = Tables()
    if arguments.data is not None:
        tables.add_file(arguments.data)
    launch.serve(
        Lab(tables),
        host=arguments.host,
        port=arguments.port,
        browser=not arguments.no_browser,
        say=_say,
    )
    return DONE


def _say(text: str) -> None:
    import sys

    from gausswork.formatting import for_encoding, visible

    print(for_encoding(visible(text), sys.stdout.encoding), flush=True)
