"""A company's calls, by Gong's public API v2.

Source: https://gong.app.gong.io/settings/api/documentation, and https://help.gong.io/apidocs/introduction-2
"""

import base64
from datetime import datetime
from typing import Final

from mcp.server.mcpserver.exceptions import ToolError
from mcp_chassis import Chassis, ResultCache, UpstreamRefusedError

from gong.models import (
    CallDescription,
    CallPage,
    CallTranscript,
    DescriptionPage,
    Line,
    Transcript,
    TranscriptPage,
    UserPage,
)
from gong.settings import GongSettings

NOT_FOUND: Final = 404
"""Gong's answer, too, where a time has no calls."""
KEPT_TRANSCRIPTS: Final = 50
CHARACTERS: Final = 20_000
"""Of one part of a transcript; one line may be longer."""

_EXPOSED: Final = {
    "parties": True,
    "content": {"brief": True, "keyPoints": True, "callOutcome": True, "topics": True, "trackers": True},
}


class CompanyCalls:
    """Reads calls and users. Raises tool errors that say what to do."""

    def __init__(self, chassis: Chassis[GongSettings]) -> None:
        settings = chassis.settings
        key, secret = settings.access_key.get_secret_value(), settings.access_key_secret.get_secret_value()
        basic = base64.b64encode(f"{key}:{secret}".encode()).decode()
        self._gong = chassis.upstream("Gong", str(settings.base_url), headers={"authorization": f"Basic {basic}"})
        self._transcripts: ResultCache[str, tuple[Line, ...]] = ResultCache("transcripts", entries=KEPT_TRANSCRIPTS)

    async def page(self, start: datetime, end: datetime, cursor: str | None) -> CallPage:
        """Return calls that began from `start` on and before `end`; none where there are none."""
        if start >= end:
            raise ToolError("The time ends before it begins: `until` must be later than `since`.")
        params = {"fromDateTime": start.isoformat(), "toDateTime": end.isoformat(), **_page(cursor)}
        try:
            answer = await self._gong.request("GET", "v2/calls", params=params)
        except UpstreamRefusedError as error:
            if error.status == NOT_FOUND:
                return CallPage()
            raise
        return CallPage.model_validate_json(answer.content)

    async def description(self, call_id: str) -> CallDescription:
        """Return who took part in a call, and what Gong made of it."""
        body = {"filter": {"callIds": [call_id]}, "contentSelector": {"exposedFields": _EXPOSED}}
        found = DescriptionPage.model_validate_json(await self._asked("v2/calls/extensive", body, call_id))
        if not found.calls:
            raise _unknown(call_id)
        return found.calls[0]

    async def transcript(self, call_id: str, first: int) -> Transcript:
        """Return what was said from the line `first` on, as much as CHARACTERS allow."""
        lines = await self._transcripts.get(call_id, lambda: self._lines(call_id))
        if first and first >= len(lines):
            raise ToolError(f"The transcript of call {call_id} has {len(lines)} lines; the first of them is line 0.")
        size, after = 0, first
        while after < len(lines) and (after == first or size + len(lines[after].text) <= CHARACTERS):
            size += len(lines[after].text)
            after += 1
        return Transcript(call_id=call_id, lines=lines[first:after], next_line=after if after < len(lines) else None)

    async def users(self, cursor: str | None) -> UserPage:
        """Return users of the company."""
        answer = await self._gong.request("GET", "v2/users", params=_page(cursor))
        return UserPage.model_validate_json(answer.content)

    async def _lines(self, call_id: str) -> tuple[Line, ...]:
        body = {"filter": {"callIds": [call_id]}}
        found = TranscriptPage.model_validate_json(await self._asked("v2/calls/transcript", body, call_id))
        if not found.call_transcripts:
            raise ToolError(f"Call {call_id} has no transcript; Gong makes one within hours of a recorded call.")
        parties = (await self.description(call_id)).parties
        names = {party.speaker_id: party.name for party in parties if party.speaker_id and party.name}
        return _spoken(found.call_transcripts[0], names)

    async def _asked(self, path: str, body: object, call_id: str) -> bytes:
        try:
            # These only read: Gong takes filters in the body of a POST.
            return (await self._gong.request("POST", path, json=body, idempotent=True)).content
        except UpstreamRefusedError as error:
            if error.status == NOT_FOUND:
                raise _unknown(call_id) from None
            raise


def _spoken(transcript: CallTranscript, names: dict[str, str]) -> tuple[Line, ...]:
    """Return the lines of a transcript, whose speakers have names where Gong knows them."""
    return tuple(
        Line(
            start=monologue.sentences[0].start / 1000,
            speaker=names.get(monologue.speaker_id or "", f"speaker {monologue.speaker_id}"),
            text=" ".join(sentence.text for sentence in monologue.sentences),
        )
        for monologue in transcript.transcript
        if monologue.sentences
    )


def _page(cursor: str | None) -> dict[str, str]:
    return {"cursor": cursor} if cursor else {}


def _unknown(call_id: str) -> ToolError:
    return ToolError(f"Gong has no call {call_id}, or this key may not see it. list_calls tells the ids of calls.")
