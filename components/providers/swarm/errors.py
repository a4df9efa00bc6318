"""What can be wrong with a Swarm or a host of it: one sentence that says what, where, and what to do."""

from components.providers.plain_errors import ProviderError


class SwarmError(ProviderError):
    """Something that a person has to know or do; its text is the whole of it."""


class NoQuorumError(SwarmError):
    """Too few managers of the Swarm are left to change anything in it."""


class GoneError(SwarmError):
    """What was asked for is in the Swarm no more."""
