"""A server on the chassis, run as a process by the tests."""

import structlog
from mcp.server import MCPServer
from mcp_chassis import Chassis, ChassisSettings, StartError, run


class Settings(ChassisSettings):
    greeting: str = "hello"
    wiki_url: str = "http://127.0.0.1:1"


def build(chassis: Chassis[Settings]) -> MCPServer[None]:
    if not chassis.settings.greeting.islower():
        raise StartError("MCP_GREETING: shouts; write it small")
    server = chassis.server("Greets.")
    wiki = chassis.upstream("wiki", chassis.settings.wiki_url)

    @server.tool()
    def greet(name: str) -> str:
        """Greet somebody."""
        structlog.get_logger().info("greeted", name=name)
        return f"{chassis.settings.greeting} {name}"

    @server.tool()
    async def read(page: str) -> str:
        """Read a page."""
        return (await wiki.request("GET", page)).text

    return server


if __name__ == "__main__":
    run("example", "1.2.3", Settings, build)
