"""HTTP/1.1 on asyncio and httptools: connections, requests, answers, event streams. Knows nothing of MCP."""
