"""Who wants to hear of which changes, and how a child of either era is asked to tell of them."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from . import revisions
from .callers import Exchange, Session
from .calls import Call
from .envelope import Envelope, members, notification, result
from .errors import RpcError
from .link import Link
from .profile import discover_params

UPDATED: Final = "notifications/resources/updated"
ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
LIST_CHANGED: Final = {
    "notifications/tools/list_changed": "toolsListChanged",
    "notifications/prompts/list_changed": "promptsListChanged",
    "notifications/resources/list_changed": "resourcesListChanged",
}
"""Change notifications, with their names in the filter of `subscriptions/listen`."""


class Filter(msgspec.Struct, omit_defaults=True):
    """What a `subscriptions/listen` asks for."""

    toolsListChanged: bool | None = None  # noqa: N815 - the wire's name
    promptsListChanged: bool | None = None  # noqa: N815 - the wire's name
    resourcesListChanged: bool | None = None  # noqa: N815 - the wire's name
    resourceSubscriptions: list[str] | None = None  # noqa: N815 - the wire's name


class ListenStream:
    """One open `subscriptions/listen` of a modern client: its response is the stream."""

    def __init__(self, client_id: bytes, wanted: Filter, exchange: Exchange) -> None:
        self.client_id = client_id
        self.wanted = wanted
        self.uris = frozenset(wanted.resourceSubscriptions or ())
        self._exchange = exchange
        self._meta: dict[str, Any] = {revisions.META_SUBSCRIPTION: Raw(client_id)}

    def acknowledge(self) -> bool:
        """Send the first message: what will be delivered."""
        params = {"notifications": self.wanted, "_meta": self._meta}
        return self._exchange.send(notification(ACKNOWLEDGED, msgspec.json.encode(params)))

    def tell(self, method: str, fields: dict[str, Any]) -> bool:
        """Deliver one change; False where the client can't take it."""
        return self._exchange.send(notification(method, msgspec.json.encode({**fields, "_meta": self._meta})))

    def end(self) -> None:
        """Close politely."""
        value = msgspec.json.encode({"resultType": "complete", "_meta": self._meta})
        self._exchange.finish(result(self.client_id, value), 0)


class Interests:
    """Everybody's subscriptions, kept over restarts of the children.

    A session's are the affair of its own child. What stateless clients follow is asked of every child that serves them,
    since any of these may see the change.
    """

    def __init__(self) -> None:
        self._streams: dict[Exchange, ListenStream] = {}
        self._asked: dict[Link, set[str]] = {}
        self._listening: dict[Link, Call] = {}

    @property
    def streams(self) -> int:
        """How many `subscriptions/listen` streams are open."""
        return len(self._streams)

    def uris(self, link: Link) -> set[str]:
        """Return the resources that anybody follows whom a child serves."""
        found = link.audience.uris()
        if link.audience.stateless:
            found.update(*(stream.uris for stream in self._streams.values()))
        return found

    def listen(self, client_id: bytes, wanted: Filter, exchange: Exchange) -> None:
        """Open a stream for a modern client."""
        stream = ListenStream(client_id, wanted, exchange)
        if stream.acknowledge():
            self._streams[exchange] = stream
            self._adjust_all()

    def hung_up(self, exchange: Exchange) -> None:
        """Forget a stream whose client left."""
        if self._streams.pop(exchange, None) is not None:
            self._adjust_all()

    def end_streams(self) -> None:
        """Close all streams politely."""
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.end()

    def follow(self, link: Link, session: Session, uri: str) -> None:
        """Note that a session wants to hear of a resource."""
        session.subscriptions.add(uri)
        self._adjust(link)

    def leave(self, link: Link | None, session: Session, uris: set[str]) -> None:
        """Note that a session does not want to hear of resources any more."""
        session.subscriptions -= uris
        if link is not None:
            self._adjust(link)

    def renew(self, link: Link) -> None:
        """Ask a fresh child for everything that is wanted of it."""
        self._asked = {known: uris for known, uris in self._asked.items() if not known.ended}
        self._listening = {known: call for known, call in self._listening.items() if not known.ended}
        self._asked[link] = set()
        if link.profile is not None and link.profile.modern:
            self._listen_to(link)
        else:
            self._adjust(link)

    def _adjust_all(self) -> None:
        for link in list(self._asked):
            if link.audience.stateless:
                self._adjust(link)

    def _adjust(self, link: Link) -> None:
        before, now = self._asked.get(link), self.uris(link)
        if before is None or now == before or link.profile is None or link.ended:
            return
        self._asked[link] = now
        if link.profile.modern:
            self._listen_to(link)
            return
        for uri in now - before:
            link.ask("resources/subscribe", msgspec.json.encode({"uri": uri}), _ignore)
        for uri in before - now:
            link.ask("resources/unsubscribe", msgspec.json.encode({"uri": uri}), _ignore)

    def _listen_to(self, link: Link) -> None:
        profile = link.profile
        if profile is None:
            return
        uris = self._asked[link] = self.uris(link)
        wanted = Filter(
            toolsListChanged=profile.declares("tools", "listChanged") or None,
            promptsListChanged=profile.declares("prompts", "listChanged") or None,
            resourcesListChanged=profile.declares("resources", "listChanged") or None,
            resourceSubscriptions=sorted(uris) or None,
        )
        if wanted == Filter():
            return
        params = members(discover_params()) | {"notifications": Raw(msgspec.json.encode(wanted))}
        previous = self._listening.get(link)
        self._listening[link] = link.ask("subscriptions/listen", msgspec.json.encode(params), _ignore)
        if previous is not None:
            link.abandon(previous, "replaced by a wider subscription")

    def changed(self, link: Link, method: str) -> None:
        """Tell everybody whom a child serves, and who wants to know, that one of its lists changed."""
        for session in link.audience.sessions:
            session.push(notification(method, b""))
        name = LIST_CHANGED[method]
        for exchange, stream in self._streams_of(link):
            if getattr(stream.wanted, name) and not stream.tell(method, {}):
                self._streams.pop(exchange, None)

    def updated(self, link: Link, params: bytes) -> None:
        """Tell everybody whom a child serves, and who follows a resource, that it changed."""
        try:
            fields = members(params)
            uri = msgspec.json.decode(fields["uri"], type=str)
        except (KeyError, msgspec.DecodeError):
            return
        fields.pop("_meta", None)
        for session in link.audience.sessions:
            if uri in session.subscriptions:
                session.push(notification(UPDATED, msgspec.json.encode(fields)))
        for exchange, stream in self._streams_of(link):
            if uri in stream.uris and not stream.tell(UPDATED, fields):
                self._streams.pop(exchange, None)

    def _streams_of(self, link: Link) -> list[tuple[Exchange, ListenStream]]:
        return list(self._streams.items()) if link.audience.stateless else []


def _ignore(_: Envelope | RpcError) -> None:
    """A child that can't serve a subscription simply never tells of changes."""
