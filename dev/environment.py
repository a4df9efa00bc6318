"""The environment in which plain `pulumi`, `docker` and the fleet's commands work on the project's own engine."""

import os
import shlex
from collections.abc import Mapping

from dev import home, reach
from dev.errors import EngineError

BUILDER = "mcp-fleet"
"""The name of the buildx builder."""
CHECKOUT_VARIABLE = "MCP_FLEET_CHECKOUT"
"""Says to the engine's stand-ins, which all checkouts share, whose code to run."""
BACKEND_VARIABLE = "MCP_FLEET_BACKEND_URL"
"""Where stacks that several machines deploy keep their state, such as https://api.pulumi.com."""
PASSPHRASE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - a variable's name
PASSPHRASE = "mcp-fleet-dev"  # noqa: S105 - published on purpose: the dev stack's secrets never leave the machine


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables to set, over those of `environ`; quick, and the same before and after the engine is brought up.

    Raises:
        EngineError: A shared state would be encrypted with the passphrase that everybody knows.
    """
    found = reach.known()
    ours = [str(folder) for folder in (home.binaries(), home.CHECKOUT / "bin", home.CHECKOUT / ".venv" / "bin")]
    rest = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if folder and folder not in ours]
    variables = {
        "PATH": os.pathsep.join([*ours, *rest]),
        "MCP_FLEET_HOME": str(home.home()),
        CHECKOUT_VARIABLE: str(home.CHECKOUT),
        "BUILDX_BUILDER": BUILDER,
        "PULUMI_HOME": str(home.pulumi_home()),
        **_state(environ),
        # Refresh and destroy run the program too: its checks guard them, and its hooks are there.
        "PULUMI_RUN_PROGRAM": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "DOCKER_HOST": found.engine_host,
        # Empty is as good as unset: the Docker provider would heed the caller's before DOCKER_HOST.
        "DOCKER_CONTEXT": "",
    }
    if found.own_engine:
        variables["DOCKER_CONFIG"] = str(home.docker_config())
    if found.image_mirror:
        variables["MCP_FLEET_IMAGES_LOCK"] = str(home.images_lock())
    return variables


def _state(environ: Mapping[str, str]) -> dict[str, str]:
    """Where the state is, and what its secrets are encrypted with: of a shared one, nothing that we know."""
    shared = environ.get(BACKEND_VARIABLE)
    if not shared:
        passphrase = environ.get(PASSPHRASE_VARIABLE, PASSPHRASE)
        return {"PULUMI_BACKEND_URL": f"file://{home.state()}", PASSPHRASE_VARIABLE: passphrase}
    if environ.get(PASSPHRASE_VARIABLE) == PASSPHRASE:
        raise EngineError(
            f"{PASSPHRASE_VARIABLE} is the dev stack's, which is published, and {BACKEND_VARIABLE} is set: "
            "unset the first, or set it to the stack's own"
        )
    return {"PULUMI_BACKEND_URL": shared}


def shell_exports(variables: Mapping[str, str]) -> str:
    """`variables` as lines for `eval` in a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
