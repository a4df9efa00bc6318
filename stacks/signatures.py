"""Signatures of container images, verified by `cosign` before anything of a stack is changed.

Source: https://docs.sigstore.dev/cosign/verifying/verify/.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .config import StackConfig
from .image_reference import ImageReference
from .problems import Problem
from .signatures_config import SignerConfig
from .source import OciSource

PROGRAM = "cosign"
INSTALLATION = "https://docs.sigstore.dev/cosign/system_config/installation/"
SECONDS = 120
"""How long one verification may take: it may fetch the roots of trust first."""
PARALLEL = 4
DESTROYING = "MCP_FLEET_DESTROYING"
"""The variable that `fleet destroy` sets: a registry that is away, or a signature that is no longer good, must not keep
a stack from going."""


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """An image, and who may have signed it."""

    image: ImageReference
    signers: Sequence[SignerConfig]


def signature_problems(config: StackConfig, root: Path, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each server whose image has no good signature, or must have one and nobody says whose.

    Arguments:
        root: the folder of Pulumi.yaml.
        environment: of this process; `cosign` is looked for on its PATH.
    """
    if environment.get(DESTROYING):
        return
    absent = {signer.key for signer in config.signatures if signer.key and not (root / signer.key).is_file()}
    for file in sorted(absent):
        yield Problem(path=("signatures",), message=f"there is no key {file}; put it there, or correct the path")
    claims: dict[str, _Claim] = {}
    for name, image in _images(config).items():
        signers = [signer for signer in config.signatures if signer.signs(image.repository)]
        if not signers and config.require_signatures:
            yield _unsigned(name, image)
        if there := [signer for signer in signers if signer.key not in absent]:
            claims[name] = _Claim(image=image, signers=there)
    if claims:
        yield from _refusals(claims, root, environment)


def _unsigned(name: str, image: ImageReference) -> Problem:
    return Problem(
        path=("servers", name, "source"),
        message=f"nobody under `signatures` signs {image.repository}, and `require-signatures` asks for one who does; "
        "add who signs it, or choose another image",
    )


def _refusals(claims: Mapping[str, _Claim], root: Path, environment: Mapping[str, str]) -> Iterator[Problem]:
    cosign = shutil.which(PROGRAM, path=environment.get("PATH"))
    if cosign is None:
        yield Problem(
            path=("signatures",),
            message=f"the signatures of {', '.join(claims)} can't be verified: there is no `{PROGRAM}` on PATH; "
            f"install it: {INSTALLATION}",
        )
        return
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = pool.map(lambda claim: _refused(cosign, claim, root, environment), claims.values())
    for (name, claim), why in zip(claims.items(), found, strict=True):
        if why:
            yield Problem(
                path=("servers", name, "source"),
                message=f"{claim.image} has no signature that is accepted: {why}; choose an image that was signed, "
                "or correct `signatures`",
            )


def verify_command(signer: SignerConfig, image: ImageReference) -> list[str]:
    """Return what `cosign` is told to verify that `signer` signed an image."""
    if signer.key is not None:
        log = [] if signer.transparency_log else ["--insecure-ignore-tlog=true"]
        by = [f"--key={signer.key}", *log]
    elif signer.identity is not None:
        by = [f"--certificate-identity={signer.identity}", f"--certificate-oidc-issuer={signer.issuer}"]
    else:
        by = [f"--certificate-identity-regexp={signer.identity_pattern}", f"--certificate-oidc-issuer={signer.issuer}"]
    return ["verify", *by, f"{image.repository}@{image.digest}"]


def _images(config: StackConfig) -> Mapping[str, ImageReference]:
    return {
        name: server.source.image for name, server in config.servers.items() if isinstance(server.source, OciSource)
    }


def _refused(cosign: str, claim: _Claim, root: Path, environment: Mapping[str, str]) -> str:
    """Return why none of its signers signed an image; nothing where one did."""
    reasons: list[str] = []
    for signer in claim.signers:
        why = _ask(cosign, verify_command(signer, claim.image), root, environment)
        if not why:
            return ""
        reasons.append(why)
    return ", ".join(dict.fromkeys(reasons))


def _ask(cosign: str, command: Sequence[str], root: Path, environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            [cosign, *command],
            cwd=root,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{PROGRAM} did not answer within {SECONDS} s"
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    # cosign repeats its error after "error during command execution:".
    told = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")] or lines[-1:]
    return told[0] if told else f"{PROGRAM} said nothing, and ended with {done.returncode}"
