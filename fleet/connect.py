"""`fleet connect`: a server of the fleet over standard input and output, for clients that speak nothing else."""

from typing import NoReturn

from mcp_remote.command import serve
from mcp_remote.credentials import StaticHeaders


def connect(url: str, token: str) -> NoReturn:
    """Be a stdio server that is the one at `url`, as the client whose API key is `token`; end with the input."""
    serve(url, lambda _: StaticHeaders({"authorization": f"Bearer {token}"}))
