"""What v0 answers, as far as it is used, and what the tools return of it.

Source: https://v0.app/docs/api/platform, and the types of Vercel's own client, npm:v0-sdk@0.8.0
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class File(_Model):
    """A file of a version."""

    name: str
    content: str


class Version(_Model):
    """What was built; `files` and `demo_url` are there once it is completed."""

    id: str
    status: Literal["pending", "completed", "failed"]
    demo_url: str | None = None
    files: tuple[File, ...] = ()


class Message(_Model):
    """What was said in a chat."""

    role: Literal["user", "assistant"]
    content: str


class Chat(_Model):
    """A chat as v0 describes it."""

    id: str
    name: str | None = None
    web_url: str
    created_at: str
    project_id: str | None = None
    latest_version: Version | None = None
    messages: tuple[Message, ...] = ()


class ChatList(_Model):
    """Some of the chats."""

    data: tuple[Chat, ...]


class ChatSummary(_Model):
    """A chat without what is in it. Without a status nothing was built in it yet."""

    id: str
    name: str | None
    web_url: str
    created_at: str
    status: Literal["pending", "completed", "failed"] | None


class ChatSummaries(_Model):
    """Chats, the newest first."""

    chats: tuple[ChatSummary, ...]


class ChatState(_Model):
    """How far a chat is."""

    id: str
    web_url: str
    status: Literal["pending", "completed", "failed"] | None
    """Of the newest version; none before v0 began with one."""
    demo_url: str | None
    """The preview."""
    files: tuple[str, ...]
    """Names, for read_file."""
    answer: str | None
    """What v0 said last."""


class FileText(_Model):
    """What is in a file."""

    name: str
    content: str
