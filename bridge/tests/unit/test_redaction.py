"""Secret values in what is shown."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import strategies as st
from mcp_bridge.redaction import Redactor, read_secrets

from bridge.tests.cases import cases


@cases(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4), st.text(), st.text())
def test_no_secret_value_survives_redaction(values: list[str], before: str, after: str) -> None:
    cleaned = Redactor(values).clean(before + "".join(values) + after)
    assert not [value for value in values if value in cleaned.replace("***", "") and "*" not in value]


@pytest.mark.parametrize("written", [json.dumps, repr, lambda value: quote(value, safe="")])
def test_a_secret_is_masked_as_others_write_it(written: Callable[[str], str]) -> None:
    secret = 'of-the-"fleet"\\hunter2/ü'
    assert "hunter2" not in Redactor([secret]).clean(f"token={written(secret)}")


@pytest.mark.parametrize("value", ["one", "one\n", "-----BEGIN-----\r\nü\n\n-----END-----\r\n", "\r", " \t"])
def test_a_value_is_its_file_to_the_byte_but_for_the_last_line_feed(value: str, tmp_path: Path) -> None:
    (tmp_path / "TOKEN").write_bytes(f"{value}\n".encode())
    assert read_secrets(tmp_path) == {"TOKEN": value}
