"""Reads secrets out of an environment of Pulumi ESC, by its SDK.

Source: https://github.com/pulumi/esc-sdk/blob/main/sdk/swagger.yaml
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import yaml
from pulumi_esc_sdk import ApiClient, ApiException, Configuration
from pulumi_esc_sdk.api.esc_api import EscApi
from pydantic import BaseModel, TypeAdapter, ValidationError
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as TooLateError

from .config import PROJECT
from .esc_config import EscConfig
from .secret_values import SecretValues

TOKEN_VARIABLE: Final = "PULUMI_ACCESS_TOKEN"  # noqa: S105 - a variable's name
SECONDS: Final = 30.0
"""How long one request may take: ESC asks the clouds that an environment names before it answers."""
SESSION: Final = "10m"
"""How long what was opened can be read again."""
FETCHED: Final = ("fn::open", "fn::rotate")
"""How a definition begins the name of what brings a value from elsewhere."""

_Parsed = TypeVar("_Parsed")


class EscError(Exception):
    """The secrets can't be had; in one sentence, with the remedy. Repeats nothing of what ESC answered."""


class _Session(BaseModel):
    id: str


class _Value(BaseModel):
    """A value as ESC answers it; those of mappings are such values again."""

    value: Any = None
    unknown: bool = False


class _Opened(BaseModel):
    properties: dict[str, _Value] = {}


class _Diagnostic(BaseModel):
    path: str = ""


class _Diagnostics(BaseModel):
    diagnostics: list[_Diagnostic] = []


class _Revision(BaseModel):
    created: datetime | None = None


class _RevisionTag(BaseModel):
    revision: int


