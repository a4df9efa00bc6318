from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notes.store import Note, NoteStore, UnknownNoteError


@pytest.fixture
def store(tmp_path: Path) -> NoteStore:
    return NoteStore(tmp_path / "notes.sqlite3")


def texts(notes: list[Note]) -> list[str]:
    return [note.text for note in notes]


def test_notes_outlive_the_process_that_added_them(tmp_path: Path) -> None:
    added = NoteStore(tmp_path / "n").add("buy milk", title="", tags=["shop"])
    assert NoteStore(tmp_path / "n").newest(tag=None, limit=9, offset=0) == [added]


def test_search_wants_every_word_and_takes_beginnings(store: NoteStore) -> None:
    store.add("the gateway drains before Envoy ends", title="shutdown", tags=[])
    store.add("the gateway starts", title="", tags=["envoy"])
    assert texts(store.search("gate drain", tag=None, limit=9)) == ["the gateway drains before Envoy ends"]
    assert len(store.search("ENVOY", tag=None, limit=9)) == 2, "texts and tags are searched, whatever the case"
    assert store.search("gateway stops", tag=None, limit=9) == []


def test_the_better_match_comes_first(store: NoteStore) -> None:
    store.add("a long text that says redis once among many other words " * 5, title="", tags=[])
    store.add("redis", title="redis", tags=["redis"])
    assert store.search("redis", tag=None, limit=1)[0].title == "redis"


def test_a_tag_is_matched_whole(store: NoteStore) -> None:
    store.add("one", title="", tags=["red"])
    store.add("two", title="", tags=["redis"])
    assert texts(store.newest(tag="red", limit=9, offset=0)) == ["one"]
    assert texts(store.search("on", tag="redis", limit=9)) == []
    assert store.count(tag="redis") == 1
    assert store.count(tag=None) == 2


def test_a_deleted_note_is_not_found_and_its_id_not_used_again(store: NoteStore) -> None:
    gone = store.add("secret plan", title="", tags=[])
    assert store.delete(gone.id) == gone
    assert store.search("secret", tag=None, limit=9) == []
    assert store.add("next", title="", tags=[]).id > gone.id
    with pytest.raises(UnknownNoteError):
        store.delete(gone.id)


def test_pages_do_not_overlap(store: NoteStore) -> None:
    for number in range(5):
        store.add(str(number), title="", tags=[])
    assert texts(store.newest(tag=None, limit=2, offset=0)) == ["4", "3"]
    assert texts(store.newest(tag=None, limit=2, offset=2)) == ["2", "1"]


@settings(deadline=None)
@given(query=st.text(max_size=30))
def test_no_query_is_a_syntax_error(tmp_path_factory: pytest.TempPathFactory, query: str) -> None:
    store = NoteStore(tmp_path_factory.mktemp("notes") / "n")
    store.add('a "quoted" note AND others', title="", tags=[])
    assert isinstance(store.search(query, tag=None, limit=5), list)
