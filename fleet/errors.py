"""The one error that a command ends with."""


class FleetError(Exception):
    """What a command can't do. Printed as `error: …` and `hint: …`, never as a traceback."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """`message` says what is wrong and where (file, key, server); `hint` what to do about it."""
        super().__init__(message)
        self.hint = hint
