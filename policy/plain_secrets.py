"""The rule against secrets in plain text, where anyone who may look at a resource reads them."""

import base64
import re
from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from .resource_types import (
    AWS_INSTANCE,
    AWS_LAUNCH_TEMPLATE,
    AWS_PARAMETER,
    DOCKER_CONFIG,
    DOCKER_IMAGE,
    DOCKER_SERVICE,
    LAMBDA_INSTANCE,
)
from .rule import Properties, block, listed, rule
from .user_data import named_texts

NAME = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)$",
    re.IGNORECASE,
)
"""Variables that hold secrets by their name; of TOKEN_FILE and the like the value is a path."""

SHAPES = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "an AWS access key": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a PyPI token": r"\bpypi-AgE[A-Za-z0-9_-]{20}",
    "a Pulumi token": r"\bpul-[0-9a-f]{40}\b",
    "a secret key": r"\bsk-[A-Za-z0-9_-]{20}",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.",
    "a password in a URL": r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s:@]+@",
}
"""What credentials look like, as their issuers publish it."""

USER_DATA = {
    AWS_INSTANCE: ("userData", "userDataBase64"),
    AWS_LAUNCH_TEMPLATE: ("userData",),
    LAMBDA_INSTANCE: ("user_data",),
}
"""Where machines have what they are told at their first start: their cloud shows it to whoever may look at them."""


def _plain(args: ResourceValidationArgs) -> Iterator[str]:
    for where, name, value in _texts(args):
        if value and NAME.search(name):
            yield f"{where} looks like a secret by its name: {_remedy(args)}"
        elif shape := next((what for what, pattern in SHAPES.items() if re.search(pattern, value)), None):
            yield f"{where} holds {shape}: {_remedy(args)}, and make a new one"


def _remedy(args: ResourceValidationArgs) -> str:
    if args.resource_type in USER_DATA:
        return "have the machine fetch it with its own role, or hand it over by SSH"
    return "hand it over as a Docker secret (mcp-fleet:secrets)"


def _texts(args: ResourceValidationArgs) -> Iterator[tuple[str, str, str]]:
    """The texts of a resource that whoever sees it can read: (where, variable's name or nothing, text)."""
    props, kind = args.props, args.resource_type
    if kind == DOCKER_SERVICE:
        yield from _service_texts(block(props["taskSpec"], "containerSpec"))
    elif kind == DOCKER_CONFIG:
        decoded = base64.b64decode(props.get("data") or "").decode(errors="replace")
        yield "data", "", decoded or props.get("dataRaw") or ""
    elif kind == DOCKER_IMAGE:
        for name, value in block(props, "buildArgs").items():
            yield f"buildArgs.{name}", name, value
    elif kind == AWS_PARAMETER and props["type"] != "SecureString":
        yield "value", props.get("name") or "", props.get("value") or ""
    for key in USER_DATA.get(kind, ()):
        for place, name, value in named_texts(props.get(key) or ""):
            yield f"{key}{place}", name, value


def _service_texts(container: Properties) -> Iterator[tuple[str, str, str]]:
    for name, value in block(container, "env").items():
        yield f"taskSpec.containerSpec.env.{name}", name, value
    for key in ("commands", "args"):
        for number, value in enumerate(listed(container, key)):
            yield f"taskSpec.containerSpec.{key}[{number}]", "", value
    for label in listed(container, "labels"):
        yield f"taskSpec.containerSpec.labels.{label['label']}", label["label"], label["value"]


RULES = (rule("no-plain-secret", "No secret stands in plain text in a resource.", _plain),)
