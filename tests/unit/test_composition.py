"""What the composition hands to components: the policy, and the pinned images."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pytest

from stacks.config import StackConfig
from stacks.fleet import build_fleet, policy
from stacks.images import LOCK_VARIABLE, REQUIRED, read_images
from stacks.load import Stack
from stacks.problems import BadStackError, StackFile
from tests.components.recording_engine import RecordingEngine, deploy

from .stack_files import ROOT, TIME, parse_text

DIGEST = "@sha256:" + "a" * 64


def build(config: StackConfig) -> None:
    """Declare a stack on this machine, without secrets of its own."""
    none: pulumi.Output[Mapping[str, Mapping[str, str]]] = pulumi.Output.secret({})
    file = StackFile("Pulumi.dev.yaml", "")
    stack = Stack(name="dev", root=ROOT, file=file, config=config, secrets=none, reviewed_tools={})
    build_fleet(stack, read_images(ROOT), "unix:///docker.sock")


def test_the_policy_says_what_each_client_may_do() -> None:
    config = parse_text(
        f"""
        servers: {{time: '{TIME}', notes: ./servers/notes}}
        clients:
          own: {{tier: free, rpm: 1000}}
          tiers: {{tier: pro}}
          unlimited: {{tier: enterprise}}
          few: {{tier: free, servers: {{time: "*", notes: [list_notes]}}}}
        """
    )
    assert json.loads(policy(config)) == {
        "clients": {
            "own": {"tier": "free", "priority": 0, "rpm": 1000, "servers": "*"},
            "tiers": {"tier": "pro", "priority": 10, "rpm": 600, "servers": "*"},
            "unlimited": {"tier": "enterprise", "priority": 20, "rpm": None, "servers": "*"},
            "few": {
                "tier": "free",
                "priority": 0,
                "rpm": 60,
                "servers": {"time": "*", "notes": ["list_notes"]},
            },
        }
    }


def test_a_new_server_does_not_change_the_policy() -> None:
    before = f"servers: {{time: '{TIME}'}}\nclients: {{codex: {{}}}}"
    after = f"servers: {{time: '{TIME}', more: '{TIME}'}}\nclients: {{codex: {{}}}}"
    assert policy(parse_text(before)) == policy(parse_text(after))


def test_a_server_that_keeps_results_gets_a_user_in_redis_and_its_password() -> None:
    config = parse_text(f"servers: {{time: {{source: '{TIME}', cache: true}}, other: '{TIME}'}}")
    engine, _ = deploy(lambda: build(config))
    password = content(engine, "time-cache-password")
    users = [line for line in content(engine, "redis-config").splitlines() if line.startswith("user ")]
    assert [line.split()[1] for line in users] == ["mcp-time"]
    assert f" #{hashlib.sha256(password.encode()).hexdigest()} " in users[0]
    services = engine.of_type("service:Service")
    environment = services["time"].inputs["taskSpec"]["containerSpec"]["env"]
    assert environment["MCP_BRIDGE_CACHE_REDIS"] == "redis://mcp-time@redis:6379"
    assert "MCP_BRIDGE_CACHE" not in services["other"].inputs["taskSpec"]["containerSpec"]["env"]


def test_all_remote_servers_run_one_image_and_each_has_its_own_credential() -> None:
    config = parse_text(
        """
        servers:
          linear: {source: https://mcp.linear.app/mcp, headers: {Authorization: "Bearer {KEY}"}}
          open: https://mcp.example/mcp
        secrets: {linear: {KEY: {secure: x}}}
        """
    )

    def build() -> None:
        secrets = pulumi.Output.secret({"linear": {"KEY": "hush"}, "open": {}})
        file = StackFile("Pulumi.dev.yaml", "")
        stack = Stack(name="dev", root=ROOT, file=file, config=config, secrets=secrets, reviewed_tools={})
        build_fleet(stack, read_images(ROOT), "unix:///docker.sock")

    engine, _ = deploy(build)
    assert engine.of_type("docker-build:index:Image").keys() == {"gateway", "remote"}
    services = {name: engine.one("service:Service", name).inputs for name in ("linear", "open")}
    images = {service["taskSpec"]["containerSpec"]["image"] for service in services.values()}
    assert [image.partition("@")[0] for image in images] == ["localhost:5000/dev/remote:current"]
    assert content(engine, "linear-KEY") == "hush\n"
    assert "hush" not in str(services)


def test_a_server_that_asks_for_a_database_gets_its_own_connection_string_alone() -> None:
    config = parse_text(
        f"""
        servers:
          memory: {{source: ./servers/ai_memory, database: DATABASE_URL}}
          second: {{source: ./servers/ai_memory, database: DATABASE_URL}}
          time: '{TIME}'
        """
    )
    engine, _ = deploy(lambda: build(config))
    urls = {name: content(engine, f"{name}-DATABASE_URL").removesuffix("\n") for name in ("memory", "second")}
    assert urls["memory"].startswith("postgresql://mcp-memory:")
    assert urls["memory"].endswith("@database:5432/mcp-memory")
    password = urls["memory"].split(":")[2].partition("@")[0]
    assert password not in urls["second"]
    roles = content(engine, "database-roles")
    assert f"""ALTER ROLE "mcp-memory" LOGIN CONNECTION LIMIT 40 PASSWORD '{password}';""" in roles
    services = engine.of_type("service:Service")
    assert "time-DATABASE_URL" not in engine.of_type("secret:Secret")
    assert {"database", "memory", "second", "time"} <= services.keys()


def test_there_is_no_database_where_nobody_asks_for_one() -> None:
    engine, _ = deploy(lambda: build(parse_text(f"servers: {{time: '{TIME}'}}")))
    assert "database" not in engine.of_type("service:Service")


def content(engine: RecordingEngine, secret: str) -> str:
    """Return what a Docker secret holds."""
    return base64.b64decode(engine.one("secret:Secret", secret).inputs["data"]["value"]).decode()


def test_the_committed_images_are_complete_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LOCK_VARIABLE, raising=False)
    assert set(REQUIRED) | {"grafana"} == read_images(ROOT).keys()


def test_another_lock_can_take_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps(dict.fromkeys(REQUIRED, f"x:1{DIGEST}")))
    monkeypatch.setenv(LOCK_VARIABLE, str(lock))
    assert read_images(ROOT)["consul"] == f"x:1{DIGEST}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "can't be read"),
        (json.dumps({"python": f"x:1{DIGEST}"}), "has no node, registry"),
        (json.dumps(dict.fromkeys(REQUIRED, "x:1")), "has no digest for python"),
    ],
)
def test_a_bad_lock_is_refused(text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text)
    monkeypatch.setenv(LOCK_VARIABLE, str(lock))
    with pytest.raises(BadStackError, match=expected):
        read_images(ROOT)
