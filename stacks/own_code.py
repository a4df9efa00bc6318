"""Servers of our own: what their pyproject.toml says."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .config import StackConfig
from .problems import Problem
from .source import PathSource


class OwnCodeError(ValueError):
    """A folder that is no server. The message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class OwnCode:
    """The command and version of a server whose code is in a folder of ours."""

    command: str
    version: str


def read_own_code(folder: Path) -> OwnCode:
    """Read `folder`/pyproject.toml. Raises OwnCodeError where it is missing or names no single command to run."""
    if not folder.is_dir():
        raise OwnCodeError(f"there is no folder {folder}; create it or correct the path")
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text).get("project", {})
    except FileNotFoundError as error:
        raise OwnCodeError(f"{folder} has no pyproject.toml; a server of your own is a Python project") from error
    except tomllib.TOMLDecodeError as error:
        raise OwnCodeError(f"{folder / 'pyproject.toml'} is no valid TOML: {error}") from error
    scripts = list(project.get("scripts", {}))
    name = project.get("name", "")
    if name not in scripts and len(scripts) != 1:
        raise OwnCodeError(
            f"{folder / 'pyproject.toml'} has {len(scripts)} entries under [project.scripts]; "
            "it needs one, or one named like the project, to know what to run"
        )
    return OwnCode(command=name if name in scripts else scripts[0], version=str(project.get("version", "0")))


def path_problems(config: StackConfig, root: Path) -> Iterator[Problem]:
    """Yield a problem for each server whose folder, relative to `root`, can't be run."""
    for name, server in config.servers.items():
        if isinstance(server.source, PathSource):
            try:
                read_own_code(root / server.source.path)
            except OwnCodeError as error:
                yield Problem(path=("servers", name, "source"), message=str(error))
