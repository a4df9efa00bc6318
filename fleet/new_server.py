"""Makes a server of one's own out of the one in server_template/, which is linted and typed as it stands."""

import importlib.util
import keyword
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fleet import servers, stackfile
from fleet.errors import FleetError
from fleet.project import existing_stack_file

TEMPLATE: Final = Path(__file__).resolve().parent / "server_template"
TEMPLATE_NAME: Final = "example-server"
SERVERS: Final = "servers"
LONGEST: Final = 30
"""Characters of a name: Docker's names have the stack's before it and more behind it, and 63 in all."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def new_server(name: str, *, project: Path, stack: str, environment: Mapping[str, str]) -> servers.Change:
    """Make servers/NAME and add its line to the stack's file. Returns that change, which is written.

    Raises:
        FleetError: The name won't do, there is such a server, or it can't be written; nothing is left of it then.
    """
    package = package_name(name)
    file = existing_stack_file(project, stack)
    text = stackfile.read(file)
    if name in text.servers:
        raise FleetError(
            f"{file.name}:{text.line(name)}: there is a server {name!r} already", hint="choose another name"
        )
    folder = project / SERVERS / name
    for taken in (folder, project / SERVERS / package):
        if taken.exists():
            raise FleetError(
                f"there is {taken.relative_to(project)} already",
                hint=f"choose another name; to run it as it is: fleet add ./{taken.relative_to(project)}",
            )
    try:
        _write(folder, name)
        try:
            addition = servers.Addition(source=f"./{SERVERS}/{name}", name=name)
            change = servers.adding(addition, project=project, stack=stack, environment=environment)
            change.write()
        except BaseException:
            shutil.rmtree(folder)
            raise
    except OSError as error:
        raise FleetError(
            f"can't write {error.filename or folder}: {error.strerror}",
            hint="nothing was left there; make it writable, or run it as somebody who may write there",
        ) from error
    return change


def package_name(name: str) -> str:
    """Return the Python package of a server. Raises FleetError where the name can't be one's."""
    from stacks.config import COMPONENT_NAMES

    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise FleetError(
            f"{name!r} is no name of a server",
            hint=f"small letters, digits and single hyphens, a letter first, {LONGEST} at most: slack-digest",
        )
    package = name.replace("-", "_")
    if name in COMPONENT_NAMES:
        raise FleetError(f"{name!r} is what a part of the fleet is called", hint=f"for example {name}-mcp")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or package == SERVERS:
        raise FleetError(f"{package!r} means something in Python already", hint=f"for example {name}-mcp")
    if importlib.util.find_spec(package) is not None:
        raise FleetError(
            f"{package!r} is a Python package that is installed here, which it would hide",
            hint=f"for example {name}-mcp",
        )
    return package


def _write(folder: Path, name: str) -> None:
    """Write the template under its new name: beside its place first, then there at once."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as beside:
        made = Path(beside) / name
        for file in sorted(TEMPLATE.rglob("*")):
            if file.is_dir() or "__pycache__" in file.parts or any(part.endswith("_cache") for part in file.parts):
                continue
            target = made / _renamed(str(file.relative_to(TEMPLATE)), name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_renamed(file.read_text(encoding="utf-8"), name), encoding="utf-8")
        made.rename(folder)


def _renamed(text: str, name: str) -> str:
    package = TEMPLATE_NAME.replace("-", "_")
    return text.replace(TEMPLATE_NAME, name).replace(package, name.replace("-", "_"))
