"""What a newer version of a server's package would bring, and how reviewers are told."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fleet import tools_comment
from fleet.markdown import code, shortened
from fleet.tools_review import Kind, ToolChange

_SIGNS = {Kind.APPEARS: "+", Kind.DISAPPEARS: "-", Kind.CHANGED: "~"}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Names that come and go."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @classmethod
    def between(cls, before: Iterable[str], after: Iterable[str]) -> "Difference":
        """Return what is only in one of two."""
        then, now = set(before), set(after)
        return cls(added=tuple(sorted(now - then)), removed=tuple(sorted(then - now)))

    def __str__(self) -> str:
        return ", ".join((*(f"+ {name}" for name in self.added), *(f"- {name}" for name in self.removed)))


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A newer version of a server's package.

    Attributes:
        before: the version of the line.
        after: the newest that the images can run.
        packages: what it installs, name and version, by the locks; None where the line has no lock to compare with.
        variables: of its environment, as its own code names them.
        hosts: as its own code names them.
        tools: those that come, change and go; None where either version listed none here.
        notes: what to know of its lock, and why its tools could not be compared.
    """

    server: str
    source: str
    before: str
    after: str
    packages: Difference | None
    variables: Difference
    hosts: Difference
    tools: tuple[ToolChange, ...] | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `fleet upgrade --json` prints it."""
        return asdict(self)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield what changes with it, and how."""
        if self.packages is None:
            yield "packages", "the line had no lock to compare with"
        found = {"packages": self.packages, "environment": self.variables, "egress": self.hosts}
        for what, difference in found.items():
            if difference and (said := str(difference)):
                yield what, said
        if self.tools:
            yield "tools", ", ".join(f"{_SIGNS[change.kind]} {change.tool}" for change in self.tools)
        for note in self.notes:
            yield "note", note


def markdown(proposals: Mapping[str, Proposal]) -> str:
    """Return the proposals for a pull request; what stands in packages is code there, and nothing else."""
    parts = ["Newer versions of servers' packages.\n"]
    for name, proposal in proposals.items():
        parts.append(f"\n### {name}: {code(proposal.before)} to {code(proposal.after)}\n\n")
        parts.extend(_named(proposal))
        parts.extend(f"{tools_comment.change(name, each)}\n" for each in proposal.tools or ())
        parts.extend(f"- {code(note)}\n" for note in proposal.notes)
        if proposal.packages is None:
            parts.append("- the line had no lock to compare its packages with\n")
    return "".join(parts)


def _named(proposal: Proposal) -> Iterator[str]:
    for what, difference in (
        ("packages", proposal.packages or Difference()),
        ("environment: variables", proposal.variables),
        ("egress: hosts", proposal.hosts),
    ):
        for sign, names in (("come", difference.added), ("go", difference.removed)):
            if names:
                yield f"- {what} that {sign}: {shortened([code(each) for each in names])}\n"
