"""What every part of a stack's configuration has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LABEL = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
Label = Annotated[str, Field(pattern=LABEL)]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class ConfigModel(BaseModel):
    """Frozen, without unknown keys; a field's text is its description, and its key has hyphens."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=_kebab, arbitrary_types_allowed=True, use_attribute_docstrings=True
    )
