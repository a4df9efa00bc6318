"""What the race needs beside this checkout: the peers, pinned by the locks in peers/, and the load client.

All of it goes to the user's cache, each under a name that changes with what it is made of.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path
from uv import find_uv_bin

from dev.go_tools import GO_PACKAGE
from stacks.packages import npm_command

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PYTHON_PEERS = ("mcp-proxy", "fastmcp", "contextforge")
SECONDS = 1200


def _once(name: str, sources: list[Path], make: Callable[[Path], None], *, beside: str = "") -> Path:
    """Return the folder that `make` fills, made on first use of these sources; half a folder never has the name.

    `beside` is what it is made of beside the sources.
    """
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources) + beside.encode()).hexdigest()
    folder = user_cache_path("mcp-fleet") / f"bench-{name}-{digest[:16]}"
    if not folder.exists():
        print(f"installing {name} into {folder}", file=sys.stderr)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
            make(Path(draft) / name)
            (Path(draft) / name).rename(folder)
    return folder


def _run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, timeout=SECONDS, env={**os.environ, **(environment or {})})


@cache
def interpreter() -> str:
    """Return the Python that the machine's packages brought, else the checkout's own.

    It is built with profile-guided optimization, as those in container images are. One that somebody compiled himself
    may lack that and be a third slower, which says nothing about what users run.
    """
    recent = "import sys; sys.exit(sys.version_info < (3, 11))"
    for candidate in ("/usr/local/bin/python3", "/usr/bin/python3"):
        if Path(candidate).exists() and subprocess.run([candidate, "-c", recent], check=False).returncode == 0:
            return candidate
    return sys.executable


def _environment(folder: Path, lock: Path) -> None:
    _run(find_uv_bin(), "venv", "--quiet", "--relocatable", "--python", interpreter(), str(folder))
    python = str(folder / "bin" / "python")
    _run(find_uv_bin(), "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(lock))


def python_peer(name: str) -> Path:
    """Return the Python of a peer that is a Python package."""
    lock = HERE / "peers" / f"{name}.lock"
    made = _once(name, [lock], lambda folder: _environment(folder, lock), beside=interpreter())
    return made / "bin" / "python"


def bridge_python() -> Path:
    """Return a Python with what the bridge's own lock has, as in its image, and this checkout's bridge."""
    lock = ROOT / "bridge" / "requirements.lock"

    def make(folder: Path) -> None:
        _environment(folder, lock)
        packages = [argument for name in ("wire", "bridge") for argument in ("--editable", str(ROOT / name))]
        python = str(folder / "bin" / "python")
        _run(find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--python", python, *packages)

    return _once("mcp-bridge", [lock], make, beside=f"{interpreter()} {ROOT}") / "bin" / "python"


def node_modules() -> Path:
    """Return the folder of the peers that are npm packages."""
    files = [HERE / "peers" / "node" / name for name in ("package.json", "package-lock.json")]

    def make(folder: Path) -> None:
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        _run(*npm_command(), "ci", "--ignore-scripts", "--loglevel=error", cwd=folder)

    return _once("node", files, make) / "node_modules"


def load_client() -> Path:
    """Return the load client: bench/bridge/load, built by the machine's Go, or by one from its Python package."""
    sources = sorted((HERE / "load").glob("*"))

    def make(folder: Path) -> None:
        folder.mkdir()
        settings = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
        with tempfile.TemporaryDirectory() as toolchain:
            if shutil.which("go") is None:
                _run(find_uv_bin(), "pip", "install", "--quiet", "--target", toolchain, GO_PACKAGE)
                settings["PATH"] = f"{toolchain}/bin:{os.environ['PATH']}"
            program = str(folder / "load")
            _run("go", "build", "-trimpath", "-o", program, ".", cwd=HERE / "load", environment=settings)

    return _once("load", sources, make) / "load"
