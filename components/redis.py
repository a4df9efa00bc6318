"""Redis, for limits and caches that replicas share, and the exporter that shows its figures to Prometheus."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_random as random
from mcp_wire.result_cache import COMMANDS, key_prefix, user

from .fleet import Fleet, data_volume
from .health_check import HealthCheck, wget_get
from .swarm_files import ServiceFiles
from .swarm_service import Limits, SwarmService, swarm_service

PORT = 6379
EXPORTER_PORT = 9121
USER = "999:1000"
EXPORTER_USER = "59000:59000"
LIMITS = Limits.of(cpus=0.5, mebibytes=128)
EXPORTER_LIMITS = Limits.of(cpus=0.25, mebibytes=64)
_CONFIG = "/run/secrets/redis.conf"
_PASSWORD = "/run/secrets/redis-password"  # noqa: S105 - a path
_PASSWORDS = "/run/secrets/redis-passwords.json"


@dataclass(frozen=True, kw_only=True)
class RedisArgs:
    """Arguments of Redis. Images carry a digest.

    `name_key` is the secret under which the contents of secrets are hashed into their names.
    """

    fleet: Fleet

    # images
    image: pulumi.Input[str]
    exporter_image: pulumi.Input[str]

    # sizes
    limits: Limits = LIMITS
    exporter_limits: Limits = EXPORTER_LIMITS
    cache_mebibytes: int = 64
    """What Redis keeps at most; it evicts keys that were to expire, the least recently used first."""

    # access
    servers: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Passwords of the servers whose replicas share results here, by name. Each reaches its own results alone."""


@dataclass(frozen=True, kw_only=True)
class RedisOutputs:
    """`address` (host:port) and `password` (a secret) of Redis, `exporter` (host:port) of its figures."""

    address: pulumi.Output[str]
    password: pulumi.Output[str]
    exporter: pulumi.Output[str]


class Redis(pulumi.ComponentResource):
    """One Redis with a password of its own making, its data on a volume, and its exporter."""

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:Redis", name, {}, opts)
        password = random.RandomPassword(
            name, random.RandomPasswordArgs(length=32, special=False), opts=pulumi.ResourceOptions(parent=self)
        ).result
        self._server(name, args, password)
        self._exporter(name, args, password)
        self.outputs = RedisOutputs(
            address=pulumi.Output.from_input(f"{name}:{PORT}"),
            password=password,
            exporter=pulumi.Output.from_input(f"{name}-exporter:{EXPORTER_PORT}"),
        )
        self.register_outputs(vars(self.outputs))

    def _server(self, name: str, args: RedisArgs, password: pulumi.Output[str]) -> None:
        volume = data_volume(name, args.fleet, self)
        files = ServiceFiles(parent=self, fleet=args.fleet, owner=name, user=USER)
        config = pulumi.Output.all(password, pulumi.Output.all(**args.servers)).apply(
            lambda values: redis_config(values[0], args.cache_mebibytes, values[1])
        )
        ping = f"REDISCLI_AUTH=$(cat {_PASSWORD}) redis-cli ping | grep -q PONG"
        swarm_service(
            SwarmService(
                fleet=args.fleet,
                name=name,
                image=args.image,
                command=("redis-server", _CONFIG),
                user=USER,
                limits=args.limits,
                health=HealthCheck(probe=ping),
                secrets=[
                    files.secret("config", config, _CONFIG),
                    files.secret("password", password, _PASSWORD),
                ],
                volumes={"/data": volume.name},
            ),
            parent=self,
        )

    def _exporter(self, name: str, args: RedisArgs, password: pulumi.Output[str]) -> None:
        own_name = f"{name}-exporter"
        url = f"redis://{name}:{PORT}"
        files = ServiceFiles(parent=self, fleet=args.fleet, owner=own_name, user=EXPORTER_USER)
        passwords = files.secret("passwords", pulumi.Output.json_dumps({url: password}), _PASSWORDS)
        swarm_service(
            SwarmService(
                fleet=args.fleet,
                name=own_name,
                image=args.exporter_image,
                command=("/redis_exporter", f"-redis.addr={url}", f"-redis.password-file={_PASSWORDS}"),
                user=EXPORTER_USER,
                limits=args.exporter_limits,
                health=wget_get(EXPORTER_PORT, "/health"),
                secrets=[passwords],
                start_first=True,
            ),
            parent=self,
        )


def redis_config(password: str, cache_mebibytes: int, servers: Mapping[str, str]) -> str:
    """Return Redis' configuration file (https://redis.io/docs/latest/operate/oss_and_stack/management/config/).

    Each of `servers` has a user with its password, as of
    https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/.
    """
    return "\n".join(
        [
            f"requirepass {password}",
            *(_user(server, servers[server]) for server in sorted(servers)),
            "dir /data",
            "appendonly yes",
            'save ""',
            f"maxmemory {cache_mebibytes}mb",
            "maxmemory-policy volatile-lru",
            "",
        ]
    )


def _user(server: str, password: str) -> str:
    digest = hashlib.sha256(password.encode()).hexdigest()
    commands = " ".join(f"+{command}" for command in COMMANDS)
    return f"user {user(server)} on #{digest} resetchannels ~{key_prefix(server)}* -@all {commands}"
