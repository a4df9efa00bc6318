"""A strict stand-in of the API that Snowflake's drivers speak: one user logs in, and SQLite answers what is selected.

Snowflake publishes no description of it but its drivers: https://github.com/snowflakedb/snowflake-connector-python,
src/snowflake/connector: auth/_auth.py logs in, connection.py asks, cursor.py reads what comes back.
"""

import gzip
import secrets
import sqlite3
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ACCOUNT: Final = "EXAMPLE-AB12345"
HOST: Final = f"{ACCOUNT.lower()}.snowflakecomputing.com"
USER: Final = "MCP"
PASSWORD: Final = "canary-9c1e"
HEARTBEAT_SECONDS: Final = 3600
SELECT: Final = 4096
"""The `statementTypeId` of a SELECT: constants.py."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(_Strict):
    """Who comes, with a password or a programmatic access token in its place."""

    app: str = Field(alias="CLIENT_APP_ID")
    app_version: str = Field(alias="CLIENT_APP_VERSION")
    revision: str | None = Field(alias="SVN_REVISION")
    account: str = Field(alias="ACCOUNT_NAME")
    user: str = Field(alias="LOGIN_NAME")
    password: str = Field(alias="PASSWORD")
    environment: dict[str, Any] = Field(alias="CLIENT_ENVIRONMENT")
    session_parameters: dict[str, Any] = Field(alias="SESSION_PARAMETERS")


class LoginRequest(_Strict):
    """The body of a login."""

    data: Login


class QueryRequest(_Strict):
    """A statement to run."""

    statement: str = Field(alias="sqlText")
    asynchronous: bool = Field(alias="asyncExec")
    sequence: int = Field(alias="sequenceId")
    submitted: int = Field(alias="querySubmissionTime")
    parameters: dict[str, Any] = Field(alias="parameters", default={})
    context: dict[str, Any] = Field(alias="queryContextDTO", default={})


class SnowflakeAPI:
    """The API of one account, with the sessions that are open."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        routes = [
            Route("/session/v1/login-request", self._log_in, methods=["POST"]),
            Route("/queries/v1/query-request", self._query, methods=["POST"]),
            Route("/session", self._log_out, methods=["POST"]),
            Route("/telemetry/send", self._telemetry, methods=["POST"]),
        ]
        self.application = Starlette(routes=routes, exception_handlers={ValidationError: _not_understood})

    async def _log_in(self, request: Request) -> JSONResponse:
        asked = LoginRequest.model_validate_json(gzip.decompress(await request.body())).data
        if (asked.account, asked.user, asked.password) != (ACCOUNT, USER, PASSWORD):
            return _failed("390100", "Incorrect username or password was specified.")
        token = secrets.token_hex(16)
        self.tokens.add(token)
        session = {"databaseName": None, "schemaName": None, "warehouseName": "COMPUTE_WH", "roleName": "ANALYST"}
        tokens = {"token": token, "masterToken": secrets.token_hex(16), "validityInSeconds": 3600}
        parameters = [{"name": "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "value": HEARTBEAT_SECONDS}]
        return _done({**tokens, "masterValidityInSeconds": 14400, "sessionInfo": session, "parameters": parameters})

    async def _query(self, request: Request) -> JSONResponse:
        if self._token(request) not in self.tokens:
            return _failed("390111", "Session no longer exists. New login required to access the service.")
        asked = QueryRequest.model_validate_json(gzip.decompress(await request.body()))
        with sqlite3.connect(":memory:") as database:
            try:
                found = database.execute(asked.statement)
            except sqlite3.Error as error:
                return _failed("001003", f"SQL compilation error: {error}", {"sqlState": "42000"})
            columns = [name for name, *_ in found.description]
            rows = found.fetchall()
        types = [_column(name, rows[0][at] if rows else "") for at, name in enumerate(columns)]
        shape = {"rowtype": types, "rowset": [[str(value) for value in row] for row in rows]}
        size = {"total": len(rows), "returned": len(rows), "queryResultFormat": "json"}
        return _done({**shape, **size, "queryId": "01a0", "statementTypeId": SELECT, "parameters": []})

    async def _log_out(self, request: Request) -> JSONResponse:
        self.tokens.discard(self._token(request))
        return _done(None)

    async def _telemetry(self, _: Request) -> JSONResponse:
        return _done("Log Received")

    def _token(self, request: Request) -> str:
        return request.headers["authorization"].removeprefix('Snowflake Token="').removesuffix('"')


def _column(name: str, value: object) -> dict[str, Any]:
    kind = {"type": "fixed", "precision": 38, "scale": 0} if isinstance(value, int) else {"type": "text"}
    empty = dict.fromkeys(("length", "byteLength", "precision", "scale", "collation"))
    return {**empty, "name": name.upper(), "nullable": True, **kind}


def _done(data: object) -> JSONResponse:
    return JSONResponse({"data": data, "code": None, "message": None, "success": True})


def _failed(code: str, message: str, data: object = None) -> JSONResponse:
    return JSONResponse({"data": data or {}, "code": code, "message": message, "success": False})


async def _not_understood(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"message": str(error)}, 400)
