"""The Secret resource. Source: terraform-provider-docker 4.5.0, internal/provider/resource_docker_secret.go."""

import base64
import binascii
from typing import Final

from dev.plugins.docker.engine import Engine, EngineError
from dev.plugins.docker.service_schema import labels
from dev.plugins.docker.service_spec import label_map
from dev.plugins.planning import State
from dev.plugins.resource import Found
from dev.plugins.schema import Block, string, unordered


def base64_problem(text: str) -> str | None:
    """What is wrong with a text as standard base64 (never the text itself: it may be secret)."""
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        return f"is not base64 decodeable (standard alphabet): {error}"
    return None


SECRET: Final = Block.of(
    name=string(required=True, replaces=True),
    data=string(required=True, replaces=True, sensitive=True, problem=base64_problem),
    labels=unordered(labels(replaces=True), replaces=True),
)


class Secret:
    """A Swarm secret. No part of it can change, and its data is never read back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, planned: State) -> Found:
        """Stores the secret."""
        body = {"Name": planned["name"], "Data": planned["data"], "Labels": label_map(planned.get("labels"))}
        return Found(self._engine.post("/secrets/create", body)["ID"], planned)

    def read(self, id_: str, state: State) -> Found | None:
        """Reports the secret; any refusal of the engine counts as gone, as in the real provider."""
        try:
            secret = self._engine.get(f"/secrets/{id_}")
        except EngineError:
            return None
        return Found(secret["ID"], {**state, "name": secret["Spec"]["Name"]})

    def update(self, id_: str, state: State, planned: State) -> State:
        """Nothing to do: each property replaces the secret."""
        return planned

    def delete(self, id_: str, state: State) -> None:
        """Removes the secret, which fails while a service uses it."""
        self._engine.delete(f"/secrets/{id_}")
