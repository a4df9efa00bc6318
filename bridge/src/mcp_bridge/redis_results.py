"""The cache that the replicas of a server share, in Redis. Calls go on without it while it is away.

Keys begin with what the server's user in Redis can reach and a digest of what the results hang on: replicas of another
release have their own. A result is kept with the token of its method's generation; `list_changed` sets another token,
at random, and so does who finds none. A result with any but the present one is none. Every second, each replica reads
the tokens, so that what it keeps itself is forgotten too.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import msgspec
from mcp_wire.result_cache import key_prefix
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from . import logs
from .core.profile import Profile
from .core.result_cache import METHODS, Key
from .core.shared_results import Found, Shared

TIMEOUT_SECONDS: Final = 0.25
"""For one exchange with Redis. A call waits as long for it, once."""

PAUSE_SECONDS: Final = 2.0
"""After a failure Redis is left alone for as long, and no call asks it."""

CONNECTIONS: Final = 8
TASKS: Final = 256
"""Exchanges under way. Whatever comes on top does without."""

TOKENS_SECONDS: Final = 3600
"""For which tokens are kept after the last replica has read them: longer than any result."""

TOKEN_BYTES: Final = 16
Command = tuple[str | bytes | int, ...]


class RedisResults:
    """Results in Redis.

    Arguments:
        url: where Redis is, without a password.
        password: of the user that the URL names.
        server: the server's name.
        release: what results hang on besides what the server says of itself.
        stale: is told of methods whose results another replica found to be stale.
    """

    def __init__(
        self, url: str, password: str | None, server: str, release: str, stale: Callable[[frozenset[str]], None]
    ) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            password=password,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            # Its user may not send it.
            driver_info=None,
        )
        self._redis = Redis.from_pool(pool)
        self._server = server
        self._release = release
        self._stale = stale
        self._prefix = ""
        self._tokens: dict[str, bytes] | None = None
        self._untold: dict[str, bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reached: bool | None = None
        self._retry_at = 0.0

    @property
    def up(self) -> bool:
        """Whether Redis answers, and has said what is stale."""
        return self._reached is True and self._tokens is not None

    def serves(self, child: Profile) -> None:
        """Take what the server says of itself: only results of its like are its own."""
        said = (self._release, child.revision, child.server_info, child.capabilities, child.instructions)
        digest = hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:TOKEN_BYTES]
        prefix = f"{key_prefix(self._server)}{digest}:"
        if prefix != self._prefix:
            self._prefix = prefix
            self._tokens = None
            self._untold = {}
            self.look()

    def look(self) -> None:
        """Read the tokens, and tell those that could not be told. To be called every second."""
        if self._prefix and asyncio.get_running_loop().time() >= self._retry_at:
            self._start(self._exchange_tokens())

    # core.shared_results.SharedResults

    def find(self, key: Key, found: Found) -> bool:
        """Look for a result."""
        if not self._usable:
            return False
        self._start(self._find(key, found))
        return True

    def keep(self, key: Key, result: bytes, seconds: float) -> None:
        """Keep a result, under the token that holds since its request came."""
        if self._usable and self._tokens is not None:
            self._start(self._keep(self._name(key), self._tokens[key.method] + result, seconds))

    def changed(self, methods: frozenset[str]) -> None:
        """Set other tokens: now, or when Redis is back. Until then nothing is taken from it."""
        fresh = {method: _token() for method in methods}
        self._untold |= fresh
        if self._tokens is not None:
            self._tokens |= fresh
        self.look()

    async def close(self) -> None:
        """Let go of Redis."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    # Exchanges

    @property
    def _usable(self) -> bool:
        return self.up and not self._untold and len(self._tasks) < TASKS

    def _name(self, key: Key) -> str:
        parts = (key.method, key.client, [(name, msgspec.Raw(value)) for name, value in key.params])
        return self._prefix + hashlib.sha256(msgspec.json.encode(parts)).hexdigest()

    @property
    def _generations(self) -> str:
        return self._prefix + "generations"

    async def _find(self, key: Key, found: Found) -> None:
        kept = None
        name, prefix = self._name(key), self._prefix
        answers = await self._execute(("HGETALL", self._generations), ("GET", name), ("PTTL", name))
        if answers is not None and prefix == self._prefix:
            tokens, entry, milliseconds = answers
            if len(tokens) == len(METHODS):
                self._learn(tokens)
            else:
                self._tokens = None
            if entry is not None and milliseconds > 0 and entry[:TOKEN_BYTES] == self._valid_token(key.method):
                kept = Shared(entry[TOKEN_BYTES:], milliseconds / 1000)
        found(kept)

    async def _keep(self, name: str, entry: bytes, seconds: float) -> None:
        await self._execute(("SET", name, entry, "PX", max(1, int(seconds * 1000))))

    async def _exchange_tokens(self) -> None:
        untold, prefix = dict(self._untold), self._prefix
        telling: list[Command] = [("HSET", self._generations, method, token) for method, token in untold.items()]
        tokens = await self._read_tokens(telling)
        if tokens is not None and len(tokens) < len(METHODS):
            tokens = await self._read_tokens([("HSETNX", self._generations, method, _token()) for method in METHODS])
        if tokens is not None and prefix == self._prefix:
            self._untold = {method: token for method, token in self._untold.items() if untold.get(method) != token}
            self._learn(tokens)

    async def _read_tokens(self, first: list[Command]) -> Mapping[bytes, bytes] | None:
        """Return the tokens that hold after some commands, None where Redis is away."""
        expire: Command = ("EXPIRE", self._generations, TOKENS_SECONDS)
        answers = await self._execute(*first, expire, ("HGETALL", self._generations))
        return None if answers is None else answers[-1]

    def _learn(self, found: Mapping[bytes, bytes]) -> None:
        """Take the tokens that hold for all replicas; those that were not told yet are newer."""
        before = self._tokens
        self._tokens = {method: found[method.encode()] for method in METHODS} | self._untold
        changed = frozenset(method for method in METHODS if before is None or before[method] != self._tokens[method])
        if changed:
            self._stale(changed)

    def _valid_token(self, method: str) -> bytes | None:
        return None if self._tokens is None or self._untold else self._tokens[method]

    async def _execute(self, *commands: Command) -> list[Any] | None:
        """Return Redis' answers to commands, sent together; None where it is away."""
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answers: list[Any] = await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._lost(str(error) or type(error).__name__)
            return None
        if self._reached is False:
            logs.info("cache_redis_back")
        self._reached = True
        return answers

    def _lost(self, reason: str) -> None:
        if self._reached is not False:
            logs.warning("cache_redis_away", reason=reason)
        self._reached = False
        self._retry_at = asyncio.get_running_loop().time() + PAUSE_SECONDS

    def _start(self, exchange: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(exchange)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            logs.fault("cache_redis_fault", error)


def _token() -> bytes:
    return secrets.token_hex(TOKEN_BYTES // 2).encode()
