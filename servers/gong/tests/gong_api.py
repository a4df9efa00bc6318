"""A strict stand-in of Gong's public API v2, after its published description; what it does not describe is refused.

Source: https://gong.app.gong.io/settings/api/documentation
"""

import base64
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.http_service import Guarded

KEY: Final = "key"
SECRET: Final = "canary-5f2a"
PAGE: Final = 2
CALLS: Final = [
    {"id": str(number), "title": f"Call {number}", "started": f"2026-01-0{number}T10:00:00Z", "duration": 60 * number}
    for number in (1, 2, 3)
]
PARTIES: Final = [{"id": "p1", "name": "Ann", "speakerId": "11", "affiliation": "Internal", "methods": ["Attendee"]}]
LONG: Final = "x" * 15_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Filter(_Strict):
    """Which calls."""

    callIds: list[str]  # noqa: N815 - Gong's names


class Fields(_Strict):
    """What of a call."""

    parties: bool = False
    content: dict[str, bool]


class Selector(_Strict):
    """What to add to a call."""

    exposedFields: Fields  # noqa: N815 - Gong's names


class Query(_Strict):
    """The body of what reads calls."""

    filter: Filter
    contentSelector: Selector | None = None  # noqa: N815 - Gong's names


async def calls(request: Request) -> JSONResponse:
    query = dict(request.query_params)
    start, end = (datetime.fromisoformat(query.pop(key)) for key in ("fromDateTime", "toDateTime"))
    first = int(query.pop("cursor", "0"))
    if query:
        return failure(400, f"unknown parameters {sorted(query)}")
    found = [call for call in CALLS if start <= datetime.fromisoformat(str(call["started"])) < end]
    if not found:
        return failure(404, "No calls found corresponding to the provided filters")
    return JSONResponse({"requestId": "r", **page(found, first, "calls")})


async def extensive(request: Request) -> JSONResponse:
    query = await body(request)
    assert query.contentSelector is not None
    found = [call for call in CALLS if call["id"] in query.filter.callIds]
    if not found:
        return failure(404, "No calls found corresponding to the provided filters")
    content = {"brief": "They agreed.", "keyPoints": [{"text": "Price"}], "trackers": [{"name": "Price", "count": 2}]}
    wanted = {key: value for key, value in content.items() if query.contentSelector.exposedFields.content.get(key)}
    described = [{"metaData": call, "parties": PARTIES, "content": wanted} for call in found]
    return JSONResponse({"requestId": "r", "records": {"totalRecords": len(found)}, "calls": described})


async def transcript(request: Request) -> JSONResponse:
    query = await body(request)
    if query.contentSelector is not None:
        return failure(400, "contentSelector is not part of this request")
    said: dict[str, list[tuple[str, ...]]] = {
        "1": [("11", "Hello.", "How are you?"), ("12", "Well.")],
        "2": [("11", LONG), ("12", LONG), ("11", "Bye.")],
    }
    found = [each for each in query.filter.callIds if each in said]
    if not found and "3" not in query.filter.callIds:
        return failure(404, "No calls found corresponding to the provided filters")
    transcripts = [
        {"callId": each, "transcript": [monologue(speaker, *texts) for speaker, *texts in said[each]]} for each in found
    ]
    return JSONResponse({"requestId": "r", "records": {}, "callTranscripts": transcripts})


async def users(request: Request) -> JSONResponse:
    if set(request.query_params) - {"cursor", "includeAvatars"}:
        return failure(400, "unknown parameters")
    people = [{"id": "7", "emailAddress": "ann@example.com", "firstName": "Ann", "active": True, "settings": {}}]
    return JSONResponse({"requestId": "r", **page(people, 0, "users")})


def monologue(speaker: str, *texts: str) -> dict[str, Any]:
    sentences = [{"start": 1500 + at, "end": 2000 + at, "text": text} for at, text in enumerate(texts)]
    return {"speakerId": speaker, "topic": None, "sentences": sentences}


def page(all_of_them: list[dict[str, Any]], first: int, key: str) -> dict[str, Any]:
    records: dict[str, Any] = {"totalRecords": len(all_of_them), "currentPageSize": PAGE, "currentPageNumber": 0}
    if first + PAGE < len(all_of_them):
        records["cursor"] = str(first + PAGE)
    return {"records": records, key: all_of_them[first : first + PAGE]}


async def body(request: Request) -> Query:
    return Query.model_validate_json(await request.body())


def failure(status: int, why: str) -> JSONResponse:
    return JSONResponse({"requestId": "r", "errors": [why]}, status)


def refused(_: Request, error: Exception) -> JSONResponse:
    return failure(400, str(error))


API: Final = Guarded(
    Starlette(
        routes=[
            Route("/v2/calls", calls, methods=["GET"]),
            Route("/v2/calls/extensive", extensive, methods=["POST"]),
            Route("/v2/calls/transcript", transcript, methods=["POST"]),
            Route("/v2/users", users, methods=["GET"]),
        ],
        exception_handlers={ValidationError: refused, KeyError: refused, ValueError: refused},
    ),
    "authorization",
    f"Basic {base64.b64encode(f'{KEY}:{SECRET}'.encode()).decode()}",
    {"requestId": "r", "errors": ["Access denied"]},
)
