"""Answers that are errors."""

from dataclasses import dataclass
from typing import Any


class RefusedError(Exception):
    """A status, and the body that goes with it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def body(self) -> dict[str, Any]:
        """As the schema Error has it."""
        return {"code": self.status, "message": str(self)}


@dataclass(frozen=True)
class Diagnostic:
    """Something wrong in a definition: where, and what."""

    path: str
    summary: str


class BadDefinitionError(RefusedError):
    """A definition that can't be evaluated."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(400, diagnostic.summary)
        self.diagnostic = diagnostic

    def body(self) -> dict[str, Any]:
        """As the schema EnvironmentDiagnostics has it."""
        return {"diagnostics": [{"summary": self.diagnostic.summary, "path": self.diagnostic.path}]}
