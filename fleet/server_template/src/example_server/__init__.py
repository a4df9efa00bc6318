"""An MCP server that counts what is in a text."""
