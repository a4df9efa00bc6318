"""Durations in Go's notation, which the provider takes and gives back (`1m30s`).

Source: https://pkg.go.dev/time#ParseDuration and #Duration.String.
"""

import re
from typing import Final

NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_TERM: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def nanoseconds(text: str | None) -> int:
    """The length of a duration; 0 when it is not given.

    Raises:
        ValueError: the text is no duration.
    """
    if not text or text == "0":
        return 0
    terms = _TERM.findall(text)
    if "".join(number + unit for number, unit in terms) != text:
        raise ValueError(f"{text!r} is not a duration like 10s, 1m30s or 500ms")
    return sum(_term_nanoseconds(number, unit) for number, unit in terms)


def _term_nanoseconds(number: str, unit: str) -> int:
    whole, _, fraction = number.partition(".")
    scale = NANOSECONDS[unit]
    return int(whole or 0) * scale + int(fraction or 0) * scale // int("1" + "0" * len(fraction))


def seconds(text: str | None) -> float:
    """The length of a duration in seconds."""
    return nanoseconds(text) / NANOSECONDS["s"]


def duration(length: int) -> str:
    """A length in nanoseconds as the provider reports it: Go's form without trailing `0s` and `0m`."""
    if length == 0:
        return "0s"
    if length < NANOSECONDS["s"]:
        unit = next(unit for unit in ("ms", "µs", "ns") if length >= NANOSECONDS[unit])
        return _decimal(length, NANOSECONDS[unit]) + unit
    minutes, rest = divmod(length, NANOSECONDS["m"])
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h"] if hours else []
    if minutes or (hours and rest):
        parts.append(f"{minutes}m")
    if rest:
        parts.append(_decimal(rest, NANOSECONDS["s"]) + "s")
    return "".join(parts)


def go_text(length: int) -> str:
    """A length in nanoseconds as Go prints it: `3m0s`."""
    text = duration(length)
    if text.endswith("h"):
        return f"{text}0m0s"
    return f"{text}0s" if text.endswith("m") else text


def _decimal(length: int, scale: int) -> str:
    whole, fraction = divmod(length, scale)
    digits = str(fraction).zfill(len(str(scale)) - 1).rstrip("0") if fraction else ""
    return f"{whole}.{digits}" if digits else str(whole)


def problem(text: str) -> str | None:
    """What is wrong with the text as a duration, or None."""
    try:
        nanoseconds(text)
    except ValueError as error:
        return str(error)
    return None
