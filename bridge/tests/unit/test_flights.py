"""Equal requests under way: who leads, who waits, and who goes on when the leader brings nothing."""

from mcp_bridge.core.errors import RpcError
from mcp_bridge.core.flights import FAILURES, Flights
from mcp_bridge.core.result_cache import Key
from mcp_bridge.core.turns import Waiting

KEY = Key("tools/list", 0, "", ())


class Equal(Waiting):
    """A request that leads as soon as it may, unless there is a result."""

    def __init__(self, airport: "Airport", name: str) -> None:
        super().__init__(airport.flights, 0)
        self._airport = airport
        self.name = name

    def go(self) -> None:
        if self._airport.result:
            self._airport.served.append(self.name)
            return
        self._airport.led.append(self.name)
        if not self.alone:
            self._airport.flights.begin(KEY, self)

    def refuse(self, error: RpcError) -> None:
        self._airport.refused.append(self.name)


class Airport:
    """Requests a, b, c and d, of which a leads and the others wait."""

    def __init__(self) -> None:
        self.flights = Flights()
        self.result = False
        self.led: list[str] = []
        self.served: list[str] = []
        self.refused: list[str] = []
        self.calls = {name: Equal(self, name) for name in "abcd"}
        for name, call in self.calls.items():
            if name == "a":
                self.flights.begin(KEY, call)
            else:
                self.flights.join(KEY, call)

    def land(self, name: str, *, failed: bool = False) -> None:
        self.flights.land(KEY, self.calls[name], failed=failed)


def test_what_the_leader_brings_serves_all() -> None:
    airport = Airport()
    airport.result = True
    airport.land("a")
    assert (airport.served, airport.led, len(airport.flights)) == (["b", "c", "d"], [], 0)
    assert KEY not in airport.flights


def test_when_the_leader_leaves_the_next_one_leads_and_the_others_wait_for_it() -> None:
    airport = Airport()
    for leader, following in (("a", "b"), ("b", "c"), ("c", "d")):
        airport.land(leader)
        assert airport.led[-1] == following
    assert airport.led == ["b", "c", "d"]


def test_after_so_many_failures_nobody_waits_any_more() -> None:
    airport = Airport()
    airport.land("a", failed=True)
    assert airport.led == ["b"]
    assert FAILURES == 2
    airport.land("b", failed=True)
    assert airport.led == ["b", "c", "d"]
    assert KEY not in airport.flights


def test_who_cancels_does_not_go_on() -> None:
    airport = Airport()
    airport.calls["b"].cancel(RpcError(-32800, "cancelled"))
    assert airport.refused == ["b"]
    assert not airport.calls["b"].leave()
    airport.land("a")
    assert airport.led == ["c"]


def test_only_the_leader_lands() -> None:
    airport = Airport()
    airport.land("c")
    assert (airport.led, len(airport.flights)) == ([], 3)
