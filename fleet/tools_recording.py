"""Asks a server's real image for its tools: built as `up` builds it, run once without network, secrets or data.

The container gets the line's arguments, plain variables and files, and a dummy for each secret. What it lists then is
what the code says, whatever a backend would add: a server that asks one before it lists tools can't be recorded so.
"""

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from mcp import StdioServerParameters

from components.image import CONTEXT, BaseImages, RegistryAccount, build_args, server_contexts
from components.server import USER
from fleet import project, stackfile, tools_listing, tools_lock
from fleet.errors import FleetError
from fleet.image_lookup import buildx_command
from fleet.image_signatures import verify_signature
from stacks import recorded_tools
from stacks.config import ServerConfig, StackConfig
from stacks.images import read_images
from stacks.own_code import OwnCodeError
from stacks.package_locks import existing_lock, lock_folder
from stacks.problems import BadStackError
from stacks.recorded_tools import Line, Lock, Surface
from stacks.server_image import BUILDER_VARIABLE, DEFAULT_BUILDER, program, server_image_args
from stacks.source import NpmSource, PypiSource, Source

BUILD_SECONDS = 1800
REMOVE_SECONDS = 60
DUMMY = "dummy"
"""What a secret is while tools are recorded."""
DUMMY_DATABASE = "postgresql://dummy:dummy@localhost/dummy"
"""What the connection string of a server's database is then."""
LAST_LINES = 5
MEMORY = "1g"
PROCESSES = 256
ISOLATED = (
    "--network=none",
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    f"--user={USER}",
    f"--memory={MEMORY}",
    f"--pids-limit={PROCESSES}",
    "--tmpfs=/tmp:size=64m",
    "--tmpfs=/data:size=64m,uid=10001,gid=10001",
)
"""How it is run: https://docs.docker.com/reference/cli/docker/container/run/."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where images are built and run: a project, and the whole environment of the commands.

    `locks` is a folder with locks that the project has not yet.
    """

    project: Path
    environment: Mapping[str, str]
    locks: Path | None = None

    @property
    def lock_root(self) -> Path:
        """Where a new lock belongs."""
        return self.locks or self.project

    def lock(self, source: Source) -> str:
        """Return the folder of a package's lock; empty where it has none."""
        if not isinstance(source, PypiSource | NpmSource):
            return ""
        roots = (self.lock_root, self.project)
        return next((str(root / lock_folder(source)) for root in roots if existing_lock(source, root)), "")


def record_all(stack: str, servers: Sequence[str] | None) -> Iterator[tuple[str, int]]:
    """Record tools in the project's lock, and drop from it what no stack's line needs any more.

    Args:
        servers: which servers of the stack; None for those that are not recorded for their line.

    Yields:
        Each server once it is recorded, and how many tools it has.

    Raises:
        FleetError: the stack has no such server, or some could not be recorded: the others are.
    """
    workshop = Workshop(project=project.directory(), environment=project.environment())
    config, lock = _config(workshop.project, stack), tools_lock.read(workshop.project)
    wanted = servers if servers is not None else list(_unrecorded(config, lock, workshop.project))
    stackfile.require_servers(config, stack, wanted)
    lock = lock.only(_lines(workshop.project))
    tools_lock.write(lock, workshop.project)
    failed: list[FleetError] = []
    for name in wanted:
        try:
            verify_signature(name, config, workshop.project, workshop.environment)
            surface = record(name, config.servers[name], workshop)
        except FleetError as error:
            failed.append(error)
            continue
        lock = lock.with_surface(name, surface)
        tools_lock.write(lock, workshop.project)
        yield name, len(surface.tools)
    if failed:
        raise FleetError("\n".join(map(str, failed)), hint=failed[0].hint)


def _unrecorded(config: StackConfig, lock: Lock, root: Path) -> Iterator[str]:
    for name, server in config.servers.items():
        if not server.remote and recorded_tools.unrecorded(name, server, lock, recorded_tools.code(server, root)):
            yield name


def _lines(root: Path) -> Mapping[str, frozenset[Line]]:
    """The lines of all stacks of a project, by server."""
    lines: dict[str, frozenset[Line]] = {}
    for stack in project.stacks(root):
        for name, server in _config(root, stack).servers.items():
            lines[name] = lines.get(name, frozenset()) | {recorded_tools.line(server)}
    return lines


def _config(root: Path, stack: str) -> StackConfig:
    return stackfile.read_config(stackfile.read(project.existing_stack_file(root, stack)), stack)


def record(name: str, server: ServerConfig, workshop: Workshop) -> Surface:
    """Return the tools of a server. Raises FleetError where its image can't be built, or lists none in time."""
    if server.remote:
        raise FleetError(
            f"{name} is a remote server, which lists its tools only with the fleet's credentials",
            hint=f"once it is up: fleet call {name} --list",
        )
    with _image(name, server, workshop) as image:
        tools = _ask(name, server, image, workshop)
    return Surface(
        line=recorded_tools.line(server),
        code=recorded_tools.code(server, workshop.project),
        tools={str(tool["name"]): recorded_tools.tool(tool) for tool in tools},
    )


