"""The Volume resource. Source: terraform-provider-docker 4.5.0, internal/provider/resource_docker_volume.go."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.docker.engine import NOT_FOUND, Engine, EngineError
from dev.plugins.docker.removal import removed_within
from dev.plugins.docker.service_schema import labels
from dev.plugins.docker.service_spec import label_map
from dev.plugins.docker.service_state import label_list
from dev.plugins.planning import State
from dev.plugins.resource import Found
from dev.plugins.schema import Block, mapping, string, unordered

VOLUME: Final = Block.of(
    name=string(computed=True, replaces=True),
    labels=unordered(labels(replaces=True), replaces=True),
    driver=string(computed=True, replaces=True),
    driverOpts=mapping(replaces=True),
    mountpoint=string(output=True),
)


class Volume:
    """A Docker volume of one engine. No part of it can change. Cluster (CSI) volumes are not offered."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, planned: State) -> Found:
        """Creates the volume, or adopts the one of that name, as the engine does."""
        body = {
            "Name": planned.get("name") or "",
            "Labels": label_map(planned.get("labels")),
            "Driver": planned.get("driver") or "",
            "DriverOpts": planned.get("driverOpts") or {},
        }
        volume = self._engine.post("/volumes/create", body)
        return Found(volume["Name"], _state(volume))

    def read(self, id_: str, state: State) -> Found | None:
        """Reports the volume; only "not found" counts as gone."""
        try:
            volume = self._engine.get(f"/volumes/{id_}")
        except EngineError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return Found(volume["Name"], _state(volume))

    def update(self, id_: str, state: State, planned: State) -> State:
        """Nothing to do: each property replaces the volume."""
        return planned

    def delete(self, id_: str, state: State) -> None:
        """Removes the volume, once the last container has gone that uses it."""
        removed_within(
            lambda: self._engine.delete(f"/volumes/{id_}", {"force": True}),
            "volume is in use",
            what=f"volume {id_}",
        )


def _state(volume: Mapping[str, Any]) -> State:
    return {
        "name": volume["Name"],
        "labels": label_list(volume.get("Labels")),
        "driver": volume["Driver"],
        "driverOpts": volume.get("Options") or {},
        "mountpoint": volume["Mountpoint"],
    }
