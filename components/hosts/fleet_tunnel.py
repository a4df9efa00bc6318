"""`fleet-tunnel`: sets a host's end of the WireGuard network. It runs on the host as root, and its callers needn't be.

So it takes keys, addresses and numbers in wg-quick's form and nothing else: no command gets into the file.

    set     take the end on stdin; peers that it doesn't list, by address or key, stay
    remove  drop the peers whose public keys are on stdin, a line each
    show    print what `wg show` says, without the private key
    down    end it
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NAME = "fleet0"
VERBS = ("set", "remove", "show", "down")
FILE = Path(f"/etc/wireguard/{NAME}.conf")
LOCK = FILE.with_suffix(".lock")
NOT_YET = 75  # EX_TEMPFAIL: WireGuard is not installed yet

KEY = r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
IP = r"(?:\d{1,3}\.){3}\d{1,3}"
LOCAL = rf"Address = {IP}/\d+\nMTU = \d+\n"  # wg-quick's own lines
INTERFACE = rf"\[Interface\]\nPrivateKey = {KEY}\nListenPort = \d+\n{LOCAL}"
PEER = rf"\[Peer\]\nPublicKey = ({KEY})\nAllowedIPs = ({IP})/32\nEndpoint = {IP}:\d+\nPersistentKeepalive = \d+\n"


class RefusedError(ValueError):
    """What was asked for can't be done."""


def merged(told: str, known: str) -> str:
    """Return `told` with the peers of `known` that it doesn't list."""
    if not re.fullmatch(f"{INTERFACE}(?:{PEER})*", told):
        raise RefusedError(
            "expected [Interface] and [Peer] sections of keys, addresses and numbers, as wg-quick has them"
        )
    listed = {word for peer in re.finditer(PEER, told) for word in peer.groups()}
    return told + "".join(peer[0] for peer in re.finditer(PEER, known) if listed.isdisjoint(peer.groups()))


def without(known: str, keys: Sequence[str]) -> str:
    """Return `known` without the peers that have these keys."""
    return re.sub(PEER, lambda peer: "" if peer[1] in keys else peer[0], known)


def apply(known: str, now: str) -> None:
    """Have the interface as the file `now` says, and keep that. Connections to peers that stay go on."""
    if is_up() and re.findall(LOCAL, known) != re.findall(LOCAL, now):
        run("wg-quick", "down", NAME)
    fresh = FILE.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(now)
    fresh.replace(FILE)
    if is_up():
        run("wg", "syncconf", NAME, "/dev/stdin", given=re.sub(LOCAL, "", now))
    else:
        run("wg-quick", "up", NAME)


def is_up() -> bool:
    """Whether there is the interface."""
    return NAME in run("wg", "show", "interfaces").split()


def run(*command: str, given: str = "") -> str:
    """Return what a command prints. What it has against its input is not told: it may quote a key."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(f"`{' '.join(command)}` ended with {done.returncode}; run it there to see why")
    return done.stdout


def do(command: str) -> None:
    """Do one of the four."""
    known = FILE.read_text() if FILE.exists() else ""
    if command == "set":
        apply(known, merged(sys.stdin.read(), known))
    elif command == "remove" and known:
        apply(known, without(known, sys.stdin.read().split()))
    elif command == "show" and is_up():
        print(run("wg", "show", NAME, "dump").partition("\t")[2], end="")
    elif command == "down":
        if is_up():
            run("wg-quick", "down", NAME)
        FILE.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    """Do what is asked, one at a time; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in VERBS:
        print(f"usage: fleet-tunnel {'|'.join(VERBS)}", file=sys.stderr)
        return 2
    if not shutil.which("wg-quick"):
        return NOT_YET
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            do(arguments[0])
        except RefusedError as error:
            print(f"fleet-tunnel: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    sys.exit(main(sys.argv[1:]))
