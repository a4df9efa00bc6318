"""Why a remote server gives no answer of MCP, each in one sentence that says what to do."""

import ssl
from collections.abc import Iterator

import httpx2

ANSWERS = ("application/json", "text/event-stream")
"""What answers to requests are made of: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports"""


def unreachable(url: httpx2.URL, error: httpx2.TransportError) -> str:
    """Say why a request did not get through, or why its answer did not come."""
    where = address(url)
    if (fault := certificate_fault(error)) is not None:
        flaw = fault.verify_message.removesuffix(".")
        return f"the certificate of {where} can't be trusted: {flaw}; its owner must mend it"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return f"{where} does not speak TLS: {cause.reason or cause}; check the URL"
    if isinstance(error, httpx2.ConnectTimeout):
        return f"{where} can't be reached: no connection in time; check the URL, and what this fleet may reach"
    if isinstance(error, httpx2.ConnectError):
        return f"{where} can't be reached: {error or 'no connection'}; check the URL, and what this fleet may reach"
    if isinstance(error, httpx2.TimeoutException):
        return f"{where} took too long to answer"
    return f"{where} broke the connection off: {error or type(error).__name__}"


def certificate_fault(error: httpx2.TransportError) -> ssl.SSLCertVerificationError | None:
    """Return what is wrong with a server's certificate; None where it was something else that went wrong."""
    return next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)


def refusal(response: httpx2.Response, *, shown: bool) -> str | None:
    """Say why an answer is none of MCP; None where it is one, or where the transport deals with it.

    Arguments:
        response: to a POST or GET; its body is not looked at.
        shown: whether a credential was shown.
    """
    where, status = address(response.request.url), response.status_code
    if response.has_redirect_location:
        return f"{where} redirects to {_target(response)}; write that URL in its place if it is the right one"
    if status == httpx2.codes.UNAUTHORIZED:
        return (
            f"{where} refused the credential (401); set the secret again, or mend `headers` or `auth`"
            if shown
            else f"{where} asks for a credential (401); give it one with `headers` or `auth`"
        )
    if status == httpx2.codes.FORBIDDEN:
        return f"{where} answered 403: the credential has not the rights that this needs"
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        again = response.headers.get("retry-after", "")
        return f"{where} asks for fewer requests (429){f', and to wait {again[:40]} s' if again.isdigit() else ''}"
    if status >= httpx2.codes.BAD_REQUEST:
        return f"{where} answered {status} {response.reason_phrase}".rstrip() + "; check the URL"
    return None


def no_answer(response: httpx2.Response) -> str | None:
    """Say why a successful answer to a request can't be one of MCP, None where it can."""
    kind = content_type(response)
    if response.status_code == httpx2.codes.OK and kind not in ANSWERS:
        return f"{address(response.request.url)} answers {kind or 'nothing'}, which is not MCP; check the URL"
    return None


def content_type(response: httpx2.Response) -> str:
    """Return the media type of an answer without its parameters."""
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()[:80]


def address(url: httpx2.URL) -> str:
    """Return a URL as it may be shown: without user, query and fragment, which may hold what is secret."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


def _target(response: httpx2.Response) -> str:
    try:
        return address(response.request.url.join(response.headers["location"]))
    except httpx2.InvalidURL:
        return "no valid URL"


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
