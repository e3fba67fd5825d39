"""EarthSE's questions: equality for choices, statements and blanks; a judge and similarity for free answers."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.metrics import embeddings
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers.earthse import SYSTEM, Corrected, Official
from tellurion_benchmark.scoring import Item, NoAnswer, Scored, Unscored
from tellurion_benchmark.suites import EARTHSE

PROMPTS = Prompts.of("earthse", None)
COMPARED = ("multiple_choice", "true_false", "fill_in_the_blank")


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


def item(kind, answer="A"):
    return Item("7", kind, {"question": "Why {is} the sea salt?", "answer": answer}, (), {}, "paper")


@pytest.mark.parametrize("kind", COMPARED)
@pytest.mark.parametrize(
    ("answer", "prediction", "official", "corrected"),
    [
        ("A", "A", 1.0, 1.0),
        ("A", "B", 0.0, 0.0),
        ("A", "a", 0.0, 1.0),
        ("A", " A", 0.0, 1.0),
        ("A", "A\n", 0.0, 1.0),
        ("A", "A.", 0.0, 0.0),
        ("True", "True", 1.0, 1.0),
        ("True", "true", 0.0, 1.0),
        ("True", "False", 0.0, 0.0),
        ("True", "True, since it is.", 0.0, 0.0),
        ("sea ice, snow", "sea ice, snow", 1.0, 1.0),
        ("sea ice, snow", "Sea ice, snow ", 0.0, 1.0),
        ("sea ice, snow", "sea ice,snow", 0.0, 0.0),
        ("straße", "STRASSE", 0.0, 1.0),  # folded, not lowered
        ("A", "", 0.0, 0.0),
    ],
)
async def test_equality(kind, answer, prediction, official, corrected):
    for variant, score, read in ((Official, official, str), (Corrected, corrected, lambda a: a.strip().casefold())):
        scored = await variant(PROMPTS).score(item(kind, answer), prediction, None)
        assert scored == Scored(read(prediction), score, {f"{kind}_accuracy": score, "accuracy": score})


@pytest.mark.parametrize(
    ("reply", "official", "corrected"),
    [
        ("B", 1.0, 1.0),
        ("A", 0.0, 0.0),
        ("B\n", 0.0, 1.0),
        (" A", 0.0, 0.0),
        ("b", 0.0, None),
        ("B.", 0.0, None),
        ("Answer B", 0.0, None),
        ("AB", 0.0, None),
        ("The better answer is B, since it goes deeper.", 0.0, None),
        ("", None, None),
    ],
)
async def test_a_free_answer_wins_iff_the_judge_says_exactly_b(reply, official, corrected):
    for variant, expected in ((Official, official), (Corrected, corrected)):
        scored = await variant(PROMPTS).score(item("free_form", "Rivers."), "Rain.", Replies(reply))
        if expected is None:
            assert isinstance(scored.score, Unscored)
        else:
            assert scored.score == expected
        assert scored.metrics["free_form_win_rate"] == scored.metrics["accuracy"] == scored.score
        assert scored.reason == reply


async def test_the_judge_reads_the_reference_first_and_the_answer_second():
    judge = Replies("B")
    await Official(PROMPTS).score(item("free_form", "Rivers bring {answer}."), "Rain does {reference}.", judge)
    ((messages, tokens, temperature),) = judge.asked
    text = messages[-1].text
    assert 0 < text.index("Why {is} the sea salt?") < text.index("Rivers bring {answer}.")
    assert text.index("Rivers bring {answer}.") < text.index("Rain does {reference}.")
    assert (tokens, temperature) == (4096, 0)


@pytest.mark.parametrize(("judge", "reason"), [(None, "no judge"), (Replies(NoAnswer("refused")), "refused")])
async def test_without_a_verdict_there_is_no_score_and_similarity_stays(judge, reason):
    scorer = Official(PROMPTS)
    scored = await scorer.score(item("free_form", "The sea is warm."), "The sea is warm.", judge)
    assert scored.score == scored.metrics["accuracy"] == Unscored(reason)
    if "free_form_similarity" not in scorer.unavailable:
        assert scored.metrics["free_form_similarity"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kind", [*COMPARED, "free_form"])
async def test_the_model_is_asked_at_temperature_zero(kind):
    model = Replies("A")
    assert await Official(PROMPTS).answer(item(kind), model) == "A"
    ((messages, tokens, temperature),) = model.asked
    assert messages[0] is SYSTEM
    assert "Why {is} the sea salt?" in messages[1].text
    assert (tokens, temperature) == (4096, 0)


async def test_without_embeddings_what_needs_them_is_unavailable_and_the_rest_is_scored(monkeypatch):
    monkeypatch.setattr(embeddings, "find_spec", lambda name: None)
    scorer = Official(PROMPTS)
    assert set(scorer.unavailable) == {"free_form_similarity", "diversity", "ses"}
    scored = await scorer.score(item("free_form", "Rivers."), "Rain.", Replies("B"))
    assert scored.metrics == {"free_form_win_rate": 1.0, "accuracy": 1.0}
    assert set((await scorer.score(item("free_form"), None, None)).metrics) == {"free_form_win_rate", "accuracy"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(prediction=anything, kind=st.sampled_from(sorted(EARTHSE.kinds)))
async def test_what_is_no_answer_has_no_score(prediction, kind):
    scored = await Corrected(PROMPTS).score(item(kind), prediction, None)
    assert isinstance(scored.score, Unscored)
    assert len(scored.metrics) > 0
    assert all(isinstance(value, Unscored) for value in scored.metrics.values())


@given(st.text(), st.text())
async def test_corrected_is_never_stricter(prediction, answer):
    official = await Official(PROMPTS).score(item("true_false", answer), prediction, None)
    corrected = await Corrected(PROMPTS).score(item("true_false", answer), prediction, None)
    assert official.score == float(prediction == answer) <= corrected.score


@given(st.permutations([("A", "A"), ("a", "A"), ("True", "True"), ("", "x"), ("snow", "snow"), ("ice", "snow")]))
async def test_the_order_of_items_changes_nothing(pairs):
    scorer = Official(PROMPTS)
    scores = [(await scorer.score(item("multiple_choice", answer), said, None)).score for said, answer in pairs]
    assert scores == [float(said == answer) for said, answer in pairs]
    assert sum(scores) == 3


@pytest.mark.parametrize("text", ["A" * 1_000_000, " " * 1_000_000, "\x00\ud800" * 500_000])
async def test_a_hostile_megabyte_is_compared_in_linear_time_and_never_right(text):
    started = time.process_time()
    for kind in COMPARED:
        assert (await Corrected(PROMPTS).score(item(kind), text, None)).score == 0.0
    assert time.process_time() - started < 2
