"""Who signs container images: what stands under `mcp-fleet:signatures`."""

import re
from typing import Annotated

from pydantic import Field, model_validator

from .config_model import ConfigModel

IMAGES = r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._-]+)*(/\*)?$"


class SignerConfig(ConfigModel):
    """One who signs images: by a key, or as an identity that an issuer of tokens vouched for."""

    images: Annotated[str, Field(pattern=IMAGES)]
    """Repository of the images, such as ghcr.io/github/github-mcp-server; all below a folder with /* at its end."""
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-][A-Za-z0-9_./-]*$")] | None = None
    """File with the public key, relative to the folder of Pulumi.yaml."""
    identity: str | None = None
    """Who signs without a key of their own: a mail address, or the URL of a workflow with its @refs/…"""
    identity_pattern: str | None = None
    """A regular expression for it, where the identity has a version in it."""
    issuer: Annotated[str, Field(pattern=r"^https://\S+$")] | None = None
    """Who vouched for the identity, such as https://token.actions.githubusercontent.com."""
    transparency_log: bool = True
    """Ask for the entry of the signature in Sigstore's public log. An organization that signs with a key of its own and
    publishes nothing has none."""

    @model_validator(mode="after")
    def _one_way(self) -> "SignerConfig":
        named = [self.identity, self.identity_pattern]
        if self.key is not None:
            if any(named) or self.issuer:
                raise ValueError(
                    "has a key, so that `identity`, `identity-pattern` and `issuer` say nothing; remove them"
                )
            return self
        if self.issuer is None or sum(map(bool, named)) != 1:
            raise ValueError("needs a `key`, or an `issuer` with one of `identity` and `identity-pattern`")
        if not self.transparency_log:
            raise ValueError("an identity without a key is known by the transparency log alone; remove that key")
        if self.identity_pattern:
            _check_pattern(self.identity_pattern)
        return self

    def signs(self, repository: str) -> bool:
        """Whether images of a repository are to be signed by it."""
        folder = self.images.removesuffix("*")
        return repository.startswith(folder) if folder != self.images else repository == self.images


def _check_pattern(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
