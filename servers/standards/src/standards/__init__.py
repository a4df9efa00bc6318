"""An MCP server that serves a repository's standards and decisions."""
