"""An MCP server that reviews and mends Python code."""
