"""Passwords are what was asked for."""

import string
from typing import Any

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.plugins.checking import check
from dev.plugins.planning import changes, known, plan
from dev.plugins.random.characters import Recipe
from dev.plugins.random.provider import PASSWORD, PASSWORD_TOKEN, RandomProvider


@given(
    length=st.integers(min_value=12, max_value=80),
    special=st.booleans(),
    upper=st.booleans(),
    minimum=st.integers(min_value=0, max_value=3),
)
def test_length_and_classes_are_kept(length: int, special: bool, upper: bool, minimum: int) -> None:
    inputs: dict[str, Any] = {"length": length, "special": special, "upper": upper, "minNumeric": minimum}
    text = Recipe.of(inputs).text()
    assert len(text) == length
    assert sum(character in string.digits for character in text) >= minimum
    assert special or text.isalnum()
    assert upper or not any(character in string.ascii_uppercase for character in text)


def test_the_special_characters_can_be_chosen() -> None:
    recipe = {"length": 40, "lower": False, "upper": False, "numeric": False, "overrideSpecial": "-_"}
    assert set(Recipe.of(recipe).text()) <= set("-_")


def test_a_password_has_its_hash_and_stays_the_same() -> None:
    inputs = {"length": 80}
    found = RandomProvider().configure({})[PASSWORD_TOKEN].create(known(plan(PASSWORD, inputs, None)))
    assert bcrypt.checkpw(found.state["result"].encode()[:72], found.state["bcryptHash"].encode())
    assert [*changes(PASSWORD, found.state, plan(PASSWORD, inputs, found.state))] == []


def test_every_other_input_makes_a_new_one() -> None:
    state = RandomProvider().configure({})[PASSWORD_TOKEN].create(known(plan(PASSWORD, {"length": 20}, None))).state
    for inputs in ({"length": 21}, {"length": 20, "special": False}, {"length": 20, "keepers": {"when": "now"}}):
        found = [*changes(PASSWORD, state, plan(PASSWORD, inputs, state))]
        assert any(change.replaces for change in found), inputs


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"length": 0}, "at least 1"),
        ({"length": 3, "minUpper": 4}, "minimums add up to 4"),
        ({"length": 3, "special": False, "upper": False, "lower": False, "numeric": False}, "has to be true"),
    ],
)
def test_what_cannot_be_made(inputs: dict[str, Any], words: str) -> None:
    [failure] = check(PASSWORD, inputs)
    assert words in failure.reason
