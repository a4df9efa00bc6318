"""Which environment of Pulumi ESC a stack's secrets are in: what stands under `mcp-fleet:esc`."""

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from .config_model import ConfigModel

PULUMI_CLOUD = "https://api.pulumi.com"
_NAME = r"^[A-Za-z0-9-_.]{1,100}$"
_VERSION = r"^[A-Za-z0-9][A-Za-z0-9-_.]*$"


def _revision(value: object) -> object:
    """Let a revision be a number, as people write it in YAML."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Version = Annotated[
    str,
    BeforeValidator(_revision),
    Field(pattern=_VERSION),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": _VERSION}]}),
]


class EscConfig(ConfigModel):
    """An environment that this program opens by itself, for a stack whose state is not in Pulumi Cloud."""

    organization: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-_]{1,38}[A-Za-z0-9]$")]
    """Organization in Pulumi Cloud."""
    project: Annotated[str, Field(pattern=_NAME)]
    """Project of the environment."""
    environment: Annotated[str, Field(pattern=_NAME)]
    """The environment. It has the secrets under pulumiConfig, mcp-fleet:secrets."""
    version: _Version | None = None
    """Revision or tag to read; the newest revision when it is left out."""
    api: Annotated[str, Field(pattern=r"^(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?$")] = (
        PULUMI_CLOUD
    )
    """Where Pulumi Cloud answers, by https: another one when it is self-hosted."""

    @property
    def name(self) -> str:
        """The environment as ESC's own command writes it: organization/project/environment@version."""
        version = f"@{self.version}" if self.version else ""
        return f"{self.organization}/{self.project}/{self.environment}{version}"
