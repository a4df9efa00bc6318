"""What our own daemons and containers are told: daemon.json, buildkitd.toml, runc's default limit, pinned tools."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dev import buildkit, docker_engine, go_tools, network, pulumi_engine, runc_limited
from dev.errors import EngineError
from dev.go_tools import Tool


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))


def test_dockerd_keeps_to_its_own_place_and_hardens_every_container(tmp_path: Path) -> None:
    settings = docker_engine.configuration("127.0.0.1:5790")
    assert settings["no-new-privileges"] is True
    assert settings["log-opts"] == {"max-size": "10m", "max-file": "3"}
    assert settings["registry-mirrors"] == ["http://127.0.0.1:5790"]
    assert "registry-mirrors" not in docker_engine.configuration(None)
    for setting in ("data-root", "exec-root", "pidfile", "hosts"):
        assert str(tmp_path) in str(settings[setting])


def test_two_homes_have_different_interfaces_of_legal_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = {network.bridge_name(), network.gateway_bridge_name()}
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path / "other"))
    names |= {network.bridge_name(), network.gateway_bridge_name()}
    assert len(names) == 4
    assert all(len(name) <= 15 for name in names)


def test_buildkitd_pulls_by_the_mirror_only_where_there_is_one() -> None:
    assert "registry" not in tomllib.loads(buildkit.configuration(None))
    registries = tomllib.loads(buildkit.configuration("127.0.0.1:5790"))["registry"]
    assert registries["docker.io"]["mirrors"] == ["127.0.0.1:5790"]
    assert registries["127.0.0.1:5790"]["http"] is True


@pytest.mark.parametrize(
    ("resources", "limit"),
    [({}, 1024), ({"pids": {"limit": 0}}, 1024), ({"pids": {"limit": -1}}, 1024), ({"pids": {"limit": 50}}, 50)],
)
def test_a_container_gets_the_pids_limit_unless_it_has_one(
    tmp_path: Path, resources: dict[str, Any], limit: int
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"ociVersion": "1.0.2", "linux": {"resources": resources}}))
    runc_limited.limit(tmp_path)
    spec = json.loads(config.read_text())
    assert spec["linux"]["resources"]["pids"]["limit"] == limit
    assert spec["ociVersion"] == "1.0.2"


TOOLS = (
    go_tools.PULUMI,
    go_tools.DOCKER_BUILD,
    go_tools.BUILDX,
    go_tools.BUILDKITD,
    go_tools.BUILDCTL,
    go_tools.COSIGN,
)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_tool_is_pinned_with_its_checksum(tool: Tool) -> None:
    assert re.fullmatch(r"v\d+\.\d+\.\d+", tool.version())
    sums = (go_tools.MODULES / tool.module / "go.sum").read_text()
    assert f"{tool.version_of} {tool.version()} h1:" in sums
    assert tool.version().removeprefix("v") in tool.linker_flags()


def test_a_tool_is_built_anew_when_its_pins_change(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    modules = tmp_path / "modules" / "pulumi"
    modules.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (modules / name).write_text((go_tools.MODULES / "pulumi" / name).read_text())
    monkeypatch.setattr(go_tools, "MODULES", modules.parent)
    tool = go_tools.PULUMI
    tool.path().parent.mkdir()
    tool.path().touch()
    assert not go_tools.built(tool), "a program that nobody vouches for"
    (tool.path().parent / ".pulumi.made-from").write_text(tool.fingerprint())
    assert go_tools.built(tool)
    with (modules / "go.sum").open("a") as sums:
        sums.write("example.com/one v1.0.0 h1:=\n")
    assert not go_tools.built(tool)


def test_a_tool_whose_module_is_not_required_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pulumi").mkdir()
    (tmp_path / "pulumi" / "go.mod").write_text("module m\n")
    monkeypatch.setattr(go_tools, "MODULES", tmp_path)
    with pytest.raises(EngineError, match=r"dev/go/pulumi/go\.mod doesn't require github\.com/pulumi/pulumi/pkg/v3"):
        go_tools.PULUMI.version()


def test_stand_ins_sit_where_the_engine_looks_for_the_version_that_the_sdk_asks_for(tmp_path: Path) -> None:
    from importlib.metadata import version

    script = pulumi_engine.stand_in("docker")
    assert (
        script
        == tmp_path / "pulumi/plugins" / f"resource-docker-v{version('pulumi-docker')}" / "pulumi-resource-docker"
    )
