"""A strict stand-in of Slack's Web API, after its published description: one workspace with one channel.

Source: https://docs.slack.dev/reference/methods: auth.test, users.list, conversations.list, conversations.history. It
answers errors with 200 and `ok: false`, as Slack does.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

TOKEN: Final = "xoxb-000000000001-canary"
HOST: Final = "slack.com"
WORKSPACE_HOST: Final = "example.slack.com"
"""Where clients go on once `auth.test` has named it."""
CHANNEL: Final = "C0EXAMPLE"
SAID: Final = "Deploys are on Monday."
_USER: Final = "U0EXAMPLE"
_TEAM: Final = "T0EXAMPLE"


class _Call(BaseModel):
    """What every method takes, as a form."""

    model_config = ConfigDict(extra="forbid")

    token: str


class _Page(_Call):
    cursor: str = ""
    limit: int = 100
    team_id: str = ""


class UsersList(_Page):
    """Who is there."""

    include_locale: Literal["true", "false"] = "false"
    presence: Literal["true", "false"] = "false"


class ConversationsList(_Page):
    """Which channels are there."""

    types: str = "public_channel"
    exclude_archived: Literal["true", "false"] = "false"


class ConversationsHistory(_Call):
    """What was said in a channel, between two times."""

    channel: str
    cursor: str = ""
    limit: int = 100
    oldest: str = "0"
    latest: str = ""
    inclusive: Literal["0", "1", "true", "false"] = "0"
    include_all_metadata: Literal["0", "1", "true", "false"] = "0"


def _channel() -> dict[str, Any]:
    about = {"id": CHANNEL, "name": "general", "name_normalized": "general", "creator": _USER, "created": 1767225600}
    kind = {"is_channel": True, "is_general": True, "is_member": True, "is_private": False, "num_members": 2}
    text = {"creator": _USER, "last_set": 1767225600}
    return {**about, **kind, "topic": {"value": "What matters", **text}, "purpose": {"value": "All of us", **text}}


def _auth(_: _Call) -> dict[str, Any]:
    where = {"url": f"https://{WORKSPACE_HOST}/", "team": "Example", "team_id": _TEAM}
    return {**where, "user": "mcp", "user_id": _USER, "bot_id": "B0EXAMPLE", "is_enterprise_install": False}


def _users(_: UsersList) -> dict[str, Any]:
    profile = {"real_name": "Ada Example", "display_name": "ada"}
    user = {"id": _USER, "team_id": _TEAM, "name": "ada", "real_name": "Ada Example", "profile": profile}
    return {"members": [user], "response_metadata": {"next_cursor": ""}}


def _conversations(asked: ConversationsList) -> dict[str, Any]:
    public = "public_channel" in asked.types.split(",")
    return {"channels": [_channel()] if public else [], "response_metadata": {"next_cursor": ""}}


def _history(asked: ConversationsHistory) -> dict[str, Any]:
    if asked.channel != CHANNEL:
        return {"ok": False, "error": "channel_not_found"}
    message = {"type": "message", "user": _USER, "text": SAID, "ts": "1767225600.000100"}
    return {"messages": [message], "has_more": False, "response_metadata": {"next_cursor": ""}}


METHODS: Final[dict[str, tuple[type[_Call], Any]]] = {
    "auth.test": (_Call, _auth),
    "users.list": (UsersList, _users),
    "conversations.list": (ConversationsList, _conversations),
    "conversations.history": (ConversationsHistory, _history),
}


async def _called(request: Request) -> JSONResponse:
    known = METHODS.get(request.path_params["method"])
    if known is None:
        return JSONResponse({"ok": False, "error": "unknown_method"})
    takes, answer = known
    async with request.form() as form:
        try:
            asked = takes.model_validate(dict(form))
        except ValidationError as error:
            return JSONResponse({"ok": False, "error": "invalid_arguments", "messages": [str(error)]})
    if asked.token != TOKEN:
        return JSONResponse({"ok": False, "error": "invalid_auth"})
    return JSONResponse({"ok": True, **answer(asked)})


API: Final = Starlette(routes=[Route("/api/{method}", _called, methods=["POST"])])
