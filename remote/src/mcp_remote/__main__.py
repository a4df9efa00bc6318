"""Run as `python -m mcp_remote`."""

from .command import main

main()
