"""The keys that a machine is born with, derived of one secret: so that everybody knows them before it exists.

A key that the machine made itself would have to be trusted at first sight. One that is planted is known already, and
the same secret gives the same keys, so that nothing changes between two runs.
"""

import base64
import struct
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SSH_KEY_TYPE: Final = b"ssh-ed25519"
KEY_BYTES: Final = 32
OPENSSH_MAGIC: Final = b"openssh-key-v1\0"
OPENSSH_BLOCK: Final = 8
PEM_COLUMNS: Final = 70


@dataclass(frozen=True, kw_only=True)
class MachineKeys:
    """Keys of one machine.

    Attributes:
        ssh_private: the SSH host key in OpenSSH's format.
        ssh_public: what clients of its sshd expect: `ssh-ed25519 AAAA…`.
    """

    ssh_private: str = field(repr=False)
    ssh_public: str


@dataclass(frozen=True, kw_only=True)
class TunnelKeys:
    """Keys of one machine's end of the WireGuard network, as `wg` takes them.

    Attributes:
        private: its own.
        public: what its peers are told.
    """

    private: str = field(repr=False)
    public: str


def machine_keys(seed: str) -> MachineKeys:
    """Return the keys that belong to `seed`, a random text of at least 256 bits that only its machine has."""
    ssh = Ed25519PrivateKey.from_private_bytes(_derived(seed, b"ssh host key"))
    public = ssh.public_key().public_bytes_raw()
    return MachineKeys(
        ssh_private=_openssh(ssh.private_bytes_raw(), public),
        ssh_public=f"{SSH_KEY_TYPE.decode()} {_base64(_public_blob(public))}",
    )


def tunnel_keys(seed: str) -> TunnelKeys:
    """Return the keys that belong to `seed`, as `machine_keys` does. They are not planted: see components/tunnel.py."""
    key = X25519PrivateKey.from_private_bytes(_derived(seed, b"wireguard"))
    return TunnelKeys(private=_base64(key.private_bytes_raw()), public=_base64(key.public_key().public_bytes_raw()))


def _derived(seed: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"mcp-fleet " + purpose).derive(seed.encode())


def _openssh(private: bytes, public: bytes) -> str:
    """Return an unencrypted private key as ssh-keygen writes it, but with check bytes that are always the same.

    `private_bytes` of the cryptography package puts random ones in: each run would give the machine another file.
    Source: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key
    """
    section = bytes(8) + _text(SSH_KEY_TYPE) + _text(public) + _text(private + public) + _text(b"")
    section += bytes(range(1, 1 + -len(section) % OPENSSH_BLOCK))
    none = _text(b"none")
    whole = OPENSSH_MAGIC + none + none + _text(b"") + struct.pack(">I", 1)
    body = _base64(whole + _text(_public_blob(public)) + _text(section))
    lines = [body[start : start + PEM_COLUMNS] for start in range(0, len(body), PEM_COLUMNS)]
    return "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", ""])


def _public_blob(public: bytes) -> bytes:
    return _text(SSH_KEY_TYPE) + _text(public)


def _text(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
