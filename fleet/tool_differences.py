"""Which tools of the replicas that run differ from those that were reviewed: asked of each bridge, in its container."""

import json

from docker.errors import DockerException

from fleet.swarm import Engine, Service, Task

PORT = 8080
"""The bridge's port in its container. It is components.server.PORT, whose import takes longer than all of a status."""
REQUEST = "GET /health HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
ASK = ("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{PORT} && printf '{REQUEST}' >&3 && cat <&3")
"""As the health check asks; this prints the whole answer."""


def read(api: Engine, service: Service) -> dict[str, str]:
    """Return how each tool differs (changed, new, missing) in any replica that runs; nothing where none is compared."""
    if not service.compares_tools:
        return {}
    found: dict[str, str] = {}
    for task in service.tasks:
        if task.runs and task.container is not None:
            found |= _of_replica(api, task, task.container)
    return dict(sorted(found.items()))


def sentence(differences: dict[str, str]) -> str:
    """Say it for people; nothing where there is nothing to say."""
    named = ", ".join(f"{tool} ({how})" for tool, how in differences.items())
    return f"tools that nobody reviewed: {named}" if named else ""


def _of_replica(api: Engine, task: Task, container: str) -> dict[str, str]:
    try:
        answer = api.exec_start(api.exec_create(container, ASK)["Id"]).decode(errors="replace")
        health = json.loads(answer.partition("\r\n\r\n")[2])
        return dict(health["tools"]["differences"])
    except (DockerException, OSError, ValueError, LookupError, TypeError):
        # Gone meanwhile, on another host, or of a release that does not tell: the rest of the status stands.
        return {}
