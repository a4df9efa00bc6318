import pytest
from hypothesis import given
from hypothesis import strategies as st

from costar.handlers import FrameError, review, write
from costar.models import Part


def test_parts_stand_in_the_order_of_the_frame_and_the_missing_are_asked_for() -> None:
    made = write({Part.RESPONSE: "A list.", Part.OBJECTIVE: " Name three rivers. ", Part.TONE: "  "})
    assert made.prompt == "# OBJECTIVE #\nName three rivers.\n\n# RESPONSE #\nA list."
    assert list(made.questions) == [Part.CONTEXT, Part.STYLE, Part.TONE, Part.AUDIENCE]
    assert all(question.endswith((".", "?")) for question in made.questions.values())


@pytest.mark.parametrize("line", ["# Tone", "  ## TONE ##:", "Tone: sober", "# tone # sober"])
def test_a_part_that_has_another_parts_heading_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(FrameError, match=r"The context has the line .*[Tt](one|ONE).* heading"):
        write({Part.CONTEXT: f"We sell tea.\n{line}\nand more", Part.OBJECTIVE: "x"})


@pytest.mark.parametrize(
    "text",
    [
        "The tone of voice: warm",
        "#tonedeaf",
        "# Tone deaf people",
        "\u017ftyle: old",
        "contexts: many",
        "#hashtag",
        "style guides matter",
    ],
)
def test_words_of_the_frame_within_a_sentence_are_no_headings(text: str) -> None:
    assert text in write({Part.OBJECTIVE: text}).prompt


@pytest.mark.parametrize(
    "prompt",
    [
        "# CONTEXT #\nWe sell good tea.\n# OBJECTIVE #\nWrite an advertisement.",
        "Context: We sell good tea.\nobjective: Write an advertisement.",
    ],
)
def test_a_review_knows_headings_of_several_kinds(prompt: str) -> None:
    found = {part.part: part for part in review(prompt).parts}
    assert (found[Part.CONTEXT].present, found[Part.CONTEXT].words, found[Part.CONTEXT].question) == (True, 4, None)
    assert found[Part.OBJECTIVE].words == 3
    assert (found[Part.TONE].present, found[Part.TONE].words) == (False, 0)
    assert "formal" in (found[Part.TONE].question or "")


def test_a_part_that_says_nothing_is_asked_for_again() -> None:
    found = {part.part: part for part in review("# Objective\nHelp me.\n# Tone\n\n# Style\nsober").parts}
    assert found[Part.OBJECTIVE].question is not None
    assert (found[Part.TONE].present, found[Part.TONE].question is None) == (True, False)
    assert found[Part.STYLE].question is None


def test_a_prompt_without_headings_lacks_every_part() -> None:
    found = review("Write me an advertisement for tea.")
    assert (found.complete, found.before) == (False, 6)
    assert not any(part.present for part in found.parts)


@given(st.dictionaries(st.sampled_from(Part), st.from_regex(r"(\w{1,9} ){3}", fullmatch=True)))
def test_what_was_written_is_found_again(given_parts: dict[Part, str]) -> None:
    found = review(write(given_parts).prompt)
    assert {part.part for part in found.parts if part.present} == set(given_parts)
    assert found.complete == (len(given_parts) == len(Part))
