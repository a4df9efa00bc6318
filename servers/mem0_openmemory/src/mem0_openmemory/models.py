"""What Mem0 answers, as far as the tools return it.

Source: https://docs.mem0.ai/open-source/features/rest-api
"""

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Memory(_Model):
    """A fact; times are ISO 8601."""

    id: str
    memory: str
    user_id: str | None = None
    score: float | None = None
    """How like the question it is: 1 is most. Only a search has it."""
    created_at: str | None = None
    updated_at: str | None = None


class Memories(_Model):
    """Facts; of a search, the likest first."""

    results: tuple[Memory, ...] = ()


class Change(_Model):
    """What became of a fact: `ADD`, `UPDATE`, `DELETE` or `NONE`."""

    id: str
    memory: str
    event: str


class Changes(_Model):
    """What Mem0 made of a text; nothing where it has no fact that is new."""

    results: tuple[Change, ...] = ()


class Done(_Model):
    """What was done."""

    message: str
