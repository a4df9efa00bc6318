"""Builds the stand-ins that are missing or no longer what they should be, and writes their lock."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TypedDict

from dev import commands, debian, home
from dev.errors import EngineError
from dev.mirror import recipes, rootfs, server
from dev.mirror.recipes import BASE, WITH_CLIENTS, Machine, Recipe
from dev.progress import Step

PACKAGES = ("docker-registry", "mmdebstrap")
"""The Debian packages that the mirror needs."""


class Built(TypedDict):
    """What is known of a stand-in that was built."""

    reference: str
    fingerprint: str
    digest: str


def ensure(step: Step) -> Path:
    """Have every stand-in in the mirror. Takes milliseconds if nothing changed, else needs a running buildkitd.

    Args:
        step: Is told which stand-in is being made and how many are left.

    Returns:
        The lock with their digests: the same keys as the checkout's, without the images that can't be had from Debian.

    Raises:
        EngineError: A build failed, or this machine reaches no Debian archive.
    """
    address = server.serve()
    with server.exclusively("ensure"):
        machine = Machine.read()
        wanted = recipes.recipes(machine, recipes.references())
        built = _read()
        outdated = [recipe for recipe in wanted if not _is_current(recipe, built.get(recipe.key), address)]
        if outdated:
            debian.ensure(PACKAGES, step)
            shutil.rmtree(_scratch(), ignore_errors=True)  # what a killed run left
            _scratch().mkdir()
        for number, recipe in enumerate(outdated):
            step.update(recipe.name, number, len(outdated))
            digest = _build(recipe, machine, address, built, step)
            built[recipe.key] = Built(reference=recipe.reference, fingerprint=recipe.fingerprint, digest=digest)
            home.replace(_record(), json.dumps(built, indent=2) + "\n")
        pins = {each.key: f"{each.reference}@{built[each.key]['digest']}" for each in wanted if each.key != BASE}
        home.replace(home.images_lock(), json.dumps(pins, indent=2) + "\n")
    return home.images_lock()


def _scratch() -> Path:
    return server.folder() / "scratch"


def _record() -> Path:
    return server.folder() / "built.json"


def _read() -> dict[str, Built]:
    try:
        found: dict[str, Built] = json.loads(_record().read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _is_current(recipe: Recipe, built: Built | None, address: str) -> bool:
    return (
        built is not None
        and built["fingerprint"] == recipe.fingerprint
        and server.holds(address, recipe.repository, built["digest"])
    )


def _build(recipe: Recipe, machine: Machine, address: str, built: dict[str, Built], step: Step) -> str:
    """Build one stand-in and push it to the mirror. Returns its digest."""
    with tempfile.TemporaryDirectory(dir=_scratch()) as scratch:
        context = Path(scratch) / "context"
        context.mkdir()
        options: list[str] = []
        if recipe.key == BASE:
            rootfs.make(context, machine.archive, machine.apt_options, step)
        else:
            base = f"{address}/{recipes.BASE_REFERENCE.partition('/')[2]}@{built[BASE]['digest']}"
            options += ["--opt", f"build-arg:BASE={base}"]
        if recipe.key in WITH_CLIENTS:
            for path, text in machine.clients.files.items():
                file = context / path.lstrip("/")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        if recipe.key == "python":
            options += ["--opt", f"build-arg:UV_HTTP_TIMEOUT={machine.clients.uv_timeout}"]
        if recipe.key == "node":
            options += ["--opt", "context:wheel=local:wheel", "--local", f"wheel={recipes.node_folder()}"]
        metadata = Path(scratch) / "metadata.json"
        argv = [_buildctl(), "--addr", _buildkit_address(), "build", "--progress", "plain"]
        argv += ["--frontend", "dockerfile.v0", "--opt", f"filename={recipe.dockerfile.name}", *options]
        argv += ["--local", f"context={context}", "--local", f"dockerfile={recipe.dockerfile.parent}"]
        argv += ["--output", f"type=image,name={address}/{recipe.name},push=true,registry.insecure=true"]
        argv += ["--metadata-file", str(metadata)]
        commands.run(argv, name=f"mirror-{recipe.key}")
        return str(json.loads(metadata.read_text())["containerimage.digest"])


def _buildctl() -> str:
    path = os.pathsep.join((str(home.binaries()), os.environ.get("PATH", os.defpath)))
    found = shutil.which("buildctl", path=path)
    if found is None:
        raise EngineError(f"buildctl: not found in {home.binaries()} or on PATH\n  `make engine` builds it")
    return found


def _buildkit_address() -> str:
    """Where our buildkitd listens; BUILDKIT_HOST (buildctl's own variable) chooses another."""
    return os.environ.get("BUILDKIT_HOST") or f"unix://{home.run() / 'buildkitd.sock'}"
