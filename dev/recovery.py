"""Puts a stack right after an operation that was killed, so that the next one can run.

A killed `pulumi up` leaves three things behind: a lock in the state that nobody holds any more, operations that the
state knows only as begun (https://www.pulumi.com/docs/support/troubleshooting/common-issues/update-conflicts/), and
perhaps a Docker object that was created but never recorded. Such an object would make the next create fail on its
name, so it is removed: it is labelled as this stack's, and the state, which says that its creation had begun, does
not know it.
"""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from dev import home

STACK_LABEL = "mcp-fleet.stack"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Interrupted:
    """What an exported state says of operations that never ended.

    Attributes:
        operations: how many there are, of any kind.
        creating: the resource types of those that were creating something.
        recorded: the id of every resource that the state knows.
    """

    operations: int
    creating: frozenset[str]
    recorded: frozenset[str]


def interrupted(deployment: Mapping[str, Any]) -> Interrupted:
    """Read the `deployment` of a `pulumi stack export`."""
    pending = deployment.get("pending_operations") or []
    return Interrupted(
        operations=len(pending),
        creating=frozenset(operation["resource"]["type"] for operation in pending if operation["type"] == "creating"),
        recorded=frozenset(resource["id"] for resource in deployment.get("resources") or [] if "id" in resource),
    )


def abandoned_locks(locks: Iterable[Mapping[str, Any]], hostname: str, alive: Callable[[int], bool]) -> bool:
    """Say whether there are locks, and none of their holders can still be running: all were of this host and ended."""
    held = list(locks)
    return bool(held) and all(lock["hostname"] == hostname and not alive(lock["pid"]) for lock in held)


def recover(stack: str, directory: Path, environment: Mapping[str, str], say: Say) -> None:
    """Release an abandoned lock, remove what was created without being recorded, and refresh the state.

    Does nothing, in a fraction of a second, when the last operation ended in good order. Raises
    subprocess.CalledProcessError when Pulumi refuses, and docker.errors.APIError when Docker does.
    """

    def pulumi(*arguments: str, given: str | None = None) -> str:
        command = ["pulumi", *arguments, "--stack", stack]
        run = subprocess.run(
            command,
            cwd=directory,
            env=dict(environment),
            input=given,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        return run.stdout

    if abandoned_locks(_locks(stack), socket.gethostname(), _alive):
        say("the last operation was killed: releasing its lock")
        pulumi("cancel", "--yes")
    exported = json.loads(home.stack_state(stack).read_text())["checkpoint"]["latest"]
    found = interrupted(exported or {})
    if not found.operations:
        return
    say(f"the last operation was interrupted in {found.operations} places: removing what it left unrecorded")
    client = docker.DockerClient(base_url=environment.get("DOCKER_HOST"))
    for kind, name, remove in _orphans(client, stack, found):
        say(f"removing {kind} {name}")
        remove()
    export = json.loads(pulumi("stack", "export"))
    export["deployment"].pop("pending_operations", None)
    pulumi("stack", "import", given=json.dumps(export))
    pulumi("refresh", "--yes", "--skip-preview", "--suppress-outputs", "--run-program=false")


def _orphans(
    client: docker.DockerClient, stack: str, found: Interrupted
) -> Iterable[tuple[str, str, Callable[[], object]]]:
    """Yield kind, name and removal of each labelled object whose kind was being created, unknown to the state."""
    mine = {"label": f"{STACK_LABEL}={stack}"}
    kinds = (
        ("docker:index/service:Service", "service", client.services),
        ("docker:index/secret:Secret", "secret", client.secrets),
        ("docker:index/serviceConfig:ServiceConfig", "config", client.configs),
        ("docker:index/network:Network", "network", client.networks),
    )
    for token, kind, collection in kinds:
        if token in found.creating:
            for item in collection.list(filters=mine):
                if item.id not in found.recorded:
                    yield kind, str(item.name), item.remove


def _locks(stack: str) -> list[dict[str, Any]]:
    return [json.loads(lock.read_text()) for lock in sorted(home.stack_locks(stack).glob("*.json"))]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
