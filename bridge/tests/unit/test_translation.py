"""Params and results on their way between the eras."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st
from mcp_bridge.core import revisions, translation
from mcp_types import methods

from bridge.tests.cases import cases
from bridge.tests.strategies import OBJECTS, TEXT
from bridge.tests.wiring import caller, profile

ENVELOPE = {
    revisions.META_VERSION: revisions.MODERN,
    revisions.META_CLIENT_CAPABILITIES: {},
    revisions.META_CLIENT_INFO: {"name": "c", "version": "1"},
}


@cases(params=OBJECTS, meta=OBJECTS, token=st.none() | TEXT | st.integers(), modern=st.booleans(), child=st.booleans())
def test_params_keep_what_is_the_tools_and_change_what_is_the_protocols(
    params: dict[str, Any], meta: dict[str, Any], token: Any, modern: bool, child: bool
) -> None:
    meta = {key: value for key, value in meta.items() if not key.startswith(revisions.META_PREFIX)}
    meta.pop("progressToken", None)
    sent_meta = meta | (ENVELOPE if modern else {}) | ({} if token is None else {"progressToken": token})
    sent = {**params, "_meta": sent_meta}
    out, kept = translation.to_child(json.dumps(sent).encode(), caller(modern), child_modern=child, number=b"17")
    got = json.loads(out)
    got_meta = got.pop("_meta", {})
    params.pop("_meta", None)
    assert got == params
    assert (None if kept is None else json.loads(kept)) == token
    assert got_meta.pop("progressToken", None) == (None if token is None else 17)
    envelope_keys = {key for key in got_meta if key.startswith(revisions.META_PREFIX)}
    assert {key: value for key, value in got_meta.items() if key not in envelope_keys} == meta
    if child:
        assert got_meta[revisions.META_VERSION] == revisions.MODERN
        assert got_meta[revisions.META_CLIENT_INFO] == {"name": "c", "version": "1"}
    else:
        assert not envelope_keys


def test_a_progress_token_can_not_be_smuggled_past_in_an_escaped_name() -> None:
    params = b'{"_m\\u0065ta":{"progressToken":3}}'
    out, kept = translation.to_child(params, caller(False), child_modern=False, number=b"17")
    assert json.loads(out) == {"_meta": {"progressToken": 17}}
    assert kept == b"3"


@pytest.mark.parametrize(
    "method", sorted(method for method, version in methods.SERVER_RESULTS if version == "2026-07-28")
)
def test_lifted_results_are_what_the_official_types_call_valid(method: str) -> None:
    """The bridge answers discover and listen itself; every other method's empty-handed answer must validate."""
    empty = {
        "completion/complete": {"completion": {"values": []}},
        "prompts/get": {"messages": []},
        "prompts/list": {"prompts": []},
        "resources/list": {"resources": []},
        "resources/read": {"contents": []},
        "resources/templates/list": {"resourceTemplates": []},
        "tools/call": {"content": []},
        "tools/list": {"tools": []},
    }
    if method == "server/discover":
        lifted = json.loads(profile(False).discover_result())
    elif method == "subscriptions/listen":
        return
    else:
        lifted = json.loads(translation.lift(method, json.dumps(empty[method]).encode(), profile(False)))
        assert lifted["_meta"][revisions.META_SERVER_INFO] == {"name": "srv", "version": "3"}
    methods.validate_server_result(method, "2026-07-28", lifted)


@cases(result=OBJECTS, meta=st.none() | OBJECTS, method=st.sampled_from(["tools/call", "tools/list"]))
def test_a_result_lifted_and_lowered_is_the_same(result: dict[str, Any], meta: Any, method: str) -> None:
    for name in ("resultType", "ttlMs", "cacheScope", "_meta"):
        result.pop(name, None)
    if meta:
        meta.pop(revisions.META_SERVER_INFO, None)
    sent = {**result, **({"_meta": meta} if meta else {})}
    lifted = translation.lift(method, json.dumps(sent).encode(), profile(False))
    assert json.loads(lifted)["resultType"] == "complete"
    assert json.loads(translation.lower(lifted)) == sent
