"""tools.lock.json as commands read and write it; what stands in it is `stacks.recorded_tools`."""

import json
from pathlib import Path

from fleet.errors import FleetError
from stacks import recorded_tools
from stacks.recorded_tools import FILE, Lock, RecordedToolsError

RESTORE = f"put it right: `git checkout -- {FILE}`, or delete it and `fleet tools lock`"


def parse(text: str, *, name: str = FILE) -> Lock:
    """Return what the text of a lock says. Raises FleetError where it is none; `name` is for its message."""
    try:
        return recorded_tools.parse(text, name=name)
    except RecordedToolsError as error:
        raise FleetError(str(error), hint=RESTORE) from error


def read(project: Path) -> Lock:
    """Return what is recorded in a project: nothing where there is no lock. Raises FleetError where it is none."""
    try:
        return recorded_tools.read(project)
    except RecordedToolsError as error:
        raise FleetError(str(error), hint=RESTORE) from error


def write(lock: Lock, project: Path) -> None:
    """Write the lock of a project: the same text for the same content."""
    text = json.dumps(lock.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    (project / FILE).write_text(text + "\n", encoding="utf-8")
