"""An ASGI application on a free port of this machine, such as a strict stand-in of a vendor's API."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


@contextmanager
def serving(application: ASGIApp, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on an address of this machine until the block ends. Yields the URL, without a slash at its end."""
    # It listens before the thread runs: a request that comes earlier waits in its queue.
    with socket.create_server((address, 0)) as listener:
        config = uvicorn.Config(application, log_level="warning", ws="none")
        config.load()
        config.ssl = tls
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://{address}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


class Guarded:
    """An application that answers requests which lack a header with 401.

    Arguments:
        application: gets all others.
        header: its name, in small letters.
        value: what it must be.
        refusal: the body of the answer.
    """

    def __init__(self, application: ASGIApp, header: str, value: str, refusal: object) -> None:
        self._application = application
        self._expected = (header.encode(), value.encode())
        self._refused = JSONResponse(refusal, 401)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        let_in = scope["type"] != "http" or self._expected in scope["headers"]
        await (self._application if let_in else self._refused)(scope, receive, send)
