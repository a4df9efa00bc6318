"""What Gong answers, as far as the tools return it, by Gong's own names.

Source: https://gong.app.gong.io/settings/api/documentation
"""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class Records(_Model):
    """Where in all results a page is."""

    total_records: int = 0
    cursor: str | None = None
    """To be passed on for the next page; none at the end."""


class Call(_Model):
    """A call. Times are ISO 8601, `duration` is in seconds."""

    id: str
    title: str | None = None
    url: str | None = None
    started: str | None = None
    duration: int | None = None
    primary_user_id: str | None = None
    """The user who hosted it."""
    direction: str | None = None
    scope: str | None = None
    """Internal where all are of the company."""
    language: str | None = None
    is_private: bool = False


class CallPage(_Model):
    """Some of the calls."""

    calls: tuple[Call, ...] = ()
    records: Records = Records()


class Party(_Model):
    """Somebody who took part in a call."""

    name: str | None = None
    title: str | None = None
    email_address: str | None = None
    affiliation: str | None = None
    user_id: str | None = None
    speaker_id: str | None = None


class KeyPoint(_Model):
    """One of the things that mattered."""

    text: str


class Topic(_Model):
    """What was talked about, for how many seconds."""

    name: str
    duration: int = 0


class Tracker(_Model):
    """Words that the company listens for, and how often they were said."""

    name: str
    count: int = 0


class Outcome(_Model):
    """How the call ended, as Gong sees it."""

    name: str | None = None
    category: str | None = None


class Content(_Model):
    """What Gong made of a call."""

    brief: str | None = None
    key_points: tuple[KeyPoint, ...] = ()
    call_outcome: Outcome | None = None
    topics: tuple[Topic, ...] = ()
    trackers: tuple[Tracker, ...] = ()


class CallDescription(_Model):
    """A call, who took part, and what Gong made of it."""

    meta_data: Call
    parties: tuple[Party, ...] = ()
    content: Content = Content()


class DescriptionPage(_Model):
    """Some of the descriptions."""

    calls: tuple[CallDescription, ...] = ()


class Sentence(_Model):
    """A sentence; times are in milliseconds from the start of the call."""

    start: int
    end: int
    text: str


class Monologue(_Model):
    """What one speaker said before another one spoke."""

    speaker_id: str | None = None
    sentences: tuple[Sentence, ...] = ()


class CallTranscript(_Model):
    """All that was said in a call."""

    call_id: str
    transcript: tuple[Monologue, ...] = ()


class TranscriptPage(_Model):
    """Some of the transcripts."""

    call_transcripts: tuple[CallTranscript, ...] = ()


class Line(_Model):
    """What one speaker said at a time; `start` is in seconds from the start of the call."""

    start: float
    speaker: str
    text: str


class Transcript(_Model):
    """Part of a transcript."""

    call_id: str
    lines: tuple[Line, ...]
    next_line: int | None = None
    """Where the next part begins; none at the end."""


class User(_Model):
    """A user of Gong."""

    id: str
    email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    active: bool = True
    manager_id: str | None = None


class UserPage(_Model):
    """Some of the users."""

    users: tuple[User, ...] = ()
    records: Records = Records()
