"""An MCP server for Snowflake's AI SQL, over the SQL API."""
