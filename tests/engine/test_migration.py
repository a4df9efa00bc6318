"""Pulumi.migration.yaml: every server that teams ask for, in one file."""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from stacks.config import ServerConfig
from tests.ports import free_port

from .deployment import ROOT, Deployment


def migration() -> dict[str, Any]:
    """Return its config, keys without the namespace, on ports of the test's own."""
    committed = yaml.safe_load((ROOT / "Pulumi.migration.yaml").read_text())["config"]
    config = {key.removeprefix("mcp-fleet:"): value for key, value in committed.items()}
    return {**config, "port": free_port(), "registry-port": free_port()}


def examples(servers: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path and a made-up value of each secret that the servers need."""
    for name, line in servers.items():
        server = ServerConfig.model_validate(line if isinstance(line, dict) else {"source": line})
        for variable in server.secrets:
            known = server.entry.variable(variable) if server.entry else None
            yield f"mcp-fleet:secrets.{name}.{variable}", (known.placeholder if known else None) or "example"


@pytest.mark.long
def test_a_preview_takes_every_server_and_makes_one_image_for_all_remote_ones(
    make_deployment: Callable[[str], Deployment],
) -> None:
    fleet = make_deployment("migration")
    fleet.config = migration()
    fleet.write()
    servers = fleet.config["servers"]
    secrets = [word for path, value in examples(servers) for word in ("--secret", f"{path}={value}")]
    subprocess.run(
        ["pulumi", "config", "set-all", "--stack", fleet.name, "--path", *secrets],
        cwd=fleet.directory,
        env=fleet.environment,
        check=True,
    )
    preview = fleet.preview()
    assert len(servers) >= 38
    assert preview.touching("components:McpServer") == servers.keys()
    remote = {name for name, line in servers.items() if str(json.dumps(line)).count("-remote")}
    assert preview.touching("docker-build:index:Image") == (servers.keys() - remote) | {"gateway", "remote"}
