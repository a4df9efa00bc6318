"""An MCP server for a Mem0 of one's own, which OpenMemory became."""
