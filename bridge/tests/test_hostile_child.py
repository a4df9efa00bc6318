"""What a server may print, and the right answer to whoever waits for one."""

import base64
import json
import re
from typing import Any

import pytest

from bridge.tests.canary import untouched
from bridge.tests.cases import HOSTILE, cases
from bridge.tests.hostile import MESSAGES
from bridge.tests.rig import HTTP, Bridge, open_session, post

MALFORMED, TOO_LONG = -32603, -32000
LIMIT = 2**20
ID = '{"jsonrpc":"2.0","id":%ID%,'


def say(running: Bridge, session: dict[str, str], printed: bytes | str, **more: Any) -> Any:
    """Have the server print something; return the answer to that very call."""
    data = base64.b64encode(printed if isinstance(printed, bytes) else printed.encode()).decode()
    params = {"name": "say", "arguments": {"stdout": data, **more}}
    answer = post(running, "tools/call", params, headers={**session, "accept": "application/json"})
    assert answer.status_code == 200
    message = answer.json()
    assert message["id"] == 1
    return message


ANSWERS: dict[str, tuple[str, Any]] = {
    "sound": (ID + '"result":{"a":1}}', {"a": 1}),
    "spaced": ('{ "result" : {"a":1} , "id" : %ID% , "jsonrpc" : "2.0" }', {"a": 1}),
    "id as a text": ('{"jsonrpc":"2.0","id":"%ID%","result":{"a":1}}', {"a": 1}),
    "no version": ('{"id":%ID%,"result":{"a":1}}', {"a": 1}),
    "CR before the line end": (ID + '"result":{"a":1}}\r', {"a": 1}),
    "error null beside a result": (ID + '"result":{"a":1},"error":null}', {"a": 1}),
    "result null beside an error": (ID + '"result":null,"error":{"code":-5,"message":"no"}}', -5),
    "result and error": (ID + '"result":{},"error":{"code":-5,"message":"no"}}', MALFORMED),
    "neither": ('{"jsonrpc":"2.0","id":%ID%}', MALFORMED),
    "result null": (ID + '"result":null}', MALFORMED),
    "result in a list": (ID + '"result":[1]}', MALFORMED),
    "result as a number": (ID + '"result":7}', MALFORMED),
    "error as a text": (ID + '"error":"no"}', MALFORMED),
    "error without a code": (ID + '"error":{"message":"no"}}', MALFORMED),
    "error with a text as code": (ID + '"error":{"code":"E","message":"no"}}', MALFORMED),
    "error without a message": (ID + '"error":{"code":-5}}', MALFORMED),
    "lone surrogate": (ID + '"result":{"a":"\\ud83d"}}', {"a": "\ufffd"}),
    "lone surrogate behind a pair": (ID + '"result":{"a":"\\ud83d\\ude00\\ud83d"}}', {"a": "\U0001f600\ufffd"}),
    "escaped backslash that looks like one": (ID + '"result":{"a":"\\\\ud83d"}}', {"a": "\\ud83d"}),
    "both of these": (ID + '"result":{"a":"\\\\ud83d\\uDC00"}}', {"a": "\\ud83d\ufffd"}),
    "cut": (ID + '"result":{"a":', MALFORMED),
    "cut, id last": ('{"result":{"a":,"jsonrpc":"2.0","id":%ID%}', MALFORMED),
    "NaN": (ID + '"result":{"a":NaN}}', MALFORMED),
    "raw tab in a text": (ID + '"result":{"a":"\t"}}', MALFORMED),
    "deeper than the stack": (ID + '"result":{"a":' + "[" * 100_000 + "]" * 100_000 + "}}", MALFORMED),
    "huge integer": (ID + '"result":{"a":' + "9" * 4000 + "}}", {"a": int("9" * 4000)}),
    "too long": (ID + '"result":{"a":"%FILL%"}}', TOO_LONG),
    "too long, id last": ('{"result":{"a":"%FILL%"},"jsonrpc":"2.0","id":%ID%}', TOO_LONG),
    "too long, and another's id within": (
        ID + '"result":{"items":[{"id": %HELD%, "x":"%FILL%", "id": %HELD%}]}}',
        TOO_LONG,
    ),
    "cut, and another's id within": (ID + '"result":{"items":[{"id":%HELD%,', MALFORMED),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_is_passed_on_or_fails_its_call(hostile_bridge: Bridge, name: str) -> None:
    printed, expected = ANSWERS[name]
    with untouched(hostile_bridge):
        session = open_session(hostile_bridge)
        answer = say(hostile_bridge, session, printed + "\n", answer=False, fill=2 * LIMIT if "FILL" in printed else 0)
        if isinstance(expected, int):
            assert answer["error"]["code"] == expected
        else:
            assert answer["result"] == expected


NOISE: dict[str, bytes] = {
    "text": b"Welcome!\n",
    "text that quotes a request": b'got {"jsonrpc":"2.0","id":%HELD%,"method":"tools/call"}\n',
    "request cut in half": b'{"jsonrpc":"2.0","id":%HELD%,"method":"sampling/createMessage","params":{\n',
    "empty lines": b"\n\r\n \n\t\n" * 1000,
    "NULs": b"\0" * 1000 + b"\n",
    "no UTF-8": b"\xff\xfe\xfd\n",
    "UTF-16": '{"jsonrpc":"2.0","method":"x"}\n'.encode("utf-16") + b"\n",
    "answer to nobody": b'{"jsonrpc":"2.0","id":999999,"result":{}}\n' * 1000,
    "answer to null": b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}\n',
    "answer to a list": b'{"jsonrpc":"2.0","id":[1],"result":{}}\n',
    "answer to a number without end": b'{"jsonrpc":"2.0","id":' + b"9" * 9000 + b',"result":{}}\n',
    "notification whose params are a list": b'{"jsonrpc":"2.0","method":"notifications/message","params":[1]}\n',
    "progress of nothing": b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}\n',
    "progress of a list": b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":[1]}}\n',
    "cancels what it never asked": b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}\n',
    "update of no address": b'{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":7}}\n',
    "deep notification": b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":'
    + b"[" * 970
    + b"]" * 970
    + b"}}\n",
    "questions": b'{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{}}\n' * 200,
    "question with id null": b'{"jsonrpc":"2.0","id":null,"method":"roots/list"}\n',
    "changes without end": b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n' * 1000,
    "batch": b'[{"jsonrpc":"2.0","method":"x"}]\n',
}


