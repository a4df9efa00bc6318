"""What a deployed stack exports: URLs, and the clients' API keys."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fleet import pulumi_cli
from fleet.errors import FleetError
from stacks.managers import Managers

SECONDS = 60
"""How long Pulumi may take to read the outputs."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The exports of one stack. A stack that was never brought up has no gateway and no URLs.

    Attributes:
        gateway: URL of the gateway, without a trailing slash.
        urls: URL of each server by name.
        tokens: API key of each client by name; empty unless secrets were asked for. Never printed by repr.
        managers: of a stack in a cloud; None unless secrets were asked for.
    """

    stack: str
    gateway: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    managers: Managers | None = None

    def url(self, server: str) -> str:
        """The URL of a server. Raises FleetError that names the servers there are."""
        urls = self.running()
        if server in urls:
            return urls[server]
        raise FleetError(
            f"no server {server!r} in stack {self.stack!r}",
            hint=f"servers: {', '.join(sorted(self.urls))}; a new one is there after `pulumi up -s {self.stack}`",
        )

    def running(self) -> Mapping[str, str]:
        """The URLs of all servers. Raises FleetError where none runs."""
        if not self.urls:
            raise FleetError(
                f"no server runs in stack {self.stack!r}", hint=f"`fleet up --stack {self.stack}` brings it up"
            )
        return self.urls

    def token(self, client: str) -> str:
        """The API key of a client. Raises FleetError that names the clients there are."""
        if client in self.tokens:
            return self.tokens[client]
        known = ", ".join(sorted(self.tokens)) or "none yet"
        raise FleetError(
            f"no key for client {client!r} in stack {self.stack!r} (clients: {known})",
            hint=f"write it under mcp-fleet:clients in Pulumi.{self.stack}.yaml, then `pulumi up -s {self.stack}`",
        )


def read(stack: str, directory: Path, environment: Mapping[str, str], *, secrets: bool = False) -> Outputs:
    """Ask Pulumi for the outputs of a stack.

    Args:
        directory: the project's folder.
        environment: the whole environment of the command, as `project.environment` returns it.
        secrets: read the API keys and the way to the managers too.

    Raises:
        FleetError: Pulumi is missing, does not know the stack, or can't decrypt its secrets.
    """
    wanted = ["stack", "output", "--json", "--stack", stack, *(["--show-secrets"] if secrets else [])]
    try:
        answer = pulumi_cli.ask(*wanted, project=directory, environment=environment, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        raise FleetError(f"Pulumi did not answer within {SECONDS} s", hint="try `pulumi stack output`") from None
    if answer.returncode != 0:
        raise _refusal(stack, answer.stderr)
    # Without secrets Pulumi prints "[secret]" in place of the keys.
    exported = json.loads(answer.stdout)
    return Outputs(
        stack=stack,
        gateway=exported.get("gateway"),
        urls=exported.get("urls") or {},
        tokens=(exported.get("tokens") or {}) if secrets else {},
        managers=Managers.read(exported["managers"]) if secrets and exported.get("managers") else None,
    )


def _refusal(stack: str, said: str) -> FleetError:
    errors = [line.strip() for line in said.splitlines() if line.strip()]
    reason = next((line for line in errors if line.startswith("error:")), errors[-1] if errors else "no reason given")
    if "no stack named" in said:
        return FleetError(f"there is no stack {stack!r}", hint=f"`fleet up --stack {stack}` makes it and brings it up")
    if "passphrase" in said:
        return FleetError(
            f"Pulumi can't decrypt stack {stack!r}: {reason.removeprefix('error: ')}",
            hint="set PULUMI_CONFIG_PASSPHRASE to the passphrase that the stack was made with",
        )
    return FleetError(
        f"Pulumi can't read stack {stack!r}: {reason.removeprefix('error: ')}",
        hint="`fleet doctor` says what is missing",
    )
