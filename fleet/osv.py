"""Known vulnerabilities of package versions, asked of OSV.

Source: https://google.github.io/osv.dev/api/, and the schema of records, https://ossf.github.io/osv-schema/.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from urllib.parse import quote

import httpx2

from fleet.installed_packages import Package

API = "https://api.osv.dev"
API_VARIABLE = "OSV_API_URL"
SECONDS = 30.0
MOST_QUERIES = 1000
"""How many one batch may have."""
MALICIOUS = "MAL-"
"""How ids of packages begin that were made to do harm: https://github.com/ossf/malicious-packages."""


class AwayError(Exception):
    """OSV does not answer, or not as it is described. The message says how."""


class Severity(IntEnum):
    """How bad a vulnerability is, in the words of GitHub's advisories. What has none is taken for the worst but one."""

    LOW = 1
    MODERATE = 2
    HIGH = 3
    UNKNOWN = 4
    CRITICAL = 5


@dataclass(frozen=True, kw_only=True)
class Vulnerability:
    """A record of OSV.

    Attributes:
        aliases: what it is called elsewhere, such as CVE-2026-1.
        fixed: versions of the package that have it no more.
    """

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: Severity
    fixed: tuple[str, ...]

    @property
    def malicious(self) -> bool:
        """Whether the package was made to do harm."""
        return any(name.startswith(MALICIOUS) for name in (self.id, *self.aliases))


def vulnerabilities(
    packages: Iterable[Package], environment: Mapping[str, str]
) -> dict[Package, tuple[Vulnerability, ...]]:
    """Return what is known of each package that has vulnerabilities; one that was withdrawn is none.

    Raises:
        AwayError: OSV can't be asked.
    """
    api = environment.get(API_VARIABLE) or API
    try:
        with httpx2.Client(base_url=api, timeout=SECONDS, follow_redirects=False) as client:
            found = _ids(client, sorted(set(packages)))
            names = sorted({identity for ids in found.values() for identity in ids})
            records = {identity: _record(client, identity) for identity in names}
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise AwayError(f"{api} does not answer: {error or type(error).__name__}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise AwayError(f"{api} does not answer as OSV does: {error!r}") from error
    known = {package: _merged(package, [records[identity] for identity in ids]) for package, ids in found.items()}
    return {package: each for package, each in known.items() if each}


def _ids(client: httpx2.Client, packages: Sequence[Package]) -> dict[Package, list[str]]:
    found: dict[Package, list[str]] = {}
    pending: list[tuple[Package, str]] = [(package, "") for package in packages]
    while pending:
        batch, pending = pending[:MOST_QUERIES], pending[MOST_QUERIES:]
        answer = _checked(client.post("/v1/querybatch", json={"queries": [_query(*each) for each in batch]}))
        for (package, _), result in zip(batch, answer.json()["results"], strict=True):
            found.setdefault(package, []).extend(each["id"] for each in result.get("vulns", ()))
            if token := result.get("next_page_token"):
                pending.append((package, token))
    return {package: ids for package, ids in found.items() if ids}


def _query(package: Package, token: str) -> dict[str, Any]:
    asked = {"package": {"name": package.name, "ecosystem": package.ecosystem}, "version": package.version}
    return {**asked, "page_token": token} if token else asked


def _record(client: httpx2.Client, identity: str) -> dict[str, Any]:
    return dict(_checked(client.get(f"/v1/vulns/{quote(identity, safe='')}")).json())


def _checked(answer: httpx2.Response) -> httpx2.Response:
    return answer.raise_for_status()


def _merged(package: Package, records: Sequence[Mapping[str, Any]]) -> tuple[Vulnerability, ...]:
    """Return one vulnerability for records that are aliases of one another: the worst, with all names."""
    merged: list[Vulnerability] = []
    for record in records:
        if record.get("withdrawn"):
            continue
        new = _vulnerability(package, record)
        same = next((old for old in merged if {old.id, *old.aliases} & {new.id, *new.aliases}), None)
        if same is None:
            merged.append(new)
        else:
            merged[merged.index(same)] = _joined(same, new)
    return tuple(sorted(merged, key=lambda each: (not each.malicious, -each.severity, each.id)))


def _joined(first: Vulnerability, second: Vulnerability) -> Vulnerability:
    known = [each.severity for each in (first, second) if each.severity is not Severity.UNKNOWN]
    names = {first.id, *first.aliases, second.id, *second.aliases} - {first.id}
    return Vulnerability(
        id=first.id,
        aliases=tuple(sorted(names)),
        summary=first.summary or second.summary,
        severity=max(known, default=Severity.UNKNOWN),
        fixed=tuple(sorted({*first.fixed, *second.fixed})),
    )


def _vulnerability(package: Package, record: Mapping[str, Any]) -> Vulnerability:
    word = str((record.get("database_specific") or {}).get("severity") or "").upper()
    fixed = {
        str(event["fixed"])
        for affected in record.get("affected", ())
        if (affected.get("package") or {}).get("name") == package.name
        for extent in affected.get("ranges", ())
        if extent.get("type") != "GIT"
        for event in extent.get("events", ())
        if "fixed" in event
    }
    return Vulnerability(
        id=str(record["id"]),
        aliases=tuple(sorted(map(str, record.get("aliases") or ()))),
        summary=str(record.get("summary") or ""),
        severity=Severity.__members__.get(word, Severity.UNKNOWN),
        fixed=tuple(sorted(fixed)),
    )
