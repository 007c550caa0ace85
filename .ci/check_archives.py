"""Check that the wheel and the source distribution carry what they must, and nothing else."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

NATIVE = "src/gausswork/_native"


def problems(folder: Path) -> list[str]:
    """Return what is wrong with the one wheel and the one sdist in ``folder``."""
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    found = []

    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    here = Path(__file__).resolve().parents[1]
    binaries = [name for name in in_wheel if name.endswith((".so", ".pyd"))]
    for stub in sorted(here.glob(f"{NATIVE}/*.pyi")):  # each compiled module has its signatures
        module = f"gausswork/_native/{stub.stem}."
        if has_compiler() and not any(name.startswith(module) for name in binaries):
            found.append(f"{wheel.name}: {stub.stem} is not compiled although there is a compiler")
    if "gausswork/py.typed" not in in_wheel:
        found.append(f"{wheel.name}: py.typed is missing, so type checkers ignore the package")
    page = here / "src/gausswork/lab/static"
    for path in sorted(page.rglob("*")):
        name = f"gausswork/{path.relative_to(here / 'src/gausswork')}"
        if path.is_file() and name not in in_wheel:
            found.append(f"{wheel.name}: {name} is missing, so the lab cannot be shown")
    if not any(name.endswith("licenses/LICENSE") for name in in_wheel):
        found.append(f"{wheel.name}: the licence is missing")
    found += [
        f"{wheel.name}: {name} has no business there"
        for name in sorted(in_wheel)
        if not name.startswith("gausswork") or name.endswith((".c", ".h", ".pyc"))
    ]

    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {str(path.relative_to(here)) for path in here.glob(f"{NATIVE}/*.[ch]")}
    wanted |= {str(path.relative_to(here)) for path in here.glob("src/**/*.py")}
    wanted |= {str(path.relative_to(here)) for path in page.rglob("*") if path.is_file()}
    wanted |= {"front/package.json", "front/package-lock.json", "front/build.mjs"}
    wanted |= {"Makefile", "constraints.txt", "LICENSE", "examples/galton-families.csv"}
    found += [f"{sdist.name}: {name} is missing" for name in sorted(wanted - in_sdist)]
    found += [
        f"{sdist.name}: {name} has no business there"
        for name in sorted(in_sdist)
        if name.endswith((".so", ".pyc"))
    ]
    return found


def has_compiler() -> bool:
    """Whether the compiler that the build would call can be found."""
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return shutil.which(command.split()[0]) is not None


if __name__ == "__main__":
    complaints = problems(Path(sys.argv[1]))
    print("\n".join(complaints) or "the wheel and the source distribution are complete")
    sys.exit(bool(complaints))
