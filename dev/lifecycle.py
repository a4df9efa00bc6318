"""Bring the engine and a stack up, and take them down: what `make up`, `make down` and `make clean` do."""

import os
from functools import partial
from pathlib import Path

from dev import buildkit, commands, debian, docker_engine, go_tools, home, lanes, mirror, pulumi_engine, reach, stack
from dev.environment import environment
from dev.errors import EngineError
from dev.lock import engine_lock
from dev.progress import Steps
from dev.reach import Reach

DEV_STACK = "dev"


def engine_up() -> None:
    """Bring up everything that a stack runs on: Docker with a Swarm, the image builder, the Pulumi engine.

    Whatever is there already is left as it is, so a second call takes a moment. One line a step on stderr.

    Raises:
        EngineError: Something needed can't be had; with what to do.
    """
    with Steps() as steps, engine_lock(steps):
        _engine_up(steps)


def up(name: str = DEV_STACK, project: Path = home.CHECKOUT) -> None:
    """Bring up the engine, then the stack `name` of the project folder.

    Raises:
        EngineError: The engine can't be brought up, or the deployment failed; what failed has been printed.
    """
    with Steps() as steps:
        with engine_lock(steps):
            _engine_up(steps)
        stack.deploy(name, project, steps)


def down(name: str = DEV_STACK, project: Path = home.CHECKOUT) -> None:
    """Destroy the stack `name`, then stop what was started for it, unless other stacks still run on it.

    Raises:
        EngineError: The stack can't be destroyed.
    """
    with Steps() as steps:
        if _down(name, project, steps) and home.binaries().is_dir():
            kept = f"Kept for the next time: programs, images and caches in {home.home()}"
            steps.say(f"{kept}; `make clean` removes them.")


def clean() -> None:
    """Take the dev stack down and remove everything that was kept: programs, images, caches, state.

    Raises:
        EngineError: Other stacks still run on the engine.
    """
    with Steps() as steps:
        _down(DEV_STACK, home.CHECKOUT, steps)
        with engine_lock(steps):
            _remove_all(steps)


def _remove_all(steps: Steps) -> None:
    found = reach.known()
    if left := sorted({*_stacks_on(found), *(f"stack {name}" for name in stack.deployed())}):
        raise EngineError(
            f'still in use: {", ".join(left)}\n  destroy them first: eval "$(bin/fleet env)"; pulumi destroy -s NAME'
        )
    with steps.step("caches") as step:
        if not found.own_engine:
            buildkit.remove_container(found)
        size = _size_of_home()
        home.remove()
        step.done(f"removed {home.home()} ({size})")


def _engine_up(steps: Steps) -> None:
    with steps.step("this machine") as step:
        step.update("looking what it has and reaches")
        found = reach.known()
    os.environ["PATH"] = environment()["PATH"]
    home.state().mkdir(parents=True, exist_ok=True)

    def engine() -> None:
        _docker_up(found, steps)

    def pulumi() -> None:
        with steps.step("Pulumi") as step:
            pulumi_engine.install(found, step)
        with steps.step("Pulumi plugins") as step:
            pulumi_engine.install_plugins(found, step)

    lanes.run_all(engine, pulumi)


def _docker_up(found: Reach, steps: Steps) -> None:
    registry_mirror = None
    if found.own_engine:
        with steps.step("Debian packages") as step:
            debian.ensure(docker_engine.PACKAGES, step)
    if found.image_mirror:
        with steps.step("image mirror") as step:
            debian.ensure(mirror.PACKAGES, step)
            registry_mirror = mirror.serve()
            step.done(f"at {registry_mirror}: the public image registry isn't reached")
    with steps.step("Docker") as step:
        if found.own_engine:
            docker_engine.start_own(registry_mirror, step)
        else:
            step.done(f"your own, at {found.docker_host}")
    with steps.step("Swarm") as step:
        docker_engine.join_swarm(found.engine_host, own=found.own_engine, step=step)
    with steps.step("image builder") as step:
        if found.own_engine:
            go_tools.ensure([go_tools.BUILDX, go_tools.BUILDCTL, go_tools.BUILDKITD], step)
            buildkit.start_own(registry_mirror, step)
        else:
            if not found.buildx:
                go_tools.ensure([go_tools.BUILDX], step)
            buildkit.use_container(found, step)
    if registry_mirror:
        with steps.step("images") as step:
            mirror.ensure(step)
            step.done("stand-ins built from Debian packages")


def _down(name: str, project: Path, steps: Steps) -> bool:
    """Destroy the stack, then stop the engine; returns False if that stays up for others."""
    if stack.exists(name):
        with engine_lock(steps):
            _engine_up(steps)
        stack.destroy(name, project, steps)
    with engine_lock(steps):
        return _engine_down(steps)


def _engine_down(steps: Steps) -> bool:
    found = reach.known()
    if left := _stacks_on(found):
        steps.say(f"The engine stays up: it still runs {', '.join(left)}.")
        return False
    with steps.step("engine") as step:
        stops = {
            "image builder": buildkit.stop_own if found.own_engine else partial(buildkit.stop_container, found),
            "Swarm": docker_engine.leave_swarm,
            "Docker": docker_engine.stop_own,
            "image mirror": mirror.stop,
        }
        stopped = [what for what, stop in stops.items() if stop()]
        step.done(f"stopped: {', '.join(stopped)}" if stopped else "nothing of ours was running")
    reach.forget()
    return True


def _stacks_on(found: Reach) -> list[str]:
    """Whose services the engine runs; on the machine's own Docker, those of other projects are none of our business."""
    services = docker_engine.services(found.engine_host)
    return sorted(f"stack {name}" if name else "other services" for name in services if name or found.own_engine)


def _size_of_home() -> str:
    """How much disk MCP_FLEET_HOME takes, as `du` says it."""
    told = commands.output(["du", "--summarize", "--human-readable", str(home.home())], timeout=60) or "?"
    return told.split()[0]
