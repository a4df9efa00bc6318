"""Servers that are built from locks, on the real engine: they run, and a package that changed is not built."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .deployment import Deployment

PYPI = "locks/pypi/mcp-server-time@2026.10.19/requirements.txt"
NPM = "locks/npm/@modelcontextprotocol/server-memory@2026.8.31/package-lock.json"


def with_another_hash(file: Path, package: str) -> None:
    """Have a lock of PyPI ask for other files of a package."""
    text = file.read_text()
    start = text.index(f"{package}==")
    end = text.index("\n\n", start) if "\n\n" in text[start:] else len(text)
    other = re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, text[start:end], count=2)
    file.write_text(text[:start] + other + text[end:])


def with_another_integrity(file: Path, package: str) -> None:
    """Have a lock of npm ask for another file of a package."""
    lock = json.loads(file.read_text())
    lock["packages"][f"node_modules/{package}"]["integrity"] = f"sha512-{'A' * 86}=="
    file.write_text(json.dumps(lock))


@pytest.mark.long
def test_a_package_that_changed_under_its_version_is_not_built(make_deployment: Callable[[str], Deployment]) -> None:
    fleet = make_deployment("locks")
    fleet.config["require-locks"] = True
    fleet.config["servers"] = {
        "time": "pypi:mcp-server-time@2026.10.19",
        "memory": "npm:@modelcontextprotocol/server-memory@2026.8.31",
    }
    fleet.up()
    assert "get_current_time" in fleet.fleet("call", "time", "--list").stdout
    assert "create_entities" in fleet.fleet("call", "memory", "--list").stdout

    with_another_hash(fleet.directory / PYPI, "mcp-server-time")
    with_another_integrity(fleet.directory / NPM, "@modelcontextprotocol/server-memory")
    said = fleet.failing(fleet.stack.up)
    assert "image 'time' can't be built" in said
    assert "Hash mismatch for `mcp-server-time==2026.10.19`" in said
    assert "image 'memory' can't be built" in said
    assert "EINTEGRITY" in said
    assert "get_current_time" in fleet.fleet("call", "time", "--list").stdout, "what ran still runs"
