"""A server with `cache: true` and two replicas: they share what they keep in the stack's Redis, and do without it."""

from collections.abc import Callable

import pytest

from .calls import ask, steady_traffic
from .deployment import Deployment, committed_config

pytestmark = pytest.mark.long

TIME = ("get_current_time", {"timezone": "UTC"})
FIGURES = (
    "import re, urllib.request\n"
    "text = urllib.request.urlopen('http://127.0.0.1:8080/metrics').read().decode()\n"
    "print(sum(float(value) for value in re.findall(r'^{metric}.* (\\S+)$', text, re.MULTILINE)))"
)
ATTEMPTS = 300


@pytest.fixture(scope="module")
def cached(make_deployment: Callable[[str], Deployment]) -> Deployment:
    deployment = make_deployment("cached")
    server = {"source": committed_config()["servers"]["time"], "cache": True, "replicas": 2}
    deployment.config |= {"servers": {"time": server}, "clients": {"claude-code": {"tier": "enterprise"}}}
    deployment.up()
    return deployment


def figures(cached: Deployment, metric: str, server: str = "time") -> list[float]:
    """Return a metric of each replica."""
    program = FIGURES.replace("{metric}", metric)
    return sorted(float(cached.run_in(container, program)) for container in cached.containers(server))


def wait_for(cached: Deployment, metric: str, wanted: list[float], server: str = "time") -> None:
    for _ in range(ATTEMPTS):
        if (found := figures(cached, metric, server)) == wanted:
            return
    raise AssertionError(f"{metric}: {found}, not {wanted}")


def redis(cached: Deployment, command: str) -> str:
    """Run a command in Redis as its operator."""
    [container] = cached.containers("redis")
    shell = f"REDISCLI_AUTH=$(cat /run/secrets/redis-password) redis-cli {command}"
    printed = cached.docker.containers.get(container).exec_run(["sh", "-c", shell]).output
    assert isinstance(printed, bytes)
    return printed.decode().strip()


def test_both_replicas_reach_redis_and_keep_lists_there(cached: Deployment) -> None:
    wait_for(cached, "mcp_cache_redis_up", [1, 1])
    for _ in range(4):
        assert cached.fleet("call", "time", "--list").returncode == 0
    names = redis(cached, "--scan --pattern 'mcp:cache:time:*'").split()
    assert any(not name.endswith(":generations") for name in names)
    assert sum(figures(cached, "mcp_cache_hits_total")) > 0


def test_the_user_of_a_server_may_do_nothing_else(cached: Deployment) -> None:
    said = redis(cached, "ACL GETUSER mcp-time")
    assert "~mcp:cache:time:*" in said
    assert "-@all" in said
    assert "flushall" not in said


def test_redis_is_killed_and_no_call_fails(cached: Deployment) -> None:
    with steady_traffic(cached.url("time"), cached.token("claude-code"), *TIME, expect="UTC") as traffic:
        [container] = cached.containers("redis")
        cached.docker.containers.get(container).kill()
        wait_for(cached, "mcp_cache_redis_up", [0, 0])
        assert "UTC" in ask(cached.url("time"), cached.token("claude-code"), *TIME).text
        wait_for(cached, "mcp_cache_redis_up", [1, 1])
    assert traffic.failures == []
    assert traffic.answered > 0


def test_a_second_up_changes_nothing(cached: Deployment) -> None:
    assert cached.up().steps == []


def test_another_server_gets_its_user_while_the_first_is_called(cached: Deployment) -> None:
    cached.config["servers"] |= {"second": {**cached.config["servers"]["time"], "replicas": 1}}
    with steady_traffic(cached.url("time"), cached.token("claude-code"), *TIME, expect="UTC") as traffic:
        touched = {step.name for step in cached.up().steps if "second" not in step.name}
        wait_for(cached, "mcp_cache_redis_up", [1, 1])
        wait_for(cached, "mcp_cache_redis_up", [1], server="second")
    assert traffic.failures == []
    assert {"redis", "redis-config"} <= touched
    assert "time" not in touched
    assert "~mcp:cache:second:*" in redis(cached, "ACL GETUSER mcp-second")
