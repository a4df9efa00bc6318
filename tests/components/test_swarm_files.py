from hypothesis import given
from hypothesis import strategies as st

from components.swarm_files import HASH_DIGITS, NAME_LIMIT, content_name

STEMS = st.from_regex(r"[a-z][a-z0-9-]{0,100}", fullmatch=True)


@given(STEMS, st.text(), st.text())
def test_a_name_fits_docker_and_depends_on_content_and_key(stem: str, content: str, key: str) -> None:
    name = content_name(stem, content, key)
    assert len(name) <= NAME_LIMIT
    assert name == content_name(stem, content, key)
    assert name != content_name(stem, content + "x", key)
    assert name != content_name(stem, content, key + "x")


def test_names_that_are_cut_alike_still_differ() -> None:
    long = "fleet-server-" + "A" * 60
    assert content_name(long + "_ONE", "same", "key") != content_name(long + "_TWO", "same", "key")


def test_the_name_ends_with_the_hash() -> None:
    stem, _, digest = content_name("dev-time-TOKEN", "v", "k").rpartition("-")
    assert stem == "dev-time-TOKEN"
    assert len(digest) == HASH_DIGITS
