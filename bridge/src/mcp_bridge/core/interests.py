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
from .sessions import SessionTable

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
    """Everybody's subscriptions, kept over restarts of the child."""

    def __init__(self, sessions: SessionTable) -> None:
        self._sessions = sessions
        self._streams: dict[Exchange, ListenStream] = {}
        self._listening: Call | None = None

    @property
    def streams(self) -> int:
        """How many `subscriptions/listen` streams are open."""
        return len(self._streams)

    def uris(self) -> set[str]:
        """Return the resources that anybody follows."""
        found = {uri for session in self._sessions for uri in session.subscriptions}
        return found.union(*(stream.uris for stream in self._streams.values())) if self._streams else found

    def listen(self, link: Link, client_id: bytes, wanted: Filter, exchange: Exchange) -> None:
        """Open a stream for a modern client."""
        before = self.uris()
        stream = ListenStream(client_id, wanted, exchange)
        if stream.acknowledge():
            self._streams[exchange] = stream
            self._adjust(link, before)

    def hung_up(self, link: Link | None, exchange: Exchange) -> None:
        """Forget a stream whose client left."""
        before = self.uris()
        if self._streams.pop(exchange, None) is not None and link is not None:
            self._adjust(link, before)

    def end_streams(self) -> None:
        """Close all streams politely."""
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.end()

    def follow(self, link: Link, session: Session, uri: str) -> None:
        """Note that a session wants to hear of a resource."""
        before = self.uris()
        session.subscriptions.add(uri)
        self._adjust(link, before)

    def leave(self, link: Link | None, session: Session, uris: set[str]) -> None:
        """Note that a session does not want to hear of resources any more."""
        before = self.uris()
        session.subscriptions -= uris
        if link is not None:
            self._adjust(link, before)

    def renew(self, link: Link) -> None:
        """Ask a fresh child for everything that is wanted."""
        self._listening = None
        profile = link.profile
        if profile is not None and profile.modern:
            self._listen_to(link)
        else:
            self._adjust(link, set())

    def _adjust(self, link: Link, before: set[str]) -> None:
        now = self.uris()
        if now == before or link.profile is None:
            return
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
        wanted = Filter(
            toolsListChanged=profile.declares("tools", "listChanged") or None,
            promptsListChanged=profile.declares("prompts", "listChanged") or None,
            resourcesListChanged=profile.declares("resources", "listChanged") or None,
            resourceSubscriptions=sorted(self.uris()) or None,
        )
        if wanted == Filter():
            return
        params = members(discover_params()) | {"notifications": Raw(msgspec.json.encode(wanted))}
        previous = self._listening
        self._listening = link.ask("subscriptions/listen", msgspec.json.encode(params), _ignore)
        if previous is not None:
            link.abandon(previous, "replaced by a wider subscription")

    def changed(self, method: str) -> None:
        """Tell everybody who wants to know that a list changed."""
        name = LIST_CHANGED[method]
        for session in self._sessions:
            session.push(notification(method, b""))
        for exchange, stream in list(self._streams.items()):
            if getattr(stream.wanted, name) and not stream.tell(method, {}):
                self._streams.pop(exchange, None)

    def updated(self, params: bytes) -> None:
        """Tell everybody who follows a resource that it changed."""
        try:
            fields = members(params)
            uri = msgspec.json.decode(fields["uri"], type=str)
        except (KeyError, msgspec.DecodeError):
            return
        fields.pop("_meta", None)
        for session in self._sessions:
            if uri in session.subscriptions:
                session.push(notification(UPDATED, msgspec.json.encode(fields)))
        for exchange, stream in list(self._streams.items()):
            if uri in stream.uris and not stream.tell(UPDATED, fields):
                self._streams.pop(exchange, None)


def _ignore(_: Envelope | RpcError) -> None:
    """A child that can't serve a subscription simply never tells of changes."""
