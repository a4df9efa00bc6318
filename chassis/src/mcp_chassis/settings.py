"""Settings out of MCP_* variables, and of one JSON file that may change while the server runs."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

import structlog
from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError
from watchfiles import awatch

FILE_VARIABLE: Final = "MCP_SETTINGS_FILE"
"""Names a JSON file: what it has wins over the environment, and counts as soon as it is written."""

PREFIX: Final = "MCP_"

LogLevel = Literal["debug", "info", "warning", "error"]


class StartError(Exception):
    """The server can't start. The message names the setting that is to be changed, never the value of a secret."""


class ChassisSettings(BaseSettings):
    """What every server has. A server's own settings are a subclass: a field `api_key` is the variable MCP_API_KEY."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    log_level: LogLevel = "info"
    """Least severe lines to log."""


SettingsT = TypeVar("SettingsT", bound=ChassisSettings)


def read_settings(kind: type[SettingsT]) -> SettingsT:
    """Return the settings. Raises StartError with all that is wrong in them."""
    path = settings_file()
    try:
        return kind(**(_file(path) if path else {}))
    except ValidationError as error:
        # The error itself quotes values, and a value may be a secret.
        faults = "; ".join(
            f"{_variable(kind, fault['loc'])}: {fault['msg']}" for fault in error.errors(include_input=False)
        )
        raise StartError(f"settings won't do: {faults}") from None
    except SettingsError as error:
        raise StartError(f"settings won't do: {error}; a list or an object is written as JSON") from None


def settings_file() -> Path | None:
    """Return where the settings' file is, None where there is none."""
    given = os.environ.get(FILE_VARIABLE)
    return Path(given).absolute() if given else None


def _file(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartError(f"{FILE_VARIABLE}: {path}: {error.strerror}") from error
    except ValueError as error:
        raise StartError(f"{FILE_VARIABLE}: {path} is no valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise StartError(f'{FILE_VARIABLE}: {path} is no JSON object; write for example {{"log_level": "debug"}}')
    return found


def _variable(kind: type[ChassisSettings], location: tuple[int | str, ...]) -> str:
    """Return the variable that a fault is about, and the place in it."""
    name, *rest = location or ("settings",)
    field = kind.model_fields.get(str(name))
    alias = field.validation_alias if field else None
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    variable = alias if isinstance(alias, str) else f"{PREFIX}{name}".upper() if field else str(name)
    return ".".join(map(str, (variable, *rest)))


class LiveSettings(Generic[SettingsT]):
    """The settings as they are at the moment.

    Arguments:
        first: what the server started with; the others are read as its kind.
    """

    def __init__(self, first: SettingsT) -> None:
        self.current = first
        self._listeners: list[Callable[[SettingsT], None]] = []

    def on_change(self, listener: Callable[[SettingsT], None]) -> None:
        """Have `listener` told of the settings each time that they changed."""
        self._listeners.append(listener)

    def reload(self) -> None:
        """Read the settings again. What is wrong with them is logged, and changes nothing."""
        log = structlog.get_logger("mcp_chassis")
        try:
            found = read_settings(type(self.current))
        except StartError as error:
            log.warning("settings_not_reloaded", reason=str(error))
            return
        if found == self.current:
            return
        self.current = found
        for listener in self._listeners:
            listener(found)
        log.info("settings_reloaded")

    async def watch(self) -> None:
        """Reload the settings whenever their file changes, until cancelled. Without a file, return at once."""
        path = settings_file()
        if path is None:
            return
        # Its folder is watched: editors, and orchestrators' mounts, put a new file in the place of the old one.
        async for changes in awatch(path.parent, recursive=False):
            if any(Path(changed).name == path.name for _, changed in changes):
                self.reload()
