"""References to images in registries, pinned by digest.

Source: https://github.com/distribution/reference, whose grammar this is, with the registry's host written out.
"""

import re
from dataclasses import dataclass

_PINNED = re.compile(
    r"(?P<repository>(?P<host>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?)(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+)"
    r"(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"@(?P<digest>sha256:[0-9a-f]{64})"
)


class ImageReferenceError(ValueError):
    """A text that names no image by its digest."""


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """An image that can't become another.

    Attributes:
        repository: with its registry, such as ghcr.io/github/github-mcp-server.
        tag: what it was called when somebody looked; empty where nobody says. It decides nothing.
        digest: sha256: and 64 hexadecimal digits.
    """

    repository: str
    tag: str
    digest: str

    def __str__(self) -> str:
        return f"{self.repository}{':' if self.tag else ''}{self.tag}@{self.digest}"

    @property
    def name(self) -> str:
        """The last part of its repository."""
        return self.repository.rpartition("/")[2]


def parse_image_reference(text: str) -> ImageReference:
    """Read HOST/REPOSITORY[:TAG]@sha256:DIGEST. Raises ImageReferenceError."""
    found = _PINNED.fullmatch(text)
    # A first part without dot and port is a folder of Docker Hub to some programs, and a host to others.
    if found is None or not ({".", ":"} & {*found["host"]} or found["host"] == "localhost"):
        raise ImageReferenceError(f"{text!r} is no HOST/REPOSITORY[:TAG]@sha256:DIGEST")
    return ImageReference(repository=found["repository"], tag=found["tag"] or "", digest=found["digest"])
