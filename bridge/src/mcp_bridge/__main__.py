"""`python -m mcp_bridge` is the command `mcp-bridge`."""

from .command import main

main()
