"""The account behind HTTP: authentication, limits of requests, routes and envelopes."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import RLock
from typing import Any, TypeAlias

from dev import loopback

from . import requests
from .account import Account
from .catalog import REGIONS, region
from .errors import ApiError, unauthorized
from .faults import Fault
from .requests import parse

Json: TypeAlias = Any
PREFIX = "/api/v1"
LAUNCH = f"{PREFIX}/instance-operations/launch"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The least distance between two requests, and between two launches, in seconds."""

    request: float = 1.0
    launch: float = 12.0


@dataclass
class LambdaCloud:
    """The stand-in. `requests` lists what was asked, with its body, whatever became of it; `lock` guards the account.

    Attributes:
        faults: what goes wrong; the first that hits counts.
        url: what `lambda-labs:endpoint` is set to.
    """

    account: Account
    api_key: str
    limits: Limits = field(default_factory=Limits)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    refused_for_speed: int = 0
    url: str = ""
    lock: RLock = field(default_factory=RLock)
    _free_at: dict[str, float] = field(default_factory=dict)

    def asked(self, method: str, path: str) -> list[Any]:
        """The bodies of the requests of this kind."""
        return [body for asked, where, body in self.requests if (asked, where) == (method, PREFIX + path)]

    @contextmanager
    def serving(self) -> Iterator["LambdaCloud"]:
        """Serve on a free port of this machine."""
        cloud = self

        class Handler(_Handler):
            stand_in = cloud

        with loopback.serving(Handler) as address:
            self.url = address + PREFIX
            yield self

    def check_speed(self, path: str) -> float | None:
        """Return how many seconds too early a request is, or None; an early one does not count."""
        now = self.account.clock()
        distances = {"request": self.limits.request, **({"launch": self.limits.launch} if path == LAUNCH else {})}
        early = max(self._free_at.get(kind, now) - now for kind in distances)
        if early > 0:
            self.refused_for_speed += 1
            return early
        self._free_at |= {kind: now + seconds for kind, seconds in distances.items()}
        return None

    def answer(self, method: str, path: str, body: object) -> Json:
        """Do what is asked and return the data."""
        for wanted, pattern, operation in ROUTES:
            match = re.fullmatch(PREFIX + pattern, path)
            if match and wanted == method:
                return operation(self.account, body, *match.groups())
        raise ApiError(404, "global/not-found", f"There is no {method} {path}.")


Operation = Callable[..., Any]
_ID = "/([0-9a-f]+)"
ROUTES: list[tuple[str, str, Operation]] = [
    ("GET", "/instance-types", lambda account, body: account.list_types()),
    ("GET", "/regions", lambda account, body: [region(name) for name in REGIONS]),
    ("GET", "/instances", lambda account, body: account.list_machines()),
    ("GET", f"/instances{_ID}", lambda account, body, id_: account.get_machine(id_)),
    (
        "POST",
        f"/instances{_ID}",
        lambda account, body, id_: account.rename_machine(id_, parse(requests.Rename, body)),
    ),
    ("POST", "/instance-operations/launch", lambda account, body: account.launch(parse(requests.Launch, body))),
    (
        "POST",
        "/instance-operations/terminate",
        lambda account, body: account.terminate(parse(requests.Ids, body).instance_ids),
    ),
    ("GET", "/ssh-keys", lambda account, body: list(account.ssh_keys.values())),
    ("POST", "/ssh-keys", lambda account, body: account.add_ssh_key(parse(requests.AddSshKey, body))),
    ("DELETE", f"/ssh-keys{_ID}", lambda account, body, id_: account.remove(account.ssh_keys, id_, "SSH key")),
    ("GET", "/firewall-rulesets", lambda account, body: account.list_rulesets()),
    ("POST", "/firewall-rulesets", lambda account, body: account.add_ruleset(parse(requests.AddRuleset, body))),
    (
        "PATCH",
        f"/firewall-rulesets{_ID}",
        lambda account, body, id_: account.change_ruleset(id_, parse(requests.ChangeRuleset, body)),
    ),
    ("DELETE", f"/firewall-rulesets{_ID}", lambda account, body, id_: account.delete_ruleset(id_)),
    ("GET", "/file-systems", lambda account, body: list(account.file_systems.values())),
    ("POST", "/filesystems", lambda account, body: account.add_file_system(parse(requests.AddFileSystem, body))),
    ("DELETE", f"/filesystems{_ID}", lambda account, body, id_: account.delete_file_system(id_)),
]


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go in two writes
    stand_in: LambdaCloud

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `requests` has it all."""

    def _serve(self) -> None:
        cloud = self.stand_in
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        with cloud.lock:
            try:
                answer = self._answer(content)
            except ApiError as error:
                answer = (error.status, {}, error.body())
        if answer is None:
            self.close_connection = True
            return
        status, headers, document = answer
        payload = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(payload)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def _answer(self, content: bytes) -> tuple[int, dict[str, str], Any] | None:
        cloud, method, path = self.stand_in, self.command, self.path
        body = self._body(content)
        cloud.requests.append((method, path, body))
        if self.headers.get("authorization") != f"Bearer {cloud.api_key}":
            raise unauthorized()
        early = cloud.check_speed(path)
        if early is not None:
            # Only that there is a limit is described, so neither the header nor this code is certain.
            refusal = ApiError(429, "global/too-many-requests", "Too many requests.")
            return 429, {"retry-after": str(max(1, -int(-early // 1)))}, refusal.body()
        fault = next((fault for fault in cloud.faults if fault.hits(method, path)), None)
        if fault is None:
            return 200, {}, {"data": cloud.answer(method, path, body)}
        if fault.after:
            cloud.answer(method, path, body)
        if fault.status is None:
            return None
        return fault.status, fault.headers, ApiError(fault.status, fault.code, "Ordered by a test.").body()

    def _body(self, content: bytes) -> Json:
        if not content:
            return None
        if self.headers.get_content_type() != "application/json":
            raise ApiError(400, "global/invalid-parameters", "The body must be application/json.")
        try:
            return json.loads(content)
        except ValueError:
            raise ApiError(400, "global/invalid-parameters", "The body is no JSON.") from None

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - named by the base class
