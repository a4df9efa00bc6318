"""The ServiceConfig resource. Source: terraform-provider-docker 4.5.0, internal/provider/resource_docker_config.go."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.docker.engine import Engine, EngineError
from dev.plugins.docker.secret import base64_problem
from dev.plugins.docker.service_schema import labels
from dev.plugins.docker.service_spec import label_map
from dev.plugins.docker.service_state import label_list
from dev.plugins.planning import State
from dev.plugins.resource import Found
from dev.plugins.schema import Block, string, unordered


def _one_of_both(inputs: Mapping[str, Any]) -> str | None:
    given = [name for name in ("data", "dataRaw") if name in inputs]
    return None if len(given) == 1 else "exactly one of data (base64) and dataRaw (plain text) has to be given"


SERVICE_CONFIG: Final = Block(
    {
        "name": string(required=True, replaces=True),
        "data": string(replaces=True, problem=base64_problem),
        "dataRaw": string(replaces=True),
        "labels": unordered(labels(replaces=True), replaces=True),
    },
    rule=_one_of_both,
)


class ServiceConfig:
    """A Swarm config. No part of it can change."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, planned: State) -> Found:
        """Stores the config."""
        raw = planned.get("dataRaw")
        data = planned["data"] if raw is None else base64.b64encode(raw.encode()).decode()
        body = {"Name": planned["name"], "Data": data, "Labels": label_map(planned.get("labels"))}
        return Found(self._engine.post("/configs/create", body)["ID"], planned)

    def read(self, id_: str, state: State) -> Found | None:
        """Reports the config; any refusal of the engine counts as gone, as in the real provider."""
        try:
            config = self._engine.get(f"/configs/{id_}")
        except EngineError:
            return None
        spec = config["Spec"]
        reported = {"name": spec["Name"], "labels": label_list(spec.get("Labels"))}
        if state.get("dataRaw"):
            reported["dataRaw"] = base64.b64decode(spec["Data"]).decode()
        else:
            reported["data"] = spec["Data"]
        return Found(config["ID"], reported)

    def update(self, id_: str, state: State, planned: State) -> State:
        """Nothing to do: each property replaces the config."""
        return planned

    def delete(self, id_: str, state: State) -> None:
        """Removes the config, which fails while a service uses it."""
        self._engine.delete(f"/configs/{id_}")
