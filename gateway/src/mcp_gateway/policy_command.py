"""`mcp-policy`: serve the policy to the gateway's agent."""

import asyncio
import logging
import signal
from pathlib import Path

from .logs import log_to_stdout
from .options import Options, read_secret
from .policy import Policy, PolicyError
from .policy_server import application
from .serving import embedded_server

_log = logging.getLogger(__name__)


def main() -> None:
    """Run the command until SIGTERM or SIGINT. Exits with the reason where its files can't be used."""
    options = Options("mcp-policy", "Serve the fleet's policy (who may call what) to the gateway's agent.")
    options.add("host", "address to listen on", default="0.0.0.0")  # noqa: S104 - inside the fleet's network
    options.add("port", "port to listen on", kind=int, default=8090)
    options.add("policy-file", 'JSON: {"clients": {NAME: {"rpm": …, "servers": …}}}', kind=Path, required=True)
    options.add("keys-file", "JSON: {CLIENT: [API KEY, …]}", kind=Path, required=True)
    options.add("master-file", "the secret behind the fleet's internal tokens", kind=Path, required=True)
    options.add("log-level", "debug, info, warning or error", default="info")
    given = options.parser.parse_args()
    log_to_stdout(given.log_level)
    try:
        policy = Policy.from_files(given.policy_file, given.keys_file)
    except PolicyError as error:
        raise SystemExit(str(error)) from error
    asyncio.run(_serve(policy, read_secret(given.master_file), given.host, given.port))


async def _serve(policy: Policy, master: str, host: str, port: int) -> None:
    going_down = asyncio.Event()
    server = embedded_server(application(policy, master, going_down), host=host, port=port)

    def leave() -> None:
        going_down.set()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leave)
    _log.info("serving policy %s with %d clients on port %d", policy.version, len(policy.clients), port)
    await server.serve()
