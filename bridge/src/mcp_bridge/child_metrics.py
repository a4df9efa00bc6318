"""Metrics of the server process: what it counts by prometheus_client, which writes it into files for others to serve.

Source: https://prometheus.github.io/client_python/multiprocess/
"""

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import logs

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
KEPT_FILES: Final = 200
"""Files of processes that ended are among them, so that counts go on. Each takes up to 64 KiB."""


@contextmanager
def metrics_folder() -> Iterator[Path | None]:
    """Make a folder in which server processes may count; None where no file can be written."""
    try:
        made = tempfile.TemporaryDirectory(prefix="mcp-bridge-metrics-", ignore_cleanup_errors=True)
    except OSError as error:
        logs.warning("child_metrics_off", reason=str(error))
        yield None
        return
    with made as folder:
        yield Path(folder)


class ChildMetrics:
    """What the server processes have counted.

    Arguments:
        folder: where they write it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def families(self) -> "list[Metric]":
        """Return it by family; nothing where their files can't be read, which is logged."""
        from prometheus_client.multiprocess import MultiProcessCollector

        try:
            self._forget_the_oldest()
            collector = MultiProcessCollector(None, str(self._folder))  # type: ignore[no-untyped-call]
            return list(collector.collect())  # type: ignore[no-untyped-call]
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, struct.error) as error:
            logs.warning("child_metrics_not_read", reason=f"{type(error).__name__}: {error}")
            return []

    def _forget_the_oldest(self) -> None:
        files = sorted(self._folder.glob("*.db"), key=lambda file: file.stat().st_mtime)
        for file in files[: max(0, len(files) - KEPT_FILES)]:
            if not _runs(file.stem.rpartition("_")[2]):
                file.unlink(missing_ok=True)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
