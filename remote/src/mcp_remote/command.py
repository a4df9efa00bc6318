"""`mcp-remote URL`: a remote MCP server on standard input and output."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import NoReturn

import httpx2
from mcp.server.stdio import stdio_server

from .client_credentials import ClientCredentials, ClientRegistration
from .credentials import Credential, CredentialError, StaticHeaders, filled_in, parse_headers
from .http import RemoteHttp
from .relay import relay


def main() -> None:
    """Run until the input ends (status 0), or the server is away or the credential is missing (status 1)."""
    given = _parser().parse_args()
    serve(given.url, lambda stack: credential(given, os.environ, stack))


def serve(url: str, credential: Callable[[AsyncExitStack], Credential]) -> NoReturn:
    """Be a stdio server that is the one at `url`, and end the process.

    Arguments:
        credential: makes what is shown to the server. Raises CredentialError where it can't.
    """
    try:
        asyncio.run(_serve(url, credential))
    except CredentialError as error:
        _leave(str(error))
    _leave(None)


async def _serve(url: str, credential: Callable[[AsyncExitStack], Credential]) -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(RemoteHttp(credential(stack)))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, http.give_up, None)
        async with stdio_server() as (from_client, to_client):
            await relay(url, http, from_client, to_client)
            if http.given_up.done():
                # A thread still waits for a line of input, and leaving in order would wait for it.
                _leave(http.given_up.result())
            await to_client.aclose()


def _leave(why: str | None) -> NoReturn:
    if why is not None:
        print(why, file=sys.stderr, flush=True)
    os._exit(0 if why is None else 1)


def credential(given: argparse.Namespace, variables: Mapping[str, str], stack: AsyncExitStack) -> Credential:
    """Return what the arguments say is shown to the server. Raises CredentialError."""
    if not given.token_url:
        return StaticHeaders(parse_headers(given.header, variables))
    registration = ClientRegistration(
        token_url=given.token_url,
        client_id=filled_in(given.client_id, variables),
        client_secret=filled_in(given.client_secret, variables),
        scopes=tuple(given.scope),
        resource=given.resource,
        client_authentication=given.client_authentication,
    )
    http = httpx2.AsyncClient()
    stack.push_async_callback(http.aclose)
    return ClientCredentials(registration, http)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mcp-remote",
        description="Be a stdio MCP server that is a remote one. {NAME} in a value is the variable NAME.",
    )
    parser.add_argument("url", help="where the server answers", type=_https)
    parser.add_argument("--header", action="append", default=[], metavar="NAME: VALUE", help="sent with each request")
    parser.add_argument("--token-url", type=_https, help="OAuth token endpoint: client credentials are used")
    parser.add_argument("--client-id", default="", help="of the fleet, at the authorization server")
    parser.add_argument("--client-secret", default="", metavar="{NAME}", help="the variable that has it")
    parser.add_argument("--client-authentication", choices=("basic", "post"), default="basic", help="how both are sent")
    parser.add_argument("--scope", action="append", default=[], help="of the token; repeat for more")
    parser.add_argument("--resource", default="", help="URL that the token is for, where its issuer asks (RFC 8707)")
    return parser


def _https(text: str) -> str:
    url = httpx2.URL(text)
    if url.scheme != "https" or not url.host or url.userinfo:
        raise argparse.ArgumentTypeError(f"{text!r} must be an https:// URL without user and password")
    return text
