"""The registry's account file."""

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.registry import htpasswd_line

PASSWORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=72)


@given(password=PASSWORDS)
def test_the_line_lets_its_password_in_and_is_always_the_same(password: str) -> None:
    line = htpasswd_line("dev", password)

    username, hashed = line.removesuffix("\n").split(":")
    assert username == "dev"
    assert bcrypt.checkpw(password.encode(), hashed.encode())
    assert line == htpasswd_line("dev", password)


@given(password=PASSWORDS, other=PASSWORDS)
def test_another_password_gives_another_salt(password: str, other: str) -> None:
    hashes = {htpasswd_line("dev", text).split(":")[1] for text in (password, other)}

    assert len({hashed[:29] for hashed in hashes}) == len({password, other})


def test_a_password_that_bcrypt_would_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="72 bytes"):
        htpasswd_line("dev", "x" * 73)
