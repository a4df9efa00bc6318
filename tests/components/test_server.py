"""What an McpServer and its image ask Docker for."""

import base64
from typing import Any

from . import examples
from .recording_engine import Registered, deploy, is_secret

SERVICE = "docker:index/service:Service"
IMAGE = "docker-build:index:Image"


def service(*, volume: bool = False) -> dict[str, Any]:
    engine, _ = deploy(lambda: examples.server(volume=volume))
    return dict(engine.one(SERVICE, "time").inputs)


def image() -> Registered:
    engine, _ = deploy(examples.image)
    return engine.one(IMAGE, "time")


def test_the_bridge_runs_the_command_with_its_arguments() -> None:
    container = service()["taskSpec"]["containerSpec"]
    assert container["commands"] == ["/opt/bridge/bin/mcp-bridge"]
    assert container["args"] == ["--", "/opt/server/bin/mcp-server-time", "--local-timezone", "UTC"]
    assert container["user"] == "10001:10001"


def test_the_bridge_learns_its_replica_from_swarm() -> None:
    environment = service()["taskSpec"]["containerSpec"]["env"]
    assert environment["MCP_BRIDGE_SLOT"] == "{{.Task.Slot}}"
    assert environment["MCP_BRIDGE_TASK"] == "{{.Task.ID}}"
    assert environment["MCP_BRIDGE_CONSUL"] == "http://consul:8500"
    assert environment["MCP_BRIDGE_MAX_CONCURRENT"] == "16"
    assert environment["COLOUR"] == "blue"
    assert environment["MCP_BRIDGE_OTLP_ENDPOINT"] == "http://collector:4318"


def test_a_remote_server_runs_the_image_of_all_of_them_with_its_credential_as_a_secret_alone() -> None:
    engine, _ = deploy(examples.remote_server)
    assert engine.of_type(IMAGE) == {}
    container = engine.one(SERVICE, "linear").inputs["taskSpec"]["containerSpec"]
    assert container["image"] == "registry:5000/dev/remote:1@sha256:0"
    assert container["args"] == [
        "--",
        "/opt/server/bin/mcp-remote",
        "https://mcp.linear.app/mcp",
        "--header=Authorization: Bearer {LINEAR_API_KEY}",
    ]
    assert "/run/secrets/server/LINEAR_API_KEY" in [secret["fileName"] for secret in container["secrets"]]


def test_an_image_of_somebody_else_gets_the_bridge_with_all_that_it_needs() -> None:
    engine, _ = deploy(examples.image_server)
    built = engine.one(IMAGE, "files").inputs
    assert built["dockerfile"] == {"location": "images/oci.Dockerfile"}
    assert built["buildArgs"] == {
        "PYTHON": examples.BASES.python,
        "ORIGIN": examples.PINNED.format(name="files"),
        "SOURCE_DATE_EPOCH": "315532800",
    }
    container = engine.one(SERVICE, "files").inputs["taskSpec"]["containerSpec"]
    assert container["commands"] == ["/opt/mcp-fleet/lib/ld.so"]
    assert container["args"][-3:] == ["--", "/server", "stdio"]
    assert container["healthcheck"]["tests"][:2] == ["CMD", "/opt/mcp-fleet/lib/ld.so"]


def cache(**options: Any) -> dict[str, str]:
    engine, _ = deploy(lambda: examples.server(**options))
    environment = engine.one(SERVICE, "time").inputs["taskSpec"]["containerSpec"]["env"]
    return {name: value for name, value in environment.items() if name.startswith("MCP_BRIDGE_CACHE")}


def test_replicas_share_results_in_redis_as_a_user_of_their_own() -> None:
    shared = cache()
    assert shared.pop("MCP_BRIDGE_CACHE_RELEASE")
    assert shared == {
        "MCP_BRIDGE_CACHE": "memory",
        "MCP_BRIDGE_CACHE_REDIS": "redis://mcp-time@redis:6379",
        "MCP_BRIDGE_CACHE_REDIS_PASSWORD_FILE": "/run/secrets/cache-password",
    }
    assert cache(shared_cache=False) == {"MCP_BRIDGE_CACHE": "memory"}


def test_results_of_other_arguments_are_not_shared() -> None:
    assert cache()["MCP_BRIDGE_CACHE_RELEASE"] == cache()["MCP_BRIDGE_CACHE_RELEASE"]
    assert cache()["MCP_BRIDGE_CACHE_RELEASE"] != cache(files={"/etc/x": "y"})["MCP_BRIDGE_CACHE_RELEASE"]
    assert (
        cache()["MCP_BRIDGE_CACHE_RELEASE"] != cache(arguments=["--local-timezone", "CET"])["MCP_BRIDGE_CACHE_RELEASE"]
    )


