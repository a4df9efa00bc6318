"""A strict stand-in of Snowflake's SQL API, after its published reference. It knows a few statements.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

TOKEN: Final = "canary-5f2a"
HANDLE: Final = "01b2c3d4-0000-0000-0000-000000000001"
SLOW: Final = "01b2c3d4-0000-0000-0000-000000000002"
PARTS: Final[tuple[list[list[str | None]], ...]] = ([["1", "a"], ["2", None]], [["3", "c"]])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Binding(_Strict):
    """A value for a `?`."""

    type: Literal["TEXT", "FIXED", "REAL", "BOOLEAN"]
    value: str


class Submission(_Strict):
    """The body of a statement."""

    statement: str
    timeout: int
    bindings: dict[str, Binding] = {}
    parameters: dict[str, str] = {}
    warehouse: str | None = None
    role: str | None = None
    database: str | None = None
    in_schema: str | None = Field(default=None, alias="schema")


class SqlApi:
    """An account. `slow` statements are running until their results are asked for the second time."""

    def __init__(self) -> None:
        self.submitted: list[Submission] = []
        self._asked = 0

    async def submit(self, request: Request) -> JSONResponse:
        if not authorized(request):
            return failure(401, "390318", "Programmatic access token is invalid.")
        submission = Submission.model_validate_json(await request.body())
        self.submitted.append(submission)
        values = [submission.bindings[str(at)].value for at in range(1, len(submission.bindings) + 1)]
        if submission.statement.count("?") != len(values):
            return failure(422, "002049", "SQL compilation error: Bind variable ? not set.")
        match submission.statement:
            case "SELECT AI_COMPLETE(?, ?)":
                return found([[f"{values[0]} says: {values[1]}"]])
            case "SELECT AI_CLASSIFY(?, PARSE_JSON(?)::ARRAY)":
                return found([[f'{{"labels": {values[1]}}}']])
            case "SELECT AI_TRANSLATE(?, ?, ?)":
                return found([["/".join(values)]])
            case "SELECT * FROM slow":
                return JSONResponse(running(), 202)
            case "SELECT * FROM t":
                return found(PARTS[0], parts=PARTS)
        return failure(422, "002003", "SQL compilation error:\nObject 'NONE' does not exist or not authorized.")

    async def result(self, request: Request) -> JSONResponse:
        if not authorized(request):
            return failure(401, "390318", "Programmatic access token is invalid.")
        part = int(request.query_params["partition"])
        match request.path_params["handle"]:
            case handle if handle == SLOW:
                self._asked += 1
                return JSONResponse(running(), 202) if self._asked == 1 else found([["done"]], handle=SLOW)
            case handle if handle == HANDLE and part:
                return JSONResponse({"data": PARTS[part]})
            case handle if handle == HANDLE:
                return found(PARTS[0], parts=PARTS)
        return failure(404, "000709", "Statement not found")

    @property
    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/v2/statements", self.submit, methods=["POST"]),
                Route("/api/v2/statements/{handle}", self.result, methods=["GET"]),
            ],
            exception_handlers={ValidationError: lambda _, error: failure(400, "391902", str(error))},
        )


def authorized(request: Request) -> bool:
    kind = request.headers.get("x-snowflake-authorization-token-type")
    given = request.headers.get("authorization")
    return bool(request.headers.get("user-agent")) and (kind, given) == ("PROGRAMMATIC_ACCESS_TOKEN", f"Bearer {TOKEN}")


def found(rows: list[list[Any]], *, parts: Any = None, handle: str = HANDLE) -> JSONResponse:
    partitions = parts or (rows,)
    about = {
        "numRows": sum(map(len, partitions)),
        "format": "jsonv2",
        "partitionInfo": [{"rowCount": len(part), "uncompressedSize": 100} for part in partitions],
        "rowType": [{"name": f"C{at}", "type": "text", "nullable": True} for at, _ in enumerate(rows[0])],
    }
    return JSONResponse(
        {
            "resultSetMetaData": about,
            "data": rows,
            "code": "090001",
            "statementHandle": handle,
            "statementStatusUrl": f"/api/v2/statements/{handle}",
            "sqlState": "00000",
            "message": "Statement executed successfully.",
            "createdOn": 1620151584132,
        }
    )


def running() -> dict[str, Any]:
    return {
        "code": "333334",
        "message": "Asynchronous execution in progress.",
        "statementHandle": SLOW,
        "statementStatusUrl": f"/api/v2/statements/{SLOW}",
    }


def failure(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message, "sqlState": "42000"}, status)