@pytest.mark.parametrize("name", NOISE)
def test_noise_before_an_answer_harms_nobody(hostile_bridge: Bridge, name: str) -> None:
    with untouched(hostile_bridge):
        answer = say(hostile_bridge, open_session(hostile_bridge), NOISE[name])
        assert answer["result"]["content"][0]["text"] == "said"


def test_half_a_line_waits_for_its_other_half(hostile_bridge: Bridge) -> None:
    session = open_session(hostile_bridge)
    with untouched(hostile_bridge):
        answer = say(hostile_bridge, session, '{"jsonrpc":"2.0","id":%ID%,"res', answer=False, then='ult":{"a":1}}\n')
        assert answer["result"] == {"a": 1}


def test_a_line_of_fifty_megabytes_costs_no_memory(hostile_bridge: Bridge) -> None:
    """The limit is a megabyte here: what comes after it is dropped as it comes."""
    before = peak(hostile_bridge)
    with untouched(hostile_bridge):
        line = ID + '"result":{"a":"%FILL%"}}\n'
        answer = say(hostile_bridge, open_session(hostile_bridge), line, fill=50_000_000, answer=False)
        assert answer["error"]["code"] == TOO_LONG
        assert str(LIMIT) in answer["error"]["message"]
    assert peak(hostile_bridge) - before < 20_000


def peak(running: Bridge) -> int:
    """Return the most memory that the bridge has had so far, in kilobytes."""
    with open(f"/proc/{running.process.pid}/status") as status:  # noqa: PTH123 - no path, a kernel's table
        [found] = re.findall(r"VmHWM:\s+(\d+) kB", status.read())
    return int(found)


def test_an_answer_that_never_ends_fails_its_call_at_once(hostile_bridge: Bridge) -> None:
    with untouched(hostile_bridge):
        never = ID + '"result":{"a":"%FILL%'
        answer = say(hostile_bridge, open_session(hostile_bridge), never, fill=2 * LIMIT, answer=False, then='"}}\n')
        assert answer["error"]["code"] == TOO_LONG


def test_a_flood_on_stderr_costs_nobody_an_answer(hostile_bridge: Bridge) -> None:
    with untouched(hostile_bridge):
        line = base64.b64encode(b"e" * 100 + b"\n").decode()
        for _ in range(3):
            answer = say(hostile_bridge, open_session(hostile_bridge), "", stderr=line, stderr_times=100_000)
            assert answer["result"]["content"][0]["text"] == "said"
        endless = base64.b64encode(b"e" * 1000).decode()
        assert "result" in say(hostile_bridge, open_session(hostile_bridge), "", stderr=endless, stderr_times=10_000)


def check_printed(running: Bridge, session: dict[str, str], lines: bytes) -> None:
    answer = say(running, session, lines + b"\n")
    assert answer["result"]["content"][0]["text"] == "said"


def harmless(lines: bytes) -> bool:
    """Whether none of the lines may pass for the answer to a call: small whole ids are those of the bridge."""
    return re.search(rb'd"?[\s:]*"?\d{1,8}\b', lines) is None


@pytest.mark.parametrize("count", HOSTILE)
def test_whatever_is_printed_harms_nobody(hostile_bridge: Bridge, count: int) -> None:
    session = open_session(hostile_bridge)
    with untouched(hostile_bridge):
        cases(MESSAGES.filter(harmless), count=count)(lambda lines: check_printed(hostile_bridge, session, lines))()
    assert HTTP.get(f"{hostile_bridge.url}/ready").status_code == 200
    assert json.loads(hostile_bridge.raw[-1])
