"""The registry that holds a fleet's images, and goes with the fleet."""

import base64
import hashlib
from dataclasses import dataclass

import bcrypt
import pulumi
import yaml

from .fleet import Fleet, data_volume
from .health_check import wget_get
from .swarm_files import ServiceFiles
from .swarm_service import Limits, SwarmService, swarm_service

PORT = 5000
DEBUG_PORT = 5001
USER = "0:0"
"""Owner of the volume's folder in the official image. Without capabilities it can do no more than any user."""
LIMITS = Limits.of(cpus=1.0, mebibytes=256)
_DATA = "/var/lib/registry"
_CONFIG = "/etc/mcp-fleet/registry.yml"
_HTPASSWD = "/run/secrets/htpasswd"
_TO_BCRYPT = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)
"""From base64's alphabet to that of bcrypt."""


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """Arguments of Registry. `image` carries a digest.

    Arguments:
        host: name under which builders and Docker hosts reach it; `port`: the port there.
        username, password: who may push and pull. The password is random, and has at most 72 bytes.
    """

    fleet: Fleet
    image: pulumi.Input[str]

    # access
    host: pulumi.Input[str]
    port: pulumi.Input[int]
    username: pulumi.Input[str]
    password: pulumi.Input[str]

    # sizes
    limits: Limits = LIMITS


@dataclass(frozen=True, kw_only=True)
class RegistryOutputs:
    """`address` (host:port): what the names of images begin with."""

    address: pulumi.Output[str]
    service_id: pulumi.Output[str]


class Registry(pulumi.ComponentResource):
    """A Docker registry with one account, its images on a volume."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:Registry", name, {}, opts)
        volume = data_volume(name, args.fleet, self)
        files = ServiceFiles(parent=self, fleet=args.fleet, owner=name, user=USER)
        htpasswd = pulumi.Output.all(args.username, args.password).apply(lambda account: htpasswd_line(*account))
        service = swarm_service(
            SwarmService(
                fleet=args.fleet,
                name=name,
                image=args.image,
                command=("registry", "serve", _CONFIG),
                user=USER,
                limits=args.limits,
                health=wget_get(DEBUG_PORT, "/debug/health"),
                secrets=[files.secret("htpasswd", htpasswd, _HTPASSWD)],
                configs=[files.config("config", registry_config(), _CONFIG)],
                volumes={_DATA: volume.name},
                ports={PORT: args.port},
            ),
            parent=self,
        )
        self.outputs = RegistryOutputs(
            address=pulumi.Output.format("{0}:{1}", args.host, args.port), service_id=service.id
        )
        self.register_outputs(vars(self.outputs))


def htpasswd_line(username: str, password: str) -> str:
    """Return the line of an htpasswd file, the same at each call.

    The registry checks the hash at every request, hundreds for one image. So its cost is bcrypt's lowest: more of it
    protects passwords that can be guessed, and this one is random. Its salt is made of the password for the same cause.

    Raises:
        ValueError: the password is longer than 72 bytes.
    """
    digest = hashlib.sha256(f"{username}:{password}".encode()).digest()[:16]
    salt = base64.b64encode(digest).rstrip(b"=").translate(_TO_BCRYPT)
    return f"{username}:{bcrypt.hashpw(password.encode(), b'$2b$04$' + salt).decode()}\n"


def registry_config() -> str:
    """Return the registry's configuration (https://distribution.github.io/distribution/about/configuration/)."""
    return yaml.safe_dump(
        {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": _DATA},
                "delete": {"enabled": True},
                "cache": {"blobdescriptor": "inmemory"},
            },
            "http": {
                "addr": f":{PORT}",
                "debug": {"addr": f":{DEBUG_PORT}", "prometheus": {"enabled": True, "path": "/metrics"}},
            },
            "auth": {"htpasswd": {"realm": "mcp-fleet", "path": _HTPASSWD}},
        }
    )
