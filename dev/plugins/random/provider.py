"""The random provider: its resource types."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.planning import State
from dev.plugins.random.characters import Recipe
from dev.plugins.resource import Found, Function, Resource
from dev.plugins.schema import Block, Field, boolean, integer, mapping, string

PASSWORD_TOKEN: Final = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type token
STRING_TOKEN: Final = "random:index/randomString:RandomString"  # noqa: S105 - a type token
BCRYPT_ROUNDS: Final = 10  # Go's default cost
BCRYPT_BYTES: Final = 72  # bcrypt takes no more


def _rule(inputs: Mapping[str, Any]) -> str | None:
    numbers = [value for value in inputs.values() if isinstance(value, int)]
    known = isinstance(inputs.get("length"), int) and len(numbers) >= 1
    return Recipe.of(inputs).problem() if known else None


def _not_negative(number: int) -> str | None:
    return None if number >= 0 else f"{number} cannot be lower than 0"


INPUTS: Final[Mapping[str, Field]] = {
    "length": integer(required=True, replaces=True),
    **{name: boolean(default=True, replaces=True) for name in ("special", "upper", "lower")},
    **{name: boolean(computed=True, replaces=True) for name in ("number", "numeric")},
    **{
        name: integer(default=0, replaces=True, problem=_not_negative)
        for name in ("minSpecial", "minUpper", "minLower", "minNumeric")
    },
    "overrideSpecial": string(replaces=True),
    "keepers": mapping(replaces=True),
}
PASSWORD: Final = Block(
    {
        **INPUTS,
        "result": string(output=True, sensitive=True),
        "bcryptHash": string(output=True, sensitive=True),
    },
    rule=_rule,
)
STRING: Final = Block({**INPUTS, "result": string(output=True)}, rule=_rule)


class RandomText:
    """A text that is made once. Any other input makes a new one."""

    def __init__(self, block: Block) -> None:
        self._block = block

    def create(self, planned: State) -> Found:
        """Makes the text."""
        text = Recipe.of(planned).text()
        digits = planned.get("numeric", planned.get("number", True))
        state = {**planned, "number": digits, "numeric": digits, "result": text}
        if "bcryptHash" in self._block.fields:
            import bcrypt

            salt = bcrypt.gensalt(BCRYPT_ROUNDS)
            return Found("none", {**state, "bcryptHash": bcrypt.hashpw(text.encode()[:BCRYPT_BYTES], salt).decode()})
        return Found(text, state)

    def read(self, id_: str, state: State) -> Found | None:
        """Reports what the state has: it is nowhere else."""
        return Found(id_, state)

    def update(self, id_: str, state: State, planned: State) -> State:
        """Nothing to do: each property replaces the text."""
        return planned

    def delete(self, id_: str, state: State) -> None:
        """Nothing to do: the text is in the state alone."""


class RandomProvider:
    """What pulumi-resource-random offers, as far as passwords and tokens need it."""

    name = "random"
    version = "4.21.4"
    config: Block = Block({})
    blocks: Mapping[str, Block] = {PASSWORD_TOKEN: PASSWORD, STRING_TOKEN: STRING}
    functions: Mapping[str, Function] = {}

    def defaults(self) -> Mapping[str, Any]:
        """None: there is nothing to configure."""
        return {}

    def configure(self, config: Mapping[str, Any]) -> Mapping[str, Resource]:
        """The resource types."""
        return {token: RandomText(block) for token, block in self.blocks.items()}
