"""MSEarth's scorer: extraction, option letters, judging, text metrics, and what no score is made of."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers.msearth import Corrected, Official, answer_in, correctness, mark
from tellurion_benchmark.scorers.msearth_choice import option_and_content, same_choice
from tellurion_benchmark.scorers.reply import object_in
from tellurion_benchmark.scoring import Item, NoAnswer, Scored, Unscored
from tellurion_benchmark.suites import MSEARTH

PROMPTS = Prompts.of("msearth", None)
RELEASED_PATTERN = re.compile(r"^\s*([abcdABCD])(?!\w)\s*[):.,\s]?\s*(.*)$")
IMAGE = Path("figure.png")
RIGHT = '```json\n{"is_correct": true}\n```'


class Replies:
    """An endpoint that gives these replies in turn, and keeps what it was asked."""

    def __init__(self, *replies):
        self.replies, self.asked = list(replies), []

    async def __call__(self, messages, *, max_tokens, temperature=0.0, sample=0):
        self.asked.append((messages, max_tokens, temperature))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def item(kind, response, **fields):
    record = {"query": "<image>Caption:\nSea ice.\nQuestion:\nWhere?", "response": response, "caption": "Ice."} | fields
    return Item("Q1", kind, record, (IMAGE, Path("other.png")), {}, "paper")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('```json\n{"answer": "A"}\n```', {"answer": "A"}),
        ('Sure.\n```json\n{"answer": "A",\n}\n```\nBye', {"answer": "A"}),  # a trailing comma
        ('{"answer": ["A", "B",]}', {"answer": ["A", "B"]}),
        ('I say {"answer": "B"} and {"answer": "C"}', {"answer": "B"}),  # the first object
        ('{"answer": "B"}\n```json\n{"answer": "C"}\n```', {"answer": "C"}),  # a fenced block goes first
        ('```json {"answer": "A"}```', {"answer": "A"}),  # no block without its lines; the braces count
        ('```json\n{"answer": "A"}', {"answer": "A"}),  # never closed
        ('{"answer": 4, "n": 1.50}', {"answer": "4", "n": "1.50"}),
        ('{"a": {"answer": "A"}}', None),  # the release stops at the first closing brace
        ("```json\n\n```", None),
        ("{", None),
        ("}{", None),
        ("[1, 2]", None),
        ("```json\n[1]\n```", None),
        ("A", None),
        ("", None),
    ],
)
def test_the_object_in_a_reply(reply, found):
    assert object_in(reply) == found


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ('{"answer": "A"}', "A"),
        ('{"answer": 4}', "4"),
        ('{"answer": null}', ""),
        ('{"answer": true}', ""),
        ('{"Explanation": "so"}', ""),
        ("A) ice", "A) ice"),
        ('{"answer": "A"', '{"answer": "A"'),
        ('{"answer": "A", "Explanation": "one\nand\ttwo"}', "A"),  # line ends in a text
    ],
)
def test_the_answer_in_a_reply(reply, answer):
    assert answer_in(reply, "answer", corrected=False) == answer_in(reply, "answer", corrected=True) == answer


@pytest.mark.parametrize(
    ("reply", "official", "corrected"),
    [
        (r'{"answer": "A", "Explanation": "\(x\)"}', "A", "A"),
        (r'{"answer": "A", "Explanation": "\alpha and \sum"}', "A", "A"),  # no escapes of JSON
        (r'{"answer": "A) \alpha"}', "A) alpha", r"A) \alpha"),
        (r'{"answer": "A", "Explanation": "$\frac{1}{2}$"}', None, "A"),  # the release stops at the first brace
        (r'{"answer": "A", "Explanation": "so \"called\""}', None, "A"),  # it breaks the quotation marks
        (r'{"answer": "A \ud800"}', "A ud800", "A \ufffd"),
        ("A \ud800", "A \ufffd", "A \ufffd"),
        (r"A \alpha", "A alpha", r"A \alpha"),
    ],
)
def test_backslashes_are_deleted_or_kept(reply, official, corrected):
    expected = reply.replace("\\", "") if official is None else official
    assert answer_in(reply, "answer", corrected=False) == expected
    assert answer_in(reply, "answer", corrected=True) == corrected


@pytest.mark.parametrize(
    ("answer", "option", "content"),
    [
        ("A", "A", None),
        ("B) foo", "B", "foo"),
        ("  c . bar ", "c", "bar"),
        ("D:", "D", None),
        ("A, the sea", "A", "the sea"),
        ("A the sea", "A", "the sea"),
        ("A)) foo", "A", ") foo"),  # one sign alone
        ("Aquifer 1", None, "Aquifer 1"),
        ("A1", None, "A1"),
        ("E) none", None, "E) none"),
        ("(B) foo", None, "(B) foo"),
        ("The answer is B", None, "The answer is B"),
        ("A\n", "A", None),
        ("A foo\n", "A", "foo"),
        ("A foo\nbar", None, "A foo\nbar"),  # the pattern takes one line
        ("A\n\nfoo", "A", "foo"),
        ("", None, ""),
        (" ", None, ""),
    ],
)
def test_the_option_and_the_content_of_an_answer(answer, option, content):
    assert option_and_content(answer) == (option, content)


@given(st.text(alphabet="aBEx1):., \n\t\x1f\u00a0", max_size=14))
def test_reading_an_option_is_the_released_pattern(answer):
    match = RELEASED_PATTERN.match(answer)
    expected = (match[1], match[2].strip() or None) if match else (None, answer.strip())
    assert option_and_content(answer) == expected


@pytest.mark.parametrize(
    ("answer", "reference", "official", "corrected"),
    [
        ("B", "B", True, True),
        ("B) foo", "B", True, True),
        ("B", "B. foo", True, True),
        ("b", "B", False, True),
        ("b) foo", "B. foo", False, True),
        ("B", "b", False, True),
        ("A", "B", False, False),
        ("A. foo", "B. foo", False, False),  # the letter decides
        ("foo", "B. foo", True, True),
        (" foo ", "B. foo", True, True),
        ("Foo", "B. foo", False, False),
        ("foo", "foo", True, True),
        ("C", "foo", False, False),
        ("", "B", False, False),
        ("  ", "B", False, False),
        ("The answer is B", "B", False, False),
    ],
)
def test_the_right_choice(answer, reference, official, corrected):
    assert same_choice(answer, reference, folded=False) is official
    assert same_choice(answer, reference, folded=True) is corrected


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (RIGHT, 1.0),
        ('{"is_correct": false}', 0.0),
        ('{"is_correct": "True "}', 1.0),
        ('{"is_correct": "false"}', 0.0),
        ('{"is_correct": 1}', 1.0),
        ('{"is_correct": 0}', 0.0),
        ('{"is_correct": "yes"}', None),
        ('{"is_correct": 2}', None),
        ('{"is_correct": null}', None),
        ('{"is_correct": [true]}', None),
        ('{"correct": true}', None),
        ("true", None),
        ("It is correct.", None),
        ("", None),
    ],
)
def test_what_a_judge_says_of_an_open_answer(reply, value):
    assert correctness(reply) == value


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"score": 4}', 4.0),
        ('{"score": 3.5}', 3.5),
        ('{"score": "5"}', 5.0),
        ('{"score": 1}', 1.0),
        ('{"score": 0}', None),
        ('{"score": 6}', None),
        ('{"score": -1}', None),
        ('{"score": NaN}', None),
        ('{"score": true}', None),
        ('{"score": "4/5"}', None),
        ('{"score": 1-5}', None),
        ("4", None),
    ],
)
def test_what_a_judge_says_of_a_caption(reply, value):
    assert mark(reply) == value


@pytest.mark.parametrize(
    ("variant", "prediction", "response", "score", "extracted"),
    [
        (Official, '{"answer": "B) foo"}', "B", 1.0, "B"),
        (Official, '{"answer": "b"}', "B", 0.0, "b"),
        (Corrected, '{"answer": "b"}', "B", 1.0, "b"),
        (Official, "B", "B. foo", 1.0, "B"),
        (Official, "foo", "B. foo", 1.0, "foo"),
        (Official, '{"answer": null}', "B", 0.0, None),
        (Official, "", "B", 0.0, None),
    ],
)
async def test_a_multiple_choice_item(variant, prediction, response, score, extracted):
    scored = await variant(PROMPTS).score(item("mcq", response), prediction, None)
    assert scored == Scored(extracted, score, {"mcq_accuracy": score})


async def test_an_open_answer_is_judged_beside_its_image_and_measured():
    judge = Replies(RIGHT)
    scored = await Official(PROMPTS).score(item("open", "Han dynasty"), '{"answer": "Han dynasty"}', judge)
    assert scored.score == scored.metrics["open_accuracy"] == 1.0
    assert scored.metrics["open_rouge1"] == scored.metrics["open_rougeLsum"] == 1.0
    assert scored.metrics["open_bleu2"] == 1.0
    assert scored.metrics["open_bleu3"] == scored.metrics["open_bleu"] == 0.0
    assert (scored.extracted, scored.reason) == ("Han dynasty", RIGHT)
    (((message,), _, temperature),) = judge.asked
    assert message.images == (IMAGE,)
    assert temperature == 0
    for part in ("Question:\nWhere?", "Ice.", "Han dynasty"):
        assert part in message.text
    assert "<image>" not in message.text


async def test_a_caption_is_marked_from_one_to_five():
    scored = await Official(PROMPTS).score(
        item("caption", "Sea ice"), '{"caption": "Sea ice"}', Replies('{"score": 4}')
    )
    assert scored.score == scored.metrics["caption_score"] == 4.0
    assert scored.metrics["caption_bleu1"] == 1.0


async def test_a_blank_answer_is_judged_and_not_measured():
    scored = await Official(PROMPTS).score(item("open", "ice"), '{"answer": " "}', Replies('{"is_correct": false}'))
    assert scored.score == 0.0
    assert scored.metrics["open_rouge1"] == Unscored("blank answer")


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (None, "no judge"),
        (Replies(NoAnswer("timed out")), "timed out"),
        (Replies("I would say it is right."), "form"),
        (Replies(""), "form"),
    ],
)
async def test_a_judge_that_fails_is_no_score_and_takes_no_metric_away(judge, reason):
    scored = await Official(PROMPTS).score(item("open", "ice"), "ice", judge)
    assert isinstance(scored.score, Unscored)
    assert reason in scored.score.reason
    assert scored.metrics["open_accuracy"] == scored.score
    assert scored.metrics["open_rouge1"] == 1.0


@pytest.mark.parametrize(
    ("kind", "sentence", "keys"),
    [
        (
            "mcq",
            "Based on the image, select the correct option (e.g., 'A', 'B', 'C') or directly state the correct option "
            "content.",
            {"answer", "Explanation"},
        ),
        ("open", "give a concise and precise answer (no more than 4 words).", {"answer", "Explanation"}),
        ("caption", "caption", {"caption"}),
    ],
)
async def test_what_the_model_is_asked(kind, sentence, keys):
    model = Replies("reply")
    assert await Official(PROMPTS).answer(item(kind, "B"), model) == "reply"
    (((message,), _, temperature),) = model.asked
    assert temperature == 0
    assert message.images == (IMAGE,)
    assert sentence in message.text
    assert "<image>" not in message.text
    assert set(json.loads(message.text[message.text.index("{") : message.text.rindex("}") + 1])) == keys


async def test_metrics_that_cannot_be_had_are_named_with_the_reason_and_never_scored():
    scorer = Official(PROMPTS)
    assert {"open_bertscore", "caption_bertscore"} <= set(scorer.unavailable)
    scored = await scorer.score(item("open", "ice"), "ice", None)
    assert set(scored.metrics) == set(MSEARTH.kinds["open"]) - set(scorer.unavailable)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(prediction=anything, kind=st.sampled_from(sorted(MSEARTH.kinds)))
async def test_what_is_no_text_has_no_score(prediction, kind):
    scored = await Official(PROMPTS).score(item(kind, "B"), prediction, None)
    if not isinstance(prediction, str):
        assert isinstance(scored.score, Unscored)
        assert all(isinstance(value, Unscored) for value in scored.metrics.values())
    assert len(scored.metrics) > 0


@given(st.text(alphabet=st.characters(exclude_characters="Bb")))
async def test_no_text_without_the_right_letter_is_right(prediction):
    for variant in (Official, Corrected):
        assert (await variant(PROMPTS).score(item("mcq", "B. ice bb"), prediction, None)).score == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "A" + " " * 1_000_000 + "x\ny",
        "```json\n" * 120_000,
        "{" * 1_000_000,
        '{"answer": ' + "[" * 900_000 + "}",
        '{"answer": "x"' + "," * 900_000 + "}",
        '{"answer": "x"' + ", " * 450_000,
        '{"answer": ' + "9" * 900_000 + "}",
        "\x00\ud800" * 500_000,
        "y" * 1_000_000,
    ],
    ids=["spaces", "fences", "braces", "brackets", "commas", "spaced", "digits", "surrogates", "word"],
)
async def test_a_hostile_megabyte_is_read_in_linear_time_and_never_right(text):
    scorer, judge = Official(PROMPTS), '{"is_correct": false}'
    started = time.process_time()
    for kind in ("mcq", "open"):
        scored = await scorer.score(item(kind, "B"), text, Replies(judge))
        assert scored.score == 0.0
    assert correctness(text) is None
    assert mark(text) is None
    assert time.process_time() - started < 3


@given(st.permutations([("A", "A"), ("b", "B"), ("C) x", "C"), ("", "D"), ("x", "A. x"), ("D", "A")]))
async def test_the_order_of_items_changes_nothing(pairs):
    scorer = Official(PROMPTS)
    scores = [(await scorer.score(item("mcq", response), answer, None)).score for answer, response in pairs]
    assert sum(scores) == 3
    assert scores == [
        float((answer, response) in {("A", "A"), ("C) x", "C"), ("x", "A. x")}) for answer, response in pairs
    ]
