"""Where the engine keeps its programs, sockets, logs and data: MCP_FLEET_HOME, one for all checkouts of a user."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
"""The root of the checkout that this code belongs to."""
PROJECT = "mcp-fleet"
"""The name in Pulumi.yaml."""
CONTENTS = (
    *("bin", "run", "docker", "docker-config", "buildkit", "mirror", "go", "pulumi", "state"),
    *("images.lock.json", "reach.json", "swarm.json"),
)
"""All that is ever in MCP_FLEET_HOME."""


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """MCP_FLEET_HOME, by default `mcp-fleet` in XDG_DATA_HOME (`~/.local/share`). It need not exist yet."""
    if explicit := environ.get("MCP_FLEET_HOME"):
        return Path(explicit).expanduser().absolute()
    data = environ.get("XDG_DATA_HOME")
    # The specification has relative values ignored: https://specifications.freedesktop.org/basedir-spec/latest/
    base = Path(data) if data and Path(data).is_absolute() else Path.home() / ".local" / "share"
    return base / "mcp-fleet"


def binaries() -> Path:
    """Programs that had to be built or downloaded; first on PATH in `fleet env`."""
    return home() / "bin"


def run() -> Path:
    """Sockets, pid files and logs of what runs now."""
    return home() / "run"


def pulumi_home() -> Path:
    """PULUMI_HOME: the engine's plugins and its bookkeeping, kept out of the user's own."""
    return home() / "pulumi"


def state() -> Path:
    """The file backend: the state of every stack."""
    return home() / "state"


def stack_state(stack: str) -> Path:
    """The state of one stack; it exists from the stack's making on."""
    # The layout of a file backend: https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/store.go
    return state() / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"


def stack_locks(stack: str) -> Path:
    """The folder of the locks that operations on one stack hold."""
    return state() / ".pulumi" / "locks" / "organization" / PROJECT / stack


def docker_config() -> Path:
    """DOCKER_CONFIG of our own engine: its buildx plugin and builder definitions."""
    return home() / "docker-config"


def images_lock() -> Path:
    """The pins of the image mirror's stand-ins; exists only where the mirror replaces the public registry."""
    return home() / "images.lock.json"


def remove() -> None:
    """Remove everything that the engine keeps; a folder MCP_FLEET_HOME that has anything else stays."""
    for name in CONTENTS:
        path = home() / name
        if path.is_dir() and not path.is_symlink():
            # Go keeps its modules read-only.
            for folder in (path, *(each for each in path.rglob("*") if each.is_dir() and not each.is_symlink())):
                folder.chmod(folder.stat().st_mode | 0o200)
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):
        home().rmdir()


def replace(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """Give `path` this content in one atomic step, so that a reader or a killed writer never leaves half of it.

    Returns:
        False if the file already had this content and mode.
    """
    if path.is_file() and path.read_text() == text and path.stat().st_mode & 0o777 == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(mode)
    draft.replace(path)
    return True
