"""What a machine of a cloud makes of itself at its first start: a host of the fleet, as cloud-init's user data.

For Debian and Ubuntu, of whichever cloud. Source: https://cloudinit.readthedocs.io/en/latest/reference/modules.html
"""

import json
from pathlib import Path
from typing import Any, Final

import yaml

from .fleet_tunnel import NAME, VERBS
from .machine_keys import MachineKeys

USER: Final = "fleet"
"""Who logs in: it has the engine, and sets the machine's end of the tunnel."""
TUNNEL_COMMAND: Final = "/usr/local/sbin/fleet-tunnel"
TUNNEL_PACKAGES: Final = ("wireguard-tools", "sudo")
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


SUDO: Final = f"{USER} ALL=(root) NOPASSWD: {', '.join(f'{TUNNEL_COMMAND} {verb}' for verb in VERBS)}\n"
"""What USER may do as root. Source: https://www.sudo.ws/docs/man/sudoers.man/"""

# Swarm listens at the address in the tunnel: after a start of the machine it has to be there first.
ENGINE_AFTER_TUNNEL: Final = f"[Unit]\nWants=wg-quick@{NAME}.service\nAfter=wg-quick@{NAME}.service\n"


def user_data(*, hostname: str, public_key: str, keys: MachineKeys, tunnel: bool = False) -> str:
    """Return cloud-init's user data of a host. It has private keys: keep it a secret.

    Arguments:
        hostname: what the host calls itself.
        public_key: one or more SSH keys, a line each, that may log in as USER.
        keys: planted in it.
        tunnel: whether it gets what components/tunnel.py needs on it. Its key, its address and its peers are no part of
            the user data, which is read at the first start only: other ones would be another machine.
    """
    files = {
        "/etc/docker/daemon.json": json.dumps(ENGINE, indent=2) + "\n",
        "/etc/ssh/sshd_config.d/10-fleet.conf": SSHD,
        "/etc/sysctl.d/60-fleet.conf": KERNEL,
        "/etc/systemd/journald.conf.d/fleet.conf": JOURNAL,
        "/etc/systemd/system/docker-.scope.d/fleet.conf": CONTAINERS,
        "/etc/apt/apt.conf.d/60-fleet": UPGRADES,
    }
    packages = list(PACKAGES)
    commands = [
        ["sysctl", "--system"],
        ["systemctl", "restart", "systemd-journald"],
        ["systemctl", "try-reload-or-restart", "ssh"],
    ]
    written = [_file(path, "0644", text) for path, text in files.items()]
    if tunnel:
        written += [
            _file(TUNNEL_COMMAND, "0755", fleet_tunnel()),
            _file("/etc/sudoers.d/60-fleet", "0440", SUDO),
            _file("/etc/systemd/system/docker.service.d/fleet-tunnel.conf", "0644", ENGINE_AFTER_TUNNEL),
        ]
        packages += TUNNEL_PACKAGES
        commands += [["systemctl", "daemon-reload"], ["systemctl", "enable", f"wg-quick@{NAME}"]]
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
        "write_files": written,
        "package_update": True,
        "packages": packages,
        "runcmd": commands,
    }
    return "#cloud-config\n" + yaml.safe_dump(document, sort_keys=False, width=10_000)


def fleet_tunnel() -> str:
    """Return the command that sets a host's end of the tunnel, as it is on the host."""
    return "#!/usr/bin/python3 -I\n" + Path(__file__).with_name("fleet_tunnel.py").read_text(encoding="utf-8")


def _file(path: str, permissions: str, content: str) -> dict[str, str]:
    return {"path": path, "permissions": permissions, "content": content}
