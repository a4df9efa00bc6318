"""What is in use on this machine, why, and whether it is in order: `fleet doctor`. Nothing is changed by asking."""

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev import buildkit, commands, go_tools, home, pulumi_engine, reach, stack
from dev.environment import environment
from dev.reach import Reach

REMEDY = "`make engine` brings it up"


@dataclass(frozen=True)
class Finding:
    """One subject: which variant of it is in use, and why; if `ok` is false, `why` says what to do."""

    subject: str
    variant: str
    why: str
    ok: bool


def findings() -> list[Finding]:
    """All subjects, in the order in which they depend on each other."""
    found = reach.known()
    checks: tuple[Callable[[Reach], Finding], ...] = (
        _python,
        _docker,
        _swarm,
        _limits,
        _builder,
        _images,
        _pulumi,
        _language_host,
        _docker_build_plugin,
        _stand_ins,
        _state,
    )
    return [check(found) for check in checks]


def _python(found: Reach) -> Finding:
    outside = Path(sys.prefix) != home.CHECKOUT / ".venv"
    why = "run it by bin/fleet" if outside else "requirements.lock, by uv"
    return Finding("Python", f"{platform.python_version()} in {sys.prefix}", why, not outside)


def _docker(found: Reach) -> Finding:
    told = _docker_says(found, "version", "--format", "{{.Server.Version}}")
    version = f" {told}" if told else ""
    if not found.own_engine:
        why = "it answers" if told else f"it doesn't answer: start it, or forget it by removing {reach.record()}"
        return Finding("Docker", f"your own{version}, at {found.docker_host}", why, bool(told))
    reason = (
        "yours can pull no image here, and a mirror is the engine's setting"
        if found.docker_host
        else "no other answered"
    )
    why = reason if told else f"it isn't running: {REMEDY}"
    return Finding("Docker", f"own engine{version}, at {reach.own_docker_host()}", why, bool(told))


def _swarm(found: Reach) -> Finding:
    told = _docker_says(found, "info", "--format", "{{json .Swarm}}")
    swarm = json.loads(told) if told else {}
    state = str(swarm.get("LocalNodeState", "unknown"))
    if state == "active" and swarm.get("ControlAvailable"):
        return Finding("Swarm", f"active, {swarm['Nodes']} node(s)", "this engine manages it", ok=True)
    return Finding("Swarm", state, f"no Swarm manager here: {REMEDY}", ok=False)


def _limits(found: Reach) -> Finding:
    if not found.own_engine:
        why = "what your Docker has by default: no-new-privileges and a pids limit are in the hosts' daemon.json only"
        return Finding("container defaults", "your Docker's", why, ok=True)
    why = "a Swarm service can't ask for them by itself"
    return Finding("container defaults", "no-new-privileges, pids limit, log rotation", why, ok=True)


def _builder(found: Reach) -> Finding:
    if not found.own_engine:
        return Finding("image builder", "a container of your Docker", "buildx builds images that are pushed", ok=True)
    runs = buildkit.answers()
    variant = f"own buildkitd {go_tools.BUILDKITD.version()} on this machine"
    why = "beside our own engine, whose containers aren't privileged" if runs else f"it isn't running: {REMEDY}"
    return Finding("image builder", variant, why, runs)


def _images(found: Reach) -> Finding:
    if not found.image_mirror:
        why = "the public image registry is reached" if found.docker_registry else "your Docker must have them already"
        return Finding("images", "official, images.lock.json", why, ok=True)
    made = home.images_lock().is_file()
    why = "the public image registry isn't reached" if made else f"not made yet: {REMEDY}"
    return Finding("images", f"stand-ins from Debian packages, {home.images_lock()}", why, made)


def _pulumi(found: Reach) -> Finding:
    program = shutil.which("pulumi", path=environment()["PATH"])
    version = commands.output([program, "version"]) if program else None
    if version is None:
        return Finding("Pulumi", "none", f"not made yet: {REMEDY}", ok=False)
    if found.pulumi:
        return Finding("Pulumi", f"your own {version}", "it is new enough, with its Python language host", ok=True)
    if found.pulumi_downloads:
        return Finding("Pulumi", f"official {version}, downloaded", "you have none that is new enough", ok=True)
    return Finding("Pulumi", f"{version}, built from its Go modules", "Pulumi's downloads aren't reached", ok=True)


def _language_host(found: Reach) -> Finding:
    subject = "Pulumi for Python"
    if found.pulumi or found.pulumi_downloads:
        return Finding(subject, "official language host", "it comes with the CLI", ok=True)
    there = os.access(home.binaries() / pulumi_engine.LANGUAGE_HOST, os.X_OK)
    why = "the official one is no Go module, and Pulumi's downloads aren't reached" if there else REMEDY
    return Finding(subject, "stand-in on the SDK's own language server", why, there)


def _docker_build_plugin(found: Reach) -> Finding:
    subject = "plugin docker-build"
    if found.pulumi_downloads:
        return Finding(subject, "official", "downloaded by Pulumi when it first needs it", ok=True)
    there = go_tools.built(go_tools.DOCKER_BUILD)
    why = "Pulumi's downloads aren't reached" if there else f"not made yet: {REMEDY}"
    return Finding(subject, f"{go_tools.DOCKER_BUILD.version()}, built from its Go modules", why, there)


def _stand_ins(found: Reach) -> Finding:
    subject = f"plugins {', '.join(pulumi_engine.STAND_INS)}"
    if found.pulumi_downloads:
        return Finding(subject, "official", "downloaded by Pulumi when it first needs them", ok=True)
    there = all(pulumi_engine.stand_in(name).is_file() for name in pulumi_engine.STAND_INS)
    why = "they are no Go modules, and Pulumi's downloads aren't reached" if there else f"not made yet: {REMEDY}"
    return Finding(subject, "stand-ins, dev/plugins", why, there)


def _state(found: Reach) -> Finding:
    stacks = stack.deployed()
    why = f"deployed: {', '.join(stacks)}" if stacks else "nothing is deployed"
    return Finding("state", str(home.state()), why, ok=True)


def _docker_says(found: Reach, *arguments: str) -> str | None:
    return commands.output(["docker", "--host", found.engine_host, *arguments])
