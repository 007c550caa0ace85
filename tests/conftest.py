"""Two test processes on two cores: libraries that start threads of their own get one each.

Set before anything imports them; processes that tests start inherit it. The library's own threads
are not affected. And no test has to end within a time.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from hypothesis import settings  # noqa: E402  (after the variables, as all that computes)

settings.register_profile("gausswork", deadline=None)
settings.load_profile("gausswork")
