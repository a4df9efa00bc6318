"""Results that replicas share in Redis: real bridges, and a real redis-server that is killed unnoticed by clients."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from bridge.tests.redis_server import PASSWORD, SERVER_PASSWORD, RedisServer, redis_server
from bridge.tests.rig import HTTP, Bridge, bridge, eventually, post, server, text_of, tool


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


@contextmanager
def replica(redis: RedisServer, *options: str, up: bool = True) -> Iterator[Bridge]:
    """A replica that has found out whether it reaches Redis."""
    with bridge(*server("session_era"), options=(*redis.options, *options)) as running:
        running.wait_ready()
        if up:
            wait_for_redis(running, up=True)
        yield running


@pytest.fixture
def replicas(redis: RedisServer) -> Iterator[tuple[Bridge, Bridge]]:
    with replica(redis) as first, replica(redis) as second:
        yield first, second


def wait_for_redis(running: Bridge, *, up: bool) -> None:
    line = f'mcp_cache_redis_up{{server="shared"}} {float(up)}'
    eventually(lambda: line in HTTP.get(f"{running.url}/metrics").text, f"no {line}")
    assert running.health()[1]["dependencies"]["redis"] == {"status": "up" if up else "down"}


def look(running: Bridge, at: int = 1) -> str:
    """Call a tool that counts its calls."""
    return text_of(post(running, "tools/call", tool("look", at=at), modern=True))


def call(running: Bridge, name: str) -> str:
    return text_of(post(running, "tools/call", tool(name), modern=True))


def wait_for_results(redis: RedisServer, number: int) -> None:
    eventually(lambda: len(redis.results()) == number, f"not {number} results")


def test_what_one_replica_was_told_serves_the_others(redis: RedisServer, replicas: tuple[Bridge, Bridge]) -> None:
    first, second = replicas
    assert (look(first, 1), look(first, 2)) == ("1", "2")
    listed = post(first, "tools/list", modern=True).json()["result"]
    wait_for_results(redis, 3)
    before = call(second, "lists")
    assert post(second, "tools/list", modern=True).json()["result"] == listed
    assert call(second, "lists") == before
    assert (look(second, 2), look(second, 1), look(second, 3)) == ("2", "1", "1")
    assert all(0 < redis.client.pttl(name) <= 300_000 for name in redis.results())


def test_a_list_that_changed_in_one_replica_is_forgotten_by_all(
    redis: RedisServer, replicas: tuple[Bridge, Bridge]
) -> None:
    first, second = replicas
    assert look(first) == "1"
    wait_for_results(redis, 1)
    # From now on its own server says "2" or more, should the first not have told its newer result.
    assert (look(second), look(second, at=2)) == ("1", "1")
    call(first, "change")
    assert look(first) == "2"
    eventually(lambda: look(second) != "1", "the second replica never forgot")


def test_redis_is_killed_under_load_and_no_call_fails(redis: RedisServer, replicas: tuple[Bridge, Bridge]) -> None:
    stop = threading.Event()
    served = [0, 0]
    failures: list[str] = []

    def load(number: int) -> None:
        while not stop.is_set():
            answer = post(replicas[number], "tools/call", tool("look", at=served[number]), modern=True)
            if answer.status_code != 200 or "result" not in answer.json():
                failures.append(answer.text)
            served[number] += 1

    def wait_for_more(number: int = 100) -> None:
        wanted = [count + number for count in served]
        eventually(lambda: all(count >= least for count, least in zip(served, wanted, strict=True)), "no calls")

    threads = [threading.Thread(target=load, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        wait_for_more()
        redis.kill()
        for running in replicas:
            wait_for_redis(running, up=False)
        wait_for_more()
        redis.start()
        for running in replicas:
            wait_for_redis(running, up=True)
        wait_for_more()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    for running in replicas:
        assert (running.count("cache_redis_away"), running.count("cache_redis_back")) == (1, 1)
        assert not [line for line in running.raw if "traceback" in line]


def test_what_changed_while_redis_was_away_does_not_come_back_with_it(redis: RedisServer) -> None:
    with replica(redis) as running:
        assert look(running) == "1"
        wait_for_results(redis, 1)
        redis.kill()
        call(running, "change")
        wait_for_redis(running, up=False)
        redis.start()
        wait_for_redis(running, up=True)
        assert len(redis.results()) == 1
        assert look(running) == "2"
    with replica(redis) as other:
        assert look(other) == "2"


def test_when_redis_has_lost_the_tokens_no_older_result_is_taken(redis: RedisServer) -> None:
    with replica(redis) as first:
        assert [look(first, at) for at in (1, 2)] == ["1", "2"]
        wait_for_results(redis, 2)
        call(first, "change")
    [tokens] = redis.client.keys("*:generations")
    redis.client.delete(tokens)
    with replica(redis) as second:
        assert look(second, at=2) == "1"
        redis.client.delete(tokens)
        assert look(second, at=1) == "2"
        eventually(lambda: redis.client.exists(tokens) == 1, "nobody made new tokens")


def test_a_replica_without_redis_serves_and_finds_it_later(redis: RedisServer) -> None:
    redis.kill()
    with replica(redis, up=False) as running:
        assert (look(running), look(running)) == ("1", "1")
        assert "Connect" in running.wait_for("cache_redis_away")["reason"]
        redis.start()
        wait_for_redis(running, up=True)
        assert look(running, at=2) == "2"
        wait_for_results(redis, 1)


def test_replicas_of_another_release_share_nothing(redis: RedisServer) -> None:
    with replica(redis, "--cache-release", "old") as old, replica(redis, "--cache-release", "new") as new:
        assert [look(old, at) for at in (1, 2)] == ["1", "2"]
        wait_for_results(redis, 2)
        assert look(new, 2) == "1"


def test_results_of_one_client_are_not_another_s(redis: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the-gateway")
    gateway = ("--gateway-token-file", str(tmp_path / "token"), "--host", "127.0.0.1")

    def ask(running: Bridge, client: str) -> str:
        headers = {"x-mcp-gateway-token": "the-gateway", "x-mcp-client": client}
        return text_of(post(running, "tools/call", tool("look"), modern=True, headers=headers))

    with replica(redis, *gateway) as first, replica(redis, *gateway) as second:
        assert (ask(first, "codex"), ask(first, "ci")) == ("1", "2")
        wait_for_results(redis, 2)
        assert (ask(second, "ci"), ask(second, "codex"), ask(second, "new")) == ("2", "1", "1")


def test_a_server_reaches_its_own_results_alone(redis: RedisServer) -> None:
    redis.client.set("mcp:cache:other:x", b"of another server")
    with Redis(port=redis.port, username="mcp-shared", password=SERVER_PASSWORD) as own:
        own.set("mcp:cache:shared:x", b"own")
        for forbidden in (
            lambda: own.get("mcp:cache:other:x"),
            lambda: own.set("mcp:cache:other:x", b"forged"),
            lambda: own.keys("*"),
            own.flushall,
            own.config_get,
        ):
            with pytest.raises(NoPermissionError):
                forbidden()


def test_neither_the_password_nor_what_is_kept_is_logged(redis: RedisServer) -> None:
    with replica(redis) as running:
        assert look(running) == "1"
        redis.client.acl_setuser("mcp-shared", enabled=True, reset_passwords=True, passwords=["+another"])
        redis.client.client_kill_filter(_type="normal", skipme=True)
        running.wait_for("cache_redis_away")
        assert look(running, at=2) == "2"
        listed = call(running, "environment")
    assert SERVER_PASSWORD not in "".join(running.raw) + listed
    assert PASSWORD not in "".join(running.raw)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--cache-redis", "redis://redis:6379"), "--cache memory"),
        (("--cache", "memory", "--cache-redis", "http://redis"), "such as redis://"),
        (("--cache", "memory", "--cache-redis", "redis://u:secret@redis"), "--cache-redis-password-file"),
        (("--cache-redis-password-file", "/x"), "needs --cache-redis"),
    ],
)
def test_a_bridge_refuses_what_can_t_be_meant(options: tuple[str, ...], why: str) -> None:
    command = [sys.executable, "-m", "mcp_bridge", *options, "--", "true"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert why in ended.stderr
    assert not re.search(r"u:secret", ended.stderr)
