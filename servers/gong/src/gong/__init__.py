"""An MCP server that reads a company's calls in Gong."""
