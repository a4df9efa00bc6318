"""Connects ssh to the first manager of a stack that takes a connection, for the Docker provider.

ssh runs it where `write_login` put it, beside the list of managers, and is handed the connection itself.
Source: https://man.openbsd.org/ssh_config, ProxyCommand and ProxyUseFdpass
"""

import socket
import sys
from pathlib import Path

SECONDS = 5.0
"""How long a manager may take to answer before the next one is tried."""
MANAGERS = "managers"
"""The file with their addresses, a line each, in the order in which they are tried."""


def main() -> None:
    """Hand over a connection to the port that the only argument says. Exits with each manager's silence in a line."""
    port = int(sys.argv[1])
    silent: list[str] = []
    for address in Path(__file__).with_name(MANAGERS).read_text(encoding="utf-8").split():
        try:
            connection = socket.create_connection((address, port), timeout=SECONDS)
        except OSError as error:
            silent.append(f"no manager at {address} port {port}: {error}")
            continue
        connection.settimeout(None)  # the other side of ssh's expects a connection that blocks
        with connection, socket.socket(fileno=sys.stdout.fileno()) as ssh:
            socket.send_fds(ssh, [b"\0"], [connection.fileno()])
            ssh.detach()
        return
    raise SystemExit("\n".join(silent))


if __name__ == "__main__":
    main()
