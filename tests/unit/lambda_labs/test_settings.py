"""What the provider must be told, and where it looks for it."""

import pytest

from components.providers.lambda_labs.settings import ENDPOINT, read_settings
from components.providers.plain_errors import ProviderError

NOTHING: dict[str, object] = {}
CONFIG: dict[str, object] = {"lambda-labs:api-key": "from-config"}


def test_the_key_is_in_the_config_or_in_the_environment_which_wins() -> None:
    assert read_settings(CONFIG.get, {}).api_key == "from-config"
    assert read_settings(CONFIG.get, {"LAMBDA_API_KEY": "from-environment\n"}).api_key == "from-environment"


def test_without_a_key_it_says_where_to_get_one_and_how_to_set_it() -> None:
    with pytest.raises(ProviderError) as missing:
        read_settings(NOTHING.get, {"LAMBDA_API_KEY": " "})
    assert str(missing.value) == (
        "Lambda Labs: there is no API key; make one at https://cloud.lambda.ai/api-keys, then set it with "
        "`pulumi config set --secret lambda-labs:api-key` or in the environment variable LAMBDA_API_KEY"
    )


def test_a_key_that_can_be_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ProviderError) as wrong:
        read_settings({"lambda-labs:api-key": "two\nlines"}.get, {})
    assert "two" not in str(wrong.value)


def test_the_published_limits_are_kept_if_nothing_is_said() -> None:
    settings = read_settings(CONFIG.get, {})
    assert settings.endpoint == ENDPOINT == "https://cloud.lambda.ai/api/v1"
    assert settings.request_seconds >= 1
    assert settings.launch_seconds >= 12


def test_times_are_numbers_of_seconds() -> None:
    assert read_settings({**CONFIG, "lambda-labs:boot-seconds": "90"}.get, {}).boot_seconds == 90
    for value in ("soon", "-1", "nan", "inf"):
        with pytest.raises(ProviderError, match=r"lambda-labs:boot-seconds: '.*' (is no number|must be 0)"):
            read_settings({**CONFIG, "lambda-labs:boot-seconds": value}.get, {})
