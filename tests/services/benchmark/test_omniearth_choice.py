"""OmniEarth-Bench's choices: which letters an answer names, to the release and corrected."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.scorers.omniearth_choice import (
    LEAD_INS,
    letters,
    released_letters,
    unable_letter,
    whole_letters,
)


@pytest.mark.parametrize(
    ("answer", "official", "corrected"),
    [
        ("(B)", "B", "B"),
        ("A, C", "AC", "AC"),
        ("A C", "AC", "AC"),
        ("C A", "AC", "AC"),  # a set
        ("AC", "AC", "AC"),
        ("A A", "A", "A"),
        ("AA", "A", ""),  # a letter twice is another word
        ("B", "B", "B"),
        (" B.\n", "B", "B"),
        ("**B**", "B", "B"),
        ("b", "", "B"),  # the release wants a capital somewhere
        ("(b)", "", "B"),
        ("(b) Both", "B", "B"),  # the capital of "Both" is enough, and parentheses go first
        ("a, c", "", "AC"),
        ("The answer is B", "B", "B"),
        ("The best answer is (D).", "D", "D"),
        ("Best option: E", "E", "E"),
        ("The answer: C", "C", "C"),  # the fourth lead-in
        ("The correct answer is b", "", "B"),  # nothing is left but the letter
        ("Answer: B", "ABE", "B"),  # A, e of "Answer"
        ("I choose B", "BCE", "B"),  # c, e of "choose"
        ("South", "", ""),
        ("East", "AE", ""),
        ("Because it is dark", "ABCDE", ""),
        ("B) South", "B", "B"),
        ("B. South", "B", "B"),
        ("(A) or (C)", "AC", "AC"),
        ("(A) is wrong, so B", "A", "A"),  # in parentheses first
        ("A or B", "AB", "AB"),
        ("the forest is in a bay, B", "ABE", "B"),
        ("F", "", ""),  # the sixth of five options
        ("Unable to decide", "", ""),  # no capital A to E
        ("E. Unable to decide", "ABCDE", "E"),  # letters of every word
        ("", "", ""),
        ("   ", "", ""),
        ("12", "", ""),
    ],
)
def test_the_letters_of_an_answer(answer, official, corrected):
    assert released_letters(answer) == official
    assert whole_letters(answer, 5) == corrected


@given(st.text(alphabet="abcdeABCDEFx() ,.\n\t", max_size=20))
def test_letters_are_read_as_the_release_reads_them(answer):
    expected = ""
    if re.search("[ABCDE]", answer.strip()):
        found = re.findall(r"\(([a-eA-E])\)", answer.strip())
        found = found or re.findall(r"(?:^|\s)?([a-eA-E])(?:$|[\s,.])?", answer.strip())
        expected = "".join(sorted({letter.upper() for letter in found}))
    assert released_letters(answer) == expected


@pytest.mark.parametrize("lead_in", LEAD_INS)
def test_lead_ins_are_deleted(lead_in):
    assert released_letters(f"{lead_in} (C)") == released_letters(f"{lead_in} C") == "C"


def test_there_are_as_many_letters_as_options():
    assert letters(5) == "ABCDE"
    assert whole_letters("H", 8) == "H"
    assert whole_letters("H", 7) == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["(A) North", "(B) South", "(C) Unable to decide"], "C"),
        (["North", "UNABLE TO DECIDE."], "B"),
        (["Unable to decide", "North"], None),  # it is the last one, or none
        (["North", "South"], None),
        ([], None),
    ],
)
def test_the_option_to_be_unable_to_decide(options, expected):
    assert unable_letter(options) == expected


@given(st.permutations(["A", "C", "E"]), st.sampled_from([" ", ", ", "; ", " and "]))
def test_the_order_of_letters_changes_nothing(named, separator):
    assert whole_letters(separator.join(named), 5) == "ACE"


@pytest.mark.parametrize(
    "text",
    ["(a" * 500_000, "A " * 500_000, "The answer is " * 70_000, "\n" * 1_000_000, "x" * 1_000_000, "\ud800A" * 500_000],
    ids=["open", "letters", "lead-ins", "lines", "word", "surrogates"],
)
def test_a_hostile_megabyte_is_read_in_linear_time(text):
    started = time.process_time()
    assert set(released_letters(text)) <= set("ABCDE")
    assert set(whole_letters(text, 5)) <= set("ABCDE")
    assert time.process_time() - started < 2
