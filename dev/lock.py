"""One command at a time brings the engine up or takes it down."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from dev import home
from dev.progress import Steps


@contextmanager
def engine_lock(steps: Steps) -> Iterator[None]:
    """Hold the engine's lock; waits for another command that has it. A killed command's lock is free at once."""
    # Nobody else's business: the dev stack's keys are in here, under a passphrase that everybody knows.
    home.home().mkdir(mode=0o700, parents=True, exist_ok=True)
    home.run().mkdir(exist_ok=True)
    with (home.run() / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            with steps.step("waiting for another command that works on the engine") as step:
                step.update(f"process {file.read().strip()}")
                fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
