"""OSV over HTTP: `POST /v1/querybatch` and `GET /v1/vulns/{id}`, with pages, and refusals as the description has them.

Versions match as a record's `versions` list them: what the real service makes of ranges is not done again here.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from dev import loopback

Json: TypeAlias = Any
MOST_QUERIES = 1000
ECOSYSTEMS = frozenset({"PyPI", "npm"})
INVALID_ARGUMENT, NOT_FOUND = 3, 5
"""Codes of gRPC, which the service's errors have: https://grpc.io/docs/guides/status-codes/."""


class RefusedError(Exception):
    """An answer that is an error: HTTP status, code of gRPC, message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class Osv:
    """The stand-in.

    Attributes:
        records: by id, in OSV's schema (https://ossf.github.io/osv-schema/).
        page: how many ids one answer to a query has.
        asked: methods and paths, in the order they came.
    """

    records: dict[str, dict[str, Json]] = field(default_factory=dict)
    page: int = 2
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def add(self, identity: str, package: str, version: str, *, ecosystem: str = "PyPI", **more: Json) -> None:
        """Add a record of one affected version. `more` are its other members, such as `aliases`."""
        events = [{"introduced": "0"}, *([{"fixed": more.pop("fixed")}] if "fixed" in more else [])]
        self.records[identity] = {
            "id": identity,
            "modified": "2026-10-01T00:00:00Z",
            "affected": [
                {
                    "package": {"name": package, "ecosystem": ecosystem},
                    "versions": [version],
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }
            ],
            **more,
        }

    @contextmanager
    def serving(self) -> Iterator["Osv"]:
        """Serve on a free port of this machine."""
        osv = self

        class Handler(_Handler):
            stand_in = osv

        with loopback.serving(Handler) as self.url:
            yield self

    def answer(self, method: str, path: str, body: Json) -> Json:
        """Return the JSON of a request."""
        if (method, path) == ("POST", "/v1/querybatch"):
            return {"results": [self._query(query) for query in self._queries(body)]}
        if method == "GET" and path.startswith("/v1/vulns/"):
            record = self.records.get(unquote(path.removeprefix("/v1/vulns/")))
            if record is None:
                raise RefusedError(404, NOT_FOUND, "Bug not found.")
            return record
        raise RefusedError(404, NOT_FOUND, "Not Found")

    @staticmethod
    def _queries(body: Json) -> list[Json]:
        if not isinstance(body, dict) or body.keys() != {"queries"} or not isinstance(body["queries"], list):
            raise RefusedError(400, INVALID_ARGUMENT, "Invalid query.")
        if len(body["queries"]) > MOST_QUERIES:
            raise RefusedError(400, INVALID_ARGUMENT, "Too many queries.")
        return body["queries"]

    def _query(self, query: Json) -> Json:
        if not isinstance(query, dict) or not {"package", "version"} <= query.keys() <= {
            "package",
            "version",
            "page_token",
        }:
            raise RefusedError(400, INVALID_ARGUMENT, "Invalid query.")
        package = query["package"]
        if package.keys() != {"name", "ecosystem"} or package["ecosystem"] not in ECOSYSTEMS:
            raise RefusedError(400, INVALID_ARGUMENT, "Invalid ecosystem.")
        found = [record for record in self.records.values() if self._affects(record, package, query["version"])]
        start = int(query.get("page_token", "0"))
        shown = found[start : start + self.page]
        answer: dict[str, Json] = {}
        if shown:
            answer["vulns"] = [{"id": record["id"], "modified": record["modified"]} for record in shown]
        if start + self.page < len(found):
            answer["next_page_token"] = str(start + self.page)
        return answer

    @staticmethod
    def _affects(record: Json, package: Json, version: str) -> bool:
        return any(each["package"] == package and version in each["versions"] for each in record["affected"])


class _Handler(BaseHTTPRequestHandler):
    stand_in: Osv

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def _serve(self) -> None:
        path = urlsplit(self.path).path
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.stand_in.asked.append((self.command, path))
        status = 200
        try:
            answer = self.stand_in.answer(self.command, path, json.loads(sent) if sent else None)
        except RefusedError as refusal:
            status, answer = refusal.status, {"code": refusal.code, "message": str(refusal)}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
