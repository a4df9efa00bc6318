"""What Ruff finds, and what the tools return.

Source: https://docs.astral.sh/ruff/linter
"""

from pydantic import BaseModel, ConfigDict, RootModel


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Location(_Model):
    """Both count from 1."""

    row: int
    column: int


class Fix(_Model):
    """What would mend it: `safe` changes no behaviour."""

    applicability: str
    message: str | None = None


class Diagnostic(_Model):
    """What Ruff says of one place."""

    code: str | None
    message: str
    location: Location
    fix: Fix | None = None


class Diagnostics(RootModel[tuple[Diagnostic, ...]]):
    """What Ruff prints."""


class Finding(_Model):
    """What is wrong at a line."""

    line: int
    column: int
    rule: str
    """For explain_rule; `invalid-syntax` where the code is none."""
    message: str
    remedy: str | None
    mended_by_mend_code: bool


class Review(_Model):
    """What is wrong, in order of the lines."""

    findings: tuple[Finding, ...]
    findings_in_all: int
    """May be more than are returned: mend these first."""


class Mended(_Model):
    """The code, mended and formatted."""

    code: str
    changed: bool


class Rule(_Model):
    """What a rule is for."""

    code: str
    name: str
    explanation: str
