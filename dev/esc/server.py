"""The organization behind HTTP: tokens, routes, and errors that a test orders."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from dev import loopback

from .errors import RefusedError
from .organization import Organization

Json: TypeAlias = Any
Operation: TypeAlias = Callable[..., Any]
PREFIX = "/api/esc/environments"
DURATION = r"(\d*\.\d+|\d+)(ns|us|µs|ms|s|m|h)?(\d*\.\d+|\d+)?(ns|us|µs|ms|s|m|h)?"
LONGEST_SILENCE_SECONDS = 30.0
WRONG_TOKEN = "Unauthorized: No credentials provided or are invalid."  # noqa: S105 - a message


@dataclass
class Esc:
    """The stand-in.

    Attributes:
        may_open: whether the token's owner may open environments.
        failing: a status that every answer has, whatever is asked.
        silent: whether nothing is answered until the server ends.
        asked: methods and paths, in the order they came.
        url: what `mcp-fleet:esc` has as its `api`.
    """

    organization: Organization
    token: str
    may_open: bool = True
    failing: int | None = None
    silent: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    _ended: Event = field(default_factory=Event)

    @contextmanager
    def serving(self) -> Iterator["Esc"]:
        """Serve on a free port of this machine."""
        esc = self

        class Handler(_Handler):
            stand_in = esc

        with loopback.serving(Handler) as self.url:
            try:
                yield self
            finally:
                self._ended.set()

    def wait_in_silence(self) -> None:
        """Return when the server ends, or the client must have given up."""
        self._ended.wait(LONGEST_SILENCE_SECONDS)

    def answer(self, method: str, path: str, query: dict[str, list[str]]) -> Json:
        """Return the body: YAML as a text, else JSON. Raises RefusedError."""
        for wanted, pattern, allowed, operation in ROUTES:
            match = re.fullmatch(f"{PREFIX}/{_ORGANIZATION}/{_PROJECT}/{_ENVIRONMENT}{pattern}", path)
            if match is None or wanted != method:
                continue
            organization, project, environment, *more = match.groups()
            if not query.keys() <= allowed.keys() or not all(
                re.fullmatch(allowed[name], value) for name, values in query.items() for value in values
            ):
                raise RefusedError(400, "Bad Request: unknown or malformed query parameter")
            if organization != self.organization.name:
                raise RefusedError(404, f"Not Found: Organization '{organization}' not found")
            if not self.may_open:
                raise RefusedError(403, "Forbidden: you do not have permission to open this environment")
            options = {name: values[-1] for name, values in query.items()}
            return operation(self.organization, f"{project}/{environment}", options, *more)
        raise RefusedError(404, "404 page not found")


def _number(options: dict[str, str], name: str) -> int | None:
    return int(options[name]) if name in options else None


_ORGANIZATION = r"([a-zA-Z0-9][a-zA-Z0-9-_]{1,38}[a-zA-Z0-9])"
_PROJECT = _ENVIRONMENT = r"([a-zA-Z0-9-_.]{1,100})"
_VERSION = r"/versions/([a-zA-Z0-9-_.]+)"
ROUTES: list[tuple[str, str, dict[str, str], Operation]] = [
    ("POST", "/open", {"duration": DURATION}, lambda of, environment, _: of.open(environment, None)),
    (
        "POST",
        f"{_VERSION}/open",
        {"duration": DURATION},
        lambda of, environment, _, version: of.open(environment, version),
    ),
    ("GET", "/open/([0-9a-f]+)", {}, lambda of, environment, _, session: of.read(environment, session)),
    ("GET", "", {}, lambda of, environment, _: of.definition(environment, None)),
    (
        "GET",
        "/versions",
        {"before": r"\d+", "count": r"\d+"},
        lambda of, environment, options: of.revisions(
            environment, before=_number(options, "before"), count=_number(options, "count")
        ),
    ),
    ("GET", "/versions/tags/([a-zA-Z0-9-_.]+)", {}, lambda of, environment, _, name: of.tag(environment, name)),
    ("GET", _VERSION, {}, lambda of, environment, _, version: of.definition(environment, version)),
]


class _Handler(BaseHTTPRequestHandler):
    stand_in: Esc

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def _serve(self) -> None:
        esc, address = self.stand_in, urlsplit(self.path)
        esc.asked.append((self.command, address.path))
        if esc.silent:
            esc.wait_in_silence()
            self.close_connection = True
            return
        try:
            self._admit()
            status, answer = 200, esc.answer(self.command, address.path, parse_qs(address.query))
        except RefusedError as refusal:
            status, answer = refusal.status, refusal.body()
        definition = isinstance(answer, str)
        content = (answer if definition else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-yaml" if definition else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _admit(self) -> None:
        if self.headers.get("Authorization") != f"token {self.stand_in.token}":
            raise RefusedError(401, WRONG_TOKEN)
        if self.stand_in.failing is not None:
            raise RefusedError(self.stand_in.failing, "Ordered by a test.")
        if self.headers.get("Content-Length") not in {None, "0"}:
            raise RefusedError(400, "Bad Request: this operation takes no body")

    do_GET = do_POST = _serve  # noqa: N815 - named by the base class
