"""Gives a container a default limit of processes, before runc creates it.

Neither dockerd nor the Pulumi provider's services have such a setting; a container that sets its own limit keeps it.
Copied beside `runc-limited`, which runs it with runc's arguments: with the system's own Python, whatever its version,
and the standard library only.
Source: https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#pids
"""

import json
import sys
from pathlib import Path

PIDS_LIMIT = 1024


def limit(bundle: Path) -> None:
    """Give the container in this folder the default limit, unless it has one."""
    config = bundle / "config.json"
    spec = json.loads(config.read_text())
    pids = spec.setdefault("linux", {}).setdefault("resources", {}).setdefault("pids", {})
    if pids.get("limit", 0) <= 0:
        pids["limit"] = PIDS_LIMIT
        draft = bundle / "config.json.limited"
        draft.write_text(json.dumps(spec))
        draft.replace(config)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    limit(Path(arguments[arguments.index("--bundle") + 1] if "--bundle" in arguments else "."))
