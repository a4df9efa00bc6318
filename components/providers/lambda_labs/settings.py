"""What the provider must be told: the API key, and how patient to be. Read from stack config or the environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.providers.plain_errors import ProviderError

NAMESPACE = "lambda-labs"
API_KEY = f"{NAMESPACE}:api-key"
API_KEY_VARIABLE = "LAMBDA_API_KEY"
SECONDS = ("request-seconds", "launch-seconds", "poll-seconds", "boot-seconds", "terminate-seconds")
OPTIONS = ("endpoint", *SECONDS)
"""What may be set besides the key."""
ENDPOINT = "https://cloud.lambda.ai/api/v1"
SET_KEY = f"set it with `pulumi config set --secret {API_KEY}` or in the environment variable {API_KEY_VARIABLE}"
MAKE_KEY = "make one at https://cloud.lambda.ai/api-keys"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to speak to Lambda Cloud. All times are in seconds.

    Arguments:
        api_key: has full access to the account.
        endpoint: URL of the API, with its version.
        request_seconds, launch_seconds: least time between two requests, and between two launches. The API allows one
            request a second and one launch in 12; the margin is for what the network does to the distance.
        poll_seconds: time between two looks at something that takes its time.
        boot_seconds: how long a machine may take until it answers by SSH. The largest take 10 to 15 minutes.
        terminate_seconds: how long one may take to be gone.
    """

    api_key: str = field(repr=False)
    endpoint: str = ENDPOINT
    request_seconds: float = 1.1
    launch_seconds: float = 12.5
    poll_seconds: float = 10.0
    boot_seconds: float = 1800.0
    terminate_seconds: float = 900.0


def read_settings(config: Callable[[str], Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings that stack config (`lambda-labs:…`, looked up by `config`) and the environment give.

    The key in the environment wins over that in the config: Pulumi keeps the config of the last `up` for a destroy or
    refresh without the program, which a rotated key would leave without a way in.

    Raises:
        ProviderError: There is no key, or a number is none.
    """
    api_key = (environment.get(API_KEY_VARIABLE) or config(API_KEY) or "").strip()
    if not api_key:
        raise ProviderError(f"Lambda Labs: there is no API key; {MAKE_KEY}, then {SET_KEY}")
    if not api_key.isascii() or not api_key.isprintable():
        raise ProviderError(f"Lambda Labs: the API key has characters that no key has; {SET_KEY} anew")
    given = {name.replace("-", "_"): config(f"{NAMESPACE}:{name}") for name in SECONDS}
    return Settings(
        api_key=api_key,
        endpoint=str(config(f"{NAMESPACE}:endpoint") or ENDPOINT).rstrip("/"),
        **{name: _seconds(name, value) for name, value in given.items() if value is not None},
    )


def _seconds(name: str, value: object) -> float:
    key = f"{NAMESPACE}:{name.replace('_', '-')}"
    try:
        seconds = float(str(value))
    except ValueError:
        raise ProviderError(f"{key}: {value!r} is no number of seconds") from None
    if not 0 <= seconds < float("inf"):
        raise ProviderError(f"{key}: {value!r} must be 0 or more seconds")
    return seconds
