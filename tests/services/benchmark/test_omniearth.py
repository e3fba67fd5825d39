"""OmniEarth-Bench's scorers: what is asked, and what each kind of answer is worth."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocoevalcap.meteor.meteor import Meteor

from tellurion_benchmark.metrics import java, meteor_java, ptb
from tellurion_benchmark.metrics.meteor_java import meteor_of
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers.omniearth import Corrected, Official
from tellurion_benchmark.scorers.omniearth_caption import OF_THE_CORPUS, plain
from tellurion_benchmark.scorers.omniearth_open import mark_in
from tellurion_benchmark.scoring import Gathered, Item, NoAnswer, Scored, Unscored
from tellurion_benchmark.suites import OMNIEARTH

PROMPTS = Prompts.of("omniearth", None)
IMAGES = (Path("a.jpg"),)
OPTIONS = ["(A) North", "(B) South ", "(C) East", "(D) West", "(E) Unable to decide"]
CHAIN = ["Step 1: This is a photo of a town.", "Step 2: The west has collapsed roofs.", "Step 3: So the west."]
PRECISE = (
    '[{"step_type": "logical inference", "judgment": "Match"}, {"step_type": "image description", "judgment": "Wrong"}]'
)
COMPLETE = json.dumps(
    [{"step_index": n, "judgment": word} for n, word in enumerate(["Matched", "Unmatched", "Matched"])]
)
ACCURACIES = [f"grounding_acc@{threshold}" for threshold in (0.1, 0.3, 0.5, 0.7, 0.9)]
needs_java = pytest.mark.usefixtures("java_programs")


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


def item(kind, truth, **fields):
    record = {"Text": "Where {is} it?", "Ground Truth": truth, "Answer Choices": OPTIONS, "CoT": CHAIN}
    size = {"image_width": 100, "image_height": 50} if kind == "grounding" else {}
    return Item("Task/1", kind, record | size | fields, IMAGES, {}, "a.jpg")


LISTED = "\n".join(option.strip() for option in OPTIONS)


@pytest.mark.parametrize(
    ("kind", "text", "tokens", "system"),
    [
        (
            "single",
            f"Where {{is}} it?The choices are listed below:\n{LISTED}\n\nSelect the best answer for the "
            "multiple-choice question based on the image. Only respond with the letter corresponding to the correct "
            "answer (A, B, C, D, E).\nThe answer is:",
            64,
            False,
        ),
        (
            "multiple",
            f"Where {{is}} it?The choices are listed below:\n{LISTED}\n\nSelect the best answer(s) for the "
            "multiple-choice question based on the image. There may be more than one correct option. Only respond with "
            "the letter(s) corresponding to the correct answer(s) (A, B, C, D, E), with multiple choices separated by "
            "spaces.\nThe answer is:",
            64,
            False,
        ),
        ("grounding", "Where {is} it?", 1024, False),
        (
            "cot",
            f"Where {{is}} it?\n{LISTED}\nPlease generate a step by step answer, include all your intermediate "
            "reasoning process, and provide the final answer at the end.",
            8192,
            False,
        ),
        ("open", "Question: Where {is} it?", 2048, True),
        ("caption", "Question: Where {is} it?", 2048, True),
    ],
)
async def test_what_the_model_is_asked(kind, text, tokens, system):
    model = Replies("reply")
    assert await Official(PROMPTS).answer(item(kind, "B"), model) == "reply"
    ((messages, asked_tokens, temperature),) = model.asked
    assert messages[-1].text == text
    assert messages[-1].images == IMAGES
    assert [m.text for m in messages[:-1]] == (["You are a helpful assistant."] if system else [])
    assert (asked_tokens, temperature) == (tokens, 0)


@pytest.mark.parametrize(
    ("kind", "truth", "answer", "official", "corrected"),
    [
        ("single", "B", "(B)", (1, 0), (1, 0)),
        ("single", "B", "The answer is B.", (1, 0), (1, 0)),
        ("single", "B", "(B) South", (1, 0), (1, 0)),
        ("single", "B", "b", (0, 0), (1, 0)),
        ("single", "B", "Answer: B", (0, 0), (1, 0)),  # officially A, B and E
        ("single", "B", "A", (0, 0), (0, 0)),
        ("single", "B", "(E)", (0, 1), (0, 1)),
        ("single", "E", "E", (1, 1), (1, 1)),
        ("single", "B", "E. Unable to decide", (0, 0), (0, 1)),  # officially A to E
        ("single", "B", "", (0, 0), (0, 0)),
        ("multiple", "A C", "A, C", (1, 0), (1, 0)),
        ("multiple", "A C", "C A", (1, 0), (1, 0)),
        ("multiple", "AC", "A C", (1, 0), (1, 0)),
        ("multiple", "A, C", "AC", (1, 0), (1, 0)),
        ("multiple", "A C", "A", (0, 0), (0, 0)),
        ("multiple", "A C", "A B C", (0, 0), (0, 0)),
        ("multiple", "A C", "(A) and (C), and no B", (1, 0), (1, 0)),
        ("multiple", "A C", "A and C", (0, 0), (1, 0)),  # officially A, C and D, of "and"
    ],
)
async def test_a_choice(kind, truth, answer, official, corrected):
    for variant, (right, unable) in ((Official, official), (Corrected, corrected)):
        scored = await variant(PROMPTS).score(item(kind, truth), answer, None)
        assert scored.score == right
        assert scored.metrics == {"accuracy": right, "unable_to_decide": unable}


async def test_where_no_option_is_to_be_unable_to_decide_nobody_chooses_it():
    scored = await Corrected(PROMPTS).score(item("single", "B", **{"Answer Choices": OPTIONS[:4]}), "(D)", None)
    assert scored == Scored("D", 0.0, {"accuracy": 0.0})


@pytest.mark.parametrize("truth", ["South", "F", "none"])
@pytest.mark.parametrize("answer", ["", "B"])
async def test_a_reference_that_names_no_option_makes_nothing_right(truth, answer):
    scored = await Official(PROMPTS).score(item("single", truth), answer, None)
    assert scored.score == scored.metrics["accuracy"] == Unscored("the reference names no option")


@pytest.mark.parametrize("kind", ["grounding", "open", "caption"])
async def test_options_of_a_question_that_has_none_are_not_read(kind):
    model = Replies("reply")
    assert await Official(PROMPTS).answer(item(kind, "B", **{"Answer Choices": 17}), model) == "reply"


@pytest.mark.parametrize(
    ("answer", "overlap", "hits"),
    [
        ("[0,0,100,50]", 1, 5),  # pixels of 100 × 50
        ("(0, 0, 1, 1)", 1, 5),  # shares
        ("(0,0),(1000,1000)", 1, 5),  # thousandths
        ("[0,0,90,50]", 0.9, 5),  # a hit where it is equal
        ("[0,0,0.7,1]", 0.7, 4),
        ("[0,0,0.5,1]", 0.5, 3),
        ("[0,0,0.3,1]", 0.3, 2),
        ("[0,0,0.1,1]", 0.1, 1),
        ("[0,0,0.05,1]", 0.05, 0),
        ("[1,1,0,0]", 0, 0),
        ("There is none.", 0, 0),  # zeros in the release
        ("[nan,0,1,1]", 0, 0),
        ("[1e400,0,1,1]", 0, 0),
        ("", 0, 0),
    ],
)
async def test_a_box(answer, overlap, hits):
    whole = item("grounding", "<0><0><100><50>")
    official = await Official(PROMPTS).score(whole, answer, None)
    corrected = await Corrected(PROMPTS).score(whole, answer, None)
    accuracies = dict(zip(ACCURACIES, [1.0] * hits + [0.0] * (5 - hits), strict=True))
    assert corrected.metrics == pytest.approx({"grounding_iou": overlap, **accuracies})
    assert corrected.score == corrected.metrics["grounding_iou"]
    # The release's aggregate is the accuracy at 0.9.
    assert official.metrics == {"grounding_iou": accuracies["grounding_acc@0.9"], **accuracies}
    assert official.score == accuracies["grounding_acc@0.9"]


async def test_without_the_images_size_a_box_has_no_score():
    sizeless = item("grounding", "<0><0><1><1>", image_width=0)
    assert isinstance((await Official(PROMPTS).score(sizeless, "[0,0,1,1]", None)).score, Unscored)


async def test_a_chain_is_judged_twice():
    judge = Replies(PRECISE, COMPLETE)
    scored = await Official(PROMPTS).score(item("cot", "D"), "I see {answer}. So D.", judge)
    assert scored.metrics == {"cot_precision": 1 / 2, "cot_recall": pytest.approx(2 / 3)}
    assert scored.score == pytest.approx(2 * (1 / 2) * (2 / 3) / (7 / 6))
    assert scored.pooled["cot_f1"] == pytest.approx((1 / 2, 1, 2 / 3, 1))
    for (system, message), tokens, temperature in judge.asked:
        assert system.text == "You are an AI assistant that helps people solve their questions."
        assert (tokens, temperature) == (4096, 0)
        assert "I see {answer}. So D." in message.text
        assert "Where {is} it?\n(A) North" in message.text
        for step in ("The west has collapsed roofs.", "So the west.", "The answer is D"):
            assert step in message.text
    precise, complete = (messages[1].text for messages, _, _ in judge.asked)
    assert "This is a photo of a town." in precise
    assert "This is a photo of a town." not in complete  # is not asked for


@pytest.mark.parametrize(
    ("replies", "precision", "recall", "sums"),
    [
        (["?", COMPLETE], None, 2 / 3, (0, 0, 2 / 3, 1)),
        ([PRECISE, "?"], 1 / 2, None, (1 / 2, 1, 0, 0)),
        ([NoAnswer("busy"), "[]"], None, None, (0, 0, 0, 0)),
    ],
)
async def test_what_a_judge_says_unreadably_is_left_out(replies, precision, recall, sums):
    scored = await Official(PROMPTS).score(item("cot", "D"), "So D.", Replies(*replies))
    assert isinstance(scored.score, Unscored)
    for metric, expected in (("cot_precision", precision), ("cot_recall", recall)):
        value = scored.metrics[metric]
        assert isinstance(value, Unscored) if expected is None else value == pytest.approx(expected)
    assert scored.pooled["cot_f1"] == pytest.approx(sums)


def test_the_release_rounds_before_it_takes_the_harmonic_mean():
    sums = (5 / 3, 3.0, 2.25, 3.0)
    assert Official(PROMPTS).shown["cot_f1"](sums) == 0.6383
    assert Official(PROMPTS).pooled["cot_f1"](sums) == pytest.approx(30 / 47)  # what its spread is that of
    assert Corrected(PROMPTS).pooled["cot_f1"](sums) == pytest.approx(30 / 47)
    assert not Corrected(PROMPTS).shown


@pytest.mark.parametrize(
    ("reply", "mark"),
    [
        ('{"reason": "same", "score": 1}', 1),
        ('{"score": 0.5}', 0.5),
        ('{"score": 0}', 0),
        ('{"score": "1"}', 1),
        ('{"score": 1.0}', 1),
        ('```json\n{"reason": "a {b}", "score": 0.5,}\n```', 0.5),
        ('I think {"score": 1} fits.', 1),
        ('{"score": 0.7}', None),
        ('{"score": 2}', None),
        ('{"score": -1}', None),
        ('{"score": true}', None),
        ('{"score": null}', None),
        ('{"score": NaN}', None),
        ('{"score": 1e400}', None),
        ('{"score": ' + "9" * 5000 + "}", None),
        ('{"mark": 1}', None),
        ('{"score": 1', None),
        ("[1]", None),
        ("1", None),
        ("", None),
    ],
)
async def test_a_judge_marks_an_open_answer_0_or_a_half_or_1(reply, mark):
    assert mark_in(reply) == mark
    scored = await Official(PROMPTS).score(item("open", "ice"), "snow", Replies(reply))
    if mark is None:
        assert isinstance(scored.score, Unscored)
        assert scored.metrics == {"open_score": scored.score, "open_strict": scored.score}
    else:
        assert scored.metrics == {"open_score": mark, "open_strict": float(mark == 1)}


async def test_the_judge_of_open_answers_has_rules_and_three_lines():
    judge = Replies('{"score": 1}')
    await Corrected(PROMPTS).score(item("open", "GOLD"), "PREDICTED", judge)
    (((system, message), tokens, temperature),) = judge.asked
    assert system.role == "system"
    assert "0.5" in system.text
    assert message.text == "Question: Where {is} it?\nGround-truth Answer(s): GOLD\nModel Answer: PREDICTED"
    assert (message.images, tokens, temperature) == ((), 1024, 0)


@pytest.mark.parametrize("kind", ["open", "cot"])
async def test_without_a_judge_there_is_no_score(kind):
    scored = await Official(PROMPTS).score(item(kind, "D"), "D", None)
    assert scored.score == Unscored("no judge")


@pytest.mark.parametrize(
    ("text", "official", "corrected"),
    [
        ("# A **typhoon**", " A typhoon", " A typhoon"),
        ("an eye\nof a storm", "an eyeof a storm", "an eye\nof a storm"),  # the release joins words
        ("* one\n* two", " one two", " one\n two"),
        ("", "", ""),
    ],
)
def test_marks_of_markdown_are_no_part_of_a_caption(text, official, corrected):
    assert plain(text, joins_lines=True) == official
    assert plain(text, joins_lines=False) == corrected


@needs_java
async def test_captions_are_scored_beside_each_other_where_meteor_fails(monkeypatch):
    """One caption is right: its words, bigrams, 3- and 4-grams weigh log 3 each."""

    def fails(pairs):
        raise java.JavaFailed("METEOR does not answer")

    monkeypatch.setattr(meteor_java, "statistics", fails)  # it reads its paraphrases for seconds
    scorer = Official(PROMPTS)
    pairs = [("A **typhoon** nears the coast.", "a typhoon nears the coast"), ("", "sea ice"), ("x", "one wide river")]
    gathered = [await scorer.score(item("caption", reference), said, None) for said, reference in pairs]
    scored = scorer.finish([one.payload for one in gathered])
    assert [one.score for one in scored] == pytest.approx([10, 0, 0])
    assert [one.metrics["caption_rougeL"] for one in scored] == pytest.approx([1, 0, 0])
    assert all("caption_meteor" not in one.pooled and "caption_bleu1" in one.pooled for one in scored)
    assert {one.reason for one in scored} == {"METEOR does not answer"}


@needs_java
@pytest.mark.slow
@pytest.mark.timeout(600)  # METEOR reads its paraphrases twice
async def test_captions_are_scored_beside_each_other():
    """One caption is right: its words, bigrams, 3- and 4-grams weigh log 5 each; one is in other words."""
    peer = Meteor()  # pycocoevalcap's own, which starts for seconds
    scorer = Corrected(PROMPTS)
    pairs = [
        ("A **typhoon** nears the coast.", "a typhoon nears the coast"),
        ("", "sea ice in spring"),
        ("x\u2028y", "one wide river"),
        ("Clouds ||| over land", "clouds hang over |||| ground"),
        ("fast cars", "a fast automobile"),
    ]
    gathered = [await scorer.score(item("caption", reference), said, None) for said, reference in pairs]
    assert all(isinstance(one, Gathered) for one in gathered)
    payloads = [one.payload for one in gathered]
    assert json.loads(json.dumps(payloads)) == payloads
    scored = scorer.finish(payloads)
    assert [one.score for one in scored[:3]] == pytest.approx([10, 0, 0])
    assert [one.metrics["caption_cider"] for one in scored] == [one.score for one in scored]
    assert [one.metrics["caption_rougeL"] for one in scored[:3]] == pytest.approx([1, 0, 0])
    assert (scored[0].extracted, scored[1].extracted) == ("A typhoon nears the coast.", None)
    values = {
        metric: value([sum(column) for column in zip(*[one.pooled[metric] for one in scored], strict=True)])
        for metric, value in scorer.pooled.items()
        if metric != "cot_f1"
    }
    assert set(values) == set(OF_THE_CORPUS)
    tokens = {side: ptb.tokens([payload[side] for payload in payloads]) for side in ("candidate", "reference")}
    candidates = {number: [text.replace("|||", "")] for number, text in enumerate(tokens["candidate"])}
    references = {number: [text.replace("|||", "")] for number, text in enumerate(tokens["reference"])}
    meteor, single = peer.compute_score(references, candidates)
    for pipe in (peer.meteor_p.stdout, peer.meteor_p.stderr):
        pipe.close()
    assert values["caption_meteor"] == pytest.approx(meteor)
    assert [meteor_of(one.pooled["caption_meteor"]) for one in scored] == pytest.approx(single)
    assert single[0] == 1


async def test_without_java_captions_are_unavailable_and_never_scored_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    scorer = Official(PROMPTS)
    assert set(scorer.unavailable) == set(OMNIEARTH.kinds["caption"])
    assert set(scorer.pooled) == {"cot_f1"}
    scored = await scorer.score(item("caption", "ice"), "ice", None)
    assert scored == Scored(None, Unscored(java.unavailable()), {})


@needs_java
async def test_a_tokenizer_that_fails_leaves_captions_without_a_score(monkeypatch, tmp_path):
    scorer = Official(PROMPTS)
    gathered = await scorer.score(item("caption", "ice"), "ice", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    (scored,) = scorer.finish([gathered.payload])
    assert scored.score == Unscored("PTBTokenizer could not be started")
    assert scored.metrics == {"caption_cider": scored.score, "caption_rougeL": scored.score}
    assert scored.pooled == {}


async def test_nothing_gathered_is_nothing_scored():
    assert list(Official(PROMPTS).finish([])) == []


@needs_java
async def test_a_caption_that_is_too_long_has_no_score():
    scored = await Official(PROMPTS).score(item("caption", "ice"), "ice " * 10_000, None)
    assert isinstance(scored.score, Unscored)
    assert set(scored.metrics) == {"caption_cider", "caption_rougeL"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(prediction=anything, kind=st.sampled_from(sorted(OMNIEARTH.kinds)))
async def test_what_is_no_text_has_no_score(prediction, kind):
    scored = await Corrected(PROMPTS).score(item(kind, "B"), prediction, None)
    assert isinstance(scored.score, Unscored)
    assert all(isinstance(value, Unscored) for value in scored.metrics.values())


@given(st.permutations([("B", 1), ("(B)", 1), ("b", 1), ("A", 0), ("", 0), ("A B", 0)]))
async def test_the_order_of_items_changes_nothing(answers):
    scorer = Corrected(PROMPTS)
    for answer, expected in answers:
        assert (await scorer.score(item("single", "B"), answer, None)).score == expected


@pytest.mark.parametrize(
    "text",
    [
        "(a" * 500_000,
        "[1,1," * 200_000,
        "[[" * 500_000,
        "\x00\ud800" * 500_000,
        "#*\n" * 330_000,
        "The answer is " * 70_000,
    ],
    ids=["letters", "numbers", "brackets", "surrogates", "marks", "lead-ins"],
)
async def test_a_hostile_megabyte_is_scored_in_linear_time(text):
    started = time.process_time()
    for kind, truth in (("single", "B"), ("multiple", "A B"), ("grounding", "<1><1><2><2>"), ("caption", "ice")):
        scored = await Official(PROMPTS).score(item(kind, truth), text, None)
        assert not isinstance(scored, Scored) or isinstance(scored.score, Unscored) or scored.score == 0
    for kind in ("open", "cot"):
        scored = await Official(PROMPTS).score(item(kind, "B"), text, Replies(text, text))
        assert isinstance(scored.score, Unscored)
    assert time.process_time() - started < 4
