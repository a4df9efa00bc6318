"""The Network resource. Source: terraform-provider-docker 4.5.0, internal/provider/resource_docker_network_funcs.go."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.docker.engine import Engine, EngineError
from dev.plugins.docker.removal import removed_within
from dev.plugins.docker.service_schema import labels
from dev.plugins.docker.service_spec import label_map
from dev.plugins.docker.service_state import label_list
from dev.plugins.docker.waiting import until
from dev.plugins.planning import State
from dev.plugins.resource import Found
from dev.plugins.schema import Block, boolean, mapping, string, unordered

ALLOCATION_TIMEOUT: Final = 2.0  # seconds after which the real provider takes what is reported
ALLOCATION_POLL: Final = 0.05

NETWORK: Final = Block.of(
    name=string(required=True, replaces=True),
    labels=unordered(labels(replaces=True), replaces=True),
    driver=string(computed=True, replaces=True),
    options=mapping(computed=True, replaces=True),
    internal=boolean(computed=True, replaces=True),
    attachable=boolean(replaces=True),
    ingress=boolean(replaces=True),
    ipv6=boolean(replaces=True),
    ipamDriver=string(default="default", replaces=True),
    ipamOptions=mapping(replaces=True),
    ipamConfigs=unordered(
        Block.of(
            subnet=string(replaces=True),
            ipRange=string(replaces=True),
            gateway=string(replaces=True),
            auxAddress=mapping(replaces=True),
        ),
        computed=True,
        replaces=True,
    ),
    scope=string(output=True),
)


class Network:
    """A Docker network. No part of it can change."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, planned: State) -> Found:
        """Creates the network."""
        body = {
            "Name": planned["name"],
            "CheckDuplicate": True,
            "Driver": planned.get("driver") or "",
            "Options": planned.get("options") or {},
            "Internal": bool(planned.get("internal")),
            "Attachable": bool(planned.get("attachable")),
            "Ingress": bool(planned.get("ingress")),
            "EnableIPv6": bool(planned.get("ipv6")),
            "Labels": label_map(planned.get("labels")),
            "IPAM": {
                "Driver": planned["ipamDriver"],
                "Options": planned.get("ipamOptions") or {},
                "Config": [_ipam(config) for config in planned.get("ipamConfigs") or []],
            },
        }
        id_ = self._engine.post("/networks/create", body)["Id"]
        return Found(id_, _state(self._allocated(id_)))

    def read(self, id_: str, state: State) -> Found | None:
        """Reports the network; any refusal of the engine counts as gone, as in the real provider."""
        try:
            network = self._engine.get(f"/networks/{id_}")
        except EngineError:
            return None
        return Found(network["Id"], _state(network))

    def update(self, id_: str, state: State, planned: State) -> State:
        """Nothing to do: each property replaces the network."""
        return planned

    def delete(self, id_: str, state: State) -> None:
        """Removes the network, once the last container has left it."""
        removed_within(lambda: self._remove(id_), "has active endpoints", what=f"network {state.get('name')} ({id_})")

    def _allocated(self, id_: str) -> Mapping[str, Any]:
        """The network once Swarm has allocated it: until then it reports no driver."""

        def with_driver() -> Mapping[str, Any] | None:
            network: Mapping[str, Any] = self._engine.get(f"/networks/{id_}")
            return network if network["Driver"] else None

        return until(with_driver, ALLOCATION_TIMEOUT, poll=ALLOCATION_POLL) or self._engine.get(f"/networks/{id_}")

    def _remove(self, id_: str) -> None:
        try:
            self._engine.get(f"/networks/{id_}")
        except EngineError:
            return
        self._engine.delete(f"/networks/{id_}")


def _ipam(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Subnet": config.get("subnet") or "",
        "IPRange": config.get("ipRange") or "",
        "Gateway": config.get("gateway") or "",
        "AuxiliaryAddresses": config.get("auxAddress") or {},
    }


def _state(network: Mapping[str, Any]) -> State:
    ipam = network.get("IPAM") or {}
    return {
        "name": network["Name"],
        "labels": label_list(network.get("Labels")),
        "driver": network["Driver"],
        "options": network.get("Options") or {},
        "internal": network["Internal"],
        "attachable": network["Attachable"],
        "ingress": network["Ingress"],
        "ipv6": network["EnableIPv6"],
        "ipamDriver": ipam.get("Driver") or "",
        "ipamOptions": ipam.get("Options") or {},
        "ipamConfigs": [_ipam_state(config) for config in ipam.get("Config") or []],
        "scope": network["Scope"],
    }


def _ipam_state(config: Mapping[str, Any]) -> State:
    names = {
        "subnet": "Subnet",
        "ipRange": "IPRange",
        "gateway": "Gateway",
        "auxAddress": "AuxiliaryAddresses",
    }
    return {ours: config[theirs] for ours, theirs in names.items() if config.get(theirs)}
