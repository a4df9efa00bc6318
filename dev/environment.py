"""The environment in which plain `pulumi`, `docker` and the fleet's commands work on the project's own engine."""

import os
import shlex
from collections.abc import Mapping

from dev import home, reach

BUILDER = "mcp-fleet"
"""The name of the buildx builder."""
CHECKOUT_VARIABLE = "MCP_FLEET_CHECKOUT"
"""Says to the engine's stand-ins, which all checkouts share, whose code to run."""
PASSPHRASE = "mcp-fleet-dev"  # noqa: S105 - published on purpose: the dev stack's secrets never leave the machine


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables to set, over those of `environ`; quick, and the same before and after the engine is brought up."""
    found = reach.known()
    ours = [str(folder) for folder in (home.binaries(), home.CHECKOUT / "bin", home.CHECKOUT / ".venv" / "bin")]
    rest = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if folder and folder not in ours]
    variables = {
        "PATH": os.pathsep.join([*ours, *rest]),
        "MCP_FLEET_HOME": str(home.home()),
        CHECKOUT_VARIABLE: str(home.CHECKOUT),
        "BUILDX_BUILDER": BUILDER,
        "PULUMI_HOME": str(home.pulumi_home()),
        "PULUMI_BACKEND_URL": f"file://{home.state()}",
        "PULUMI_CONFIG_PASSPHRASE": environ.get("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE),
        # Refresh and destroy run the program too: its checks guard them, and its hooks are there.
        "PULUMI_RUN_PROGRAM": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "DOCKER_HOST": found.engine_host,
    }
    if found.own_engine:
        variables["DOCKER_CONFIG"] = str(home.docker_config())
    if found.image_mirror:
        variables["MCP_FLEET_IMAGES_LOCK"] = str(home.images_lock())
    return variables


def shell_exports(variables: Mapping[str, str]) -> str:
    """`variables` as lines for `eval` in a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
