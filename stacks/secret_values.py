"""The values of a stack's secrets: which are kept, and what is wrong with them. They are told to nobody."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from .catalog_variables import wrong_form
from .config import PROJECT, StackConfig
from .problems import Problem, StackFile, set_secret

SecretValues: TypeAlias = Mapping[str, Mapping[str, object]]
"""Values by server and variable, as they were found: of any type."""

LONGEST: Final = 128 << 10
"""Bytes of `NAME=value` and the zero behind it that Linux lets a variable have (MAX_ARG_STRLEN); Swarm's own limit of
500 KB for a secret is higher."""
_KINDS: Final = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a mapping"}


def of_config(values: Mapping[str, str]) -> SecretValues:
    """Return the secrets in Pulumi's flat configuration: those of the stack's file and of its `environment:`."""
    given = json.loads(values.get(f"{PROJECT}:secrets") or "{}")
    if not isinstance(given, dict):
        return {}
    return {server: variables for server, variables in given.items() if isinstance(variables, dict)}


def with_names(config: StackConfig, file: StackFile, own: SecretValues, fetched: SecretValues) -> StackConfig:
    """Return `config` with the names of all secrets that count.

    Those in the stack's file all do, so that one without its server is found. Of an environment, which several stacks
    may share, those that a server names.

    Arguments:
        own: what of_config found.
        fetched: what the program opened by itself.
    """

    def counts(server: str, variable: str) -> bool:
        return file.has(("secrets", server, variable)) or (
            server in config.servers and variable in config.servers[server].secrets
        )

    names: dict[str, frozenset[str]] = {}
    for source in (own, fetched):
        for server, variables in source.items():
            kept = frozenset(variable for variable in variables if counts(server, variable))
            if kept or file.has(("secrets", server)):
                names[server] = names.get(server, frozenset()) | kept
    return config.model_copy(update={"secrets": names})


def named(config: StackConfig, own: SecretValues, fetched: SecretValues) -> dict[str, dict[str, Any]]:
    """Return the values that servers name, by server and variable."""
    return {
        name: {
            variable: source[name][variable]
            for source in (fetched, own)
            for variable in server.secrets
            if variable in source.get(name, {})
        }
        for name, server in config.servers.items()
    }


def value_problems(config: StackConfig, file: StackFile, own: SecretValues, fetched: SecretValues) -> Iterator[Problem]:
    """Yield what keeps a secret that a server names from being its variable, without the value."""
    where = f"ESC's environment {config.esc.name}" if config.esc else ""
    for server, variables in named(config, own, fetched).items():
        for variable, value in variables.items():
            path = ("secrets", server, variable)
            place = path if file.has(path) else ("servers", server, "secrets")
            subject = f"the secret {variable} of server {server!r}"
            if variable in own.get(server, {}) and variable in fetched.get(server, {}):
                yield Problem(path=place, message=f"{subject} is set here and in {where}; remove one of both")
            elif wrong := flaw(variable, value) or wrong_form(config.servers[server], variable, value):
                there = variable in fetched.get(server, {})
                again = f"set it anew in {where}" if there else f"set it anew: {set_secret(server, variable)}"
                yield Problem(path=place, message=f"{subject} {wrong}; {again}")


def flaw(variable: str, value: object) -> str | None:
    """Return why `value` can't be the environment variable, or None. Line ends and any script are welcome."""
    if not isinstance(value, str):
        return f"is {_KINDS.get(type(value), 'empty')} and no text"
    if not value:
        return "is empty"
    if "\0" in value:
        return "has a zero byte, which no environment variable can have"
    try:
        size = len(f"{variable}={value}\0".encode())
    except UnicodeEncodeError:
        return "has half of a character (a lone surrogate), which is no UTF-8"
    if size > LONGEST:
        most = LONGEST - size + len(value.encode())
        return f"has {len(value.encode()):,} bytes, and a variable of this name takes {most:,} at most"
    return None
