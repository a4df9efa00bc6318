"""A Docker engine behind ssh, as a Unix socket on this machine.

Each connection to the socket becomes one `ssh … docker system dial-stdio`, as the docker CLI does it.
Source: https://github.com/docker/cli/tree/master/cli/connhelper
"""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

CHUNK: Final = 64 * 1024


def ssh_command(url: str, options: Sequence[str]) -> list[str]:
    """The command that connects its stdin and stdout to the engine of a host.

    Args:
        url: `ssh://[user@]host[:port]`.
        options: flags of the user's for ssh.

    Raises:
        ValueError: the URL has no host, or has a password or a path.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.password or parts.path.strip("/") or parts.query:
        raise ValueError(f"{url}: expected ssh://[user@]host[:port]")
    user = ["-l", parts.username] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    return [
        "ssh",
        *options,
        "-o",
        "ConnectTimeout=30",
        "-T",
        *user,
        *port,
        "--",
        parts.hostname,
        "docker system dial-stdio",
    ]


def forwarded_socket(url: str, options: Sequence[str]) -> Path:
    """Listens on a new private Unix socket for as long as this process lives, and gives its path.

    Raises:
        OSError: there is no ssh client, or the socket cannot be made.
    """
    if shutil.which("ssh") is None:
        raise FileNotFoundError(f"no `ssh` on PATH: it is needed to reach {url}")
    command = ssh_command(url, options)
    path = Path(tempfile.mkdtemp(prefix="docker-ssh-")) / "docker.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    threading.Thread(target=_accept, args=(listener, command), daemon=True).start()
    return path


def _accept(listener: socket.socket, command: Sequence[str]) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_forward, args=(connection, command), daemon=True).start()


def _forward(connection: socket.socket, command: Sequence[str]) -> None:
    with connection, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ssh:
        assert ssh.stdin is not None
        assert ssh.stdout is not None
        upward = threading.Thread(target=_send, args=(connection, ssh), daemon=True)
        upward.start()
        while chunk := os.read(ssh.stdout.fileno(), CHUNK):
            try:
                connection.sendall(chunk)
            except OSError:  # the client has what it wanted
                break
        connection.shutdown(socket.SHUT_RDWR)
        ssh.terminate()
        upward.join()


def _send(connection: socket.socket, ssh: "subprocess.Popen[bytes]") -> None:
    assert ssh.stdin is not None
    try:
        while chunk := connection.recv(CHUNK):
            ssh.stdin.write(chunk)
            ssh.stdin.flush()
        ssh.stdin.close()
    except OSError:  # ssh has ended; what it printed to stderr reaches the user through the engine
        return
