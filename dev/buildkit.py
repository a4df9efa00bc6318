"""The image builder: buildx's container builder in the machine's own Docker, else a buildkitd of ours on the host."""

import json
import os
import sys
from pathlib import Path

from dev import commands, debian, go_tools, home
from dev.daemons import Daemon
from dev.environment import BUILDER
from dev.errors import EngineError
from dev.progress import Step
from dev.reach import Reach

CACHE = "20GB"
"""The build cache that buildkitd keeps at most."""


def configuration(registry_mirror: str | None) -> str:
    """buildkitd.toml: build steps use the machine's network, so that they reach what the machine reaches.

    Registries on localhost need no word: BuildKit speaks plain HTTP to them by default.

    Args:
        registry_mirror: `host:port` that serves docker.io's images in its place, or None.

    Source: https://docs.docker.com/build/buildkit/toml-configuration/
    """
    lines = [
        f'root = "{home.home() / "buildkit"}"',
        "[grpc]",
        f'  address = ["unix://{_socket()}"]',
        "[worker.containerd]",
        "  enabled = false",
        "[worker.oci]",
        "  enabled = true",
        '  networkMode = "host"',
        "  gc = true",
        f'  maxUsedSpace = "{CACHE}"',
    ]
    if registry_mirror:
        lines += [
            '[registry."docker.io"]',
            f'  mirrors = ["{registry_mirror}"]',
            f'[registry."{registry_mirror}"]',
            "  http = true",
        ]
    return "\n".join(lines) + "\n"


def start_own(registry_mirror: str | None, step: Step) -> None:
    """Bring up our own buildkitd and its buildx builder, unless they are there.

    Raises:
        EngineError: Not Linux, not root, or buildkitd doesn't come up.
    """
    daemon = _daemon()
    wanted = configuration(registry_mirror)
    current = _configuration_file().read_text() if _configuration_file().is_file() else ""
    if current == wanted and daemon.running(answers):
        step.done(f"own buildkitd {go_tools.BUILDKITD.version()}, running")
    else:
        if sys.platform != "linux" or os.geteuid() != 0:
            raise EngineError(
                "an own buildkitd needs Linux and root\n  start Docker, or set DOCKER_HOST: it then runs there"
            )
        debian.ensure(("runc",), step)
        daemon.stop()
        home.replace(_configuration_file(), wanted)
        step.update("starting buildkitd")
        daemon.start(answers)
        step.done(f"own buildkitd {go_tools.BUILDKITD.version()}, started")
    _install_buildx()
    buildx = [str(go_tools.BUILDX.path())]
    _define_builder(buildx, ["--driver", "remote", f"unix://{_socket()}"], {"DOCKER_CONFIG": str(home.docker_config())})


def use_container(found: Reach, step: Step) -> None:
    """Have buildx run its builder as a container in the machine's own Docker.

    With the machine's network, so that it reaches a registry on localhost.
    """
    step.update("starting the builder's container")
    options = ["--driver", "docker-container", "--driver-opt", "network=host", "--bootstrap"]
    _define_builder(_buildx(found), options, {})
    step.done(f"buildx builder {BUILDER} in a container of your Docker")


def remove_container(found: Reach) -> bool:
    """Remove the builder's container from the machine's own Docker, its cache too. Returns whether there was one."""
    return commands.output([*_buildx(found), "rm", "--force", BUILDER], timeout=60) is not None


def stop_container(found: Reach) -> bool:
    """Stop the builder's container, which keeps its cache. Returns whether there was one."""
    return commands.output([*_buildx(found), "stop", BUILDER], timeout=60) is not None


def stop_own() -> bool:
    """Stop our own buildkitd if it runs. Returns whether it ran."""
    return _daemon().stop()


def _buildx(found: Reach) -> list[str]:
    """The machine's own buildx, or ours, which works without the docker command."""
    return ["docker", "buildx"] if found.buildx else [str(go_tools.BUILDX.path())]


def _define_builder(buildx: list[str], options: list[str], environ: dict[str, str]) -> None:
    environ = {**os.environ, **environ}
    told = commands.output([*buildx, "ls", "--format", "{{.Name}}"], environ=environ) or ""
    if BUILDER not in told.split():
        commands.run([*buildx, "create", "--name", BUILDER, *options], name="buildx", environ=environ)


def _install_buildx() -> None:
    """Give our own DOCKER_CONFIG the buildx plugin, where the docker command looks for it."""
    plugin = home.docker_config() / "cli-plugins" / "docker-buildx"
    if not plugin.is_symlink() or plugin.readlink() != go_tools.BUILDX.path():
        plugin.parent.mkdir(parents=True, exist_ok=True)
        plugin.unlink(missing_ok=True)
        plugin.symlink_to(go_tools.BUILDX.path())
    settings = home.docker_config() / "config.json"
    if not settings.exists():
        home.replace(settings, json.dumps({}) + "\n", mode=0o600)


def _daemon() -> Daemon:
    # No process sandbox of its own and no snapshotter choice: what fits is found out at start.
    return Daemon("buildkitd", (str(go_tools.BUILDKITD.path()), "--config", str(_configuration_file())))


def _configuration_file() -> Path:
    return home.run() / "buildkitd.toml"


def _socket() -> Path:
    return home.run() / "buildkitd.sock"


def answers() -> bool:
    """Whether our own buildkitd answers."""
    workers = [str(go_tools.BUILDCTL.path()), "--addr", f"unix://{_socket()}", "debug", "workers"]
    return commands.output(workers) is not None
