import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.library import Library, UnknownDocumentError

DECISION = "# 0007: Locks without hosts\n\n**Asked:** which lock?\n\n**Chosen:** hashes, no addresses.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    (docs / "decisions").mkdir(parents=True)
    (docs / "python.md").write_text(
        "---\nowner: x\n---\n\n# Python #\n\n## Types\n\nTypes everywhere,\nmypy strict.\n\nMore."
    )
    (docs / "decisions" / "0007-locks.md").write_text(DECISION)
    (docs / "picture.png").write_bytes(b"png")
    (tmp_path / "secret.md").write_text("# Secret\n\nhunter2")
    return docs


@pytest.fixture
def library(folder: Path) -> Library:
    return Library(folder, maximum_bytes=1000)


def paths(library: Library) -> list[str]:
    return [document.path for document in library.documents()]


def test_documents_are_listed_with_title_kind_and_first_sentences(library: Library) -> None:
    decision, standard = library.documents()
    assert (decision.path, decision.kind) == ("decisions/0007-locks.md", "decision")
    assert (decision.title, decision.summary) == ("0007: Locks without hosts", "**Asked:** which lock?")
    assert (standard.path, standard.kind) == ("python.md", "standard")
    assert (standard.title, standard.summary) == ("Python", "Types everywhere, mypy strict.")
    assert library.documents("decision") == [decision]


def test_changes_are_seen_at_the_next_call(library: Library, folder: Path) -> None:
    assert paths(library) == ["decisions/0007-locks.md", "python.md"]
    (folder / "python.md").unlink()
    (folder / "go.md").write_text("no heading at all")
    assert paths(library) == ["decisions/0007-locks.md", "go.md"]
    assert library.documents("standard")[0].title == "go"
    (folder / "go.md").write_text("# Go\n\nnow with one")
    assert library.documents("standard")[0].title == "Go"


def test_a_document_is_read_in_parts(library: Library) -> None:
    part = library.read("decisions/0007-locks.md", first_line=3, lines=1)
    assert (part.text, part.first_line, part.more) == ("**Asked:** which lock?", 3, 2)
    end = library.read("decisions/0007-locks.md", first_line=99, lines=1)
    assert (end.text, end.more) == ("", 0)


def test_search_wants_every_word_and_titles_count_more(library: Library, folder: Path) -> None:
    (folder / "long.md").write_text("# Other\n\n" + "word " * 100 + "locks")
    assert [match.path for match in library.search("LOCK", kind=None, limit=9)] == [
        "decisions/0007-locks.md",
        "long.md",
    ]
    assert library.search("lock nothing", kind=None, limit=9) == []
    assert library.search("locks", kind="standard", limit=9)[0].path == "long.md"
    assert "**hashes**" in library.search("hashes", kind=None, limit=1)[0].excerpt


@settings(deadline=None, max_examples=50)
@given(query=st.text(max_size=30))
def test_no_query_is_a_syntax_error(tmp_path_factory: pytest.TempPathFactory, query: str) -> None:
    docs = tmp_path_factory.mktemp("docs")
    (docs / "a.md").write_text('a "quoted" text AND others')
    assert isinstance(Library(docs, maximum_bytes=99).search(query, kind=None, limit=5), list)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.md",
        "decisions/../../secret.md",
        "decisions/../python.md",
        "./python.md",
        "/etc/passwd",
        "python.md/",
        "python.md\0.txt",
        "..\\secret.md",
        "%2e%2e/secret.md",
        "file:///etc/passwd",
        "",
        ".",
        "PYTHON.MD",
    ],
)
def test_only_paths_that_were_listed_can_be_read(library: Library, path: str) -> None:
    with pytest.raises(UnknownDocumentError) as refused:
        library.read(path, first_line=1, lines=9)
    assert "hunter2" not in str(refused.value)


def test_a_path_that_is_nearly_right_is_told(library: Library) -> None:
    with pytest.raises(UnknownDocumentError, match=r"Nearest: decisions/0007-locks\.md"):
        library.read("decisions/0007-lock.md", first_line=1, lines=9)


def test_nothing_outside_is_served_through_links(library: Library, folder: Path) -> None:
    (folder / "link.md").symlink_to(folder.parent / "secret.md")
    (folder / "inside.md").symlink_to(folder / "python.md")
    (folder / "up").symlink_to(folder.parent)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.md").write_text("hunter2")
    assert paths(library) == ["decisions/0007-locks.md", "python.md"]
    assert library.search("hunter2", kind=None, limit=9) == []


def test_a_link_that_takes_a_documents_place_is_not_followed(library: Library, folder: Path) -> None:
    assert "python.md" in paths(library)
    (folder / "python.md").unlink()
    (folder / "python.md").symlink_to(folder.parent / "secret.md")
    assert library._page("python.md") is None
    assert paths(library) == ["decisions/0007-locks.md"]


def test_what_is_too_large_or_no_text_does_not_keep_the_others_back(library: Library, folder: Path) -> None:
    (folder / "large.md").write_text("x" * 1001)
    (folder / "bytes.md").write_bytes(b"# T\xff\n\nbytes \xfe")
    assert paths(library) == ["bytes.md", "decisions/0007-locks.md", "python.md"]


def test_a_folder_that_has_gone_is_an_error_not_an_empty_list(library: Library, folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    with pytest.raises(NotADirectoryError):
        library.documents()
