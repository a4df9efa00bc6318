"""Prompts by the CO-STAR frame: Context, Objective, Style, Tone, Audience, Response.

Source: Sheila Teo, "How I Won Singapore's GPT-4 Prompt Engineering Competition" (2023), on the frame of GovTech
Singapore's Data Science and AI team.
"""

import re
from collections.abc import Mapping
from typing import Final

from costar.models import QUESTIONS, Part, PartReview, Prompt, Review

THIN_WORDS: Final = 3
"""A context or an objective of fewer words says too little to work with."""

_NAMES: Final = "|".join(Part)
_HEADING: Final = re.compile(
    rf"^[ \t]*(?:#+[ \t]*(?P<marked>{_NAMES})[ \t]*(?:[#:]+(?P<said>.*))?|(?P<bare>{_NAMES})[ \t]*:(?P<text>.*))$",
    re.ASCII | re.IGNORECASE | re.MULTILINE,
)
"""`# CONTEXT #`, `## Context`, `Context: some words`."""


class FrameError(ValueError):
    """Text that can't stand in the frame. The message says which, and what to do."""


def write(given: Mapping[Part, str]) -> Prompt:
    """Return a prompt of the given parts. Raises FrameError where one has what reads as the heading of another."""
    for part, text in given.items():
        if (heading := _HEADING.search(text)) is not None:
            raise FrameError(
                f"The {part} has the line {heading.group().strip()[:60]!r}, which reads as a heading of the frame. "
                "Put that into the part of its name, or word it otherwise."
            )
    sections = [f"# {part.upper()} #\n{given[part].strip()}" for part in Part if given.get(part, "").strip()]
    missing = {part: QUESTIONS[part] for part in Part if not given.get(part, "").strip()}
    return Prompt("\n\n".join(sections), missing)


def review(prompt: str) -> Review:
    """Return which parts a prompt has. Parts are told by headings; a part that is there twice counts together."""
    headings = list(_HEADING.finditer(prompt))
    texts: dict[Part, str] = {}
    starts = [heading.start() for heading in headings]
    for heading, end in zip(headings, [*starts[1:], len(prompt)], strict=False):
        part = Part((heading["marked"] or heading["bare"]).lower())
        texts[part] = f"{texts.get(part, '')} {heading['said'] or heading['text'] or ''} {prompt[heading.end() : end]}"
    before = _words(prompt[: headings[0].start()] if headings else prompt)
    parts = [_reviewed(part, texts.get(part)) for part in Part]
    return Review(all(part.question is None for part in parts), before, parts)


def _reviewed(part: Part, text: str | None) -> PartReview:
    words = _words(text or "")
    needed = THIN_WORDS if part in (Part.CONTEXT, Part.OBJECTIVE) else 1
    return PartReview(part, text is not None, words, None if words >= needed else QUESTIONS[part])


def _words(text: str) -> int:
    return len(re.findall(r"\w+", text))
