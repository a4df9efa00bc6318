"""The one error that bringing up the engine raises."""


class EngineError(Exception):
    """The engine can't be brought up, used or taken down. The message says what failed, where, and what to do."""
