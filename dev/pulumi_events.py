"""Follow what the Pulumi engine says while it works: how far it is, and what went wrong.

`pulumi up --json` prints one engine event a line.
Source: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go
"""

import json
from typing import Any

from dev.progress import Step

SETTLED = {"same", "read", "refresh"}
"""Operations that change nothing."""
STDERR = "info#err"
"""The severity of what the program writes to stderr."""


class Follower:
    """Turns engine events into a step's progress.

    Attributes:
        problems: What went wrong, as `name: message`, in the order it came; each once.
        said: What the program wrote to stderr. When it gives up, that is all there is.
        changes: How many resources were created, updated, …, from the engine's summary.
    """

    def __init__(self, step: Step, expected: int) -> None:
        """`expected`: how many operations there will be, as far as is known beforehand; 0 if it isn't."""
        self.problems: list[str] = []
        self.said: list[str] = []
        self.changes: dict[str, int] = {}
        self._step = step
        self._expected = expected
        self._begun: dict[str, str] = {}
        self._ended: set[tuple[str, str]] = set()

    def follow(self, line: str) -> None:
        """Take one line of the engine's output; what is no event is a problem worth showing."""
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            self._problem(line)
            return
        if "resourcePreEvent" in event:
            metadata = event["resourcePreEvent"]["metadata"]
            self._begun[metadata["urn"]] = metadata["op"]
        elif ended := event.get("resOutputsEvent") or event.get("resOpFailedEvent"):
            metadata = ended["metadata"]
            self._begun.pop(metadata["urn"], None)
            self._ended.add((metadata["urn"], metadata["op"]))
        elif "diagnosticEvent" in event:
            self._diagnose(event["diagnosticEvent"])
        elif "summaryEvent" in event:
            self.changes = event["summaryEvent"].get("resourceChanges") or {}
        done = len(self._ended)
        total = max(self._expected, done + len(self._begun))
        self._step.update(self._now(), done, total if self._expected else None)

    def summary(self) -> str:
        """The changes in words: `3 created, 1 updated`, or `no changes`."""
        words = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced"}
        told = [f"{self.changes[kind]} {word}" for kind, word in words.items() if self.changes.get(kind)]
        return ", ".join(told) or "no changes"

    def _diagnose(self, diagnostic: dict[str, Any]) -> None:
        if diagnostic["severity"] == STDERR:
            self.said += filter(None, [diagnostic["message"].rstrip()])
            return
        message = diagnostic["message"].strip()
        if diagnostic["severity"] != "error" or diagnostic.get("ephemeral") or message == "update failed":
            return
        urn = diagnostic.get("urn", "")
        about_stack = not urn or _type(urn) == "pulumi:pulumi:Stack"
        self._problem(message if about_stack else f"{urn.rpartition('::')[2]}: {message}")

    def _problem(self, text: str) -> None:
        if text and text not in self.problems:
            self.problems.append(text)

    def _now(self) -> str:
        """What is under way, the stack and its components aside: they are only as far as their parts."""
        names = [
            urn.rpartition("::")[2]
            for urn, operation in self._begun.items()
            if operation not in SETTLED and not _type(urn).startswith(("pulumi:pulumi:", "mcp-fleet:"))
        ]
        return ", ".join(names)


def _type(urn: str) -> str:
    """The resource's own type: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
    return urn.split("::")[2].rpartition("$")[2]
