"""Run the command line as ``python -m gausswork``."""

from __future__ import annotations

import sys

from gausswork.cli import main

if __name__ == "__main__":
    sys.exit(main())
