"""FastMCP's proxy before a command, in its mode for clients of both eras: fastmcp_proxy.py PORT COMMAND…

Runs with the Python of bench/bridge/peers/fastmcp.lock, where fastmcp is."""

import sys

# Installed in the peer's environment alone, so the checker of ours does not find it.
from fastmcp import Client  # type: ignore[import-not-found]
from fastmcp.client.transports import StdioTransport  # type: ignore[import-not-found]
from fastmcp.server import create_proxy  # type: ignore[import-not-found]

PORT, COMMAND, *ARGUMENTS = sys.argv[1:]

if __name__ == "__main__":
    proxy = create_proxy(Client(StdioTransport(COMMAND, ARGUMENTS), mode="auto"), mode="auto")
    proxy.run("http", host="127.0.0.1", port=int(PORT), show_banner=False, log_level="ERROR")
