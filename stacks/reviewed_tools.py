"""Which tools of a stack's servers were reviewed: those that tools.lock.json has for their lines."""

from collections.abc import Mapping
from pathlib import Path

from . import recorded_tools
from .config import StackConfig
from .problems import Problem
from .recorded_tools import RecordedToolsError

Reviewed = Mapping[str, Mapping[str, str]]


def reviewed_tools(stack: str, config: StackConfig, root: Path) -> tuple[Reviewed, list[Problem]]:
    """Return the hash of each reviewed tool by name, by server, and what forbids a deployment.

    A server whose tools are not recorded can't be told from a changed one: that is a problem where it would be put into
    quarantine, and else it is not compared.
    """
    try:
        lock = recorded_tools.read(root)
    except RecordedToolsError as error:
        return {}, [Problem(message=str(error))]
    found: dict[str, Mapping[str, str]] = {}
    problems: list[Problem] = []
    for name, server in config.servers.items():
        why = recorded_tools.unrecorded(name, server, lock, recorded_tools.code(server, root))
        surface = lock.surface(name, recorded_tools.line(server))
        if surface is not None and not why:
            found[name] = {tool: recorded.fingerprint for tool, recorded in surface.tools.items()}
        elif server.remote and server.on_tool_change is None:
            continue  # nothing can be recorded of it: the stack's setting is for the others
        elif (server.on_tool_change or config.on_tool_change) == "quarantine":
            problems.append(
                Problem(
                    path=("servers", name),
                    message=f"its tools are not in {recorded_tools.FILE} ({why}), and `on-tool-change` is quarantine: "
                    f"`fleet tools lock {name} --stack {stack}`, review and commit the file",
                )
            )
    return found, problems
