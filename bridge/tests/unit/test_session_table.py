"""Sessions: whose they are, and when they end."""

import pytest
from mcp_bridge.core.errors import RpcError
from mcp_bridge.core.sessions import SessionTable
from msgspec import Raw


def test_a_session_belongs_to_the_client_that_opened_it_and_expires() -> None:
    table = SessionTable(maximum=1, idle_seconds=10)
    session = table.open("a", client="codex", revision="2025-11-25", capabilities={}, info=Raw(), now=0)
    assert table.find("a", client="other", now=1) is None
    assert table.find("a", client="codex", now=5) is session
    with pytest.raises(RpcError):
        table.open("b", client="codex", revision="2025-11-25", capabilities={}, info=Raw(), now=0)
    assert table.expired(14) == []
    assert table.expired(16) == [session]
