"""A copy of the program, which may be changed, in an environment that is the checkout's."""

import shutil
from pathlib import Path
from typing import Final

from dev import home

PROJECT: Final = (
    "Pulumi.yaml",
    "__main__.py",
    "catalog",
    "components",
    "stacks",
    "policy",
    "images",
    "locks",
    "wire",
    "bridge",
    "chassis",
    "gateway",
    "remote",
    "servers",
    "monitoring",
    "images.lock.json",
)


def copy_project(target: Path) -> None:
    """Copy what the program needs; the Python environment is shared."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "tests", ".*_cache")
    for name in PROJECT:
        source = home.CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)
    (target / ".venv").symlink_to(home.CHECKOUT / ".venv")
