"""Run a small ASGI application inside a process that has work of its own, and handles signals itself."""

import contextlib
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

SHUTDOWN_SECONDS = 2


class EmbeddedServer(uvicorn.Server):
    """A uvicorn server that leaves signals to its owner. End it by setting `should_exit`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def embedded_server(application: Starlette, *, host: str, port: int) -> EmbeddedServer:
    """Return a server for `application`; run it with `await server.serve()`."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        lifespan="off",
        http="h11",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return EmbeddedServer(config)
