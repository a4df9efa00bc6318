"""How a test kills an operation of Pulumi, as a machine that loses its power does."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def kill_session(leader: int) -> None:
    """Kill a process and all that it started, whatever groups they are in; none can clean up."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getsid(int(folder.name)) == leader:
                os.kill(int(folder.name), signal.SIGKILL)
