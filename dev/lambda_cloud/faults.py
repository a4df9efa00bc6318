"""Faults that a test orders: an answer that is none, or one that is lost after the work was done."""

from dataclasses import dataclass, field


@dataclass
class Fault:
    """What happens to the next `times` requests of `method` whose path ends with `path`.

    Arguments:
        status, code: the refusal that is sent; None closes the connection without a word.
        headers: further headers of the refusal, such as Retry-After.
        after: do what was asked first.
    """

    method: str
    path: str
    times: int = 1
    status: int | None = None
    code: str = "global/internal-error"
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False

    def hits(self, method: str, path: str) -> bool:
        """Whether it concerns this request; counts down."""
        if self.times < 1 or method != self.method or not path.endswith(self.path):
            return False
        self.times -= 1
        return True
