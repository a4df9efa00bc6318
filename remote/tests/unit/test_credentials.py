"""Secrets come from variables, and a credential that can't be is told without them."""

import pytest
from mcp_remote.credentials import CredentialError, parse_headers


def test_a_header_takes_the_values_of_the_variables_that_it_names() -> None:
    found = parse_headers(["Authorization: Bearer {KEY}", "X-Team: {TEAM}/{KEY}"], {"KEY": "k1", "TEAM": "a"})
    assert found == {"Authorization": "Bearer k1", "X-Team": "a/k1"}


@pytest.mark.parametrize(
    ("line", "value", "said"),
    [
        ("Authorization: Bearer {KEY}", "", "the variable KEY is not set"),
        ("Authorization: Bearer {KEY}", "hush\r\nX-Other: 1", "set the secret KEY again"),
        ("Authorization: Bearer {KEY}", "hüsh", "set the secret KEY again"),
        ("Bearer {KEY}", "hush", "write NAME: VALUE"),
    ],
)
def test_what_can_be_no_header_is_told_without_the_secret(line: str, value: str, said: str) -> None:
    with pytest.raises(CredentialError) as refused:
        parse_headers([line], {"KEY": value})
    assert said in str(refused.value)
    assert not value or value not in str(refused.value)
