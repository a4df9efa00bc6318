"""Random text from character classes.

Source: https://github.com/hashicorp/terraform-provider-random/blob/main/docs/resources/password.md
"""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

DEFAULT_SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"


@dataclass(frozen=True, slots=True)
class CharacterClass:
    """Characters of which a text has at least `minimum`."""

    characters: str
    minimum: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long a text is, and what it is made of."""

    length: int
    classes: tuple[CharacterClass, ...]

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Self:
        """The recipe that a resource's inputs describe."""
        digits = inputs.get("numeric", inputs.get("number", True))
        special = inputs.get("overrideSpecial") or DEFAULT_SPECIAL
        wanted = (
            (inputs.get("lower", True), string.ascii_lowercase, "minLower"),
            (inputs.get("upper", True), string.ascii_uppercase, "minUpper"),
            (digits, string.digits, "minNumeric"),
            (inputs.get("special", True), special, "minSpecial"),
        )
        return cls(
            inputs["length"],
            tuple(
                CharacterClass(characters, inputs.get(minimum) or 0)
                for enabled, characters, minimum in wanted
                if enabled or inputs.get(minimum)
            ),
        )

    def problem(self) -> str | None:
        """Why no text can be made by this recipe, or None."""
        if self.length < 1:
            return f"length must be at least 1, but is {self.length}"
        if not self.classes:
            return "at least one of lower, upper, numeric and special has to be true"
        minimum = sum(part.minimum for part in self.classes)
        if minimum > self.length:
            return f"length is {self.length}, but the minimums add up to {minimum}"
        return None

    def text(self) -> str:
        """A new text, from the operating system's source of randomness."""
        characters = [secrets.choice(part.characters) for part in self.classes for _ in range(part.minimum)]
        everything = "".join(part.characters for part in self.classes)
        characters += [secrets.choice(everything) for _ in range(self.length - len(characters))]
        secrets.SystemRandom().shuffle(characters)
        return "".join(characters)
