"""Messages of any make: what they are to the bridge, and what they are to the official SDK's types."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st
from mcp_bridge.core.envelope import decode, decode_child
from mcp_types.jsonrpc import (
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from bridge.tests.cases import cases
from bridge.tests.strategies import JSON, OBJECTS, TEXT
from bridge.tests.wiring import outcome

MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "2.0", "2.0", "1.0", 2.0, None]),
        "id": st.integers() | TEXT | st.sampled_from([True, [1], {}]),
        "method": TEXT | st.sampled_from([None, 7, []]),
        "params": OBJECTS | st.sampled_from([None, [], "x", 7]),
        "result": OBJECTS | st.sampled_from([None, [], "x", 7]),
        "error": st.sampled_from([None, "x", {}, {"code": "x", "message": "m"}, {"code": 1}])
        | st.fixed_dictionaries({"code": st.integers(-(2**31), 2**31), "message": TEXT}, optional={"data": JSON}),
        "other": JSON,
    },
)


def sdk_kind(message: dict[str, Any]) -> str:
    """Return what the SDK takes a message for."""
    try:
        read = jsonrpc_message_adapter.validate_json(json.dumps(message))
    except ValidationError:
        return "nothing"
    kinds = {
        JSONRPCRequest: "request",
        JSONRPCNotification: "notification",
        JSONRPCResponse: "result",
        JSONRPCError: "error",
    }
    return kinds[type(read)]


def kind(read: Any) -> str:
    """Return what the bridge takes a message for."""
    if read is None:
        return "nothing"
    if read.is_request:
        return "request"
    return "notification" if read.is_notification else "error" if read.error else "result"


@pytest.mark.timeout(120)
@cases(MEMBERS, count=200)
def test_a_clients_message_is_to_the_bridge_what_it_is_to_the_sdk(message: dict[str, Any]) -> None:
    _, read = outcome(lambda: decode(json.dumps(message).encode()))
    mine, theirs = kind(read), sdk_kind(message)
    if mine == "nothing" and theirs != "nothing":
        # Stricter on purpose: the SDK overlooks members that do not fit the kind that it settled for.
        odd_id = "id" in message and (type(message["id"]) is bool or not isinstance(message["id"], int | str))
        two_kinds = len({"method", "result", "error"} & message.keys()) > 1
        assert odd_id or two_kinds or message.get("method", "") is None
    elif "method" in message and {"result", "error"} & message.keys():
        assert mine in (theirs, "request", "notification")
    else:
        assert mine == theirs


@pytest.mark.timeout(120)
@cases(MEMBERS, count=200)
def test_what_the_sdk_takes_from_a_server_the_bridge_takes_too(message: dict[str, Any]) -> None:
    theirs = sdk_kind(message)
    read = decode_child(json.dumps(message).encode())
    if theirs == "nothing" or (len({"method", "result", "error"} & message.keys()) > 1):
        return  # the bridge takes more: an answer that can't be used fails its call
    odd_id = "id" in message and (type(message["id"]) is bool or not isinstance(message["id"], int | str))
    assert kind(read) == theirs or odd_id
