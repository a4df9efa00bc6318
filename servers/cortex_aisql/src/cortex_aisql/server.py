"""The tools: what a model sees of the server."""

import json
from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis
from pydantic import Field, StringConstraints

from cortex_aisql.models import Rows, Said
from cortex_aisql.settings import CortexSettings
from cortex_aisql.statements import Statements

NAME: Final = "cortex-aisql"
VERSION: Final = "0.1.0"
INSTRUCTIONS: Final = (
    "Snowflake's AI SQL. complete, classify and translate work on one text; for a table use query, with AI functions "
    "in the statement: SELECT AI_CLASSIFY(body, ['bug', 'wish']) FROM tickets LIMIT 20. Tokens cost money: try a few "
    "rows first. What takes longer than 45 s comes with a handle, for get_result."
)

READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=True)

Text = Annotated[
    str, StringConstraints(min_length=1, max_length=200_000), Field(description="The text to work on, as it is.")
]
Model = Annotated[
    str,
    Field(description="A model that Cortex has in the account's region.", pattern=r"^[a-z0-9][a-z0-9._-]{1,60}$"),
]
Categories = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=500)]],
    Field(description="The categories to choose from.", min_length=2, max_length=500),
]
Language = Annotated[str, Field(description="The language to translate to, as a code: de.", pattern=r"^[a-z]{2}$")]
Source = Annotated[
    str, Field(description="The text's language, as a code; found out without one.", pattern=r"^([a-z]{2})?$")
]
Statement = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100_000),
    Field(description="One statement that reads: SELECT, WITH, SHOW or DESCRIBE."),
]
Handle = Annotated[str, Field(description="The statement's handle.", pattern=r"^[0-9a-f-]{36}$")]
Part = Annotated[int, Field(description="Which of the `parts`; 0 is the first.", ge=0)]


def build(chassis: Chassis[CortexSettings]) -> MCPServer[None]:
    """Return the server with its tools."""
    server = chassis.server(INSTRUCTIONS)
    statements = Statements(chassis)

    @server.tool(title="Complete", annotations=READS)
    async def complete(prompt: Text, model: Model = "claude-4-sonnet") -> Said:
        """Have a model of Cortex answer a prompt."""
        return await statements.say("AI_COMPLETE(?, ?)", model, prompt)

    @server.tool(title="Classify", annotations=READS)
    async def classify(text: Text, categories: Categories) -> Said:
        """Choose the categories that a text belongs to. The answer is JSON: {"labels": [...]}."""
        return await statements.say("AI_CLASSIFY(?, PARSE_JSON(?)::ARRAY)", text, json.dumps(categories))

    @server.tool(title="Translate", annotations=READS)
    async def translate(text: Text, to: Language, source: Source = "") -> Said:
        """Translate a text."""
        return await statements.say("AI_TRANSLATE(?, ?, ?)", text, source, to)

    @server.tool(title="Query", annotations=READS)
    async def query(statement: Statement) -> Rows:
        """Run one statement that reads. It may call AI functions, such as AI_COMPLETE, AI_FILTER or AI_AGG."""
        return await statements.query(statement)

    @server.tool(title="Get a result", annotations=READS)
    async def get_result(handle: Handle, part: Part = 0) -> Rows:
        """Return what a statement found that was still running, or more of a long result."""
        return await statements.result(handle, part)

    return server
