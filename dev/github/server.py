"""One repository's comments, over HTTP: authentication, pages, and refusals in GitHub's own words."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from dev import loopback

Json: TypeAlias = Any
LONGEST = 65_536
"""Characters of a comment at most."""
LARGEST_PAGE = 100
USUAL_PAGE = 30
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
BOT = "github-actions[bot]"


class RefusedError(Exception):
    """An answer that is an error: a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class GitHub:
    """The stand-in: the comments of one pull request of a repository.

    Attributes:
        comments: the oldest first, as the API answers them.
        may_write: whether the token has `pull-requests: write`.
        asked: methods and paths, in the order they came.
    """

    repository: str
    number: int
    token: str
    comments: list[dict[str, Json]] = field(default_factory=list)
    may_write: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def add(self, body: str, login: str) -> dict[str, Json]:
        """Have somebody comment."""
        identity = 1000 + len(self.comments)
        address = f"https://github.com/{self.repository}/pull/{self.number}#issuecomment-{identity}"
        comment = {"id": identity, "body": body, "user": {"login": login}, "html_url": address}
        self.comments.append(comment)
        return comment

    @contextmanager
    def serving(self) -> Iterator["GitHub"]:
        """Serve on a free port of this machine."""
        github = self

        class Handler(_Handler):
            stand_in = github

        with loopback.serving(Handler) as self.url:
            yield self

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Json) -> tuple[int, Json, str]:
        """Return status, JSON and the `Link` header of a request."""
        thread = f"/repos/{self.repository}/issues/{self.number}/comments"
        if (method, path) == ("GET", thread):
            return self._page(thread, query)
        single = re.fullmatch(rf"/repos/{re.escape(self.repository)}/issues/comments/(\d+)", path)
        if (method, path) != ("POST", thread) and not (method == "PATCH" and single):
            raise RefusedError(404, "Not Found")
        if not self.may_write:
            raise RefusedError(403, "Resource not accessible by integration")
        text = self._body(body)
        if single is None:
            return 201, self.add(text, BOT), ""
        found = next((item for item in self.comments if item["id"] == int(single[1])), None)
        if found is None:
            raise RefusedError(404, "Not Found")
        found["body"] = text
        return 200, found, ""

    def _page(self, path: str, query: dict[str, list[str]]) -> tuple[int, Json, str]:
        if not query.keys() <= {"per_page", "page"}:
            raise RefusedError(422, "Validation Failed")
        size = min(int(query.get("per_page", [str(USUAL_PAGE)])[0]), LARGEST_PAGE)
        number = int(query.get("page", ["1"])[0])
        more = number * size < len(self.comments)
        link = f'<{self.url}{path}?per_page={size}&page={number + 1}>; rel="next"' if more else ""
        return 200, self.comments[(number - 1) * size : number * size], link

    @staticmethod
    def _body(body: Json) -> str:
        if not isinstance(body, dict) or body.keys() != {"body"} or not isinstance(body["body"], str):
            raise RefusedError(422, "Invalid request.")
        if not body["body"].strip():
            raise RefusedError(422, "Validation Failed: Body cannot be blank")
        if len(body["body"]) > LONGEST:
            raise RefusedError(422, f"Validation Failed: body is too long (maximum is {LONGEST} characters)")
        return body["body"]


class _Handler(BaseHTTPRequestHandler):
    stand_in: GitHub

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def _serve(self) -> None:
        address = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.stand_in.asked.append((self.command, address.path))
        link = ""
        try:
            self._admit()
            body = json.loads(sent) if sent else None
            status, answer, link = self.stand_in.answer(self.command, address.path, parse_qs(address.query), body)
        except RefusedError as refusal:
            status, answer = refusal.status, {"message": str(refusal)}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(content)

    def _admit(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {self.stand_in.token}":
            raise RefusedError(401, "Bad credentials")
        for name, value in HEADERS.items():
            if self.headers.get(name) != value:
                raise RefusedError(400, f"{name} must be {value}")
        if not self.headers.get("User-Agent"):
            raise RefusedError(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
            )
