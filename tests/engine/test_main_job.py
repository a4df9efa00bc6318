"""A line of stack config becomes a running MCP server: items 1 to 5 of what a user gets, on the real engine."""

import json
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from .calls import ERAS, ask, post
from .deployment import Deployment


@dataclass(frozen=True)
class Call:
    """One call and a text of its answer; `refused` where the server's own good answer is an error."""

    tool: str
    arguments: dict[str, Any]
    text: str
    refused: bool = False


CALLS = {
    "time": Call("get_current_time", {"timezone": "UTC"}, "UTC"),
    "fetch": Call("fetch", {"url": "http://prometheus:9090/"}, "not a public address", refused=True),
    "git": Call("git_status", {"repo_path": "/tmp"}, "/tmp", refused=True),
    "everything": Call("echo", {"message": "to and fro"}, "to and fro"),
    "memory": Call("read_graph", {}, "entities"),
    "filesystem": Call("write_file", {"path": "/data/a.txt", "content": "kept"}, "a.txt"),
    "sequential-thinking": Call(
        "sequentialthinking",
        {"thought": "one", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1},
        "thoughtNumber",
    ),
    "notes": Call("add_note", {"title": "shopping", "text": "bread"}, "shopping"),
}


def test_the_dev_stack_has_eight_servers_and_a_call_for_each(fleet: Deployment) -> None:
    assert set(fleet.outputs()["urls"]) == set(CALLS)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("server", CALLS)
def test_the_official_client_lists_and_calls_tools(fleet: Deployment, server: str, era: str) -> None:
    call = CALLS[server]
    answer = ask(fleet.url(server), fleet.token("claude-code"), call.tool, call.arguments, era)
    assert call.tool in answer.tools
    assert bool(answer.result.is_error) == call.refused, answer.text
    assert call.text in answer.text
    assert (answer.revision == "2026-07-28") == (era == "2026-07-28")


def test_a_second_up_and_a_refresh_change_nothing(fleet: Deployment) -> None:
    assert fleet.up().steps == []
    fleet.refresh()
    assert fleet.preview().steps == []


def test_fleet_call_does_it_from_the_shell(fleet: Deployment) -> None:
    answered = fleet.fleet("call", "time", "get_current_time", '{"timezone":"UTC"}')
    assert '"timezone": "UTC"' in answered.stdout or '"timezone":"UTC"' in answered.stdout
    listed = fleet.fleet("call", "time", "--list").stdout.splitlines()
    assert {line.split()[0] for line in listed} == {"get_current_time", "convert_time"}


def test_fleet_status_tells_health_url_and_replicas(fleet: Deployment) -> None:
    servers = json.loads(fleet.fleet("status", "--once").stdout)["servers"]
    assert set(servers) == set(CALLS)
    for name, server in servers.items():
        assert server["health"] == "healthy", name
        assert server["url"] == fleet.url(name)
        assert server["replicas"] == "1/1"
        # A tool may have changed: a newer release of what a package depends on may write a schema otherwise.
        assert "(new)" not in (server["note"] or ""), name
        assert "(missing)" not in (server["note"] or ""), name


def test_fleet_clients_refers_to_the_token_and_never_shows_it(fleet: Deployment) -> None:
    printed = fleet.fleet("clients", "claude-code").stdout
    assert fleet.token("claude-code") not in printed
    entry = json.loads(printed)["mcpServers"]["time"]
    assert entry["url"] == fleet.url("time")
    assert entry["headers"]["Authorization"].startswith("Bearer ${")


def test_a_newcomer_gets_every_refusal_as_json_that_says_what_to_do(fleet: Deployment) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    unknown = fleet.url("time").replace("/time/", "/tyme/")
    refusals = {
        "no key": (post(fleet.url("time"), None, ping), 401),
        "a wrong key": (post(fleet.url("time"), "not-a-key", ping), 401),
        "a client of other servers": (post(fleet.url("memory"), fleet.token("ci-bot"), ping), 403),
        "a server that is not there": (post(unknown, fleet.token("claude-code"), ping), 404),
    }
    for case, (response, status) in refusals.items():
        assert response.status_code == status, case
        error = response.json()["error"]
        assert error["message"], case
        assert error["data"], case


def test_prometheus_finds_everything_and_reaches_it(fleet: Deployment) -> None:
    gateway = fleet.outputs()["gateway"]
    headers = {"Authorization": f"Bearer {fleet.token()}"}
    answer = httpx2.get(f"{gateway}/-/prometheus/api/v1/query", params={"query": "up"}, headers=headers)
    samples = answer.raise_for_status().json()["data"]["result"]
    down = [sample["metric"] for sample in samples if sample["value"][1] != "1"]
    assert down == []
    scraped = {sample["metric"].get("server") for sample in samples}
    assert scraped >= set(CALLS)
    jobs = {sample["metric"]["job"] for sample in samples}
    assert jobs >= {"consul", "redis", "prometheus", "registry"}


def test_prometheus_is_for_the_operator_only(fleet: Deployment) -> None:
    url = fleet.outputs()["gateway"] + "/-/prometheus/api/v1/query?query=up"
    assert httpx2.get(url).status_code == 401
    headers = {"Authorization": f"Bearer {fleet.token('claude-code')}"}
    assert httpx2.get(url, headers=headers).status_code == 403


def test_a_replica_answers_only_the_gateway(fleet: Deployment) -> None:
    """A server that was taken over can't use another one's tools: it does not have that one's token."""
    (container,) = fleet.containers("notes")
    probe = (
        "import urllib.request, urllib.error\n"
        "request = urllib.request.Request('http://time:8080/mcp', b'{}', {'Content-Type': 'application/json'})\n"
        "try:\n    urllib.request.urlopen(request)\n"
        "except urllib.error.HTTPError as error:\n    print(error.code)"
    )
    assert fleet.run_in(container, probe) == "401"


def test_every_container_is_hardened(fleet: Deployment) -> None:
    """The registry runs as root without capabilities: its official image's volume is root's."""
    for service in fleet.services().values():
        spec = service.attrs["Spec"]["TaskTemplate"]
        container = spec["ContainerSpec"]
        assert container["ReadOnly"], service.name
        assert container["CapabilityDrop"] == ["ALL"], service.name
        assert container["User"] not in {"", "root", "0", "0:0"} or service.name.endswith("-registry"), service.name
        assert "@sha256:" in container["Image"], service.name
        assert spec["Resources"]["Limits"]["MemoryBytes"] > 0, service.name
        assert spec["Resources"]["Limits"]["NanoCPUs"] > 0, service.name
        assert container["Healthcheck"]["Test"], service.name
        assert spec["LogDriver"]["Options"]["max-size"], service.name
