"""Ports for what a test starts."""

import random
import socket
from pathlib import Path

# Docker, Envoy and Consul bind a port seconds after it was chosen. The kernel gives ports from this range to outgoing
# connections, so one chosen there is now and then taken by then.
KERNEL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST = 15000


def free_port() -> int:
    """Return a TCP port that nothing listens on, and that the kernel gives to nobody who did not ask for it.

    Raises:
        RuntimeError: A hundred ports were tried, and all were taken.
    """
    end = int(KERNEL_RANGE.read_text().split()[0]) if KERNEL_RANGE.exists() else 32768
    for port in random.sample(range(FIRST, end), k=100):
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port from {FIRST} to {end - 1}")
