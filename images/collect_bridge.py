"""Collects the bridge, its Python and all shared libraries of both in one folder, which runs in an image of any kind.

In there is no assumption about what else the image has: no libc, no shell, no Python. `ld.so` of the folder starts its
programs with the libraries of the folder alone: https://man7.org/linux/man-pages/man8/ld.so.8.html.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

NOT_NEEDED = ("site-packages", "dist-packages", "test", "idlelib", "ensurepip", "tkinter", "turtledemo", "config-*")
START = "from mcp_bridge.command import main\n\nmain()\n"
_FOUND = re.compile(r"^\s*(?:(?P<name>\S+) => )?(?P<path>/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MISSING = re.compile(r"^\s*(?P<name>\S+) => not found$", re.MULTILINE)


def main(packages: str, folder: str) -> None:
    """Fill `folder` with what runs the bridge, whose code and dependencies are in the folder `packages`."""
    target = Path(folder)
    libraries, programs = target / "lib", target / "bin"
    programs.mkdir(parents=True)
    standard = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(standard, libraries / standard.name, ignore=shutil.ignore_patterns(*NOT_NEEDED))
    shutil.copytree(packages, target / "bridge")
    (target / "bridge" / "__main__.py").write_text(START)
    shutil.copy(Path(sys.executable).resolve(), programs / "python3")
    shutil.copy(Path(shutil.which("bash") or "/bin/bash").resolve(), programs / "bash")
    for library in sorted(needed([*programs.iterdir(), *target.rglob("*.so"), *target.rglob("*.so.*")], target)):
        shutil.copy(library, libraries / ("ld.so" if library.name.startswith("ld-linux") else library.name))


def needed(files: Iterable[Path], target: Path) -> set[Path]:
    """Return the shared libraries that `files` are linked with, without those that lie in `target` themselves."""
    found: set[Path] = set()
    for file in files:
        said = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
        if missing := _MISSING.search(said):
            sys.exit(f"{file} needs {missing['name']}, which the image that the bridge is taken from does not have")
        found |= {Path(each["path"]) for each in _FOUND.finditer(said)}
    return {library for library in found if not library.is_relative_to(target)}


main(*sys.argv[1:])
