"""Secret values in what is shown."""

from hypothesis import strategies as st
from mcp_bridge.redaction import Redactor

from bridge.tests.cases import cases


@cases(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4), st.text(), st.text())
def test_no_secret_value_survives_redaction(values: list[str], before: str, after: str) -> None:
    cleaned = Redactor(values).clean(before + "".join(values) + after)
    assert not [value for value in values if value in cleaned.replace("***", "") and "*" not in value]
