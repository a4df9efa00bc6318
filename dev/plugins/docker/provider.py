"""The docker provider: its resource types on one Docker engine."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.docker.access import CONFIG, access, credentials, default_host
from dev.plugins.docker.engine import Engine
from dev.plugins.docker.network import NETWORK, Network
from dev.plugins.docker.secret import SECRET, Secret
from dev.plugins.docker.service import Service
from dev.plugins.docker.service_config import SERVICE_CONFIG, ServiceConfig
from dev.plugins.docker.service_schema import SERVICE
from dev.plugins.docker.volume import VOLUME, Volume
from dev.plugins.resource import Function, Resource
from dev.plugins.schema import Block

NETWORK_TOKEN: Final = "docker:index/network:Network"  # noqa: S105 - a type token
SECRET_TOKEN: Final = "docker:index/secret:Secret"  # noqa: S105 - a type token
SERVICE_TOKEN: Final = "docker:index/service:Service"  # noqa: S105 - a type token
SERVICE_CONFIG_TOKEN: Final = "docker:index/serviceConfig:ServiceConfig"  # noqa: S105 - a type token
VOLUME_TOKEN: Final = "docker:index/volume:Volume"  # noqa: S105 - a type token


class DockerProvider:
    """What pulumi-resource-docker offers, as far as Swarm stacks need it."""

    name = "docker"
    version = "5.2.0"
    config: Block = CONFIG
    blocks: Mapping[str, Block] = {
        NETWORK_TOKEN: NETWORK,
        SECRET_TOKEN: SECRET,
        SERVICE_TOKEN: SERVICE,
        SERVICE_CONFIG_TOKEN: SERVICE_CONFIG,
        VOLUME_TOKEN: VOLUME,
    }
    functions: Mapping[str, Function] = {}

    def defaults(self) -> Mapping[str, Any]:
        """The host: the state keeps it, so that a later refresh or destroy talks to the same engine."""
        return {"host": default_host()}

    def configure(self, config: Mapping[str, Any]) -> Mapping[str, Resource]:
        """The resource types on the engine that the configuration chooses; it is contacted on first use."""
        engine = Engine(access(config))
        return {
            NETWORK_TOKEN: Network(engine),
            SECRET_TOKEN: Secret(engine),
            SERVICE_TOKEN: Service(engine, credentials(config)),
            SERVICE_CONFIG_TOKEN: ServiceConfig(engine),
            VOLUME_TOKEN: Volume(engine),
        }
