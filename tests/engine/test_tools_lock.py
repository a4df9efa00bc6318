"""Tools recorded from real images: what tools.lock.json says is what a server's image lists, offline and again."""

from pathlib import Path

import docker
import pytest

from fleet import stackfile, tools_lock
from fleet.errors import FleetError
from fleet.tools_recording import Workshop, record
from stacks import recorded_tools
from stacks.config import ServerConfig, StackConfig, with_shorthand

from .deployment import ROOT


@pytest.fixture
def workshop(engine_environment: dict[str, str]) -> Workshop:
    return Workshop(project=ROOT, environment=engine_environment)


def server(**line: object) -> ServerConfig:
    return StackConfig.model_validate(with_shorthand({"servers": {"it": line}})).servers["it"]


@pytest.mark.parametrize("name", ["time", "notes"])
def test_the_committed_lock_is_what_the_image_lists(workshop: Workshop, name: str) -> None:
    line = stackfile.read_config(stackfile.read(ROOT / "Pulumi.dev.yaml"), "dev").servers[name]
    committed, found = tools_lock.read(ROOT).surface(name, recorded_tools.line(line)), record(name, line, workshop)
    assert committed is not None
    assert committed.code == found.code
    # Hashes of schemas are not compared: a newer release of what a package depends on may write them otherwise.
    assert {tool: it.description for tool, it in committed.tools.items()} == {
        tool: it.description for tool, it in found.tools.items()
    }


def test_the_same_image_is_recorded_alike_again(workshop: Workshop) -> None:
    line = server(source="pypi:mcp-server-time@2026.10.19")
    assert record("time", line, workshop) == record("time", line, workshop)


def test_a_server_that_lists_nothing_is_told_with_its_last_words_and_leaves_nothing(workshop: Workshop) -> None:
    line = server(source="pypi:mcp-server-time@2026.10.19", args=["--no-such-option"], secrets=["TOKEN"])
    with pytest.raises(FleetError, match="did not list its tools") as refused:
        record("broken", line, workshop)
    assert "unrecognized arguments: --no-such-option" in str(refused.value)
    engine = docker.DockerClient(base_url=workshop.environment["DOCKER_HOST"])
    assert [each.name for each in engine.containers.list(all=True) if "tools-broken" in (each.name or "")] == []


def test_a_server_finds_the_files_of_its_line(workshop: Workshop) -> None:
    """The filesystem server does not start where a folder of its arguments is missing: a file makes this one."""
    line = {"source": "npm:@modelcontextprotocol/server-filesystem@2026.8.31", "args": ["/etc/fleet"]}
    assert record("files", server(**line, files={"/etc/fleet/hello": "there"}), workshop).tools
    with pytest.raises(FleetError, match="/etc/fleet"):
        record("files", server(**line), workshop)


def test_an_image_that_can_not_be_built_says_why(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="the image of 'missing' was not built"):
        record("missing", server(source="pypi:mcp-server-time@2026.10.19#no-such-command"), workshop)
