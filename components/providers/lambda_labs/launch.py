"""Have exactly one machine: found by its tags, or launched in the first place that has one.

A launch can't be repeated safely, so a machine's tags say whose it is, and nothing is launched before they were looked
up. At most one machine has the tags of one resource, because a replaced machine is deleted first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.providers.plain_errors import ProviderError

from .api import LambdaLabs
from .client import RefusedError, UnansweredError
from .models import GONE, LOST, Instance
from .places import Place, candidates, nowhere
from .termination import look_again, terminate

SPEC_TAG = "mcp-fleet:spec"
NO_CAPACITY = "instance-operations/launch/insufficient-capacity"
UNSEEN_LOOKS = 6
"""How often a machine that was just launched may be missing in what the API shows."""
UNHEALTHY_LOOKS = 3
"""How often in a row a machine may be seen unhealthy while it starts."""

Reachable = Callable[[str, int], bool]
"""Whether an SSH server answers at an address and port."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The machine to have.

    Arguments:
        tags: no other resource's machine has all of these.
        spec: what all else that can only be given at launch comes down to; a machine with another one is no use.
        types, regions: where to launch, the first ones first. Another type is tried after all regions.
        request: returns the body of the launch for a place, all but its place and tags.
    """

    name: str
    tags: Mapping[str, str]
    spec: Callable[[str], str]
    types: Sequence[str]
    regions: Sequence[str]
    request: Callable[[str], Mapping[str, Any]]
    ssh_port: int


@dataclass
class Launcher:
    """Gets one machine. `notes` says, in the order in which it happened, what a user should know of it."""

    api: LambdaLabs
    wanted: Wanted
    reachable: Reachable
    say: Callable[[str], None]
    notes: list[str] = field(default_factory=list)

    def machine(self) -> Instance:
        """Return the machine, active and reachable; everything else with its tags is ended.

        Raises:
            ProviderError: There is none to be had, and none is left behind.
        """
        found = self._adopt()
        ready = self._until_ready(found) if found else None
        if ready is None:
            ready = self._launch_somewhere()
        self._end_all_but(ready.id)
        return ready

    def _adopt(self) -> Instance | None:
        """Return the machine that an interrupted run left, ending all that are no use."""
        useful = sorted((item for item in self._mine() if self._is_wanted(item)), key=_best_first)
        self._end_all_but(useful[0].id if useful else None)
        if useful:
            self._note(f"machine {useful[0].id} is there already, from a run that was interrupted: it is used")
            return useful[0]
        return None

    def _launch_somewhere(self) -> Instance:
        wanted = self.wanted
        places = candidates(self.api.offers(), self.api.regions(), wanted.types, wanted.regions)
        for place in places.full:
            self._note(f"{place} has no capacity")
        for place in places.try_:
            launched = self._launch(place)
            if launched is None:
                continue
            ready = self._until_ready(launched)
            if ready is not None:
                if self.notes:
                    self._note(f"launched as {place}")
                return ready
        self._end_all_but(None)
        raise ProviderError(nowhere(wanted.name, self.api.offers(), wanted.types, wanted.regions, self.notes))

    def _launch(self, place: Place) -> Instance | None:
        """Launch in `place`, or return None where it has no capacity or stays in trouble."""
        wanted = self.wanted
        tags = {**wanted.tags, SPEC_TAG: wanted.spec(place.region)}
        body = {
            **wanted.request(place.region),
            "name": wanted.name,
            "region_name": place.region,
            "instance_type_name": place.type,
            "tags": [{"key": key, "value": value} for key, value in sorted(tags.items())],
        }
        for _ in range(2):
            try:
                id_ = self.api.launch(body)
            except RefusedError as error:
                if error.code != NO_CAPACITY:
                    raise
                self._note(f"{place} has no capacity")
                return None
            except UnansweredError as error:
                found = self._seen_by_tag()
                if found:
                    self._note(f"the launch got no answer, but machine {found.id} is there")
                    return found
                trouble = str(error)
            else:
                return self._seen(id_)
        self._note(f"{place} was given up: {trouble}")
        return None

    def _seen_by_tag(self) -> Instance | None:
        """Return the machine that a launch without an answer made, when it appears."""
        for _ in range(UNSEEN_LOOKS):
            look_again(self.api)
            found = sorted((item for item in self._mine() if self._is_wanted(item)), key=_best_first)
            if found:
                return found[0]
        return None

    def _seen(self, id_: str) -> Instance | None:
        for _ in range(UNSEEN_LOOKS):
            if found := self.api.instance(id_):
                return found
            look_again(self.api)
        self._note(f"machine {id_} was launched, but never appeared")
        return None

    def _until_ready(self, machine: Instance) -> Instance | None:
        """Return the machine once it is active and answers, or end it and return None."""
        settings = self.api.settings
        give_up = self.api.clock.now() + settings.boot_seconds
        seen: Instance | None = machine
        unhealthy = unseen = 0
        while True:
            unseen = 0 if seen else unseen + 1
            status = seen.status if seen else "missing"
            unhealthy = unhealthy + 1 if status == "unhealthy" else 0
            if seen and status == "active" and seen.ip and self.reachable(seen.ip, self.wanted.ssh_port):
                return seen
            if status in LOST or unhealthy == UNHEALTHY_LOOKS or unseen == UNSEEN_LOOKS:
                reason = f"became {status} while it started"
                break
            if self.api.clock.now() >= give_up:
                reason = f"did not answer by SSH within {settings.boot_seconds:.0f} s; its state is {status}"
                break
            look_again(self.api)
            seen = self.api.instance(machine.id)
        self._note(f"machine {machine.id} ({Place.of(machine)}) {reason}; it was terminated")
        terminate(self.api, [machine.id])
        return None

    def _mine(self) -> list[Instance]:
        tags = dict(self.wanted.tags)
        return [item for item in self.api.instances() if item.tagged(tags) and item.status not in GONE]

    def _is_wanted(self, machine: Instance) -> bool:
        place = Place.of(machine)
        return (
            machine.status in {"booting", "active"}
            and place.type in self.wanted.types
            and place.region in self.wanted.regions
            and machine.tagged({SPEC_TAG: self.wanted.spec(place.region)})
        )

    def _end_all_but(self, keep: str | None) -> None:
        others = [item.id for item in self._mine() if item.id != keep]
        if others:
            self._note(f"terminated what an earlier run left: {', '.join(others)}")
            terminate(self.api, others)

    def _note(self, note: str) -> None:
        self.notes.append(note)
        self.say(f"{self.wanted.name}: {note}")


def _best_first(machine: Instance) -> tuple[bool, str]:
    return machine.status != "active", machine.id
