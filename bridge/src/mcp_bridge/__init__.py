"""Any stdio MCP server as an HTTP service."""
