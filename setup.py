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


kernels = Extension(
    "gausswork._native._kernels",
    sources=["src/gausswork/_native/module.c"],
    depends=[
        "src/gausswork/_native/blocks.h",
        "src/gausswork/_native/doubledouble.h",
        "src/gausswork/_native/small.h",
    ],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
    # -ffp-contract=off: error-free transformations must be compiled as they are written.
    extra_compile_args=[]
    if sys.platform == "win32"
    else ["-O3", "-std=gnu11", "-ffp-contract=off"],
    py_limited_api=STABLE_ABI,
    optional=True,  # without a C compiler the NumPy kernels serve
)

stochastic = Extension(
    "gausswork._native._stochastic",
    sources=["src/gausswork/_native/stochastic.c"],
    depends=["src/gausswork/_native/stochastic_steps.h"],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
    # -ffp-contract=off: the same bits as NumPy's on every machine
    extra_compile_args=[]
    if sys.platform == "win32"
    else ["-O3", "-std=gnu11", "-ffp-contract=off", "-Wno-psabi"],
    py_limited_api=STABLE_ABI,
    optional=True,
)

setup(ext_modules=[kernels, stochastic], cmdclass={"bdist_wheel": StableABIWheel})
