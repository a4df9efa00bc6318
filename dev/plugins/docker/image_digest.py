"""What the Docker client adds to a new service: the image's digest, and the platforms it is built for.

Source: moby client/service_create.go, resolveContainerSpecImage (queried on create, never on update).
"""

import copy
from typing import Any

from dev.plugins.docker.engine import Engine, EngineError


def with_digest_and_platforms(engine: Engine, spec: dict[str, Any], registry_auth: str) -> dict[str, Any]:
    """The specification as its registry completes it; unchanged when that cannot be asked.

    Args:
        registry_auth: value of the `X-Registry-Auth` header.
    """
    image = spec["TaskTemplate"]["ContainerSpec"]["Image"]
    try:
        found = engine.inspect(f"/distribution/{image}/json", registry_auth)
    except EngineError:  # the client only warns: the nodes may have the image
        return spec
    completed = copy.deepcopy(spec)
    if "@" not in image:
        completed["TaskTemplate"]["ContainerSpec"]["Image"] = f"{image}@{found['Descriptor']['digest']}"
    platforms = [
        {"Architecture": platform.get("architecture", ""), "OS": platform.get("os", "")}
        for platform in found.get("Platforms") or []
    ]
    if platforms:
        completed["TaskTemplate"]["Placement"]["Platforms"] = platforms
    return completed
