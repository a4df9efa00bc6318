"""The gateway: the one door to all servers of a fleet, and the service that tells it who may call what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from .health_check import bash_get
from .image import BaseImages, RegistryAccount, built_image
from .swarm_files import MountedFile, mounted_config, mounted_secret
from .swarm_service import Limits, SwarmService, service_args

PORT = 8080
METRICS_PORT = 9102
POLICY_PORT = 8090
USER = "10001:10001"
DRAIN_SECONDS = 5
STOP_SECONDS = 20
LIMITS = Limits.of(cpus=2.0, mebibytes=512)
POLICY_LIMITS = Limits.of(cpus=0.25, mebibytes=128)
_COMMANDS = "/opt/gateway/bin"
_POLICY = "/etc/mcp-fleet/policy.json"
_KEYS = "/run/secrets/keys.json"
_MASTER = "/run/secrets/master"


@dataclass(frozen=True, kw_only=True)
class GatewayArgs:
    """Arguments of Gateway. `network` is a network's id.

    Arguments:
        version: tag of the image.
        port: the port on the host.
        consul: URL of the Consul where servers register.
        policy: the JSON that `mcp-policy` reads: what each client may do.
        keys: API keys by client.
        master: the secret from which the fleet's internal tokens are derived.
        name_key: the secret under which the contents of secrets are hashed into their names.
    """

    fleet: pulumi.Input[str]
    network: pulumi.Input[str]
    name_key: pulumi.Input[str]

    # build
    bases: BaseImages
    registry: RegistryAccount
    builder: pulumi.Input[str]
    version: pulumi.Input[str]

    # traffic
    port: pulumi.Input[int]
    consul: pulumi.Input[str]
    policy: pulumi.Input[str]
    keys: Mapping[str, Sequence[pulumi.Input[str]]]
    master: pulumi.Input[str]

    # sizes
    limits: Limits = LIMITS
    policy_limits: Limits = POLICY_LIMITS


@dataclass(frozen=True, kw_only=True)
class GatewayOutputs:
    """`image`: repository:tag@digest of both services. `service_id`: id of the gateway's Swarm service."""

    image: pulumi.Output[str]
    service_id: pulumi.Output[str]


class Gateway(pulumi.ComponentResource):
    """The services `<name>` (Envoy and its agent) and `policy`, both from one image.

    Clients, keys and limits are the policy service's: they can change without a restart of the gateway, which holds
    everyone's connections.
    """

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:Gateway", name, {}, opts)
        image = built_image(
            name,
            fleet=args.fleet,
            tag=args.version,
            dockerfile="gateway",
            named_contexts={"wire": "wire", "gateway": "gateway"},
            build_args={"PYTHON": args.bases.python},
            registry=args.registry,
            builder=args.builder,
            parent=self,
        )
        master = self._secret(args, name, "master", args.master, _MASTER)
        self._policy(args, image)
        service = docker.Service(
            name,
            service_args(
                SwarmService(
                    fleet=args.fleet,
                    name=name,
                    kind="component",
                    image=image,
                    command=(f"{_COMMANDS}/mcp-gateway",),
                    network=args.network,
                    user=USER,
                    limits=args.limits,
                    health=bash_get(PORT, "/healthz"),
                    environment={
                        "MCP_GATEWAY_PORT": str(PORT),
                        "MCP_GATEWAY_METRICS_PORT": str(METRICS_PORT),
                        "MCP_GATEWAY_CONSUL": args.consul,
                        "MCP_GATEWAY_POLICY": f"http://policy:{POLICY_PORT}",
                        "MCP_GATEWAY_MASTER_FILE": _MASTER,
                        "MCP_GATEWAY_DRAIN_SECONDS": str(DRAIN_SECONDS),
                        "MCP_GATEWAY_STATE_DIR": "/tmp/envoy",  # noqa: S108 - the container's own
                    },
                    secrets=[master],
                    ports={PORT: args.port},
                    stop_seconds=STOP_SECONDS,
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = GatewayOutputs(image=image, service_id=service.id)
        self.register_outputs(vars(self.outputs))

    def _policy(self, args: GatewayArgs, image: pulumi.Output[str]) -> None:
        policy = mounted_config(
            parent=self,
            fleet=args.fleet,
            owner="policy",
            what="clients",
            content=args.policy,
            path=_POLICY,
            user=USER,
        )
        keys = {client: list(args.keys[client]) for client in sorted(args.keys)}
        docker.Service(
            "policy",
            service_args(
                SwarmService(
                    fleet=args.fleet,
                    name="policy",
                    kind="component",
                    image=image,
                    command=(f"{_COMMANDS}/mcp-policy",),
                    network=args.network,
                    user=USER,
                    limits=args.policy_limits,
                    health=bash_get(POLICY_PORT, "/healthz"),
                    environment={
                        "MCP_POLICY_PORT": str(POLICY_PORT),
                        "MCP_POLICY_POLICY_FILE": _POLICY,
                        "MCP_POLICY_KEYS_FILE": _KEYS,
                        "MCP_POLICY_MASTER_FILE": _MASTER,
                    },
                    secrets=[
                        self._secret(args, "policy", "keys", pulumi.Output.json_dumps(keys), _KEYS),
                        self._secret(args, "policy", "master", args.master, _MASTER),
                    ],
                    configs=[policy],
                    start_first=True,
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _secret(self, args: GatewayArgs, owner: str, what: str, content: pulumi.Input[str], path: str) -> MountedFile:
        return mounted_secret(
            parent=self,
            fleet=args.fleet,
            owner=owner,
            what=what,
            content=content,
            name_key=args.name_key,
            path=path,
            user=USER,
        )
