"""An MCP server that keeps memories in PostgreSQL and finds them by words and by likeness."""
