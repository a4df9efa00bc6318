"""An ASGI application on a free port of this machine: for the strict stand-ins of vendors' APIs."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def serving(application: ASGIApp) -> Iterator[str]:
    """Serve until the block ends. Yields the URL, without a slash at its end."""
    # It listens before the thread runs: a request that comes earlier waits in its queue.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
