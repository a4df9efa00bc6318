"""Run a long command of somebody else's: its output goes to a log, its progress to a step, its failure to an error."""

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from dev import home
from dev.errors import EngineError

_running: set[subprocess.Popen[str]] = set()

LAST_LINES = 12
"""How much of a failed command's output its error shows."""


def run(
    argv: Sequence[str],
    *,
    name: str,
    on_line: Callable[[str], None] = lambda line: None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    grace: float = 5,
) -> None:
    """Run `argv` to its end, with both its outputs in `run/<name>.log`.

    Args:
        argv: The command and its arguments.
        name: What the step is called in the log's name and in the error.
        on_line: Called with each line of output as it comes.
        environ: The whole environment of the command; by default ours.
        cwd: The folder to run it in.
        grace: Seconds that it may take to end when we are interrupted.

    Raises:
        EngineError: The command is missing or failed; with its last lines and the log's path.
    """
    log = home.run() / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    last: deque[str] = deque(maxlen=LAST_LINES)
    try:
        # Its own session: Ctrl-C reaches us alone, and we end the whole group, grandchildren included.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environ,
            cwd=cwd,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise EngineError(f"{argv[0]}: not found on PATH, needed for {name}") from error
    assert process.stdout is not None
    _running.add(process)
    try:
        with log.open("w") as file:
            for line in process.stdout:
                file.write(line)
                if text := line.rstrip():
                    last.append(text)
                    on_line(text)
        status = process.wait()
    except BaseException:
        end_group(process, grace)
        raise
    finally:
        _running.discard(process)
        process.stdout.close()
    if status != 0:
        told = "\n".join(f"    {line}" for line in last)
        raise EngineError(f"{name}: {' '.join(argv[:3])} … ended with status {status}\n{told}\n  all of it: {log}")


def output(argv: Sequence[str], *, environ: Mapping[str, str] | None = None, timeout: float = 20) -> str | None:
    """What a quick command prints, stripped; None if it is missing, fails, or takes over `timeout` seconds."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, env=environ, timeout=timeout, check=False)
    except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def end_all() -> None:
    """End what other threads run: they get a failed command, as if it had failed by itself."""
    for process in list(_running):
        end_group(process)


def end_group(process: subprocess.Popen[str], grace: float = 5) -> None:
    """End a command that was started in its own session: TERM to its group, KILL after `grace` seconds.

    Its output is read on meanwhile: it must not wait for a full pipe.
    """
    if process.stdout is not None:
        Thread(target=_drain, args=(process.stdout,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            continue


def _drain(stream: IO[str]) -> None:
    with suppress(ValueError):  # closed meanwhile
        for _ in stream:
            pass
