"""MSEarth as VLMEvalKit has it: options inferred by rules, else by a judge, never by chance."""

from __future__ import annotations

import time

import pytest

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers.msearth_vlmevalkit import VLMEvalKit, inferred, question_and_options
from tellurion_benchmark.scoring import Item, NoAnswer, Unscored

OPTIONS = {"A": "Aquifer 1", "B": "Aquifer 2", "C": "Sandstone", "D": "None of the above"}
QUERY = "<image>Caption:\nHazard map.\nQuestion:\nWhich aquifer?\nOptions:\n" + "".join(
    f"{letter}. {text}\n" for letter, text in OPTIONS.items()
)
ITEM = Item("Q1", "mcq", {"query": QUERY, "response": "B. Aquifer 2"}, (), {}, "paper")
LONG = "It is one of those that lie deep below the old river bed, which the map shows in red and in blue, I think."


class Replies:
    """A judge that gives these replies in turn, and keeps what it was asked."""

    def __init__(self, *replies):
        self.replies, self.asked = list(replies), []

    async def __call__(self, messages, *, max_tokens, temperature=0.0, sample=0):
        self.asked.append((messages[0].text, sample, temperature))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def scorer():
    return VLMEvalKit(Prompts.of("msearth", None))


def test_a_query_is_taken_apart():
    assert question_and_options(QUERY) == ("Hazard map.\nQuestion:\nWhich aquifer?", OPTIONS)


@pytest.mark.parametrize(
    ("answer", "option"),
    [
        ("B", "B"),
        ("B.", "B"),
        ("(B)", "B"),
        ("**B**", "B"),
        ("b", None),  # letters are capital
        ("I choose B", "B"),
        ("B because it lies", "B"),  # the fourth word from the end
        ("B because it lies there", None),  # the fifth
        ("A or B", None),
        ("A B", None),
        ("Z", "Z"),
        ("E", None),
        ("The correct answer is **C**. The map shows it in red, which stands for it.", "C"),
        ("the answer is d since nothing else fits what is shown in it", "D"),  # case is folded after "answer is"
        ("sandstone", "C"),  # the text of one option
        ("It is Aquifer 2", "B"),
        ("Aquifer 1 and Aquifer 2", None),
        (LONG + " sandstone", None),  # too long to be an option's text
        ("I'm sorry, but without the image provided I cannot say B", "Z"),
        ("", None),
    ],
)
def test_the_inferred_option(answer, option):
    assert inferred(answer, OPTIONS) == option


@pytest.mark.parametrize(
    ("prediction", "score"), [("B", 1.0), (" B. \n", 1.0), ("C", 0.0), ("Z", 0.0), ("Aquifer 2", 1.0)]
)
async def test_rules_need_no_judge(prediction, score):
    scored = await scorer().score(ITEM, prediction, None)
    assert scored.score == scored.metrics["mcq_accuracy"] == score


@pytest.mark.parametrize(
    ("replies", "score", "calls"),
    [
        (["B"], 1.0, 1),
        (["C"], 0.0, 1),
        (["Z"], 0.0, 1),
        (["hm", "A or B", "B"], 1.0, 3),
        (["hm", " ", "A"], 0.0, 3),
    ],
)
async def test_the_judge_is_asked_up_to_three_times(replies, score, calls):
    judge = Replies(*replies)
    scored = await scorer().score(ITEM, LONG, judge)
    assert scored.score == score
    assert [(sample, temperature) for _, sample, temperature in judge.asked] == [(0, 0), (1, 0.5), (2, 1)][:calls]
    assert all(part in judge.asked[0][0] for part in ("Which aquifer?", "D. None of the above", LONG))


async def test_an_endpoint_that_gives_no_reply_is_not_asked_another_question():
    judge = Replies("hm", NoAnswer("busy"), "B")
    assert (await scorer().score(ITEM, LONG, judge)).score == Unscored("busy")
    assert len(judge.asked) == 2


@pytest.mark.parametrize("judge", [None, Replies("hm", "hm", "hm"), Replies(NoAnswer("busy"))])
async def test_nothing_is_guessed(judge):
    scored = await scorer().score(ITEM, LONG, judge)
    assert isinstance(scored.score, Unscored)
    assert scored.metrics["mcq_accuracy"] == scored.score


async def test_the_question_is_asked_in_words_of_the_protocol():
    model = Replies("B")
    assert await scorer().answer(ITEM, model) == "B"
    text, *_ = model.asked[0]
    assert "Caption:\n Hazard map.\nQuestion:\nWhich aquifer?\nOptions:\nA. Aquifer 1\n" in text
    assert "select the correct option (e.g., 'A', 'B', 'C', 'D') or directly state the correct option content" in text


async def test_other_questions_are_neither_asked_nor_scored():
    open_item = Item("Q2", "open", ITEM.record, (), {}, "paper")
    with pytest.raises(NoAnswer):
        await scorer().answer(open_item, Replies())
    assert isinstance((await scorer().score(open_item, "B", None)).score, Unscored)


@pytest.mark.parametrize("prediction", [None, 1, ["B"], {"answer": "B"}])
async def test_what_is_no_text_has_no_score(prediction):
    assert isinstance((await scorer().score(ITEM, prediction, None)).score, Unscored)


@pytest.mark.parametrize(
    "text", ["answer " * 150_000, "answer" + " " * 1_000_000, "answer is " + "*" * 1_000_000, "Z " * 500_000 + "A B"]
)
def test_a_hostile_megabyte_is_read_in_linear_time(text):
    started = time.process_time()
    assert inferred(text, OPTIONS) is None
    assert time.process_time() - started < 2
