"""An MCP server that builds user interfaces with Vercel's v0."""
