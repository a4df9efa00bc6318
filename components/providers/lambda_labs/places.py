"""Where a machine may be launched, and what to say when it can be nowhere."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.providers.plain_errors import ProviderError

from .models import Instance, TypeOffer

LISTED = 8
OPEN_REGION = "us-south-1"
"""The one region where firewall rules don't apply, says the API's description."""


@dataclass(frozen=True)
class Place:
    """A type of machine in a region."""

    type: str
    region: str

    @classmethod
    def of(cls, machine: Instance) -> "Place":
        """Return where a machine is."""
        return cls(machine.instance_type.name, machine.region.name)

    def __str__(self) -> str:
        return f"{self.type} in {self.region}"


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Places to launch in. `try_` come first and in this order; `full` are said to have no capacity."""

    try_: Sequence[Place]
    full: Sequence[Place]


def candidates(
    offers: Mapping[str, TypeOffer], all_regions: frozenset[str], types: Sequence[str], regions: Sequence[str]
) -> Candidates:
    """Return the places to try: the types in their order, each in the regions in theirs.

    What is offered is only a hint. If it says that no place has capacity, all are tried: a launch that is refused
    costs nothing but its turn.

    Raises:
        ProviderError: A type or region does not exist.
    """
    if problems := wrong_names(offers, all_regions, types, regions):
        raise ProviderError(f"Lambda Labs: {'; '.join(problems)}")
    places = [Place(type_, region) for type_ in types for region in regions]
    offered = [place for place in places if place.region in offers[place.type].regions]
    if not offered:
        return Candidates(try_=places, full=())
    return Candidates(try_=offered, full=[place for place in places if place not in offered])


def wrong_names(
    all_types: Iterable[str], all_regions: Iterable[str], types: Sequence[str], regions: Sequence[str]
) -> list[str]:
    """Return which of `types` and `regions` do not exist, each with what may be meant."""
    known_types, known_regions = sorted(all_types), sorted(all_regions)
    return [
        *(unknown("type", name, known_types) for name in types if name not in known_types),
        *(unknown("region", name, known_regions) for name in regions if name not in known_regions),
    ]


def nowhere(
    name: str, offers: Mapping[str, TypeOffer], types: Sequence[str], regions: Sequence[str], notes: Iterable[str]
) -> str:
    """Return what to say when no place had a machine: what was tried, where there is capacity, and what to do."""
    tried = "; ".join(notes)
    elsewhere = [
        f"{type_} in {', '.join(sorted(found))}"
        for type_ in types
        if (found := (offers[type_].regions if type_ in offers else frozenset()) - {*regions, OPEN_REGION})
    ]
    others = sorted(offer for offer in offers if offer not in types and offers[offer].regions & set(regions))
    hints = [
        *(["with other `regions`: " + "; ".join(elsewhere)] if elsewhere else []),
        *(["with other `types`: " + ", ".join(others[:LISTED])] if others else []),
    ]
    remedy = f"There is capacity {', or '.join(hints)}" if hints else "Lambda has none anywhere"
    return f"Lambda Labs: {name} can't be launched now: {tried}. {remedy}; list more of them, or run again later."


def unknown(what: str, name: str, valid: Iterable[str]) -> str:
    """Return that there is no `what` of this name, and which one may be meant."""
    words = sorted(valid)
    close = difflib.get_close_matches(name, words, n=1)
    more = ", …" if len(words) > LISTED else ""
    hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(words[:LISTED])}{more}"
    return f"there is no {what} {name!r}; {hint}"
