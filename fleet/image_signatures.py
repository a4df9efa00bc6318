"""Whether an image is signed as its stack asks for, before a command runs or adds it."""

from collections.abc import Mapping
from pathlib import Path

from fleet.errors import FleetError
from stacks.config import StackConfig
from stacks.signatures import signature_problems


def verify_signature(name: str, config: StackConfig, project: Path, environment: Mapping[str, str]) -> None:
    """Verify the signature of a server's image; of a server that is none, nothing is asked.

    Raises:
        FleetError: it is not signed by who is to sign it, or that can't be found out.
    """
    alone = config.model_copy(update={"servers": {name: config.servers[name]}})
    if problems := list(signature_problems(alone, project, environment)):
        raise FleetError("\n".join(f"{name}: {problem.message}" for problem in problems))
