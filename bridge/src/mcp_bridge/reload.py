"""What can change without a restart: a JSON file whose keys are options of the command line, without their dashes."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from . import logs

Signature = tuple[int, int, int]


class Changeable(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename=lambda name: name.replace("_", "-"),
):
    """The options that the file may have. What it does not have is as the command line says."""

    max_body_bytes: Annotated[int, Meta(gt=0)] | None = None
    max_sessions: Annotated[int, Meta(gt=0)] | None = None
    session_seconds: Annotated[float, Meta(gt=0)] | None = None
    max_concurrent: Annotated[int, Meta(ge=0)] | None = None
    max_queue: Annotated[int, Meta(ge=0)] | None = None
    cache_entries: Annotated[int, Meta(gt=0)] | None = None
    log_level: Literal["debug", "info", "warning", "error"] | None = None


class ReloadError(Exception):
    """A file that can't be used. The message names the file, the key where there is one, and what is wrong."""


class ReloadFile:
    """Watches one file.

    Arguments:
        path: the file.
        apply: takes what it says, each time that it can be read.
    """

    def __init__(self, path: Path, apply: Callable[[Changeable], None]) -> None:
        self._path = path
        self._apply = apply
        self._seen: Signature | None = None

    def load(self) -> None:
        """Read and apply the file. Raises ReloadError where it can't be used: nothing has changed then."""
        self._seen = self._signature()
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Changeable)
        except OSError as error:
            raise ReloadError(f"{self._path}: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ReloadError(f"{self._path}: {error}") from error
        self._apply(found)

    def reload(self) -> None:
        """Read and apply the file again; what is wrong with it is logged, and changes nothing."""
        try:
            self.load()
        except ReloadError as error:
            logs.error("not_reloaded", reason=str(error))

    def look(self) -> None:
        """Reload the file if it was changed since the last time."""
        if self._signature() != self._seen:
            self.reload()

    def _signature(self) -> Signature | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
