"""Adding, changing and removing a server touches nothing else, and nobody who calls another one notices."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .calls import Traffic, ask, steady_traffic
from .deployment import Deployment

pytestmark = pytest.mark.long

TIME = ("get_current_time", {"timezone": "UTC"})


@contextmanager
def undisturbed(fleet: Deployment, *, but: str) -> Iterator[Traffic]:
    """Fail unless clients of `notes` see no failed call, and no container but those of `but` is replaced."""
    watched = [name.removeprefix(f"{fleet.name}-") for name in fleet.services()]
    before = {name: fleet.containers(name) for name in watched if name != but}
    url, token = fleet.url("notes"), fleet.token("claude-code")
    with steady_traffic(url, token, "list_notes", {}, expect="") as traffic:
        yield traffic
    assert traffic.failures == []
    assert traffic.answered > 0
    assert {name: fleet.containers(name) for name in before} == before


def touched_servers(names: set[str]) -> set[str]:
    return {name for name in names if "extra" not in name}


@pytest.fixture(scope="module")
def extra(fleet: Deployment) -> Iterator[Deployment]:
    """The shared fleet with one server more, added while another is called; removed in the same way at the end."""
    before = fleet.config["servers"]
    fleet.config["servers"] = fleet.with_server("extra", before["time"])
    assert touched_servers({step.name for step in fleet.preview().steps} - {f"mcp-fleet-{fleet.name}"}) == set()
    with undisturbed(fleet, but="extra"):
        fleet.up()
    yield fleet
    fleet.config["servers"] = before
    with undisturbed(fleet, but="extra"):
        fleet.up()
    assert not fleet.containers("extra")


def test_an_added_server_answers_as_soon_as_up_ends(extra: Deployment) -> None:
    answer = ask(extra.url("extra"), extra.token("claude-code"), *TIME)
    assert "UTC" in answer.text


@pytest.mark.parametrize(
    "change",
    [{"memory": "300M"}, {"replicas": 2}, {"args": ["--local-timezone", "Europe/Paris"]}],
    ids=["limits", "replicas", "arguments"],
)
def test_a_changed_server_rolls_alone(extra: Deployment, change: dict[str, object]) -> None:
    source = extra.config["servers"]["time"]
    extra.config["servers"] = extra.with_server("extra", {"source": source, **change})
    with undisturbed(extra, but="extra"):
        steps = extra.up().steps
    assert steps
    assert touched_servers({step.name for step in steps}) <= {f"mcp-fleet-{extra.name}"}
    assert "UTC" in ask(extra.url("extra"), extra.token("claude-code"), *TIME).text


def test_a_server_that_is_updated_fails_no_call(extra: Deployment) -> None:
    source = extra.config["servers"]["time"]
    url, token = extra.url("extra"), extra.token("claude-code")
    extra.config["servers"] = extra.with_server("extra", {"source": source, "memory": "320M", "replicas": 2})
    with steady_traffic(url, token, *TIME, expect="UTC") as traffic:
        extra.up()
    assert traffic.failures == []
    assert traffic.answered > 0


def test_both_replicas_get_traffic_and_a_stopped_one_none(extra: Deployment) -> None:
    source = extra.config["servers"]["time"]
    extra.config["servers"] = extra.with_server("extra", {"source": source, "replicas": 2})
    extra.up()
    url, token = extra.url("extra"), extra.token("claude-code")

    def served() -> dict[str, int]:
        """Calls that each replica has answered, by its own count."""
        count = (
            "import urllib.request\n"
            "text = urllib.request.urlopen('http://127.0.0.1:8080/metrics').read().decode()\n"
            "lines = [line for line in text.splitlines() if line.startswith('mcp_requests_total{')]\n"
            "print(int(sum(float(line.rsplit(' ', 1)[1]) for line in lines if 'tools/call' in line)))"
        )
        return {id: int(extra.run_in(id, count)) for id in extra.containers("extra")}

    before = served()
    assert len(before) == 2
    for _ in range(20):
        ask(url, token, *TIME)
    grown = {id: count - before[id] for id, count in served().items()}
    assert all(count > 0 for count in grown.values()), grown

    stopped = sorted(grown)[0]
    with steady_traffic(url, token, *TIME, expect="UTC") as traffic:
        extra.docker.containers.get(stopped).stop(timeout=20)
    assert traffic.failures == []
