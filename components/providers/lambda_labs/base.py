"""What the dynamic providers of this package share: where their settings come from, and how they report errors."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from pulumi import dynamic
from pulumi.output import Unknown
from pulumi.runtime import rpc

from components.providers.plain_errors import ProviderError

from .api import LambdaLabs, connect
from .models import Json
from .settings import read_settings

PROVIDER_KEY = "__provider"


class Provider(dynamic.ResourceProvider):
    """A provider that captures nothing: what Pulumi stores of it is its name, and no secret."""

    serialize_as_secret_always = False
    _config: dynamic.Config | None = None

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Keep the stack's config. It is read when it is needed, so that a fault in it is told where it matters."""
        self._config = req.config

    def account(self) -> LambdaLabs:
        """Return the account to work on.

        Raises:
            ProviderError: The settings are missing or wrong.
        """
        config = self._config
        return connect(read_settings(config.get if config else lambda key: None, os.environ))

    def has_settings(self) -> bool:
        """Whether there is an account to ask; `checked` says what is missing if not."""
        try:
            self.account()
        except ProviderError:
            return False
        return True

    def checked(self, news: dict[str, Any], problems: list[str]) -> dynamic.CheckResult:
        """Return the result of a check that found `problems`, to which it adds what is wrong with the settings.

        They are not tied to a property: Pulumi would print its value, and a value may be a secret.
        """
        try:
            self.account()
        except ProviderError as error:
            problems = [*problems, str(error)]
        return dynamic.CheckResult(plain(news), [dynamic.CheckFailure("", problem) for problem in problems])


def unknown(value: Json) -> bool:
    """Whether a plain value that a preview got, or a part of it, is not known yet."""
    if isinstance(value, Mapping):
        return any(unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(unknown(item) for item in value)
    return bool(value == rpc.UNKNOWN)


def plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties without what Pulumi added, whole numbers as integers, and what is not known as rpc.UNKNOWN."""
    return {key: _plain(value) for key, value in properties.items() if key != PROVIDER_KEY}


def _plain(value: Json) -> Json:
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def say(message: str) -> None:
    """Tell the user something while an operation goes on: Pulumi shows what a provider prints."""
    print(f"Lambda Labs: {message}", file=sys.stderr, flush=True)