def test_the_bridge_is_told_of_processes_where_that_is_not_its_default() -> None:
    def settings(**options: Any) -> dict[str, str]:
        engine, _ = deploy(lambda: examples.server(**options))
        environment = engine.one(SERVICE, "time").inputs["taskSpec"]["containerSpec"]["env"]
        names = {"MCP_BRIDGE_MODE", "MCP_BRIDGE_WORKERS", "MCP_BRIDGE_POOL"}
        return {name: environment[name] for name in names & environment.keys()}

    assert settings() == {}
    assert settings(mode="isolated", pool=3) == {"MCP_BRIDGE_MODE": "isolated", "MCP_BRIDGE_POOL": "3"}
    assert settings(mode="shared", workers=2) == {"MCP_BRIDGE_MODE": "shared", "MCP_BRIDGE_WORKERS": "2"}
    assert settings(volume=True) == {"MCP_BRIDGE_MODE": "shared"}


def test_each_secret_is_a_file_that_only_the_server_s_user_reads() -> None:
    secrets = {secret["fileName"]: secret for secret in service()["taskSpec"]["containerSpec"]["secrets"]}
    assert secrets.keys() == {
        "/run/secrets/gateway-token",
        "/run/secrets/cache-password",
        "/run/secrets/server/API_TOKEN",
    }
    for secret in secrets.values():
        assert (secret["fileUid"], secret["fileGid"], secret["fileMode"]) == ("10001", "10001", 0o400)


def test_a_secret_s_file_ends_with_the_line_feed_that_the_bridge_takes_off() -> None:
    engine, _ = deploy(examples.server)
    data = engine.one("docker:index/secret:Secret", "time-API_TOKEN").inputs["data"]["value"]
    assert base64.b64decode(data).decode() == examples.SECRETS["variable"] + "\n"


def test_each_file_is_at_its_path_for_the_server_to_read() -> None:
    files = {"/etc/mcp/a.yaml": "one", "/etc/mcp-a.yaml": "two"}
    engine, _ = deploy(lambda: examples.server(files=files))
    configs = engine.one(SERVICE, "time").inputs["taskSpec"]["containerSpec"]["configs"]
    assert {(each["fileName"], each["fileUid"], each["fileMode"]) for each in configs} == {
        ("/etc/mcp/a.yaml", "10001", 0o444),
        ("/etc/mcp-a.yaml", "10001", 0o444),
    }
    held = [config.inputs["data"] for config in engine.of_type("serviceConfig:ServiceConfig").values()]
    assert sorted(base64.b64decode(data).decode() for data in held) == ["one", "two"]


def test_a_release_starts_first_unless_two_replicas_would_share_a_volume() -> None:
    assert service()["updateConfig"]["order"] == "start-first"
    with_volume = service(volume=True)
    assert with_volume["updateConfig"]["order"] == "stop-first"
    mounts = with_volume["taskSpec"]["containerSpec"]["mounts"]
    assert {"type": "volume", "target": "/data", "source": "test-time-data"} in mounts


def test_the_service_runs_the_image_by_digest() -> None:
    reference = service()["taskSpec"]["containerSpec"]["image"]
    assert reference == "localhost:5000/test/time:2026.10.19@sha256:" + "d" * 64


def test_the_image_is_pushed_and_not_built_by_a_preview() -> None:
    inputs = image().inputs
    assert inputs["exports"] == [{"raw": "type=registry,rewrite-timestamp=true"}]
    assert inputs["buildOnPreview"] is False
    assert inputs["tags"] == ["localhost:5000/test/time:2026.10.19"]
    assert inputs["dockerfile"] == {"location": "images/python.Dockerfile"}
    assert inputs["context"]["named"] == {"wire": {"location": "wire"}, "bridge": {"location": "bridge"}}
    assert is_secret(inputs["registries"]) or is_secret(inputs["registries"][0]["password"])


def test_the_image_gets_only_what_its_dockerfile_asks_for() -> None:
    assert image().inputs["buildArgs"] == {
        "PYTHON": examples.BASES.python,
        "SOURCE_DATE_EPOCH": "315532800",
        "PACKAGE": "mcp-server-time",
        "VERSION": "2026.10.19",
        "COMMAND": "mcp-server-time",
    }


def test_grafana_runs_only_where_there_is_an_image_for_it() -> None:
    with_it, _ = deploy(examples.monitoring)
    without, _ = deploy(lambda: examples.monitoring(grafana=False))
    assert with_it.of_type(SERVICE).keys() == {"prometheus", "grafana"}
    assert without.of_type(SERVICE).keys() == {"prometheus"}


def test_the_gateway_and_the_policy_run_one_image_and_share_no_secret_but_the_master() -> None:
    engine, _ = deploy(examples.gateway)
    gateway, policy = (engine.one(SERVICE, name).inputs["taskSpec"]["containerSpec"] for name in ("gateway", "policy"))
    assert gateway["image"] == policy["image"]
    assert [secret["fileName"] for secret in gateway["secrets"]] == ["/run/secrets/master"]
    assert {secret["fileName"] for secret in policy["secrets"]} == {"/run/secrets/keys.json", "/run/secrets/master"}
