"""The tools: what a model sees of the server."""

from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis
from pydantic import AwareDatetime, Field

from gong.company_calls import CompanyCalls
from gong.models import CallDescription, CallPage, Transcript, UserPage
from gong.settings import GongSettings

NAME: Final = "gong"
VERSION: Final = "0.1.0"
INSTRUCTIONS: Final = (
    "Reads the company's recorded sales calls in Gong. list_calls finds calls of a time; describe_call has the brief "
    "of one, which is shorter than what read_transcript returns. Calls name users by id: list_users knows them."
)

READS: Final = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=True)

Since = Annotated[
    AwareDatetime, Field(description="Calls that began then or later: ISO 8601 with zone, 2026-01-31T00:00:00Z.")
]
Until = Annotated[AwareDatetime, Field(description="And before then.")]
Cursor = Annotated[str | None, Field(description="`records.cursor` of the page before; without it the first page.")]
CallId = Annotated[str, Field(description="The call's id, up to 20 digits.", pattern=r"^\d{1,20}$")]
FirstLine = Annotated[int, Field(description="`nextLine` of the part before; 0 is the beginning.", ge=0)]


def build(chassis: Chassis[GongSettings]) -> MCPServer[None]:
    """Return the server with its tools."""
    server = chassis.server(INSTRUCTIONS)
    calls = CompanyCalls(chassis)

    @server.tool(title="List calls", annotations=READS)
    async def list_calls(since: Since, until: Until, cursor: Cursor = None) -> CallPage:
        """List the calls of a time, a page of them at a time."""
        return await calls.page(since, until, cursor)

    @server.tool(title="Describe a call", annotations=READS)
    async def describe_call(call_id: CallId) -> CallDescription:
        """Tell who took part in a call, and its brief, key points, outcome, topics and trackers."""
        return await calls.description(call_id)

    @server.tool(title="Read a transcript", annotations=READS)
    async def read_transcript(call_id: CallId, first_line: FirstLine = 0) -> Transcript:
        """Read what was said in a call, by whom and when. Long transcripts come in parts."""
        return await calls.transcript(call_id, first_line)

    @server.tool(title="List users", annotations=READS)
    async def list_users(cursor: Cursor = None) -> UserPage:
        """List the company's users of Gong, a page of them at a time."""
        return await calls.users(cursor)

    return server
