"""Signatures are verified before anything changes: what `cosign` is asked, and what its answers lead to.

A stand-in takes its place, which knows the arguments that cosign v3.1.3 documents for `verify` and no others; the
real one verifies in tests/engine/test_signatures.py.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stacks import signatures
from stacks.config import StackConfig
from stacks.signatures import signature_problems

DIGEST = "sha256:" + "a" * 64
IMAGE = f"ghcr.io/acme/files@{DIGEST}"
KEY = {"images": "ghcr.io/acme/*", "key": "signers/acme.pub"}
WORKFLOW = "https://github.com/acme/files/.github/workflows/release.yml@refs/tags/v1"
ISSUER = "https://token.actions.githubusercontent.com"
KEYLESS = {"images": "ghcr.io/acme/files", "identity": WORKFLOW, "issuer": ISSUER}
STAND_IN = """\
import argparse, json, pathlib, sys
parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=True)
parser.add_argument("verb", choices=["verify"])
for option in ("key", "certificate-identity", "certificate-identity-regexp", "certificate-oidc-issuer"):
    parser.add_argument(f"--{option}")
parser.add_argument("--insecure-ignore-tlog", choices=["true"])
parser.add_argument("image")
given = parser.parse_args()
identity = given.certificate_identity or given.certificate_identity_regexp
if not given.key and not (identity and given.certificate_oidc_issuer):
    sys.exit("Error: --certificate-identity or --certificate-identity-regexp is required in keyless mode")
if given.key and not pathlib.Path(given.key).is_file():
    sys.exit(f"Error: loading public key: open {given.key}: no such file or directory")
here = pathlib.Path(__file__)
with here.with_name("calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + chr(10))
if [given.key or identity, given.image] not in json.loads(here.with_name("signed").read_text()):
    print("Error: no signatures found", file=sys.stderr)
    print("error during command execution: no signatures found", file=sys.stderr)
    sys.exit(10)
"""


class Cosign:
    """A stand-in on a PATH of its own, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, *signed: tuple[str, str], body: str = STAND_IN) -> None:
        """Install it. `signed`: pairs of who signed what."""
        (self.folder / "signed").write_text(json.dumps(signed))
        program = self.folder / "cosign"
        program.write_text(f"#!{sys.executable} -IS\n{body}")
        program.chmod(0o755)

    @property
    def calls(self) -> list[list[str]]:
        calls = self.folder / "calls"
        return [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []


@pytest.fixture
def cosign(tmp_path: Path) -> Cosign:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Cosign(folder)


@pytest.fixture
def said(cosign: Cosign, tmp_path: Path) -> Callable[..., list[str]]:
    """Check a stack with one server out of an image, and return what is wrong, with where."""
    (tmp_path / "signers").mkdir()
    (tmp_path / "signers" / "acme.pub").write_text("-----BEGIN PUBLIC KEY-----")

    def check(*signers: dict[str, Any], required: bool = False, image: str = IMAGE) -> list[str]:
        config = StackConfig.model_validate(
            {
                "servers": {"files": {"source": f"oci:{image}#/server"}},
                "signatures": signers,
                "require-signatures": required,
            }
        )
        found = signature_problems(config, tmp_path, {"PATH": str(cosign.folder)})
        return [f"{'.'.join(problem.path)}: {problem.message}" for problem in found]

    return check


def test_an_image_that_its_signer_signed_is_let_in(cosign: Cosign, said: Callable[..., list[str]]) -> None:
    cosign.install(("signers/acme.pub", IMAGE))
    assert said(KEY, required=True) == []
    assert cosign.calls == [["verify", "--key=signers/acme.pub", IMAGE]]


def test_a_tag_beside_the_digest_decides_nothing(cosign: Cosign, said: Callable[..., list[str]]) -> None:
    cosign.install(("signers/acme.pub", IMAGE))
    assert said(KEY, image=f"ghcr.io/acme/files:v1@{DIGEST}") == []
    assert cosign.calls[0][-1] == IMAGE


def test_an_image_without_a_good_signature_is_refused_by_its_line(
    cosign: Cosign, said: Callable[..., list[str]]
) -> None:
    cosign.install(("signers/acme.pub", f"ghcr.io/acme/files@sha256:{'b' * 64}"))
    (refused,) = said(KEY)
    assert refused.startswith(f"servers.files.source: {IMAGE} has no signature that is accepted: no signatures found;")


def test_a_stack_that_is_destroyed_asks_for_no_signature(tmp_path: Path) -> None:
    config = StackConfig.model_validate({"servers": {"files": {"source": f"oci:{IMAGE}#/server"}}, "signatures": [KEY]})
    assert len(list(signature_problems(config, tmp_path, {"PATH": ""}))) == 1
    assert list(signature_problems(config, tmp_path, {"PATH": "", signatures.DESTROYING: "true"})) == []


def test_one_of_several_signers_is_enough(cosign: Cosign, said: Callable[..., list[str]]) -> None:
    cosign.install((WORKFLOW, IMAGE))
    assert said(KEY, KEYLESS) == []
    assert cosign.calls[1] == [
        "verify",
        f"--certificate-identity={WORKFLOW}",
        f"--certificate-oidc-issuer={ISSUER}",
        IMAGE,
    ]


def test_an_identity_with_a_version_in_it_is_a_pattern(cosign: Cosign, said: Callable[..., list[str]]) -> None:
    pattern = r"^https://github\.com/acme/files/.*@refs/tags/v.*$"
    cosign.install((pattern, IMAGE))
    assert said({"images": "ghcr.io/acme/*", "identity-pattern": pattern, "issuer": ISSUER}) == []


def test_a_signer_who_publishes_nothing_is_not_looked_for_in_the_public_log(
    cosign: Cosign, said: Callable[..., list[str]]
) -> None:
    cosign.install(("signers/acme.pub", IMAGE))
    assert said({**KEY, "transparency-log": False}) == []
    assert "--insecure-ignore-tlog=true" in cosign.calls[0]


@pytest.mark.parametrize("images", ["ghcr.io/acm/*", "ghcr.io/acme/file", "ghcr.io/acme/files/*"])
def test_an_image_that_nobody_signs_is_refused_only_where_signatures_are_required(
    cosign: Cosign, said: Callable[..., list[str]], images: str
) -> None:
    cosign.install()
    assert said({**KEY, "images": images}) == []
    (refused,) = said({**KEY, "images": images}, required=True)
    assert "servers.files.source: nobody under `signatures` signs ghcr.io/acme/files" in refused
    assert cosign.calls == []


def test_without_cosign_nothing_is_let_in_and_where_it_is_to_be_had_is_said(said: Callable[..., list[str]]) -> None:
    (refused,) = said(KEY)
    assert "the signatures of files can't be verified: there is no `cosign` on PATH; install it: https://" in refused


def test_a_key_that_is_not_there_is_said(cosign: Cosign, said: Callable[..., list[str]]) -> None:
    cosign.install(("signers/other.pub", IMAGE))
    assert said({**KEY, "key": "signers/other.pub"}) == [
        "signatures: there is no key signers/other.pub; put it there, or correct the path"
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("import time\ntime.sleep(60)\n", "cosign did not answer within 1 s"),
        ("import sys\nsys.exit(3)\n", "cosign said nothing, and ended with 3"),
    ],
)
def test_a_cosign_that_does_not_answer_lets_nothing_in(
    cosign: Cosign, said: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, body: str, why: str
) -> None:
    monkeypatch.setattr(signatures, "SECONDS", 1)
    cosign.install(body=body)
    (refused,) = said(KEY)
    assert why in refused
