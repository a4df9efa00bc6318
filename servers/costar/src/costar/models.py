"""The parts of the frame, and what the tools return."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Part(StrEnum):
    """A part of a prompt, in the order of the frame."""

    CONTEXT = "context"
    OBJECTIVE = "objective"
    STYLE = "style"
    TONE = "tone"
    AUDIENCE = "audience"
    RESPONSE = "response"


QUESTIONS: Final = {
    Part.CONTEXT: "What must the model know of the situation that it can't know by itself?",
    Part.OBJECTIVE: "What exactly is it to do? One task, as a verb and its object.",
    Part.STYLE: "Whose way of writing is it to take: which profession, publication or person?",
    Part.TONE: "Which attitude is to be heard: formal, friendly, urgent, sober?",
    Part.AUDIENCE: "Who reads the answer, and what do they know already?",
    Part.RESPONSE: "Which form has the answer: a list, JSON with which keys, a report of how many words?",
}


@dataclass(frozen=True)
class Prompt:
    """A prompt, and the questions whose answers would make it better."""

    prompt: str
    questions: dict[Part, str]


@dataclass(frozen=True)
class PartReview:
    """One part of a prompt that was reviewed; `question` asks for what it lacks."""

    part: Part
    present: bool
    words: int
    question: str | None


@dataclass(frozen=True)
class Review:
    """All parts in the order of the frame. `before` is how many words stand before the first of them."""

    complete: bool
    before: int
    parts: list[PartReview]