class Esc:
    """One environment, as the owner of a token sees it."""

    def __init__(self, config: EscConfig, environment: Mapping[str, str], *, seconds: float = SECONDS) -> None:
        """Ask nothing yet.

        Arguments:
            environment: the variables of this process, which hold the token.
            seconds: how long one request may take.

        Raises:
            EscError: there is no token.
        """
        token = environment.get(TOKEN_VARIABLE)
        if not token:
            raise EscError(
                f"{TOKEN_VARIABLE} is not set, without which ESC's environment {config.name} can't be opened; set it "
                "to a token that may (a login of `pulumi login` is not used)"
            )
        # The host is always given: the SDK would take PULUMI_BACKEND_URL, which is no address of ESC here.
        client = Configuration(host=f"{config.api}/api/esc", access_token=token)
        client.retries = False  # type: ignore[assignment]  # as urllib3 takes it: the caller tries again
        self._config = config
        self._seconds = seconds
        self._api = EscApi(ApiClient(client))
        self._names = (config.organization, config.project, config.environment)

    def secrets(self) -> SecretValues:
        """Open the environment and return what its pulumiConfig has under `mcp-fleet:secrets`, if any.

        Raises:
            EscError: it can't be opened, or has something else there.
        """
        version = self._config.version
        if version is None:
            opened = self._ask(self._api.open_environment_without_preload_content, *self._names, duration=SESSION)
        else:
            opened = self._ask(
                self._api.open_environment_at_version_without_preload_content, *self._names, version, duration=SESSION
            )
        session = self._parsed(_Session.model_validate_json, opened)
        read = self._ask(self._api.read_open_environment_without_preload_content, *self._names, session.id)
        config = self._parsed(_Opened.model_validate_json, read).properties.get("pulumiConfig", _Value())
        servers = self._entries(config, "pulumiConfig").get(f"{PROJECT}:secrets", _Value())
        return {
            server: {
                variable: self._known(value, f"{server}.{variable}").value
                for variable, value in self._entries(variables, f"{PROJECT}:secrets.{server}").items()
            }
            for server, variables in self._entries(servers, f"{PROJECT}:secrets").items()
        }

    def changed(self) -> datetime | None:
        """When the environment was last written.

        None where that says nothing of its values, because some come from other environments or services, or where ESC
        does not tell. Raises EscError.
        """
        version = self._config.version
        if version is None:
            text = self._ask(self._api.get_environment_without_preload_content, *self._names)
        else:
            text = self._ask(self._api.get_environment_at_version_without_preload_content, *self._names, version)
        if _from_elsewhere(self._parsed(yaml.safe_load, text)):
            return None
        newest = self._number(version) if version else None
        listed = self._ask(
            self._api.list_environment_revisions_without_preload_content,
            *self._names,
            count=1,
            **({} if newest is None else {"before": newest + 1}),
        )
        revisions = self._parsed(TypeAdapter(list[_Revision]).validate_json, listed)
        created = revisions[0].created if revisions else None
        return created.replace(tzinfo=created.tzinfo or UTC) if created else None

    def _number(self, version: str) -> int:
        if version.isdigit():
            return int(version)
        tag = self._ask(self._api.get_environment_revision_tag_without_preload_content, *self._names, version)
        return self._parsed(_RevisionTag.model_validate_json, tag).revision

    def _entries(self, value: _Value, path: str) -> dict[str, _Value]:
        entries = self._known(value, path).value
        if entries is None:
            return {}
        if not isinstance(entries, dict):
            raise EscError(f"{path} of ESC's environment {self._config.name} is no mapping; make it one")
        return {name: self._parsed(_Value.model_validate, entry) for name, entry in entries.items()}

    def _known(self, value: _Value, path: str) -> _Value:
        if value.unknown:
            raise EscError(
                f"{path} of ESC's environment {self._config.name} has no known value; see `esc env open` of it"
            )
        return value

    def _ask(self, operation: Callable[..., HTTPResponse], *arguments: str, **options: object) -> bytes:
        api = self._config.api
        try:
            response = operation(*arguments, **options, _request_timeout=self._seconds)
            content: bytes = response.data
        except NewConnectionError as error:
            raise self._unreachable(error.__cause__ or error) from None
        except TooLateError:
            raise EscError(f"Pulumi ESC at {api} did not answer within {self._seconds:g} s; try again") from None
        except ApiException as error:  # of TLS: "SSLError", and what it says
            raise self._unreachable(": ".join(str(error.reason).splitlines())) from None
        except HTTPError as error:
            raise self._unreachable(type(error).__name__) from None
        if response.status != 200:
            raise EscError(self._refusal(response.status, content))
        return content

    def _unreachable(self, reason: object) -> EscError:
        return EscError(f"Pulumi ESC can't be reached at {self._config.api} ({reason}); check esc.api and the network")

    def _refusal(self, status: int, content: bytes) -> str:
        name, api = self._config.name, self._config.api
        match status:
            case 400:
                return f"ESC can't evaluate the environment {name}{_places(content)}; `esc env open` of it says why"
            case 401:
                return (
                    f"Pulumi ESC at {api} refuses the token in {TOKEN_VARIABLE}: it is wrong or expired; set a new one"
                )
            case 403:
                return f"the token in {TOKEN_VARIABLE} may not open ESC's environment {name}; let its owner open it"
            case 404:
                what = f", or it has no revision or tag {self._config.version!r}" if self._config.version else ""
                return f"there is no environment {name} in ESC for the token in {TOKEN_VARIABLE}{what}; check the names"
            case _:
                return f"Pulumi ESC at {api} answers {status}; try again later, or check esc.api"

    def _parsed(self, parse: Callable[[Any], _Parsed], content: object) -> _Parsed:
        try:
            return parse(content)
        except (ValidationError, ValueError, yaml.YAMLError):
            raise EscError(f"what answers at {self._config.api} is not Pulumi ESC; check esc.api") from None


def _from_elsewhere(definition: object) -> bool:
    """Whether an environment's definition imports other environments, or has values fetched."""
    if isinstance(definition, Mapping):
        return any(
            key == "imports" or str(key).startswith(FETCHED) or _from_elsewhere(value)
            for key, value in definition.items()
        )
    return isinstance(definition, list) and any(map(_from_elsewhere, definition))


def _places(content: bytes) -> str:
    """Where ESC found something wrong. What it says of it may quote a value."""
    try:
        found = _Diagnostics.model_validate_json(content).diagnostics
    except ValidationError:
        return ""
    paths = [diagnostic.path for diagnostic in found if diagnostic.path]
    return f" ({', '.join(paths)})" if paths else ""
