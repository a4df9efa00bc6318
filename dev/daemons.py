"""Background programs of the engine: started once, found again by the next command, stopped only if we started them."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import home
from dev.errors import EngineError

START_SECONDS = 60.0
STOP_SECONDS = 40.0
LOG_BYTES = 10_000_000
"""A log that is larger when its daemon starts is put aside, in place of the one before."""
PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.05

_started: dict[str, subprocess.Popen[bytes]] = {}
"""Those that this very process started: its children, to be waited for when they are stopped."""


@dataclass(frozen=True)
class Daemon:
    """A background program of ours.

    `run/<name>.json` records which process it is: its pid, and when it started in which boot of the machine, so that
    another process that got the same number is never taken for it. `run/<name>.log` has its output.
    """

    name: str
    argv: tuple[str, ...]

    @property
    def log(self) -> Path:
        return home.run() / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return home.run() / f"{self.name}.json"

    def pid(self) -> int | None:
        """The process that we started and that still runs, or None."""
        try:
            recorded = json.loads(self._record.read_text())
            pid = int(recorded["pid"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return pid if recorded == _identity(pid) else None

    def running(self, ready: Callable[[], bool]) -> bool:
        """Whether it runs and answers; on a busy machine the answer may take its time.

        Only one that doesn't answer for half a minute is taken for broken: a restart costs others their work.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.pid() is not None:
            if ready():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return False

    def start(self, ready: Callable[[], bool], environ: Mapping[str, str] | None = None) -> None:
        """Start it and wait until `ready` says that it answers.

        Raises:
            EngineError: It isn't installed, ended at once, or didn't answer within a minute; with its last log lines.
        """
        home.run().mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            try:
                process = _started[self.name] = subprocess.Popen(
                    self.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environ,
                    cwd="/",
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                raise EngineError(f"{self.argv[0]}: not found\n  install it, so that it is on PATH") from error
        home.replace(self._record, json.dumps(_identity(process.pid)))
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None:
                self._record.unlink()
                raise EngineError(f"{self.name} ended at start with status {process.returncode}\n{self.last_lines()}")
            if time.monotonic() > deadline:
                self.stop()
                raise EngineError(f"{self.name} didn't answer within {START_SECONDS:.0f} s\n{self.last_lines()}")
            time.sleep(POLL_SECONDS)

    def reload(self) -> None:
        """Have it read its configuration again, if it runs."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGHUP)

    def stop(self) -> bool:
        """Stop it, if we started it and it still runs: TERM, then KILL after 40 s. Returns whether it ran."""
        pid = self.pid()
        if pid is None:
            self._record.unlink(missing_ok=True)
            return False
        handle = os.pidfd_open(pid)
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(handle, number)
                if select.select([handle], [], [], STOP_SECONDS)[0]:
                    break
        except ProcessLookupError:
            pass  # it ended by itself in between
        finally:
            os.close(handle)
        if child := _started.pop(self.name, None):
            child.wait()
        self._record.unlink(missing_ok=True)
        return True

    def last_lines(self, count: int = 10) -> str:
        """The end of its log, indented, and where the rest is."""
        lines = self.log.read_text(errors="replace").splitlines()[-count:] if self.log.exists() else []
        return "\n".join([*(f"    {line}" for line in lines), f"  all of it: {self.log}"])


def _identity(pid: int) -> dict[str, int | str]:
    """What tells this process from any other that ever has its number; empty if it doesn't run (or is a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    # proc(5): the fields after the command name start with the state (3rd); the 22nd is the start time in ticks.
    return {} if fields[0] == "Z" else {"pid": pid, "started": int(fields[19]), "boot": boot}
