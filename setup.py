"""Build of the optional compiled kernels; everything else is in pyproject.toml."""

import sys
import sysconfig

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel

# One binary serves Python 3.11 and later, except free-threaded builds: they have no stable ABI yet.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")


class StableABIWheel(bdist_wheel):
    """Tag the wheel abi3 where the extension keeps to the stable ABI."""

    def finalize_options(self) -> None:
        """Say which Python is the first that the binary serves."""
        if STABLE_ABI:
            self.py_limited_api = "cp311"
        super().finalize_options()


def extension(name: str, source: str, *headers: str) -> Extension:
    """Describe one module under ``gausswork._native``; where it cannot be built NumPy serves."""
    folder = "src/gausswork/_native/"
    return Extension(
        f"gausswork._native.{name}",
        sources=[folder + source],
        depends=[folder + header for header in headers],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
        # -ffp-contract=off: error-free transformations must be compiled as they are written, and
        # random numbers and stochastic steps give the same bits on every machine.
        extra_compile_args=[]
        if sys.platform == "win32"
        else ["-O3", "-std=gnu11", "-ffp-contract=off", "-Wno-psabi"],
        py_limited_api=STABLE_ABI,
        optional=True,
    )


setup(
    ext_modules=[
        extension(
            "_kernels",
            "module.c",
            "blocks.h",
            "packing.h",
            "doubledouble.h",
            "sets.h",
            "small.h",
            "groups.h",
            "groups_solve.h",
        ),
        extension("_csv", "csv.c"),
        extension(
            "_normal",
            "normal.c",
            "normal_lanes.h",
            "normal_rows.h",
            "normal_tables.h",
            "doubledouble.h",
            "sets.h",
        ),
        extension("_recursion", "recursion.c"),
        extension("_sampling", "sampling.c", "sampling_blocks.h", "sets.h"),
        extension("_stochastic", "stochastic.c", "sets.h", "stochastic_steps.h"),
    ],
    cmdclass={"bdist_wheel": StableABIWheel},
)
