"""Reads and checks the configuration of the stack at hand."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .config import PROJECT, ClientConfig, ServerConfig, StackConfig, TierConfig, with_shorthand
from .consistency import inconsistencies, missing_secrets
from .esc_config import EscConfig
from .hosts_config import AwsBudget, AwsConfig, AwsDomain, AwsGroup, CloudHosts, LambdaLabsConfig, TunnelConfig
from .own_code import path_problems
from .package_locks import lock_problems
from .problems import KeyPath, Problem, StackFile, bad_stack, nearest
from .remote_config import AuthConfig
from .reviewed_tools import reviewed_tools
from .secret_values import SecretValues, named, of_config, value_problems, with_names
from .signatures_config import SignerConfig

_ANY = "*"
_MODELS: Mapping[KeyPath, type[BaseModel]] = {
    (): StackConfig,
    ("servers", _ANY): ServerConfig,
    ("servers", _ANY, "auth"): AuthConfig,
    ("clients", _ANY): ClientConfig,
    ("tiers", _ANY): TierConfig,
    ("signatures", _ANY): SignerConfig,
    ("esc",): EscConfig,
    ("hosts",): CloudHosts,
    ("hosts", "aws"): AwsConfig,
    ("hosts", "aws", "groups", _ANY): AwsGroup,
    ("hosts", "aws", "domain"): AwsDomain,
    ("hosts", "aws", "budget"): AwsBudget,
    ("hosts", "lambda_labs"): LambdaLabsConfig,
    ("hosts", "tunnel"): TunnelConfig,
}
"""Which keys there are, by where they stand; `*` is a name that people choose."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack whose configuration is in order.

    Arguments:
        name: the stack's name, which begins the name of all it makes.
        root: the folder of Pulumi.yaml.
        file: its Pulumi.<stack>.yaml, for messages.
        config: what it is made of.
        secrets: the secret variables that servers name, by server; a Pulumi secret, never looked into.
        reviewed_tools: hash of each tool that is recorded for a server's line, by name, by server.
    """

    name: str
    root: Path
    file: StackFile
    config: StackConfig
    secrets: pulumi.Output[Mapping[str, Mapping[str, str]]]
    reviewed_tools: Mapping[str, Mapping[str, str]]


def load_stack(root: Path, environment: Mapping[str, str]) -> Stack:
    """Read the configuration of the stack that Pulumi is working on, and its secrets.

    Arguments:
        environment: the variables of this process: a stack with secrets in Pulumi ESC needs a token.

    Raises:
        BadStackError: with all that is wrong.
    """
    name = pulumi.get_stack()
    file = StackFile.read(root / f"Pulumi.{name}.yaml")
    values = pulumi.runtime.config.CONFIG.get() or pulumi.runtime.config.get_config_env()
    config, problems = _read_keys(file, plain_config(values))
    if config is None:
        raise bad_stack(name, file, problems)
    own = of_config(values)
    fetched, away = _fetched(config.esc, environment)
    config = with_names(config.with_optional_secrets(fetched), file, own, fetched)
    problems += [*inconsistencies(name, config), *path_problems(config, root)]
    problems += away or missing_secrets(config, file.environments())
    problems += value_problems(config, file, own, fetched)
    problems += lock_problems(name, config, root)
    reviewed, unknown = reviewed_tools(name, config, root)
    problems += unknown
    if problems:
        raise bad_stack(name, file, problems)
    return Stack(
        name=name,
        root=root,
        file=file,
        config=config,
        secrets=pulumi.Output.secret(named(config, own, fetched)),
        reviewed_tools=reviewed,
    )


def _fetched(esc: EscConfig | None, environment: Mapping[str, str]) -> tuple[SecretValues, list[Problem]]:
    """Return the secrets that the program opens by itself, and why it can't."""
    if esc is None:
        return {}, []
    # Not at the top: few stacks need the SDK, which takes a second to import.
    from .esc import Esc, EscError

    try:
        return Esc(esc, environment).secrets(), []
    except EscError as error:
        return {}, [Problem(path=("esc",), message=str(error))]


def plain_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of this project out of Pulumi's flat configuration, decoded; of secrets the names alone."""
    raw: dict[str, Any] = {
        key.removeprefix(f"{PROJECT}:"): _decode(value)
        for key, value in values.items()
        if key.startswith(f"{PROJECT}:")
    }
    if isinstance(raw.get("secrets"), dict):
        raw["secrets"] = {
            server: list(variables) if isinstance(variables, dict) else []
            for server, variables in raw["secrets"].items()
        }
    return raw


def _decode(value: str) -> object:
    """Return what JSON `value` is; Pulumi passes plain texts as they are."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def parse(stack: str, file: StackFile, raw: Mapping[str, Any], root: Path) -> StackConfig:
    """Return the checked configuration of `stack`. Raises BadStackError with all that is wrong in it.

    No secret counts as missing in a stack that has some in Pulumi ESC: nothing is asked of it.
    """
    config, problems = _read_keys(file, raw)
    if config is not None:
        problems += inconsistencies(stack, config)
        problems += path_problems(config, root)
        if config.esc is None and not file.environments():
            problems += missing_secrets(config)
    if config is None or problems:
        raise bad_stack(stack, file, problems)
    return config


def parse_keys(stack: str, file: StackFile, raw: Mapping[str, Any]) -> StackConfig:
    """Return the configuration of `stack`, each key of which is in order; whether they go together is not asked.

    Raises BadStackError with all that is wrong in single keys.
    """
    config, problems = _read_keys(file, raw)
    if config is None or problems:
        raise bad_stack(stack, file, problems)
    return config


def _read_keys(file: StackFile, raw: Mapping[str, Any]) -> tuple[StackConfig | None, list[Problem]]:
    problems = [*file.duplicates(), *file.plain_secrets()]
    try:
        return StackConfig.model_validate(with_shorthand(dict(raw))), problems
    except ValidationError as error:
        return None, [*problems, *map(_problem, error.errors())]


def _problem(error: ErrorDetails) -> Problem:
    path = tuple(str(part) for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        return Problem(path=path, message=f"unknown key{nearest(path[-1], _valid_keys(path))}")
    if error["type"] == "missing":
        return Problem(path=path[:-1], message=f"needs the key {path[-1]!r}")
    if path[:1] == ("servers",) and "[key]" in error["loc"]:
        return Problem(path=path, message="a server's name is lower-case letters, digits and inner hyphens; rename it")
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return Problem(path=path, message=message)
    return Problem(path=path, message=f"{error['input']!r} won't do: {message[0].lower()}{message[1:]}")


def _valid_keys(path: KeyPath) -> Iterable[str]:
    """Return the keys that may stand where the last of `path` does."""
    model = next(model for where, model in _MODELS.items() if _stands(path[:-1], where))
    return [field.alias or name for name, field in model.model_fields.items()]


def _stands(path: KeyPath, where: KeyPath) -> bool:
    return len(path) == len(where) and all(key in (_ANY, part) for part, key in zip(path, where, strict=True))
