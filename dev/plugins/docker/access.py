"""Which Docker engine to use, and with which registry credentials: the provider's configuration.

Precedence is that of terraform-provider-docker 4.5.0, internal/provider/provider.go.
"""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dev.plugins.resource import OperationError
from dev.plugins.schema import Block, boolean, listing, string

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
DOCKER_HUB: Final = ("registry-1.docker.io", "index.docker.io", "docker.io", "registry.hub.docker.com")

REGISTRY_AUTH: Final = Block.of(
    address=string(required=True),
    username=string(),
    password=string(),
    configFile=string(),
    configFileContent=string(),
    authDisabled=boolean(),
)
CONFIG: Final = Block.of(
    host=string(),
    context=string(),
    sshOpts=listing(string()),
    caMaterial=string(),
    certMaterial=string(),
    keyMaterial=string(),
    certPath=string(),
    registryAuth=listing(REGISTRY_AUTH),
    disableDockerDaemonCheck=boolean(),
)


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach an engine.

    Attributes:
        host: its address: `unix://`, `tcp://` or `ssh://`.
        ssh_options: flags for ssh.
        cert_path: directory with ca.pem, cert.pem and key.pem; then TLS is used, and never ssh.
        skip_check: whether the first failure is reported without the advice of the daemon check.
    """

    host: str
    ssh_options: Sequence[str] = ()
    cert_path: str | None = None
    skip_check: bool = False


def access(config: Mapping[str, Any]) -> Access:
    """The engine that a provider configuration and the environment choose.

    Raises:
        OperationError: the context does not exist, or TLS material is given inline.
    """
    inline = [name for name in ("caMaterial", "certMaterial", "keyMaterial") if config.get(name)]
    if inline:
        raise OperationError(f"{inline[0]}: this stand-in takes TLS files by certPath, not as text")
    context = config.get("context") or os.environ.get("DOCKER_CONTEXT")
    return Access(
        host=_context_host(context) if context else config.get("host") or default_host(),
        ssh_options=config.get("sshOpts") or os.environ.get("DOCKER_SSH_OPTS", "").split(),
        cert_path=config.get("certPath") or os.environ.get("DOCKER_CERT_PATH") or None,
        skip_check=bool(config.get("disableDockerDaemonCheck")),
    )


def default_host() -> str:
    """The engine that is used while none is configured."""
    return os.environ.get("DOCKER_HOST") or DEFAULT_HOST


def _context_host(name: str) -> str:
    for path in sorted((Path.home() / ".docker/contexts/meta").glob("*/meta.json")):
        meta = json.loads(path.read_text())
        if meta.get("Name") == name:
            return str(meta["Endpoints"]["docker"]["Host"])
    raise OperationError(f"Error loading Docker context '{name}': context '{name}' not found")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Registry logins, by the registry's host name and port."""

    by_registry: Mapping[str, Mapping[str, str]]

    def header(self, image: str) -> str:
        """The `X-Registry-Auth` for an image: `{}` encoded when no login matches the text before its first `/`."""
        registry, slash, _ = image.replace("http://", "", 1).replace("https://", "", 1).partition("/")
        login: Mapping[str, str] = {}
        if slash:
            login = self.by_registry.get(registry, {})
            if not login and registry in DOCKER_HUB:
                login = next((self.by_registry[name] for name in DOCKER_HUB if name in self.by_registry), {})
        return encoded_login(login)


def encoded_login(login: Mapping[str, str]) -> str:
    """A login as the `X-Registry-Auth` header has it."""
    return base64.urlsafe_b64encode(json.dumps(login).encode()).decode()


def credentials(config: Mapping[str, Any]) -> Credentials:
    """The logins of a provider configuration: username first, then configFileContent, then configFile.

    Raises:
        OperationError: a Docker configuration file cannot be read or has no login for the registry.
    """
    return Credentials(dict(_login(entry) for entry in config.get("registryAuth") or []))


def _login(entry: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    address = str(entry["address"])
    scheme = "http://" if address.startswith("http://") else "https://"
    registry = address.removeprefix("http://").removeprefix("https://").partition("/")[0]
    username = entry.get("username") or os.environ.get("DOCKER_REGISTRY_USER", "")
    password = entry.get("password") or os.environ.get("DOCKER_REGISTRY_PASS", "")
    if entry.get("authDisabled"):
        username, password = "username", "password"  # what the real provider sends then
    elif not username:
        username, password = _login_of_file(entry, registry)
    return registry, {"username": username, "password": password, "serveraddress": scheme + registry}


def _login_of_file(entry: Mapping[str, Any], registry: str) -> tuple[str, str]:
    from docker.auth import AuthConfig

    content = entry.get("configFileContent")
    try:
        text = content or _config_file(entry).read_text()
        config = json.loads(text)
        logins = AuthConfig(
            {
                "auths": AuthConfig.parse_auth(config.get("auths") or {}, raise_on_error=True),
                "credsStore": config.get("credsStore"),
                "credHelpers": config.get("credHelpers") or {},
            }
        )
        login = logins.resolve_authconfig("docker.io" if registry in DOCKER_HUB else registry) or {}
    except (OSError, ValueError) as error:
        raise OperationError(f"registryAuth of {registry}: cannot read the Docker configuration: {error}") from error
    return login.get("Username") or login.get("username") or "", login.get("Password") or login.get("password") or ""


def _config_file(entry: Mapping[str, Any]) -> Path:
    path = Path(entry.get("configFile") or os.environ.get("DOCKER_CONFIG") or "~/.docker/config.json").expanduser()
    return path / "config.json" if path.is_dir() else path
