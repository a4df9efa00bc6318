"""What a remote server is shown so that it answers. Secrets come from variables, never from arguments."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

REFERENCE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Where a text has `{NAME}`, the variable's value belongs."""
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
"""What a header's value may be made of (RFC 9110, 5.5), without what is obsolete there."""


class CredentialError(Exception):
    """There is no credential to show. The message says why and what to do, and never a secret."""


class Credential(Protocol):
    """What authenticates requests."""

    async def headers(self) -> Mapping[str, str]:
        """Return the headers for the next request. Raises CredentialError where there are none to be had."""

    async def refused(self, headers: Mapping[str, str]) -> bool:
        """Note that a request with `headers` was answered 401. Return whether another attempt has better ones."""


class StaticHeaders:
    """Headers that stay as they are, such as an API key. `{}` is no credential at all."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    async def headers(self) -> Mapping[str, str]:
        """Return them."""
        return self._headers

    async def refused(self, _: Mapping[str, str]) -> bool:
        """Return False: there are no others."""
        return False


def references(text: str) -> list[str]:
    """Return the names of the variables that `text` refers to."""
    return REFERENCE.findall(text)


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Return `text` with each `{NAME}` replaced. Raises CredentialError that names a variable which isn't set."""
    missing = [name for name in references(text) if not variables.get(name)]
    if missing:
        raise CredentialError(f"the variable {missing[0]} is not set; set it as a secret of this server")
    return REFERENCE.sub(lambda found: variables[found[1]], text)


def parse_headers(lines: Sequence[str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of lines such as `Authorization: Bearer {TOKEN}`. Raises CredentialError without the value."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, text = line.partition(":")
        if not colon or not name.strip():
            raise CredentialError(f"{name!r} is no header; write NAME: VALUE")
        value = filled_in(text.strip(), variables)
        if not _VALUE.fullmatch(value):
            raise CredentialError(
                f"the header {name.strip()} would have a line break or a character beyond ASCII in it; set the secret "
                f"{' or '.join(references(text)) or 'that it holds'} again"
            )
        found[name.strip()] = value
    return found
