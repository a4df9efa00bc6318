"""An organization's environments: their revisions, and the sessions in which they are open."""

import secrets
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from .errors import RefusedError
from .evaluation import Evaluation, encrypted

Json: TypeAlias = Any


@dataclass(frozen=True)
class Revision:
    """A definition as it was written, and when (RFC 3339)."""

    definition: dict[str, Json]
    created: str


@dataclass
class Organization:
    """What the API works on.

    Attributes:
        environments: revisions by `project/environment`, the oldest first.
        tags: revisions' numbers by environment and tag.
        fetched: what providers answer, by their names.
        sessions: what was opened, by the session's id: its environment, and the answer.
    """

    name: str
    environments: dict[str, list[Revision]] = field(default_factory=dict)
    tags: dict[tuple[str, str], int] = field(default_factory=dict)
    fetched: dict[str, Json] = field(default_factory=dict)
    sessions: dict[str, tuple[str, Json]] = field(default_factory=dict)

    def write(self, environment: str, definition: str, *, created: str = "2026-11-20T08:00:00.000Z") -> int:
        """Write a revision, as `esc env edit` does, and return its number."""
        revisions = self.environments.setdefault(environment, [])
        revisions.append(Revision(yaml.safe_load(definition), created))
        return len(revisions)

    def open(self, environment: str, version: str | None) -> Json:
        """Open a session. Raises RefusedError."""
        revision = self._revision(environment, version)
        properties = Evaluation(revision.definition.get("values") or {}, self.fetched).properties()
        session = secrets.token_hex(8)
        answer = {"properties": {name: value.to_json() for name, value in properties.items()}}
        self.sessions[session] = (environment, answer)
        return {"id": session}

    def read(self, environment: str, session: str) -> Json:
        """Read what is open. Raises RefusedError."""
        opened, answer = self.sessions.get(session, ("", None))
        if opened != environment:
            raise RefusedError(404, "Not Found: open environment session not found")
        return answer

    def definition(self, environment: str, version: str | None) -> str:
        """The definition, encrypted. Raises RefusedError."""
        return yaml.safe_dump(encrypted(self._revision(environment, version).definition), sort_keys=False)

    def revisions(self, environment: str, *, before: int | None, count: int | None) -> Json:
        """Its revisions, the newest first. Raises RefusedError."""
        found = [
            {"number": number, "created": revision.created, "creatorLogin": "somebody", "tags": []}
            for number, revision in enumerate(self._known(environment), 1)
            if before is None or number < before
        ]
        return found[::-1][:count]

    def tag(self, environment: str, name: str) -> Json:
        """A revision's tag. Raises RefusedError."""
        if (environment, name) not in self.tags:
            raise RefusedError(404, f"Not Found: tag {name!r} not found")
        return {"name": name, "revision": self.tags[environment, name]}

    def _known(self, environment: str) -> list[Revision]:
        if environment not in self.environments:
            raise RefusedError(404, f"Not Found: environment '{self.name}/{environment}' not found")
        return self.environments[environment]

    def _revision(self, environment: str, version: str | None) -> Revision:
        revisions = self._known(environment)
        if version is None:
            return revisions[-1]
        number = int(version) if version.isdigit() else self.tag(environment, version)["revision"]
        if not 1 <= number <= len(revisions):
            raise RefusedError(404, f"Not Found: revision {number} not found")
        return revisions[number - 1]
