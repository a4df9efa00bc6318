"""A client that does nothing wrong, beside others that do: its calls are checked all along."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from bridge.tests.rig import HTTP, Bridge, open_session, post, text_of

SLOWEST_SECONDS = 5.0
"""What one of its calls may take: a bridge that stands still for longer has let somebody hold it up."""

PAUSE_SECONDS = 0.02


@dataclass
class Canary:
    """Calls a tool in a session of its own, and holds one call open from the first moment to the last."""

    bridge: Bridge
    calls: int = 0
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.session = {**open_session(self.bridge), "accept": "application/json"}

    def run(self) -> None:
        while not self.stop.wait(PAUSE_SECONDS):
            self.call()

    def call(self) -> None:
        text = f"canary {self.calls}"
        began = time.monotonic()
        try:
            params = {"name": "echo", "arguments": {"text": text}}
            answer = post(self.bridge, "tools/call", params, number=f"c{self.calls}", headers=self.session)
            if text_of(answer) != text:
                self.faults.append(answer.text)
        except (AssertionError, KeyError, json.JSONDecodeError, httpx2.HTTPError) as error:
            self.faults.append(repr(error))
        self.calls += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def hold(self) -> None:
        body = {"jsonrpc": "2.0", "id": "h", "method": "tools/call", "params": {"name": "hold", "arguments": {}}}
        answer = HTTP.post(self.bridge.mcp, json=body, headers=self.session, timeout=None)
        if text_of(answer) != "released":
            self.faults.append(f"held: {answer.text}")

    def tool(self, name: str) -> str:
        params = {"name": name, "arguments": {}}
        return text_of(post(self.bridge, "tools/call", params, number=name, headers=self.session))


@contextmanager
def untouched(bridge: Bridge) -> Iterator[Canary]:
    """Run a canary meanwhile, and fail if it noticed anything, or if the bridge logged a fault of its own."""
    canary = Canary(bridge)
    started = bridge.count("child_started")
    threads = [threading.Thread(target=canary.run), threading.Thread(target=canary.hold)]
    for thread in threads:
        thread.start()
    while canary.tool("held") != "1":
        pass
    try:
        yield canary
    finally:
        canary.stop.set()
        threads[0].join()
        canary.call()
        canary.tool("release")
        threads[1].join()
    assert canary.faults == []
    assert canary.slowest < SLOWEST_SECONDS
    assert bridge.count("child_started") == started
    assert not [line for line in bridge.raw if "traceback" in line]
