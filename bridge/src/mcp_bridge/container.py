"""What the container uses of CPU and memory, bridge and children together, as its control group accounts for it.

https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1 beside it. Outside a container,
the figures are those of the control group that the bridge was started in.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

PROCESS: Final = Path("/proc/self")
UNLIMITED_BYTES: Final = 1 << 60
"""Version 1 says "no limit" by a number of about this size."""

MIN_INTERVAL_SECONDS: Final = 1.0
"""Shorter than this, an interval says nothing about the CPU: the figure before stands."""


class ControlGroup:
    """Reads one process's accounts. What the kernel does not offer is None.

    Arguments:
        process: the process's folder in /proc.
    """

    def __init__(self, process: Path = PROCESS) -> None:
        groups = parse_groups(_read(process / "cgroup"))
        mounts = parse_mounts(_read(process / "mountinfo"))
        self._unified = _folder(groups, mounts, "")
        self._cpu = _folder(groups, mounts, "cpuacct")
        self._memory = _folder(groups, mounts, "memory")

    def cpu_seconds(self) -> float | None:
        """CPU time that was used so far."""
        if self._cpu is not None:
            nanoseconds = parse_number(_read(self._cpu / "cpuacct.usage"))
            return None if nanoseconds is None else nanoseconds / 1e9
        if self._unified is not None:
            microseconds = parse_table(_read(self._unified / "cpu.stat")).get("usage_usec")
            return None if microseconds is None else microseconds / 1e6
        return None

    def memory_bytes(self) -> int | None:
        """Memory in use without the file cache that the kernel can drop: what the limit of the container is about."""
        if self._memory is not None:
            used = parse_number(_read(self._memory / "memory.usage_in_bytes"))
            cache = parse_table(_read(self._memory / "memory.stat")).get("total_inactive_file", 0)
        elif self._unified is not None:
            used = parse_number(_read(self._unified / "memory.current"))
            cache = parse_table(_read(self._unified / "memory.stat")).get("inactive_file", 0)
        else:
            return None
        return None if used is None else max(0, used - cache)

    def memory_limit_bytes(self) -> int | None:
        """Memory that may be in use; None where there is no limit."""
        if self._memory is not None:
            limit = parse_number(_read(self._memory / "memory.limit_in_bytes"))
        elif self._unified is not None:
            limit = parse_number(_read(self._unified / "memory.max"))
        else:
            return None
        return None if limit is None or limit >= UNLIMITED_BYTES else limit


class CpuGauge:
    """CPUs in use on average since it was last asked."""

    def __init__(self, cpu_seconds: Callable[[], float | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._cpu_seconds = cpu_seconds
        self._clock = clock
        self._asked_at = clock()
        self._used = cpu_seconds()
        self._cpus = 0.0

    def read(self) -> float | None:
        """Return the figure, None where the kernel does not tell."""
        used, now = self._cpu_seconds(), self._clock()
        if used is None or self._used is None:
            return None
        if now - self._asked_at >= MIN_INTERVAL_SECONDS:
            self._cpus = max(0.0, used - self._used) / (now - self._asked_at)
            self._used, self._asked_at = used, now
        return self._cpus


def parse_groups(text: str) -> dict[str, str]:
    """Read /proc/PID/cgroup: the path by controller; the unified hierarchy's controller is empty."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split(":", 2)
        if len(fields) == 3 and fields[2].startswith("/"):
            found.update(dict.fromkeys(fields[1].split(","), fields[2]))
    return found


def parse_mounts(text: str) -> dict[str, tuple[str, Path]]:
    """Read /proc/PID/mountinfo (proc_pid_mountinfo(5)): root and mount point of each controller's hierarchy."""
    found: dict[str, tuple[str, Path]] = {}
    for line in text.splitlines():
        mount, separator, source = line.partition(" - ")
        fields, details = mount.split(" "), source.split(" ")
        if not separator or len(fields) < 5 or len(details) < 3:
            continue
        place = (fields[3], Path(fields[4]))
        if details[0] == "cgroup2":
            found.setdefault("", place)
        elif details[0] == "cgroup":
            for option in details[2].split(","):
                found.setdefault(option, place)
    return found


def parse_number(text: str) -> int | None:
    """Read a file of one number."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def parse_table(text: str) -> dict[str, int]:
    """Read a file with a name and a number on each line; other lines are passed over."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name and value.isascii() and value.isdecimal():
            found[name] = int(value)
    return found


def _folder(groups: dict[str, str], mounts: dict[str, tuple[str, Path]], controller: str) -> Path | None:
    if controller not in groups or controller not in mounts:
        return None
    path, (root, mount_point) = groups[controller], mounts[controller]
    # In a container without a namespace of its own, the path is the host's, and what is mounted is its end already.
    inner = path.removeprefix(root) if root != "/" and (path == root or path.startswith(root + "/")) else path
    folder = mount_point / inner.lstrip("/")
    return folder if folder.is_dir() else mount_point


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return ""
