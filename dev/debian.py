"""Debian packages: what the machine lacks is installed by apt-get, as root."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from dev import commands
from dev.errors import EngineError
from dev.progress import Step


def missing(packages: Sequence[str]) -> list[str]:
    """Those of `packages` that dpkg doesn't list as installed; none on another system, which names them otherwise."""
    if shutil.which("dpkg-query") is None:
        return []
    told = commands.output(["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n"]) or ""
    installed = {line.partition(" ")[0] for line in told.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def ensure(packages: Sequence[str], step: Step) -> None:
    """Install those of `packages` that are missing.

    Raises:
        EngineError: Something is missing and we aren't root; or apt-get failed.
    """
    wanted = missing(packages)
    if not wanted:
        return
    if os.geteuid() != 0:
        names = " ".join(wanted)
        raise EngineError(f"missing Debian packages: {names}\n  install them: sudo apt-get install {names}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if not any(Path("/var/lib/apt/lists").glob("*Packages*")):
        step.update("reading the package lists")
        commands.run(["apt-get", "update"], name="apt", environ=environ)
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *wanted]
    step.update(" ".join(wanted))
    try:
        commands.run(install, name="apt", environ=environ, on_line=step.update)
    except EngineError:
        # The lists may be older than the mirror's packages: once more with new ones.
        commands.run(["apt-get", "update"], name="apt", environ=environ)
        commands.run(install, name="apt", environ=environ, on_line=step.update)
