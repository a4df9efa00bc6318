"""The tools: what a model sees of the server."""

from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis
from pydantic import Field, StringConstraints

from ai_code_quality.models import Mended, Review, Rule
from ai_code_quality.python_code import PythonCode
from ai_code_quality.settings import QualitySettings

NAME: Final = "ai-code-quality"
VERSION: Final = "0.1.0"
INSTRUCTIONS: Final = (
    "Reviews Python code without running it. Call review_code on what you wrote before you hand it over, mend_code for "
    "what can be mended safely, and explain_rule where a finding is not clear."
)

READS: Final = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Code = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200_000),
    Field(description="One whole Python file, as it is."),
]
RuleCode = Annotated[str, Field(description="The `rule` of a finding: B006.", pattern=r"^[A-Z]{1,7}[0-9]{1,4}$")]


def build(chassis: Chassis[QualitySettings]) -> MCPServer[None]:
    """Return the server with its tools."""
    server = chassis.server(INSTRUCTIONS)
    python = PythonCode(chassis)

    @server.tool(title="Review code", annotations=READS)
    async def review_code(code: Code) -> Review:
        """Find bugs, security holes, complexity and dead code in Python, and what mends them."""
        return await python.review(code)

    @server.tool(title="Mend code", annotations=READS)
    async def mend_code(code: Code) -> Mended:
        """Return Python code with what can be mended safely, formatted. Nothing is written anywhere."""
        return await python.mend(code)

    @server.tool(title="Explain a rule", annotations=READS)
    async def explain_rule(rule: RuleCode) -> Rule:
        """Say what a rule is for, with an example of what it means."""
        return await python.rule(rule)

    return server
