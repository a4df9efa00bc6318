"""The Pulumi engine: CLI, Python language host and plugins; the official ones where they are or can be had."""

import importlib.metadata
import shlex
import shutil
from pathlib import Path

from dev import go_tools, home
from dev.environment import CHECKOUT_VARIABLE
from dev.errors import EngineError
from dev.progress import Step
from dev.reach import Reach

LANGUAGE_HOST = "pulumi-language-python"
DYNAMIC_HOST = "pulumi-resource-pulumi-python"
STAND_INS = {"aws": "pulumi-aws", "docker": "pulumi-docker", "random": "pulumi-random"}
"""Providers with a stand-in in dev/plugins, and the SDK whose version the engine asks for."""


def install(found: Reach, step: Step) -> None:
    """Have a Pulumi CLI and a Python language host in place.

    Raises:
        EngineError: It can't be downloaded, or can't be built.
    """
    if found.pulumi:
        _remove_programs()
        step.done(f"your own, {found.pulumi}")
    elif found.pulumi_downloads:
        _download(step)
        step.done("official, downloaded")
    else:
        go_tools.ensure([go_tools.PULUMI], step)
        home.replace(home.binaries() / LANGUAGE_HOST, launcher("dev.language_host"), mode=0o755)
        home.replace(home.binaries() / DYNAMIC_HOST, launcher("pulumi.dynamic"), mode=0o755)
        step.done(f"{go_tools.PULUMI.version()} built from its Go modules: Pulumi's downloads aren't reached")


def install_plugins(found: Reach, step: Step) -> None:
    """Put the provider plugins where the engine looks before it downloads any."""
    if found.pulumi_downloads:
        for name in STAND_INS:
            _remove_plugin(name)
        step.done("official, downloaded by Pulumi when it first needs them")
        return
    go_tools.ensure([go_tools.DOCKER_BUILD], step)
    real = _plugin("docker-build", go_tools.DOCKER_BUILD.version())
    if not real.is_symlink() or real.readlink() != go_tools.DOCKER_BUILD.path():
        real.parent.mkdir(parents=True, exist_ok=True)
        real.unlink(missing_ok=True)
        real.symlink_to(go_tools.DOCKER_BUILD.path())
    for name in STAND_INS:
        home.replace(stand_in(name), launcher(f"dev.plugins.{name}"), mode=0o755)
    step.done("docker-build real; stand-ins of docker, random and aws: Pulumi's downloads aren't reached")


def stand_in(name: str) -> Path:
    """Where the engine looks for the plugin that the installed SDK of the provider `name` asks for."""
    return _plugin(name, f"v{importlib.metadata.version(STAND_INS[name])}")


def launcher(module: str) -> str:
    """The script that the engine starts as a plugin: `module`, from the checkout whose environment is in use."""
    # -u: the engine waits for the port that a plugin prints first. -P: the folder it runs in is the project's, which
    # may have a folder `dev` of its own; a dynamic provider's code, though, is looked for there.
    flags = "-u -P" if module.startswith("dev.") else "-u"
    return f"""#!/bin/sh
checkout=${{{CHECKOUT_VARIABLE}:-{shlex.quote(str(home.CHECKOUT))}}}
PYTHONPATH="$checkout" exec "$checkout/.venv/bin/python" {flags} -m {module} "$@"
"""


def _plugin(name: str, version: str) -> Path:
    # The layout of PULUMI_HOME: https://www.pulumi.com/docs/iac/concepts/plugins/
    return home.pulumi_home() / "plugins" / f"resource-{name}-{version}" / f"pulumi-resource-{name}"


def _remove_plugin(name: str) -> None:
    """Remove stand-ins of an earlier run, so that the engine fetches the official plugin."""
    for folder in (home.pulumi_home() / "plugins").glob(f"resource-{name}-v*"):
        script = folder / f"pulumi-resource-{name}"
        if script.is_file() and script.read_bytes()[:200].find(CHECKOUT_VARIABLE.encode()) >= 0:
            shutil.rmtree(folder)


def _remove_programs() -> None:
    """Ours come first on PATH: they must not hide the machine's own."""
    for name in ("pulumi", LANGUAGE_HOST, DYNAMIC_HOST):
        (home.binaries() / name).unlink(missing_ok=True)


def _download(step: Step) -> None:
    """The official CLI of the version that the SDK was made with, into MCP_FLEET_HOME/bin."""
    from pulumi.automation import PulumiCommand  # most of a second, and only needed here

    step.update("downloading the CLI")
    if (home.binaries() / LANGUAGE_HOST).is_file() and go_tools.built(go_tools.PULUMI):
        _remove_programs()
    try:
        PulumiCommand.install(root=str(home.home()))
    except Exception as error:
        remedy = "install it yourself: https://www.pulumi.com/docs/install/"
        raise EngineError(f"Pulumi couldn't be downloaded: {error}\n  {remedy}") from error
