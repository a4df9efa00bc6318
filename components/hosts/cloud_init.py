"""What a machine of a cloud makes of itself at its first start: a host of the fleet, as cloud-init's user data.

For Debian and Ubuntu, of whichever cloud. Source: https://cloudinit.readthedocs.io/en/latest/reference/modules.html
"""

import json
from dataclasses import dataclass
from typing import Any, Final

import yaml

from .machine_keys import MachineKeys

USER: Final = "fleet"
"""Who logs in: it has the engine, and nothing else."""
TUNNEL: Final = "fleet0"
"""The WireGuard interface."""
OPEN_FILES: Final = 65536
CONTAINER_PROCESSES: Final = 1024
PACKAGES: Final = ("docker.io", "iptables", "ca-certificates", "unattended-upgrades")

ENGINE: Final[dict[str, Any]] = {
    "exec-opts": ["native.cgroupdriver=systemd"],
    "no-new-privileges": True,
    "icc": False,
    "default-ulimits": {"nofile": {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES}},
    "log-driver": "json-file",
    "log-opts": {"max-size": "10m", "max-file": "3"},
}
"""daemon.json: the hardening that a Swarm service can't ask for by itself, and log rotation.

Source: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
"""

# A Pulumi operation opens many sessions at a time: sshd would refuse some at its default of 10.
SSHD: Final = f"""\
AllowUsers {USER}
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding no
AllowAgentForwarding no
X11Forwarding no
MaxStartups 100:30:200
"""

KERNEL: Final = """\
kernel.dmesg_restrict = 1
kernel.kptr_restrict = 2
kernel.unprivileged_bpf_disabled = 1
kernel.yama.ptrace_scope = 1
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.default.accept_redirects = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.all.accept_source_route = 0
net.ipv4.tcp_syncookies = 1
"""

JOURNAL: Final = "[Journal]\nSystemMaxUse=500M\nMaxRetentionSec=30day\n"

# The engine has no such setting. Its containers are scopes of this name, and runc leaves the limit of one that asks for
# none to systemd: https://github.com/opencontainers/runc/blob/main/docs/systemd.md
CONTAINERS: Final = f"[Scope]\nTasksMax={CONTAINER_PROCESSES}\n"

UPGRADES: Final = """\
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "false";
"""


@dataclass(frozen=True, kw_only=True)
class Tunnel:
    """A host's end of the fleet's WireGuard network.

    Attributes:
        address: the host's own in it, with the network's prefix: `10.90.0.11/24`.
        port: UDP port.
    """

    address: str
    port: int


def user_data(*, hostname: str, public_key: str, keys: MachineKeys, tunnel: Tunnel | None) -> str:
    """Return cloud-init's user data of a host. It has private keys: keep it a secret.

    Arguments:
        hostname: what the host calls itself.
        public_key: one or more SSH keys, a line each, that may log in as USER.
        keys: planted in it.
        tunnel: None for a host that reaches all the others without one. Its peers are no part of the user data, which
            is read at the first start only: they are in /etc/wireguard/peers.conf, empty here.
    """
    files = {
        "/etc/docker/daemon.json": json.dumps(ENGINE, indent=2) + "\n",
        "/etc/ssh/sshd_config.d/10-fleet.conf": SSHD,
        "/etc/sysctl.d/60-fleet.conf": KERNEL,
        "/etc/systemd/journald.conf.d/fleet.conf": JOURNAL,
        "/etc/systemd/system/docker-.scope.d/fleet.conf": CONTAINERS,
        "/etc/apt/apt.conf.d/60-fleet": UPGRADES,
    }
    private: dict[str, str] = {}
    packages = list(PACKAGES)
    commands = [
        ["sysctl", "--system"],
        ["systemctl", "restart", "systemd-journald"],
        ["systemctl", "try-reload-or-restart", "ssh"],
    ]
    if tunnel:
        private = {f"/etc/wireguard/{TUNNEL}.conf": interface(tunnel, keys), "/etc/wireguard/peers.conf": ""}
        packages.append("wireguard-tools")
        commands.append(["systemctl", "enable", "--now", f"wg-quick@{TUNNEL}"])
    document = {
        "hostname": hostname,
        "manage_etc_hosts": True,
        "groups": ["docker"],
        "users": [
            {
                "name": USER,
                "groups": "docker",
                "shell": "/bin/bash",
                "lock_passwd": True,
                "ssh_authorized_keys": public_key.split("\n"),
            }
        ],
        "disable_root": True,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": keys.ssh_private, "ed25519_public": keys.ssh_public},
        "write_files": [
            *({"path": path, "permissions": "0644", "content": text} for path, text in files.items()),
            *({"path": path, "permissions": "0600", "content": text} for path, text in private.items()),
        ],
        "package_update": True,
        "packages": packages,
        "runcmd": commands,
    }
    return "#cloud-config\n" + yaml.safe_dump(document, sort_keys=False, width=10_000)


def interface(tunnel: Tunnel, keys: MachineKeys) -> str:
    """Return wg-quick's file of the interface. Source: https://man7.org/linux/man-pages/man8/wg-quick.8.html."""
    lines = [
        "[Interface]",
        f"Address = {tunnel.address}",
        f"ListenPort = {tunnel.port}",
        f"PrivateKey = {keys.wireguard_private}",
        "PostUp = wg addconf %i /etc/wireguard/peers.conf",
    ]
    return "\n".join(lines) + "\n"