@contextmanager
def _image(name: str, server: ServerConfig, workshop: Workshop) -> Iterator[str]:
    """Build the image into the engine, and remove it afterwards; its layers stay in the builder for `up`."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "image"
        command = [*buildx_command(workshop.environment), "build", "--quiet", "--load", f"--iidfile={told}"]
        _run([*command, *build_options(server, workshop)], f"the image of {name!r} was not built", workshop)
        image = told.read_text(encoding="utf-8").strip()
    try:
        yield image
    finally:
        subprocess.run(
            [_program("docker", workshop), "image", "rm", image],
            env=dict(workshop.environment),
            capture_output=True,
            timeout=REMOVE_SECONDS,
            check=False,  # another name of the same image may be in use
        )


def build_options(server: ServerConfig, workshop: Workshop) -> list[str]:
    """Return what `docker buildx build` is told of a server's image, and its context. Raises FleetError."""
    try:
        images = read_images(workshop.project, workshop.environment)
        args = server_image_args(
            server,
            workshop.project,
            bases=BaseImages(python=images["python"], node=images["node"]),
            registry=RegistryAccount(address="", namespace="", username="", password=""),  # nothing is pushed
            builder=workshop.environment.get(BUILDER_VARIABLE) or DEFAULT_BUILDER,
        )
    except (BadStackError, OwnCodeError) as error:
        raise FleetError(str(error)) from error
    args = replace(args, lock=workshop.lock(server.source))
    contexts = server_contexts(args.path, args.lock)
    return [
        f"--builder={args.builder}",
        f"--file={CONTEXT}/{args.kind}.Dockerfile",
        *(f"--build-context={name}={path}" for name, path in contexts.items()),
        *(f"--build-arg={name}={value}" for name, value in build_args(args).items()),
        CONTEXT,
    ]


def _ask(name: str, server: ServerConfig, image: str, workshop: Workshop) -> Sequence[Mapping[str, Any]]:
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
        tempfile.TemporaryDirectory() as folder,
    ):
        files = _written(server, Path(folder))
        try:
            return tools_listing.list_tools(
                lambda: _container(name, server, image, workshop, files), server.start_seconds, said
            )
        except tools_listing.NoToolsError as error:
            raise FleetError(
                f"{name} did not list its tools within {server.start_seconds} s, without network and with a dummy for "
                f"each secret{_last_lines(said)}",
                hint="if it needs its backend before it lists tools, they can't be recorded: the comment will say so",
            ) from error


@contextmanager
def _container(
    name: str, server: ServerConfig, image: str, workshop: Workshop, files: Mapping[str, Path]
) -> Iterator[StdioServerParameters]:
    """Give the command that runs the server in a container, which is removed afterwards."""
    container = f"mcp-fleet-tools-{name}-{secrets.token_hex(4)}"
    docker = _program("docker", workshop)
    command = run_command(server, image, container, workshop, files)
    try:
        yield StdioServerParameters(command=docker, args=command, env=dict(workshop.environment))
    finally:
        _remove(docker, container, workshop)


def _written(server: ServerConfig, folder: Path) -> Mapping[str, Path]:
    """Write the files of a server's line, for everybody to read; return them by their paths in its container."""
    folder.chmod(0o755)
    written = {path: folder / str(number) for number, path in enumerate(server.files)}
    for path, file in written.items():
        file.write_text(server.files[path], encoding="utf-8")
        file.chmod(0o644)
    return written


def run_command(
    server: ServerConfig, image: str, container: str, workshop: Workshop, files: Mapping[str, Path]
) -> list[str]:
    """Return how the server's command is run: what `docker` is told. `files` are mounted by their paths."""
    variables = {**server.env, **dict.fromkeys(server.secrets, DUMMY)}
    if server.database:
        variables[server.database] = DUMMY_DATABASE
    return [
        "run",
        "--rm",
        "--interactive",
        "--init",
        f"--name={container}",
        *ISOLATED,
        *(f"--env={key}={value}" for key, value in variables.items()),
        *(f"--mount=type=bind,source={file},target={path},readonly" for path, file in files.items()),
        f"--entrypoint={program(server, workshop.project)}",
        image,
        *server.args,
    ]


def _last_lines(said: TextIO) -> str:
    said.seek(0)
    lines = [line.strip() for line in said.read().splitlines() if line.strip()]
    return ", and said last:\n" + "\n".join(f"  {line}" for line in lines[-LAST_LINES:]) if lines else ""


def _remove(docker: str, container: str, workshop: Workshop) -> None:
    """End a container that outlived its input; one that is gone already is none."""
    subprocess.run(
        [docker, "rm", "--force", container],
        env=dict(workshop.environment),
        capture_output=True,
        timeout=REMOVE_SECONDS,
        check=False,
    )


def _program(name: str, workshop: Workshop) -> str:
    found = shutil.which(name, path=workshop.environment.get("PATH"))
    if found is None:
        raise FleetError(f"no `{name}` on PATH", hint="install Docker's command line; `fleet doctor` says what is used")
    return found


def _run(command: Sequence[str], failed: str, workshop: Workshop) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=workshop.project,
            env=dict(workshop.environment),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FleetError(f"{failed} within {BUILD_SECONDS} s") from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        told = "\n".join(f"  {line}" for line in lines[-LAST_LINES:])
        raise FleetError(f"{failed}:\n{told}", hint="`fleet engine` brings up what builds it")
