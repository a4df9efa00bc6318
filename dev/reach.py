"""What this machine has and reaches, asked once and in parallel; the rest of dev/ chooses by it."""

import http.client
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from dev import commands, home

SECONDS = 4.0
"""How long an address may take to answer before it counts as not reached."""
DOCKER_REGISTRY = "https://registry-1.docker.io/v2/"
PULUMI_DOWNLOADS = "https://get.pulumi.com/"
OLDEST_PULUMI = (3, 256)
"""The first Pulumi CLI with everything the program uses (resource hooks with on_error, runs on destroy)."""


@dataclass(frozen=True)
class Reach:
    """What was found, and what follows from it.

    Attributes:
        docker_host: Where the machine's own Docker answers (`unix://…`, `ssh://…`), or None.
        buildx: Whether its `docker buildx` works.
        own_possible: Whether an own dockerd can run here: on Linux, as root.
        pulumi: The version of the machine's own Pulumi CLI with its Python language host, or None.
        docker_registry: Whether the public image registry answers.
        pulumi_downloads: Whether Pulumi's own downloads (CLI, plugins) answer.
    """

    docker_host: str | None
    buildx: bool
    own_possible: bool
    pulumi: str | None
    docker_registry: bool
    pulumi_downloads: bool

    @property
    def own_engine(self) -> bool:
        """Whether Docker is one of ours: none answers, or the one that does could pull no image here, as ours can."""
        return self.docker_host is None or (self.own_possible and not self.docker_registry)

    @property
    def engine_host(self) -> str:
        """The address of the Docker in use."""
        return own_docker_host() if self.own_engine or self.docker_host is None else self.docker_host

    @property
    def image_mirror(self) -> bool:
        """Whether images come from stand-ins of ours: only an own engine can be told so."""
        return self.own_engine and not self.docker_registry


def reach() -> Reach:
    """What this machine has and reaches now; takes a few seconds at most."""
    with ThreadPoolExecutor(5) as pool:
        docker = pool.submit(_machine_docker)
        buildx = pool.submit(commands.output, ["docker", "buildx", "version"], environ=_users_environment())
        pulumi = pool.submit(_machine_pulumi)
        registry = pool.submit(_answers, DOCKER_REGISTRY)
        downloads = pool.submit(_answers, PULUMI_DOWNLOADS)
        return Reach(
            docker_host=docker.result(),
            buildx=bool(buildx.result()),
            own_possible=sys.platform == "linux" and os.geteuid() == 0,
            pulumi=pulumi.result(),
            docker_registry=registry.result(),
            pulumi_downloads=downloads.result(),
        )


def known() -> Reach:
    """What was found when this engine was first brought up, or what is found now.

    It is kept so that an engine that works isn't replaced by another because the network is away for a minute.
    `make down` forgets it.
    """
    try:
        return Reach(**json.loads(record().read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        found = reach()
        home.replace(record(), json.dumps(asdict(found), indent=2) + "\n")
        return found


def forget() -> None:
    """Ask again next time."""
    record().unlink(missing_ok=True)


def record() -> Path:
    """Where it is kept what was found."""
    return home.home() / "reach.json"


def _machine_docker() -> str | None:
    """The address of the Docker that the user's own settings lead to, if it answers, and ours isn't in use already."""
    version = ["docker", "version", "--format", "{{.Server.Version}}"]
    if commands.output(["docker", "--host", own_docker_host(), *version[1:]], timeout=SECONDS):
        return None
    environ = _users_environment()
    if commands.output(version, environ=environ, timeout=SECONDS) is None:
        return None
    context = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    return environ.get("DOCKER_HOST") or commands.output(context, environ=environ)


def _users_environment() -> dict[str, str]:
    """Our environment without what `fleet env` may have put into it: that leads to our own engine."""
    ours = {"DOCKER_HOST", "DOCKER_CONFIG"} if os.environ.get("DOCKER_HOST") == own_docker_host() else set()
    return {name: value for name, value in os.environ.items() if name not in ours}


def own_docker_host() -> str:
    """Where our own Docker answers, if it is in use."""
    return f"unix://{home.run() / 'docker.sock'}"


def _machine_pulumi() -> str | None:
    path = os.pathsep.join(
        folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder != str(home.binaries())
    )
    program = shutil.which("pulumi", path=path)
    if program is None or shutil.which("pulumi-language-python", path=path) is None:
        return None
    version = (commands.output([program, "version"]) or "").removeprefix("v")
    numbers = version.split(".")[:2]
    if not all(number.isdigit() for number in numbers) or tuple(map(int, numbers)) < OLDEST_PULUMI:
        return None
    return version


def _answers(address: str) -> bool:
    """Whether an HTTP server answers there; a refusal of an anonymous request is an answer, a proxy's isn't."""
    request = urllib.request.Request(address, method="HEAD")  # noqa: S310 - two constants, both https
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except (OSError, http.client.HTTPException):
        return False
