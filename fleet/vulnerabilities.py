"""Which servers have packages with known vulnerabilities, or packages that were made to do harm."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet import osv
from fleet.errors import FleetError
from fleet.installed_packages import Package, installed, own_package
from fleet.osv import AwayError, Severity, Vulnerability
from stacks.config import ServerConfig


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A vulnerability of a package that a server's image has."""

    server: str
    package: Package
    vulnerability: Vulnerability

    @property
    def text(self) -> str:
        """In one line."""
        known = self.vulnerability
        names = ", ".join((known.id, *known.aliases))
        fixed = f"; fixed in {', '.join(known.fixed)}" if known.fixed else ""
        kind = "malicious" if known.malicious else known.severity.name.lower()
        return f"{self.package}: {kind}: {names}: {known.summary or 'no summary'}{fixed}"

    def to_json(self) -> dict[str, Any]:
        """As `fleet vulnerabilities --json` prints it."""
        known = self.vulnerability
        return {
            "server": self.server,
            "ecosystem": self.package.ecosystem,
            "package": self.package.name,
            "version": self.package.version,
            "id": known.id,
            "aliases": list(known.aliases),
            "severity": known.severity.name.lower(),
            "malicious": known.malicious,
            "summary": known.summary,
            "fixed": list(known.fixed),
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is known.

    Attributes:
        findings: the worst of each server first.
        unknown: why something is not known, a sentence each.
    """

    findings: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """Those that are as bad, or are malicious."""
        return tuple(
            each for each in self.findings if each.vulnerability.malicious or each.vulnerability.severity >= severity
        )

    @property
    def malicious(self) -> tuple[Finding, ...]:
        """Those of packages that were made to do harm."""
        return tuple(each for each in self.findings if each.vulnerability.malicious)


def report(servers: Mapping[str, ServerConfig], project: Path, environment: Mapping[str, str]) -> Report:
    """Ask OSV about all packages that the images of servers would have. What can't be found out is part of the report.

    The packages that the lines name are asked for first, so that nothing is resolved where OSV is away.
    """
    named = {name: own_package(server) for name, server in servers.items()}
    try:
        osv.vulnerabilities([package for package in named.values() if package], environment)
        packages, unknown = _resolved(servers, project, environment)
        known = osv.vulnerabilities({each for has in packages.values() for each in has}, environment)
    except AwayError as error:
        return Report(unknown=(f"known vulnerabilities were not looked up: {error}",))
    findings = (
        Finding(server=name, package=package, vulnerability=vulnerability)
        for name, has in sorted(packages.items())
        for package in has
        for vulnerability in known.get(package, ())
    )
    return Report(findings=tuple(sorted(findings, key=_order)), unknown=tuple(unknown))


def _order(finding: Finding) -> tuple[str, bool, int]:
    return finding.server, not finding.vulnerability.malicious, -finding.vulnerability.severity


def _resolved(
    servers: Mapping[str, ServerConfig], project: Path, environment: Mapping[str, str]
) -> tuple[dict[str, set[Package]], list[str]]:
    packages: dict[str, set[Package]] = {}
    unknown: list[str] = []
    for name, server in servers.items():
        own = own_package(server)
        packages[name] = {own} if own else set()
        try:
            packages[name] |= set(installed(name, server, project, environment) or ())
        except FleetError as error:
            unknown.append(str(error))
    return packages, unknown
