"""The pinned images that a fleet starts from."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from .problems import BadStackError

LOCK_VARIABLE = "MCP_FLEET_IMAGES_LOCK"
"""Environment variable with the path of another lock, where a mirror stands in for the public registries."""

REQUIRED = ("python", "node", "registry", "consul", "redis", "redis-exporter", "postgres", "prometheus")
"""Grafana is not among them: a fleet runs without it where its image can't be had."""


def read_images(root: Path, environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Return references with digests by name, from the lock in `root` or the one that LOCK_VARIABLE names in `environ`.

    Raises BadStackError where the lock can't be read, lacks an image, or has one without a digest.
    """
    path = Path(environ.get(LOCK_VARIABLE) or root / "images.lock.json")
    try:
        images = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadStackError(f"{path}: can't be read ({error}); restore it, or correct {LOCK_VARIABLE}") from error
    missing = [name for name in REQUIRED if name not in images]
    loose = [name for name, reference in images.items() if "@sha256:" not in reference]
    if missing or loose:
        what = f"has no {', '.join(missing)}" if missing else f"has no digest for {', '.join(loose)}"
        raise BadStackError(f"{path}: {what}; restore it, or correct {LOCK_VARIABLE}")
    return dict(images)
