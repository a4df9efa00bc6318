"""Asking package clients whether packages exist: with programs in their place that answer as the real ones do."""

import stat
import subprocess
from pathlib import Path

import pytest

from stacks import packages
from stacks.packages import npm_command, package_problems

from .stack_files import parse_text

NPM = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *gone@*) echo "npm error code E404" >&2; exit 1 ;;
  *empty@*) exit 0 ;;
  *broken@*) echo "npm error network" >&2; echo "npm error no route to host" >&2; exit 1 ;;
  *library@*) echo '{{"name": "library", "version": "1.0.0"}}' ;;
  *several@*) echo '{{"name": "several", "version": "1.0.0", "bin": {{"one": "a.js", "two": "b.js"}}}}' ;;
  *) echo '{{"name": "@scope/there", "version": "1.0.0", "bin": {{"mcp-there": "a.js"}}}}' ;;
esac
"""
UV = """#!/bin/sh
for requirement; do :; done
echo "$requirement" >> {log}
case "$requirement" in
  gone==*) echo "  cause: Because gone was not found in the package registry and you require it" >&2; exit 1 ;;
  empty==*) echo "  cause: Because there is no version of empty==1.0 and you require it" >&2; exit 1 ;;
  source==*) echo "  cause: Because source==1.0 has no usable wheels and you require it" >&2; exit 1 ;;
  broken==*) echo "error: Failed to fetch" >&2; echo "  Caused by: no route to host" >&2; exit 2 ;;
  library==*) exit 0 ;;
esac
while [ "$1" != --target ]; do shift; done
mkdir "$2/bin"
case "$requirement" in
  several==*) touch "$2/bin/one" "$2/bin/two" ;;
  *) touch "$2/bin/there" ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the two programs in place; the file has a line for each question."""
    log = tmp_path / "asked"
    log.touch()
    for name, text in (("npm", NPM), ("uv", UV)):
        program = tmp_path / name
        program.write_text(text.format(log=log))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(packages, "find_uv_bin", lambda: str(tmp_path / "uv"))
    return log


def problems(source: str, tmp_path: Path) -> list[str]:
    config = parse_text(f"servers: {{s: '{source}'}}")
    return [problem.message for problem in package_problems(config, tmp_path / "found")]


@pytest.mark.parametrize(
    "source",
    [
        "pypi:there@1.0",
        "pypi:source@1.0",
        "pypi:several@1.0#two",
        "npm:@scope/there@1.0.0",
        "npm:@scope/there@1.0.0#mcp-there",
        "npm:several@1.0.0#one",
    ],
)
def test_a_package_that_exists_is_asked_for_once(source: str, asked: Path, tmp_path: Path) -> None:
    assert problems(source, tmp_path) == []
    assert problems(source, tmp_path) == []
    assert len(asked.read_text().splitlines()) == 1


@pytest.mark.parametrize("name", ["gone", "empty"])
@pytest.mark.parametrize(("kind", "version"), [("pypi", "1.0"), ("npm", "1.0.0")])
def test_what_does_not_exist_is_said_in_one_line(
    kind: str, version: str, name: str, asked: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        (message,) = problems(f"{kind}:{name}@{version}", tmp_path)
        assert message.startswith(f"there is no {name} in version {version} at {kind}")
        assert f"fleet add {kind}:{name}" in message
        assert "\n" not in message
    assert len(asked.read_text().splitlines()) == 2, "a refusal is not remembered: the package may be published"


@pytest.mark.parametrize("source", ["pypi:broken@1.0", "npm:broken@1.0.0"])
def test_what_could_not_be_asked_is_not_called_missing(source: str, asked: Path, tmp_path: Path) -> None:
    (message,) = problems(source, tmp_path)
    assert "could not be looked up" in message
    assert "no route to host" in message
    assert asked.read_text()


@pytest.mark.parametrize(("kind", "version"), [("pypi", "1.0"), ("npm", "1.0.0")])
def test_a_package_without_the_command_is_refused_with_those_it_has(
    kind: str, version: str, asked: Path, tmp_path: Path
) -> None:
    (message,) = problems(f"{kind}:several@{version}", tmp_path)
    assert f"has no command 'several'; it has one, two: write {kind}:several@{version}#COMMAND" in message
    (message,) = problems(f"{kind}:library@{version}", tmp_path)
    assert "has no command to run" in message
    assert asked.read_text()


def test_npm_need_not_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    asked = subprocess.run([*npm_command(), "--version"], capture_output=True, text=True, check=True)
    assert asked.stdout.strip()


def test_own_code_is_not_asked_for(asked: Path, tmp_path: Path) -> None:
    assert problems("./servers/notes", tmp_path) == []
    assert asked.read_text() == ""
