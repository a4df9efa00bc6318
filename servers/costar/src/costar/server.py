"""The tools: what a model sees of the server."""

from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis, ChassisSettings
from pydantic import Field, StringConstraints

from costar import handlers
from costar.handlers import FrameError
from costar.models import Part, Prompt, Review

NAME: Final = "costar"
VERSION: Final = "0.1.0"
INSTRUCTIONS: Final = (
    "Prompts by the CO-STAR frame: Context, Objective, Style, Tone, Audience, Response. review_prompt says what a "
    "prompt lacks; ask its author those questions, then write_prompt puts the answers together."
)

READS: Final = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

LONGEST: Final = 20_000
"""Characters of one part."""

Required = StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST)
Optional = StringConstraints(strip_whitespace=True, max_length=LONGEST)
Objective = Annotated[str, Required, Field(description="What the model is to do: one task.")]
Context = Annotated[str, Optional, Field(description="What it must know of the situation.")]
Style = Annotated[str, Optional, Field(description="Whose way of writing it is to take.")]
Tone = Annotated[str, Optional, Field(description="The attitude that is to be heard.")]
Audience = Annotated[str, Optional, Field(description="Who reads the answer.")]
Response = Annotated[str, Optional, Field(description="The form of the answer.")]
Whole = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=6 * LONGEST),
    Field(description="The prompt, whose parts have headings such as `# CONTEXT #` or `Context:`."),
]


def build(chassis: Chassis[ChassisSettings]) -> MCPServer[None]:
    """Return the server with its tools and its prompt."""
    server = chassis.server(INSTRUCTIONS)

    @server.tool(title="Write a prompt", annotations=READS)
    def write_prompt(
        objective: Objective,
        context: Context = "",
        style: Style = "",
        tone: Tone = "",
        audience: Audience = "",
        response: Response = "",
    ) -> Prompt:
        """Put the parts of a prompt together by the CO-STAR frame, and ask for those that are missing."""
        try:
            return handlers.write(_parts(objective, context, style, tone, audience, response))
        except FrameError as error:
            raise ToolError(str(error)) from None

    @server.tool(title="Review a prompt", annotations=READS)
    def review_prompt(prompt: Whole) -> Review:
        """Say which parts of the CO-STAR frame a prompt has, and ask for those that it lacks."""
        return handlers.review(prompt)

    @server.prompt(title="Prompt by the CO-STAR frame")
    def costar(
        objective: Objective,
        context: Context = "",
        style: Style = "",
        tone: Tone = "",
        audience: Audience = "",
        response: Response = "",
    ) -> str:
        """A prompt of the given parts."""
        return handlers.write(_parts(objective, context, style, tone, audience, response)).prompt

    return server


def _parts(objective: str, context: str, style: str, tone: str, audience: str, response: str) -> dict[Part, str]:
    return dict(zip(Part, (context, objective, style, tone, audience, response), strict=True))
