"""The tools: what a model sees of the server."""

from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis
from pydantic import Field

from example_server.handlers import TooLongError, count_text
from example_server.models import TextCount
from example_server.settings import Settings

NAME: Final = "example-server"
VERSION: Final = "0.1.0"
INSTRUCTIONS: Final = "Counts what is in a text."

READS: Final = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Text = Annotated[str, Field(description="The text, as it is.")]
Frequent = Annotated[int, Field(description="How many of the most frequent words to return.", ge=0, le=100)]


def build(chassis: Chassis[Settings]) -> MCPServer[None]:
    """Return the server with its tools."""
    server = chassis.server(INSTRUCTIONS)

    @server.tool(title="Count words", annotations=READS)
    def count_words(text: Text, frequent: Frequent = 5) -> TextCount:
        """Count a text's words and lines, and find its most frequent words."""
        try:
            return count_text(text, frequent=frequent, maximum_characters=chassis.settings.maximum_characters)
        except TooLongError as error:
            raise ToolError(f"{error} Divide it, and count the parts.") from None

    return server
