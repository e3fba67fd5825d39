"""SFE's scorers: what is asked, marks, texts, boxes, and what is in whose mean."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.metrics import meteor
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers.judged import UNREADABLE
from tellurion_benchmark.scorers.sfe import Corrected, Official, corrected_mark, released_mark
from tellurion_benchmark.scorers.sfe_vlmevalkit import VLMEvalKit, labelled, percent
from tellurion_benchmark.scoring import Item, NoAnswer, Scored, Unscored
from tellurion_benchmark.suites import SFE

PROMPTS = Prompts.of("sfe", None)
IMAGES = (Path("a.png"), Path("b.png"))
ACCURACIES = [f"acc@{threshold}" for threshold in (0.1, 0.3, 0.5, 0.7, 0.9)]
OPTIONS = ["A. spiral", "B. elliptical"]
EXPERT = "You are an expert in Earth and need to solve the following question."
TYPES = {
    "mcq": "The question is a multiple-choice question. Answer with the option letter from the given choices.",
    "exact_match": "The question is an exact match question. Answer the question using a single word or phrase.",
    "open_ended": "The question is an open-ended question. Answer the question using a phrase.",
}
needs_wordnet = pytest.mark.usefixtures("wordnet")


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


def item(kind, answer, **fields):
    record = {
        "field": "Earth",
        "question_type": "exact_match" if kind == "boxes" else kind,
        "question": "What {is} it?",
        "options": OPTIONS if kind == "mcq" else [],
        "answer": answer,
    }
    return Item("E011/1" if kind == "boxes" else "E001/1", kind, record | fields, IMAGES, {}, "a.png")


async def located(variant, answer, prediction):
    return await variant(PROMPTS).score(item("boxes", answer), prediction, None)


@pytest.mark.parametrize(
    ("kind", "options"), [("mcq", "\nA. spiral\nB. elliptical"), ("exact_match", ""), ("open_ended", "")]
)
async def test_what_the_model_is_asked(kind, options):
    model = Replies("A")
    assert await Official(PROMPTS).answer(item(kind, "A"), model) == "A"
    (((message,), tokens, temperature),) = model.asked
    assert message.text == f"{EXPERT}\n{TYPES[kind]}\n\nWhat {{is}} it?{options}"
    assert (message.images, tokens, temperature) == (IMAGES, 1024, 0)


@pytest.mark.parametrize("published", ["open_ended", "Open-ended", "exact_match"])
async def test_a_question_about_boxes_is_asked_as_its_published_type_says(published):
    model = Replies("[1,2,3,4]")
    await Official(PROMPTS).answer(item("boxes", "[1,2,3,4]", question_type=published), model)
    kind = published.lower().replace("-", "_")
    assert model.asked[0][0][0].text == f"{EXPERT}\n{TYPES[kind]}\n\nWhat {{is}} it?"


async def test_the_judge_reads_the_whole_prompt_the_reference_and_the_answer():
    judge = Replies("8")
    await Official(PROMPTS).score(item("mcq", "GOLD {pred}"), "PREDICTED {answer}", judge)
    (((system, message), tokens, temperature),) = judge.asked
    expected = "You are a helpful and precise assistant for checking the correctness of the answer."
    assert (system.role, system.text) == ("system", expected)
    assert f"{EXPERT}\n{TYPES['mcq']}\n\nWhat {{is}} it?\nA. spiral\nB. elliptical" in message.text
    assert message.text.index("GOLD {pred}") < message.text.index("PREDICTED {answer}")
    assert (message.images, tokens, temperature) == ((), 20, 0)


@pytest.mark.parametrize(
    ("reply", "official", "corrected"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("10", 10, 10),
        (" 4\n", 4, 4),
        ("Score: 9", 9, 9),
        ("8/10", 8, 8),  # the first integer
        ("I rate 5 of 10", 5, 5),
        ("7.5", 7, 7),
        ("03", 3, 3),
        ("３", 3, 3),  # a full-width digit
        ("11", 11, None),
        ("100", 100, None),
        ("-3", 3, None),
        ("ten", 0, None),
        ("It is right.", 0, None),
        ("9" * 400, None, None),  # infinite
    ],
)
async def test_a_mark(reply, official, corrected):
    assert released_mark(reply) == official
    assert corrected_mark(reply) == corrected
    for variant, mark in ((Official, official), (Corrected, corrected)):
        scored = await variant(PROMPTS).score(item("exact_match", "3"), "4", Replies(reply))
        if mark is None:
            assert isinstance(scored.score, Unscored)
        else:
            assert scored.score == mark * 10  # in percent
        assert scored.metrics["judge_score"] == scored.score


@pytest.mark.parametrize(
    ("candidate", "reference", "rouge", "bleu"),
    [
        ("a b c d", "a b c d", 1, 1),
        ("the cat sat on the mat", "the cat is on the mat", 5 / 6, (5 / 6 * 3 / 5 * 1 / 4 * 0.1 / 3) ** 0.25),
        ("warming seas", "seas are warmed", 2 * (1 / 2) * (1 / 3) / (5 / 6), None),  # stems; one in order
        ("sea", "land", 0, 0),
        ("", "land", 0, 0),
    ],
)
@pytest.mark.parametrize("variant", [Official, Corrected])
async def test_an_open_ended_answer_is_measured_as_text(variant, candidate, reference, rouge, bleu):
    scored = await variant(PROMPTS).score(item("open_ended", reference), candidate, Replies("1"))
    assert scored.metrics["rougeL"] == pytest.approx(rouge)
    if bleu is not None:
        assert scored.metrics["bleu"] == pytest.approx(bleu)
    assert scored.metrics["judge_score"] == scored.score == 10


@pytest.mark.parametrize(
    ("candidate", "reference", "rouge", "bleu"),
    [
        ("海水很暖", "海水很暖", 1, 1),  # four characters, four words
        ("海水暖", "海水冷", 2 / 3, (2 / 3 * 1 / 2 * 0.1 * 0.1) ** 0.25),  # no 3-gram matches, there is no 4-gram
        ("CO2浓度", "CO2的浓度", 2 * 1 * (3 / 4) / (7 / 4), None),  # CO2, 浓, 度 of CO2, 的, 浓, 度
    ],
)
async def test_corrected_takes_chinese_characters_for_words(candidate, reference, rouge, bleu):
    scored = await Corrected(PROMPTS).score(item("open_ended", reference), candidate, Replies("1"))
    assert scored.metrics["rougeL"] == pytest.approx(rouge)
    if bleu is not None:
        assert scored.metrics["bleu"] == pytest.approx(bleu)


async def test_to_the_release_a_chinese_text_is_one_word_or_none():
    scored = await Official(PROMPTS).score(item("open_ended", "海水很暖"), "海水很暖", Replies("1"))
    assert scored.metrics["bleu"] == pytest.approx((1 * 0.1 * 0.1 * 0.1) ** 0.25)  # a tenth of each n-gram it lacks
    assert scored.metrics["rougeL"] == 0


@needs_wordnet
@pytest.mark.parametrize(
    ("candidate", "reference", "expected"),
    [
        ("a b c", "a b c", 1 - 0.5 / 27),  # one chunk of three
        ("海水暖", "海水冷", 2 / 3 * (1 - 0.5 / 8)),  # precision and recall 2/3, one chunk of two
        ("north", "south", 0),
    ],
)
async def test_meteor_is_zero_in_the_release_and_computed_in_corrected(candidate, reference, expected):
    for variant, value in ((Official, 0), (Corrected, expected)):
        scored = await variant(PROMPTS).score(item("open_ended", reference), candidate, Replies("1"))
        assert scored.metrics["meteor"] == pytest.approx(value)


async def test_metrics_that_cannot_be_had_are_named_with_the_reason(monkeypatch):
    monkeypatch.setattr(meteor, "_folder", lambda: None)
    assert set(Official(PROMPTS).unavailable) == {"bertscore"}
    assert set(Corrected(PROMPTS).unavailable) == {"bertscore", "meteor"}
    scored = await Corrected(PROMPTS).score(item("open_ended", "ice"), "ice", Replies("1"))
    assert set(scored.metrics) == {"judge_score", "rougeL", "bleu"}


@pytest.mark.parametrize("tenths", [1, 3, 5, 7, 9])
@pytest.mark.parametrize("variant", [Official, Corrected])
async def test_a_hit_overlaps_by_more_than_the_threshold(variant, tenths):
    scored = await located(variant, "[0,0,10,1]", f"[0,0,{tenths},1]")
    assert scored.score == scored.metrics["iou"] == tenths / 10
    hits = [scored.metrics[name] for name in ACCURACIES]
    assert hits == [float(tenths > threshold) for threshold in (1, 3, 5, 7, 9)]  # not where they are equal
    assert scored.metrics["execution_success"] == 1


@pytest.mark.parametrize(
    ("answer", "prediction", "iou", "extracted"),
    [
        ("[0,0,2,2; 10,10,12,12]", "I see [10,10,12,12; 0,0,2,2].", 1, "10,10,12,12; 0,0,2,2"),
        ("[0,0,2,2; 10,10,12,12]", "[0,0,2,2]", 0.5, "0,0,2,2"),
        ("[0,0,2,2]", "[1,1,3,3; 0,0,2,2]", 1 / 7, "1,1,3,3"),
        ("[0,0,2,2]", "[nan,nan,nan,nan]", 0, "nan,nan,nan,nan"),
        ("[0,0,2,2]", "[0,0,1e400,1e400]", 0, "0,0,inf,inf"),
        ("[0,0,2,2]", "[2,2,0,0]", 0, "2,2,0,0"),
        ("[-4,-4,-2,-2]", "[-4,-4,-2,-2]", 1, "-4,-4,-2,-2"),
    ],
)
async def test_boxes_are_compared(answer, prediction, iou, extracted):
    scored = await located(Official, answer, prediction)
    assert scored.score == pytest.approx(iou)
    assert scored.extracted == extracted


@pytest.mark.parametrize("prediction", ["(0,0,2,2)", "", "no storm", "[0,0,2]", "[0,0,2,2] or [1,1,3,3]"])
async def test_an_answer_without_a_box_has_failed_and_is_in_no_mean_of_overlaps(prediction):
    for variant in (Official, Corrected):
        scored = await located(variant, "[0,0,2,2]", prediction)
        assert isinstance(scored.score, Unscored)
        assert scored.metrics == {"iou": scored.score, "execution_success": 0, **dict.fromkeys(ACCURACIES, 0)}


@pytest.mark.parametrize("answer", ["the eye", "[1,2]", "[" + "1,2,3,4;" * 1001 + "]"])
async def test_a_reference_without_boxes_leaves_no_score(answer):
    scored = await located(Corrected, answer, "[0,0,2,2]")
    assert isinstance(scored.score, Unscored)
    assert set(scored.metrics) == set(SFE.kinds["boxes"])


@pytest.mark.parametrize("kind", ["mcq", "exact_match", "open_ended"])
async def test_the_release_counts_what_has_no_boxes_as_a_miss(kind):
    official = await Official(PROMPTS).score(item(kind, "A"), "A", Replies("9"))
    corrected = await Corrected(PROMPTS).score(item(kind, "A"), "A", Replies("9"))
    assert {name: official.metrics.get(name) for name in ACCURACIES} == dict.fromkeys(ACCURACIES, 0)
    assert not set(ACCURACIES) & set(corrected.metrics)


async def test_the_means_of_a_small_data_set_by_hand():
    """Two boxes (overlaps 1 and none read), one choice marked 8, one phrase marked nothing readable."""
    expected = {"official": (1 / 4, 40.0), "corrected": (1 / 2, 80.0)}
    for variant in (Official, Corrected):
        scorer = variant(PROMPTS)
        scores = [
            await scorer.score(item("boxes", "[0,0,2,2]"), "[0,0,2,2]", None),
            await scorer.score(item("boxes", "[0,0,2,2]"), "none", None),
            await scorer.score(item("mcq", "A"), "A", Replies("8")),
            await scorer.score(item("exact_match", "3"), "4", Replies("wrong")),
        ]
        hits, marks = ([s.metrics[m] for s in scores if m in s.metrics] for m in ("acc@0.5", "judge_score"))
        marks = [mark for mark in marks if not isinstance(mark, Unscored)]
        assert (sum(hits) / len(hits), sum(marks) / len(marks)) == expected[scorer.name]
        overlaps = [s.metrics["iou"] for s in scores if not isinstance(s.metrics.get("iou", NO), Unscored)]
        assert overlaps == [1.0]


NO = Unscored("no boxes")


@pytest.mark.parametrize(("judge", "reason"), [(None, "no judge"), (Replies(NoAnswer("refused")), "refused")])
@pytest.mark.parametrize("variant", [Official, Corrected])
async def test_without_a_reply_of_the_judge_there_is_no_score_and_text_is_measured(variant, judge, reason):
    judge = judge and Replies(NoAnswer("refused"))
    scored = await variant(PROMPTS).score(item("open_ended", "ice"), "ice", judge)
    assert scored.score == scored.metrics["judge_score"] == Unscored(reason)
    assert scored.metrics["rougeL"] == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(prediction=anything, kind=st.sampled_from(sorted(SFE.kinds)))
async def test_what_is_no_text_has_no_score(prediction, kind):
    for variant in (Official, Corrected, VLMEvalKit):
        scored = await variant(PROMPTS).score(item(kind, "[1,2,3,4]"), prediction, None)
        assert isinstance(scored.score, Unscored)
        assert len(scored.metrics) > 0
        assert all(isinstance(value, Unscored) for value in scored.metrics.values())


@given(st.text(alphabet="0123456789[],;.eEnaif-+_ \n", max_size=40))
async def test_every_value_of_boxes_is_a_share(prediction):
    scored = await located(Corrected, "[0,0,5,5; 3,3,9,9]", prediction)
    for value in scored.metrics.values():
        assert isinstance(value, Unscored) or 0 <= value <= 1


@given(st.permutations(["[0,0,2,2]", "[0,0,1,2]", "none", "[9,9,10,10]", "[2,2,0,0]"]))
async def test_the_order_of_items_changes_nothing(predictions):
    expected = {"[0,0,2,2]": 1.0, "[0,0,1,2]": 0.5, "none": None, "[9,9,10,10]": 0.0, "[2,2,0,0]": 0.0}
    scorer = Corrected(PROMPTS)
    for prediction in predictions:
        score = (await scorer.score(item("boxes", "[0,0,2,2]"), prediction, None)).score
        assert (None if isinstance(score, Unscored) else score) == expected[prediction]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "-" * 1_000_000,
        "[1,2,3,4;" * 110_000 + "]",
        "海" * 1_000_000,
        "\x00\ud800" * 500_000,
        "7" * 1_000_000,
    ],
    ids=["brackets", "signs", "boxes", "characters", "surrogates", "digits"],
)
async def test_a_hostile_megabyte_is_scored_in_linear_time(text):
    started = time.process_time()
    for variant in (Official, Corrected):
        for kind in ("boxes", "mcq", "open_ended"):
            scored = await variant(PROMPTS).score(item(kind, "[0,0,1,1]"), text, Replies("0"))
            assert isinstance(scored.score, Unscored) or math.isfinite(scored.score)
        if not text.startswith("7"):
            assert released_mark(text) in (0, 1)
    assert released_mark("7" * 1_000_000) is None
    assert percent(text) is None
    assert time.process_time() - started < 5


@pytest.mark.parametrize("variant", [Official, Corrected, VLMEvalKit])
@pytest.mark.parametrize("blank", ["", " \n"])
async def test_a_judge_that_says_nothing_is_no_score_in_any_variant(variant, blank):
    scored = await variant(PROMPTS).score(item("mcq", "A"), "A", Replies(*[blank] * 3))
    assert scored.score == scored.metrics["judge_score"] == UNREADABLE


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("9", 100),
        ("0", 0),
        ("3", 100 / 3),
        (" 6\n", 200 / 3),
        ("007", 700 / 9),
        ("10", None),
        ("4.", None),
        ("4/9", None),
        ("Score: 4", None),
        ("-1", None),
        ("²", None),
        ("", None),
    ],
)
def test_vlmevalkit_takes_a_digit_alone(reply, expected):
    assert percent(reply) == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("replies", "score", "calls"),
    [
        (["9"], 100, 1),
        (["Score: 9", "8"], 800 / 9, 2),
        (["hm", "10", "1"], 100 / 9, 3),
        (["hm", "hm", "hm"], UNREADABLE, 3),  # VLMEvalKit has a zero here
        (["", " ", "9"], 100, 3),
        ([NoAnswer("busy"), "9"], Unscored("busy"), 1),
        (["hm", NoAnswer("busy"), "9"], Unscored("busy"), 2),
    ],
)
@pytest.mark.parametrize("kind", ["mcq", "boxes"])
async def test_vlmevalkits_judge_is_asked_up_to_three_times_and_warmer(kind, replies, score, calls):
    judge = Replies(*replies)
    scored = await VLMEvalKit(PROMPTS).score(item(kind, "GOLD"), "PREDICTED", judge)
    assert scored.metrics == {"judge_score": scored.score}
    assert scored.score == (score if isinstance(score, Unscored) else pytest.approx(score))
    assert [temperature for _, _, temperature in judge.asked] == [0, 0.5, 1][:calls]
    text = judge.asked[0][0][-1].text
    assert text.index("What {is} it?") < text.index("GOLD") < text.index("PREDICTED")
    assert EXPERT not in text  # the question alone


async def test_vlmevalkit_without_a_judge_has_no_score():
    scored = await VLMEvalKit(PROMPTS).score(item("mcq", "A"), "A", None)
    assert scored == Scored("A", Unscored("no judge"), {"judge_score": Unscored("no judge")})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("mcq", "{expert} {line} What {{is}} it?\nChoices are:\nA. spiral\nB. elliptical"),
        ("exact_match", "{expert} {line} What {{is}} it?"),
        ("open_ended", "{expert} {line} What {{is}} it?"),
    ],
)
async def test_what_vlmevalkit_asks(kind, expected):
    model = Replies("A")
    await VLMEvalKit(PROMPTS).answer(item(kind, "A", question="<image>What {is} it?"), model)
    ((message,), _, temperature) = model.asked[0]
    assert message.text == expected.format(expert=EXPERT, line=TYPES[kind])
    assert (message.images, temperature) == (IMAGES, 0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["spiral", "elliptical"], ["A. spiral", "B. elliptical"]),
        (["A. spiral", "(B) elliptical"], ["A. spiral", "B. elliptical"]),
        (["A: x", "C. y"], ["A. x", "B. C. y"]),  # another's letter is text
        (["Aquifer"], ["A. Aquifer"]),
        (["x"] * 20, [f"{letter}. x" for letter in "ABCDEFGHIJKLMNO"]),
    ],
)
def test_options_have_their_letters_once(options, expected):
    assert labelled(options) == expected
