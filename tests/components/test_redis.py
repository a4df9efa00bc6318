"""What Redis is configured with."""

import base64
import hashlib

from components.redis import redis_config

from . import examples
from .recording_engine import deploy


def test_each_server_has_a_user_that_reaches_its_own_results_alone() -> None:
    lines = redis_config("operator", 64, {"time": "s3cret", "notes": "other"}).splitlines()
    users = [line for line in lines if line.startswith("user ")]
    assert [line.split()[1] for line in users] == ["mcp-notes", "mcp-time"]
    digest = hashlib.sha256(b"s3cret").hexdigest()
    commands = "+get +set +pttl +hset +hsetnx +hgetall +expire"
    assert users[1] == f"user mcp-time on #{digest} resetchannels ~mcp:cache:time:* -@all {commands}"
    assert "s3cret" not in "".join(lines)


def test_the_configuration_is_a_secret_file() -> None:
    engine, _ = deploy(examples.redis)
    data = engine.one("docker:index/secret:Secret", "redis-config").inputs["data"]
    config = base64.b64decode(data["value"]).decode()
    assert "user mcp-time on #" in config
    assert examples.SECRETS["cache password"] not in config


def test_without_servers_there_are_no_users() -> None:
    engine, _ = deploy(lambda: examples.redis(servers={}))
    data = engine.one("docker:index/secret:Secret", "redis-config").inputs["data"]
    assert "user " not in base64.b64decode(data["value"]).decode()
