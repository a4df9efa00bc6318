"""Whether a server of the catalog has the variables that it needs, in the form that they have."""

from collections.abc import Iterator

from .config import ServerConfig
from .problems import Problem, set_secret


def variable_problems(name: str, server: ServerConfig, given: frozenset[str]) -> Iterator[Problem]:
    """Yield what is wrong with the plain variables of the server `name`.

    Arguments:
        given: the names of its secrets that are set.
    """
    path = ("servers", name, "env")
    for variable in server.entry.variables if server.entry else ():
        value = server.env.get(variable.name)
        if value is None:
            if variable.is_required and not variable.is_secret and variable.name not in given:
                yield Problem(
                    path=path,
                    message=f"needs {variable.name} ({variable.description.removesuffix('.')}); set it: "
                    f"env: {{{variable.name}: {variable.placeholder or '…'}}}",
                )
        elif variable.is_secret:
            yield Problem(
                path=(*path, variable.name),
                message=f"is a secret and stands in plain text; make a new one, take this out, and set it: "
                f"{set_secret(name, variable.name)}",
            )
        elif variable.choices and value not in variable.choices:
            yield Problem(path=(*path, variable.name), message=f"{value!r} is none of {', '.join(variable.choices)}")
        elif server.entry is not None and not server.entry.fits(variable.name, value):
            yield Problem(
                path=(*path, variable.name),
                message=f"{value!r} has not the form of this variable: {server.entry.form(variable.name)}",
            )


def where_from(server: ServerConfig, variable: str) -> str:
    """Return, for the end of a message, what a variable is and where its value comes from, where that is known."""
    known = server.entry.variable(variable) if server.entry else None
    return f" ({known.description.removesuffix('.')})" if known else ""


def wrong_form(server: ServerConfig, variable: str, value: object) -> str | None:
    """Return, without `value`, why it can't be a secret of this server, or None."""
    if server.entry is None or not isinstance(value, str) or server.entry.fits(variable, value):
        return None
    return f"has not the form that it should have, {server.entry.form(variable)}{where_from(server, variable)}"
