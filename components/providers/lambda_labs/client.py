"""Requests to Lambda Cloud's REST API: paced, with time-outs, and repeated only where that can do no harm.

Source: Lambda's OpenAPI description 1.10.0 (https://docs-api.lambda.ai/api/cloud): one request a second, one launch in
12 seconds, `{"data": …}` or `{"error": {code, message, suggestion?}}`, of which only `code` may be relied upon.
"""

import email.utils
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx2

from components.providers.plain_errors import ProviderError

from .clock import Clock, Pacer, SystemClock
from .models import Json
from .settings import MAKE_KEY, SET_KEY, Settings

LAUNCH = "/instance-operations/launch"
CONNECT_SECONDS = 10.0
CALL_SECONDS = 60.0
ATTEMPTS = 5
"""How often a request that may be repeated is made before its failure counts."""
BACKOFF_SECONDS = 2.0
RATE_LIMIT_SECONDS = 600.0
"""How long one request may be told to come back later. Others may use the same account."""

REMEDIES = {
    "global/invalid-api-key": f"{MAKE_KEY}, then {SET_KEY}",
    "global/account-inactive": "verify the account's e-mail address and its means of payment in Lambda's console",
    "global/invalid-address": "correct the billing address in Lambda's console",
    "global/quota-exceeded": "terminate what is not needed, or ask Lambda's support for a higher quota",
}


class RefusedError(ProviderError):
    """The API said no, and has done nothing. `code` is one of those in its description, `status` that of HTTP."""

    def __init__(self, message: str, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class UnansweredError(ProviderError):
    """There was no answer, or one of a server in trouble: whether the request was carried out is not known."""


class Client:
    """Makes requests to the API at `settings.endpoint`; safe to use from several threads."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._pacer = Pacer(self.clock)
        self._http = httpx2.Client(
            headers={"authorization": f"Bearer {settings.api_key}", "accept": "application/json"},
            verify=_tls(),
            timeout=httpx2.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,  # to the deprecated host, a redirected POST would lose its body
        )

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, repeatable: bool = True, hide: str = ""
    ) -> Json:
        """Make a request and return its `data`.

        Arguments:
            repeatable: making it twice is as good as once, so failures of network and server are tried again.
            hide: a secret in `body`, which no error may show.

        Raises:
            RefusedError: The API said no.
            UnansweredError: Whether it was carried out is not known; after some attempts where it is repeatable.
        """
        attempts = ATTEMPTS if repeatable else 1
        for attempt in range(1, attempts + 1):
            try:
                return self._attempt(method, path, body, hide)
            except UnansweredError:
                if attempt == attempts:
                    raise
                self.clock.pause(BACKOFF_SECONDS * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _attempt(self, method: str, path: str, body: Mapping[str, Any] | None, hide: str) -> Json:
        """Make a request once, or as often as the API says to come back later: it has done nothing then."""
        give_up = self.clock.now() + RATE_LIMIT_SECONDS
        refusals = 0
        while True:
            response = self._send(method, path, body)
            if response.status_code != httpx2.codes.TOO_MANY_REQUESTS:
                return self._data(response, method, path, hide)
            pause = _retry_after(response) or BACKOFF_SECONDS * 2 ** min(refusals, 5)
            refusals += 1
            if self.clock.now() + pause > give_up:
                raise RefusedError(
                    f"Lambda Labs: {method} {path}: the account's limit of requests has been used up for "
                    f"{RATE_LIMIT_SECONDS:.0f} s; find out who else uses this API key, then run again",
                    "too-many-requests",
                    response.status_code,
                )
            self.clock.pause(pause)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx2.Response:
        settings = self.settings
        self._pacer.wait(
            {"request": settings.request_seconds, **({"launch": settings.launch_seconds} if path == LAUNCH else {})}
        )
        try:
            return self._http.request(method, settings.endpoint + path, json=body)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            reason = str(error) or type(error).__name__
            raise UnansweredError(f"Lambda Labs: {method} {settings.endpoint}{path} got no answer: {reason}") from None
        except (httpx2.InvalidURL, UnicodeError) as error:
            raise ProviderError(f"lambda-labs:endpoint: {settings.endpoint} is no URL: {error}") from None

    def _data(self, response: httpx2.Response, method: str, path: str, hide: str) -> Json:
        what = f"Lambda Labs: {method} {path}"
        if 300 <= response.status_code < 400:
            raise ProviderError(f"{what}: the API has moved to {response.headers.get('location')}; mend {_ENDPOINT}")
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict) and "data" in answer:
            return answer["data"]
        error = answer.get("error") if isinstance(answer, dict) else None
        code = str(error.get("code")) if isinstance(error, dict) else ""
        # `provider/…` comes from behind the API and says nothing about what was done: as good as no answer.
        if not code or response.status_code >= 500 or code.startswith("provider/"):
            raise UnansweredError(
                f"{what}: the server is in trouble (HTTP {response.status_code} {code}); try again later"
            )
        assert isinstance(error, dict)
        secrets = (self.settings.api_key, hide)
        message = _without(secrets, str(error.get("message", "")))
        suggestion = _without(secrets, str(error.get("suggestion") or ""))
        remedy = REMEDIES.get(code) or suggestion
        text = f"{what}: {message.rstrip('.')} ({code}){'; ' if remedy else ''}{remedy}"
        raise RefusedError(text, code, response.status_code)


_ENDPOINT = "lambda-labs:endpoint"


@cache
def _tls() -> ssl.SSLContext:
    """Return what all clients trust. It takes most of a second to read."""
    return httpx2.create_ssl_context()


def _without(secrets: Sequence[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "[secret]") if secret else text
    return text


def _retry_after(response: httpx2.Response) -> float | None:
    """Return how many seconds the answer says to wait (RFC 9110, 10.2.3: a number or a date), if it says so."""
    value = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
