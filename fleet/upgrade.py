"""Newer versions of the packages that servers come from: what would change with each, and the lines with it."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from fleet import package_contents, package_locking, sources, stackfile
from fleet.errors import FleetError
from fleet.markdown import code, shortened
from fleet.project import existing_stack_file
from fleet.stackfile import StackText
from stacks.config import ServerConfig
from stacks.package_locks import FOLDER, PackageLockError, locked_packages
from stacks.source import NpmSource, PypiSource


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
        notes: what to know of its lock.
    """

    server: str
    source: str
    before: str
    after: str
    packages: Difference | None
    variables: Difference
    hosts: Difference
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
        for note in self.notes:
            yield "note", note


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What could be upgraded in a stack.

    Attributes:
        proposals: by server.
        skipped: why a server has none, by server, where that is not because its version is the newest.
        text: the stack's file with the newer versions.
    """

    proposals: Mapping[str, Proposal]
    skipped: Mapping[str, str]
    text: str


def propose(
    stack: str, servers: Sequence[str], locks: Path, *, project: Path, environment: Mapping[str, str]
) -> Upgrade:
    """Look for newer versions of servers' packages; of all servers if none is named. Nothing is written but locks.

    Args:
        locks: an empty folder, which gets the locks of the newer versions.

    Raises:
        FleetError: the stack has no such server.
    """
    text = stackfile.read(existing_stack_file(project, stack))
    config = stackfile.read_config(text, stack)
    if missing := [name for name in servers if name not in config.servers]:
        known = ", ".join(sorted(config.servers)) or "none"
        raise FleetError(f"stack {stack!r} has no server {missing[0]!r}", hint=f"servers: {known}")
    proposals: dict[str, Proposal] = {}
    skipped: dict[str, str] = {}
    for name in servers or config.servers:
        server = config.servers[name]
        if server.entry is not None:
            skipped[name] = f"its version is that of catalog/{server.entry.label}.json"
            continue
        try:
            proposal = _proposal(name, server, locks, project, environment)
        except FleetError as error:
            skipped[name] = str(error)
            continue
        if proposal is not None:
            proposals[name] = proposal
            text = StackText(text.with_version(name, proposal.before, proposal.after), name=text.name)
    return Upgrade(proposals=proposals, skipped=skipped, text=text.text)


def write(upgrade: Upgrade, locks: Path, *, stack: str, project: Path) -> None:
    """Write the newer versions into the stack's file, and their locks. Raises FleetError where the stack won't do."""
    file = existing_stack_file(project, stack)
    stackfile.read_config(StackText(upgrade.text, name=file.name), stack)
    if (locks / FOLDER).is_dir():
        shutil.copytree(locks / FOLDER, project / FOLDER, dirs_exist_ok=True)
    file.write_text(upgrade.text, encoding="utf-8")


def markdown(upgrade: Upgrade) -> str:
    """Return the proposals for a pull request; what stands in packages is code there, and nothing else."""
    parts = ["Newer versions of servers' packages. What names can't tell stands in the comments of the previews.\n"]
    for name, proposal in upgrade.proposals.items():
        parts.append(f"\n### {name}: {code(proposal.before)} to {code(proposal.after)}\n\n")
        for what, difference in (
            ("packages", proposal.packages or Difference()),
            ("environment: variables", proposal.variables),
            ("egress: hosts", proposal.hosts),
        ):
            for sign, names in (("come", difference.added), ("go", difference.removed)):
                if names:
                    parts.append(f"- {what} that {sign}: {shortened([code(each) for each in names])}\n")
        parts.extend(f"- {code(note)}\n" for note in proposal.notes)
        if proposal.packages is None:
            parts.append("- the line had no lock to compare its packages with\n")
    return "".join(parts)


def _proposal(
    name: str, server: ServerConfig, locks: Path, project: Path, environment: Mapping[str, str]
) -> Proposal | None:
    source = server.source
    if isinstance(source, PypiSource):
        newest = sources.newest_on_pypi(source.package, environment)
    elif isinstance(source, NpmSource):
        newest = sources.newest_on_npm(source.package, environment)
    else:
        return None
    if not newer(source.version, newest):
        return None
    after = replace(source, version=newest)
    locked = package_locking.lock(name, server.model_copy(update={"source": after}), locks, environment)
    then, now = (package_contents.read(name, each, environment) for each in (source, after))
    return Proposal(
        server=name,
        source=str(after),
        before=source.version,
        after=newest,
        packages=_packages(name, (source, project), (after, locks)),
        variables=Difference.between(then.variables, now.variables),
        hosts=Difference.between(then.hosts, now.hosts),
        notes=locked.notes,
    )


def newer(before: str, after: str) -> bool:
    """Whether a version is newer than another; versions that can't be compared are, where they differ."""
    try:
        return Version(after) > Version(before)
    except InvalidVersion:
        return after != before


def _packages(name: str, *locked: tuple[PypiSource | NpmSource, Path]) -> Difference | None:
    try:
        before, after = (locked_packages(source, root) for source, root in locked)
    except PackageLockError as error:
        raise FleetError(f"{name}: {error}", hint=f"make it anew: fleet lock {name}") from error
    if before is None or after is None:
        return None
    names = ([f"{package.name} {package.version}" for package in each] for each in (before, after))
    return Difference.between(*names)
