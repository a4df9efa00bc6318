"""What the API would refuse in a machine's inputs, told before anything is launched.

Source: InstanceLaunchRequest in Lambda's OpenAPI description 1.10.0 (https://docs-api.lambda.ai/api/cloud).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .base import unknown
from .places import OPEN_REGION

NAME_CHARACTERS = 64
USER_DATA_BYTES = 1_000_000
TAG_KEY = re.compile(r"[a-z][a-z0-9:-]+")
TAG_KEY_CHARACTERS = 55
TAG_VALUE_CHARACTERS = 128
HOSTNAME = re.compile(r"[a-z0-9][0-9a-z-]{0,62}")
MOUNT_POINT = re.compile(r"(/home|/lambda/nfs|/data)[/a-zA-Z0-9-]*")
MOUNT_POINT_CHARACTERS = 256


def problems(inputs: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the inputs as far as they are known, each with the name of the input."""
    known = {key: value for key, value in inputs.items() if not unknown(value)}
    return [f"{key}: {text}" for key, value in known.items() if key in _CHECKS for text in _CHECKS[key](value)]


def _name(value: str) -> Iterator[str]:
    if not 1 <= len(value) <= NAME_CHARACTERS:
        yield f"{value!r} must have 1 to {NAME_CHARACTERS} characters"


def _types(value: Sequence[str]) -> Iterator[str]:
    if not value:
        yield "list at least one, such as gpu_1x_a10"


def _regions(value: Sequence[str]) -> Iterator[str]:
    if not value:
        yield "list at least one, such as us-east-1"
    if OPEN_REGION in value:
        yield f"{OPEN_REGION} must not be listed: Lambda's firewall rules don't apply there"


def _user_data(value: str) -> Iterator[str]:
    size = len(value.encode())
    if size > USER_DATA_BYTES:
        yield f"has {size} bytes, and Lambda takes {USER_DATA_BYTES}; have the machine fetch what is large"


def _hostname(value: str) -> Iterator[str]:
    if value and not HOSTNAME.fullmatch(value):
        yield f"{value!r} must have up to 63 of a-z, 0-9 and -, and not begin with -"


def _tags(value: Mapping[str, str]) -> Iterator[str]:
    for key, text in value.items():
        if not TAG_KEY.fullmatch(key) or len(key) > TAG_KEY_CHARACTERS:
            yield f"the key {key!r} must have 2 to {TAG_KEY_CHARACTERS} of a-z, 0-9, - and :, and begin with a letter"
        if len(text) > TAG_VALUE_CHARACTERS:
            yield f"the value of {key!r} has more than {TAG_VALUE_CHARACTERS} characters"


def _file_systems(value: Mapping[str, str]) -> Iterator[str]:
    for path in value:
        if not MOUNT_POINT.fullmatch(path) or len(path) > MOUNT_POINT_CHARACTERS:
            yield f"{path!r} must be below /home, /lambda/nfs or /data, of letters, digits, - and /"


_CHECKS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "name": _name,
    "types": _types,
    "regions": _regions,
    "user_data": _user_data,
    "hostname": _hostname,
    "tags": _tags,
    "file_systems": _file_systems,
}
