"""What can be set."""

from typing import Annotated

from mcp_chassis import ChassisSettings
from pydantic import Field


class QualitySettings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    rules: tuple[Annotated[str, Field(pattern=r"^[A-Z]{1,7}[0-9]{0,4}$")], ...] = (
        *("F", "E4", "E7", "E9", "B", "S", "C90", "PLE", "PLW"),
        *("SIM", "UP", "PERF", "ASYNC", "RUF"),
    )
    """Rules and families of them: https://docs.astral.sh/ruff/rules."""
    line_length: int = Field(default=120, ge=40, le=320)
    """Characters of a line, for formatting."""
    target: str = Field(default="py311", pattern=r"^py3\d{1,2}$")
    """Oldest Python that the code is for."""
