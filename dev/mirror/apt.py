"""Where this machine gets Debian packages from: the stand-ins are made from the same place.

Formats: sources.list(5), apt.conf(5).
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev import commands
from dev.errors import EngineError

ETC_APT = Path("/etc/apt")
SUITE = "trixie"
"""The Debian release of every stand-in."""
CARRIED_OPTIONS = re.compile(
    r"Acquire::(https?::(?!Proxy::)[\w:-]*|Retries|Check-Valid-Until|Check-Date|ForceIPv[46]) ", re.ASCII
)
"""How to reach the archive; everything else about this machine's apt is its own business."""


@dataclass(frozen=True)
class Source:
    """One suite of one archive, as this machine uses it."""

    uri: str
    suite: str
    components: tuple[str, ...]


@dataclass(frozen=True)
class Archive:
    """Debian's archive as this machine reaches it.

    Attributes:
        main: URI of the archive itself.
        security: URI of the security archive, or None if the machine uses none.
    """

    main: str
    security: str | None

    def lines(self, suite: str = SUITE) -> list[str]:
        """The lines of a sources.list for `suite`."""
        lines = [f"deb {self.main} {suite} main", f"deb {self.main} {suite}-updates main"]
        if self.security:
            lines.append(f"deb {self.security} {suite}-security main")
        return lines


def archive(etc: Path = ETC_APT) -> Archive:
    """The archive that this machine's own Debian comes from.

    Raises:
        EngineError: No source under `etc` is Debian's.
    """
    found = list(_sources(etc))
    # By path, because a vendor's own repository may use Debian's suite and component names too.
    main = [source.uri for source in found if "main" in source.components and _is_archive(source.uri, "debian")]
    if not main:
        raise EngineError(
            f"{etc}: no source of Debian packages (a URI that ends in /debian), and no public image registry either\n"
            "  the engine's images come from one of the two: add Debian's archive, or make docker.io reachable"
        )
    security = [source.uri for source in found if _is_archive(source.uri, "debian-security")]
    return Archive(main[0], security[0] if security else None)


def options() -> str:
    """The part of this machine's apt configuration that says how to reach the archive."""
    dumped = commands.output(["apt-config", "dump"]) or ""
    return "".join(f"{line}\n" for line in dumped.splitlines() if CARRIED_OPTIONS.match(line))


def _is_archive(uri: str, name: str) -> bool:
    return uri.rstrip("/").rpartition("/")[2] == name


def _sources(etc: Path) -> Iterator[Source]:
    parts = etc / "sources.list.d"
    for path in [etc / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            yield from _one_line_style(path.read_text())
    for path in sorted(parts.glob("*.sources")):
        yield from _deb822_style(path.read_text())


def _one_line_style(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        words = shlex.split(re.sub(r"\[[^]]*]", "", line), comments=True)
        if len(words) > 3 and words[0] == "deb":
            yield Source(words[1], words[2], tuple(words[3:]))


def _deb822_style(text: str) -> Iterator[Source]:
    uncommented = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", uncommented):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        fields = {
            key.lower(): value.split() for key, _, value in (line.partition(":") for line in unfolded.splitlines())
        }
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield Source(uri, suite, tuple(fields.get("components", [])))
