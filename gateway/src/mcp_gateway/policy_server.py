"""The policy service: hands the policy to the gateway's agent.

It reads its files once. Docker's configs and secrets never change under a running container: a change of policy
replaces this container, and the agent's waiting request is answered as it goes, so that the agent asks the next one.
"""

import asyncio
from http import HTTPStatus

from mcp_wire import token
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .policy import Policy

LONGEST_WAIT_SECONDS = 60.0


def application(policy: Policy, master: str, going_down: asyncio.Event) -> Starlette:
    """Return the service.

    Arguments:
        policy: what to serve.
        master: the secret from which the agent's token is derived.
        going_down: set when the service is to end; whoever waits is answered then.
    """
    expected = f"Bearer {token.derive(master, token.POLICY_AUDIENCE)}"
    body = policy.to_json()
    etag = f'"{policy.version}"'

    async def serve(request: Request) -> Response:
        if not token.matches(expected, request.headers.get("authorization", "")):
            return _refusal(HTTPStatus.UNAUTHORIZED, "only the gateway's agent may read the policy")
        if going_down.is_set():
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "going down: ask again, the next one answers")
        if request.headers.get("if-none-match") != etag:
            return Response(body, media_type="application/json", headers={"etag": etag})
        try:
            wait = min(float(request.query_params.get("wait", "0")), LONGEST_WAIT_SECONDS)
        except ValueError:
            return _refusal(HTTPStatus.BAD_REQUEST, "`wait` must be a number of seconds")
        await _either(going_down, wait)
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": etag, "connection": "close"})

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": policy.version, "clients": len(policy.clients)})

    return Starlette(routes=[Route("/v1/policy", serve), Route("/healthz", health)])


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _refusal(status: HTTPStatus, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status, headers={"connection": "close"})
