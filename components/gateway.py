"""The gateway: the one door to all servers of a fleet, and the service that tells it who may call what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .fleet import Fleet
from .health_check import bash_get
from .image import BaseImages, Platform, RegistryAccount, built_image
from .swarm_files import ServiceFiles
from .swarm_service import Limits, SwarmService, swarm_service

PORT = 8080
METRICS_PORT = 9102
POLICY_PORT = 8090
USER = "10001:10001"
DRAIN_SECONDS = 5
STOP_MARGIN_SECONDS = 15
"""How much longer than the drain the end of a gateway may take before it is killed."""
LIMITS = Limits.of(cpus=2.0, mebibytes=512)
POLICY_LIMITS = Limits.of(cpus=0.25, mebibytes=128)
DOCKERFILE = "gateway"
CONTEXTS = {"wire": "wire", "gateway": "gateway"}
"""The folders that the image is built from, by their names in the Dockerfile."""
_COMMANDS = "/opt/gateway/bin"
_POLICY = "/etc/mcp-fleet/policy.json"
_KEYS = "/run/secrets/keys.json"
_MASTER = "/run/secrets/master"


@dataclass(frozen=True, kw_only=True)
class GatewayArgs:
    """Arguments of Gateway.

    Arguments:
        version: tag of the image.
        platforms: such as linux/arm64, where the hosts are not like the builder.
        port: the port on the host.
        consul: URL of the Consul where servers register.
        otlp: URL of the OTLP receiver for traces; None for no traces.
        policy: the JSON that `mcp-policy` reads: what each client may do.
        keys: API keys by client.
        replicas: gateways, each on a host of its own.
        notice_seconds: how long the load balancer in front of them takes to see that one leaves; 0 without one.
        constraints: which hosts may run the gateway itself: those that clients or their load balancer reach.
        master: the secret from which the fleet's internal tokens are derived.
    """

    fleet: Fleet

    # build
    bases: BaseImages
    registry: RegistryAccount
    builder: pulumi.Input[str]
    version: pulumi.Input[str]
    platforms: Sequence[Platform] = ()

    # traffic
    port: pulumi.Input[int]
    consul: pulumi.Input[str]
    otlp: str | None = None
    policy: pulumi.Input[str]
    keys: Mapping[str, Sequence[pulumi.Input[str]]]
    master: pulumi.Input[str]

    # places
    replicas: int = 1
    notice_seconds: int = 0
    constraints: Sequence[str] = ()
    spread: Sequence[str] = ()

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
            tag=args.version,
            dockerfile=DOCKERFILE,
            named_contexts=CONTEXTS,
            build_args={"PYTHON": args.bases.python},
            registry=args.registry,
            builder=args.builder,
            platforms=args.platforms,
            parent=self,
        )
        files = ServiceFiles(parent=self, fleet=args.fleet, owner=name, user=USER)
        self._policy(args, image)
        service = swarm_service(
            SwarmService(
                fleet=args.fleet,
                name=name,
                image=image,
                command=(f"{_COMMANDS}/mcp-gateway",),
                user=USER,
                limits=args.limits,
                health=bash_get(PORT, "/healthz"),
                environment={
                    "MCP_GATEWAY_PORT": str(PORT),
                    "MCP_GATEWAY_METRICS_PORT": str(METRICS_PORT),
                    "MCP_GATEWAY_CONSUL": args.consul,
                    "MCP_GATEWAY_POLICY": f"http://policy:{POLICY_PORT}",
                    "MCP_GATEWAY_MASTER_FILE": _MASTER,
                    "MCP_GATEWAY_NOTICE_SECONDS": str(args.notice_seconds),
                    "MCP_GATEWAY_DRAIN_SECONDS": str(DRAIN_SECONDS),
                    "MCP_GATEWAY_STATE_DIR": "/tmp/envoy",  # noqa: S108 - the container's own
                    **({} if args.otlp is None else {"MCP_GATEWAY_OTLP_ENDPOINT": args.otlp}),
                },
                secrets=[files.secret("master", args.master, _MASTER)],
                ports={PORT: args.port},
                replicas=args.replicas,
                constraints=args.constraints,
                spread=args.spread,
                stop_seconds=args.notice_seconds + DRAIN_SECONDS + STOP_MARGIN_SECONDS,
            ),
            parent=self,
        )
        self.outputs = GatewayOutputs(image=image, service_id=service.id)
        self.register_outputs(vars(self.outputs))

    def _policy(self, args: GatewayArgs, image: pulumi.Output[str]) -> None:
        files = ServiceFiles(parent=self, fleet=args.fleet, owner="policy", user=USER)
        keys = {client: list(args.keys[client]) for client in sorted(args.keys)}
        swarm_service(
            SwarmService(
                fleet=args.fleet,
                name="policy",
                image=image,
                command=(f"{_COMMANDS}/mcp-policy",),
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
                    files.secret("keys", pulumi.Output.json_dumps(keys), _KEYS),
                    files.secret("master", args.master, _MASTER),
                ],
                configs=[files.config("clients", args.policy, _POLICY)],
                start_first=True,
            ),
            parent=self,
        )
