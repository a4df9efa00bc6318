"""A way to a moto server on which a test orders faults: refusals in AWS's own form, and answers that never come.

Each service words a refusal in its protocol: https://smithy.io/2.0/aws/protocols/index.html
"""

import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Final
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from dev import loopback

SCOPE: Final = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")
"""Part of the header `authorization`: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html"""
BY_PATH: Final = (
    ("s3", "PUT", re.compile(r"/[^/?]+"), "CreateBucket"),
    ("route53", "POST", re.compile(r"/2013-04-01/hostedzone/[^/]+/rrset/?"), "ChangeResourceRecordSets"),
)
"""Operations of services that name none in a request, as far as tests order faults of them."""
HOP_BY_HOP: Final = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
HELD_SECONDS: Final = 300.0
"""How long an answer is held back at most."""


@dataclass
class Refusal:
    """What the next `times` requests of an operation, such as `ec2:RunInstances`, are answered; nothing is done."""

    operation: str
    code: str
    message: str = "Ordered by a test."
    status: int = 400
    times: int = 1


@dataclass
class Hold:
    """A request of an operation that is carried out, and whose answer is lost when it is let go.

    Attributes:
        done: set when it was carried out.
        let_go: to be set when whoever asked is gone.
    """

    operation: str
    done: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


@dataclass
class FaultyWay:
    """Leads to the server at `to`.

    Attributes:
        url: where it begins.
        refusals, holds: what was ordered and did not happen yet.
        asked: the operations that were asked for, in their order.
    """

    to: str
    url: str = ""
    refusals: list[Refusal] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def open(self) -> Iterator["FaultyWay"]:
        """Serve on a free port of this machine."""
        way = self

        class Handler(_Handler):
            faulty_way = way

        with loopback.serving(Handler) as self.url:
            yield self

    def ordered(self, operation: str) -> Refusal | Hold | None:
        """Return what happens to a request of `operation`; it counts as having happened."""
        with self._lock:
            self.asked.append(operation)
            for refusal in self.refusals:
                if refusal.operation == operation:
                    refusal.times -= 1
                    self.refusals = [left for left in self.refusals if left.times]
                    return refusal
            for hold in self.holds:
                if hold.operation == operation:
                    self.holds.remove(hold)
                    return hold
        return None


def operation_of(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return what a request asks for, as `service:Operation`; without the operation where it is not known."""
    scope = SCOPE.search(headers.get("authorization", ""))
    service = scope["service"] if scope else ""
    if target := headers.get("x-amz-target"):
        return f"{service}:{target.rpartition('.')[2]}"
    if action := parse_qs(body.decode(errors="replace")).get("Action"):
        return f"{service}:{action[0]}"
    plain, query = urlsplit(path).path, urlsplit(path).query
    for where, how, pattern, name in BY_PATH:
        if (where, how) == (service, method) and pattern.fullmatch(plain) and not query:
            return f"{service}:{name}"
    return f"{service}:"


def refused(refusal: Refusal, *, in_json: bool) -> bytes:
    """Return the body of a refusal, as the service of its operation words it."""
    if in_json:
        return json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    error = f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
    service = refusal.operation.partition(":")[0]
    if service == "ec2":
        return f"<Response><Errors><Error>{error}</Error></Errors><RequestID>test</RequestID></Response>".encode()
    if service == "s3":
        return f"<Error>{error}</Error>".encode()
    kind = "<Type>Sender</Type>"
    return f"<ErrorResponse><Error>{kind}{error}</Error><RequestId>test</RequestId></ErrorResponse>".encode()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go in two writes
    faulty_way: FaultyWay

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `asked` has it all."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = self.faulty_way.ordered(operation_of(self.command, self.path, headers, body))
        if isinstance(fault, Refusal):
            in_json = "x-amz-target" in headers
            kind = "application/x-amz-json-1.1" if in_json else "text/xml"
            self._answer(fault.status, {"content-type": kind}, refused(fault, in_json=in_json))
            return
        status, answered, content = self._forward(headers, body)
        if isinstance(fault, Hold):
            fault.done.set()
            fault.let_go.wait(HELD_SECONDS)
            self.close_connection = True
            return
        self._answer(status, answered, content)

    def _forward(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        there = http.client.HTTPConnection(urlsplit(self.faulty_way.to).netloc)
        try:
            there.request(self.command, self.path, body, dict(headers))
            answer = there.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            there.close()

    def _answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("content-length", headers.get("content-length", "0") if not content else str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - named by the base class
