import re

from hypothesis import given
from hypothesis import strategies as st

from components.swarm_service import go_duration


def seconds_of(duration: str) -> int:
    units = {"h": 3600, "m": 60, "s": 1}
    total, number = 0, ""
    for character in duration:
        if character in units:
            total += int(number) * units[character]
            number = ""
        else:
            number += character
    return total


@given(st.integers(min_value=0, max_value=100_000))
def test_durations_mean_what_they_say_in_their_shortest_form(seconds: int) -> None:
    duration = go_duration(seconds)
    assert seconds_of(duration) == seconds
    assert seconds == 0 or not re.search(r"(?<!\d)0[hms]", duration), "Docker leaves out what is zero"


def test_durations_are_spelt_as_docker_spells_them() -> None:
    assert [go_duration(n) for n in (0, 30, 60, 90, 3600, 3661)] == ["0s", "30s", "1m", "1m30s", "1h", "1h1m1s"]
