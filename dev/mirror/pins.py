"""Re-resolves the pins of images.lock.json, where the public registry is reached.

The digests that the lock started with are those that several public repositories pin the same tags to. Only
hashicorp/consul:2.0.2 was seen in one place alone (one that pins hashicorp/vault and redis as everybody else does).
"""

import json
from pathlib import Path

from dev import commands, home
from dev.errors import EngineError
from dev.progress import Step

LOCK = home.CHECKOUT / "images.lock.json"
INSPECT_SECONDS = 60
PLATFORMS = {("linux", "amd64"), ("linux", "arm64")}


def resolve(step: Step, lock: Path = LOCK) -> list[str]:
    """Give every reference of `lock` the digest that its tag has now.

    Returns:
        The references that changed.

    Raises:
        EngineError: A tag can't be resolved, or isn't there for both amd64 and arm64; the lock is left as it was.
    """
    pins: dict[str, str] = json.loads(lock.read_text())
    found = {}
    for number, (key, pin) in enumerate(pins.items()):
        reference = pin.partition("@")[0]
        step.update(reference, number, len(pins))
        found[key] = f"{reference}@{_digest(reference)}"
    home.replace(lock, json.dumps(found, indent=2) + "\n")
    return [found[key] for key in pins if found[key] != pins[key]]


def _digest(reference: str) -> str:
    """The digest of the index of all platforms that a tag names."""
    argv = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", reference]
    answer = commands.output(argv, timeout=INSPECT_SECONDS)
    if answer is None:
        raise EngineError(f"{reference}: can't be resolved\n  see why: {' '.join(argv[:4])} {reference}")
    manifest = json.loads(answer)
    platforms = {
        (each["platform"]["os"], each["platform"]["architecture"])
        for each in manifest.get("manifests", [])
        if "platform" in each
    }
    if not platforms >= PLATFORMS:
        raise EngineError(f"{reference}: not an image for both amd64 and arm64; choose another tag in images.lock.json")
    return str(manifest["digest"])
