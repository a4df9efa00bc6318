"""Statements that read, over Snowflake's SQL API.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

import re
from http import HTTPStatus
from typing import Final

import httpx2
from mcp.server.mcpserver.exceptions import ToolError
from mcp_chassis import Chassis, UpstreamRefusedError
from mcp_chassis.upstream import Patience

from cortex_aisql.models import ResultSet, Rows, Said, StatementStatus
from cortex_aisql.settings import CortexSettings

PATH: Final = "api/v2/statements"
ANSWER_SECONDS: Final = 60.0
"""Snowflake waits 45 s for a statement before it answers that it is still running."""

# In Snowflake what begins with one of these words changes nothing, and MULTI_STATEMENT_COUNT lets no second one follow.
_READS: Final = re.compile(
    r"(?:\s|\(|--[^\n]*\n|//[^\n]*\n|/\*.*?\*/)*(?:select|with|show|desc|describe)\b", re.IGNORECASE | re.DOTALL
)


class Statements:
    """Runs statements. Raises tool errors that say what to do."""

    def __init__(self, chassis: Chassis[CortexSettings]) -> None:
        self._chassis = chassis
        headers = {
            "authorization": f"Bearer {chassis.settings.token.get_secret_value()}",
            "x-snowflake-authorization-token-type": "PROGRAMMATIC_ACCESS_TOKEN",
            "accept": "application/json",
            "user-agent": f"{chassis.name}/{chassis.version}",
        }
        patience = Patience(timeout=ANSWER_SECONDS)
        self._snowflake = chassis.upstream("Snowflake", str(chassis.settings.url), headers=headers, patience=patience)

    async def say(self, function: str, *values: str) -> Said:
        """Return what an AI function says. `function` is SQL of ours, with a `?` for each of the values."""
        rows = await self._run(f"SELECT {function}", values)
        return Said(text=None if rows.running else _only(rows), handle=rows.handle)

    async def query(self, statement: str) -> Rows:
        """Return what a statement finds, or that it is still running."""
        if not reads(statement):
            raise ToolError("Only statements that read are run. Begin with SELECT, WITH, SHOW or DESCRIBE.")
        return await self._run(statement, ())

    async def result(self, handle: str, part: int) -> Rows:
        """Return part of what a statement found, or that it is still running."""
        try:
            answer = await self._snowflake.request("GET", f"{PATH}/{handle}", params={"partition": part})
        except UpstreamRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise ToolError(
                    f"Snowflake has no result {handle}: it keeps one for a day. Run the statement again."
                ) from None
            raise
        return _rows(answer)

    async def _run(self, statement: str, values: tuple[str, ...]) -> Rows:
        settings = self._chassis.settings
        session = {
            "warehouse": settings.warehouse,
            "role": settings.role,
            "database": settings.database,
            "schema": settings.schema_name,
        }
        body = {
            "statement": statement,
            "timeout": settings.statement_seconds,
            "bindings": {str(at): {"type": "TEXT", "value": value} for at, value in enumerate(values, 1)},
            "parameters": {"MULTI_STATEMENT_COUNT": "1"},
            **{name: value for name, value in session.items() if value},
        }
        return _rows(await self._snowflake.request("POST", PATH, json=body))


def reads(statement: str) -> bool:
    """Return whether a statement reads and changes nothing, told by its first word."""
    return _READS.match(statement) is not None


def _rows(answer: httpx2.Response) -> Rows:
    if answer.status_code == HTTPStatus.ACCEPTED:
        return Rows(running=True, handle=StatementStatus.model_validate_json(answer.content).statement_handle)
    found = ResultSet.model_validate_json(answer.content)
    # Parts after the first come bare.
    about = found.result_set_meta_data
    handle = found.statement_handle or answer.request.url.path.rsplit("/", 1)[-1]
    if about is None:
        return Rows(running=False, handle=handle, rows=found.data)
    return Rows(
        running=False,
        handle=handle,
        columns=tuple(column.name for column in about.row_type),
        rows=found.data,
        rows_in_all=about.num_rows,
        parts=len(about.partition_info),
    )


def _only(rows: Rows) -> str | None:
    return rows.rows[0][0] if rows.rows and rows.rows[0] else None
