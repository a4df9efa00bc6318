"""An MCP server that writes and reviews prompts by the CO-STAR frame."""
