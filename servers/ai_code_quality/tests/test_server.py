"""The server as a process, asked by the official client."""

import pytest
from mcp import Client
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed

SERVER = ServerProcess("ai_code_quality")
CODE = "import os\nimport subprocess\ndef f(x=[]):\n    subprocess.run('ls ' + x, shell=True)\n    return x\n"


@pytest.mark.parametrize("mode", ERAS)
def test_bugs_and_holes_are_found_in_order_of_their_lines(mode: str) -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == []
        review = (await client.call_tool("review_code", {"code": CODE})).structured_content
        assert review is not None
        found = {each["rule"]: each for each in review["findings"]}
        assert found.keys() >= {"F401", "B006", "S602"}
        assert (found["B006"]["line"], found["B006"]["mended_by_mend_code"]) == (3, False)
        assert (found["F401"]["remedy"], found["F401"]["mended_by_mend_code"]) == ("Remove unused import: `os`", True)
        lines = [each["line"] for each in review["findings"]]
        assert lines == sorted(lines)

    SERVER.ask(work, mode=mode)


def test_what_is_safe_is_mended_and_explained() -> None:
    async def work(client: Client) -> None:
        mended = (await client.call_tool("mend_code", {"code": CODE})).structured_content
        assert mended is not None
        assert mended["changed"]
        assert "import os" not in mended["code"]
        assert 'subprocess.run("ls " + x, shell=True)' in mended["code"]
        again = (await client.call_tool("mend_code", {"code": mended["code"]})).structured_content
        assert again == {"code": mended["code"], "changed": False}
        rule = (await client.call_tool("explain_rule", {"rule": "B006"})).structured_content
        assert rule is not None
        assert "mutable" in rule["explanation"]

    SERVER.ask(work)


def test_more_than_can_be_returned_is_counted() -> None:
    async def work(client: Client) -> None:
        review = (await client.call_tool("review_code", {"code": "import os\n" * 60})).structured_content
        assert review is not None
        assert len(review["findings"]) == 50
        assert review["findings_in_all"] > 50

    SERVER.ask(work)


def test_the_rules_are_the_operators() -> None:
    async def work(client: Client) -> None:
        review = (await client.call_tool("review_code", {"code": CODE})).structured_content
        assert review is not None
        assert [each["rule"] for each in review["findings"]] == ["B006"]

    SERVER.ask(work, MCP_RULES='["B006"]')
    assert "MCP_RULES" in SERVER.refusal(MCP_RULES='["--config=x"]')


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("mend_code", {"code": "x = 1\ndef ("}, "Line 2 is no Python"),
    ("review_code", {"code": ""}, "code"),
    ("explain_rule", {"rule": "XYZ999"}, "Ruff has no rule XYZ999. review_code tells"),
    ("explain_rule", {"rule": "--all"}, "rule"),
]


def test_a_wrong_call_is_a_tool_error_that_says_what_to_change() -> None:
    async def work(client: Client) -> None:
        for tool, arguments, said in WRONG:
            assert said in await tool_error(client, tool, arguments), (tool, arguments)

    SERVER.ask(work)
