"""Earth-Gold: three dialogues, their diversity, the reference's rank, and their product."""

from __future__ import annotations

import pytest

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers.earthse import Corrected, Official
from tellurion_benchmark.scorers.earthse_gold import PREFIX, dialogues, diversity, rank_in, retention
from tellurion_benchmark.scoring import Item, NoAnswer, Unscored

PROMPTS = Prompts.of("earthse", None)
RECORD = {
    "user_0": "What limits the method?",
    "assistant_0": "Its sampling.",
    "user_1": "What would you propose?",
    "assistant_1": "A denser network.",
}
ITEM = Item("3", "gold", RECORD, (), {}, "paper")
SAME = [{"assistant_0": "Clouds.", "assistant_1": "Radar."}] * 3
needs_model = pytest.mark.usefixtures("minilm")


class Replies:
    """An endpoint that gives these replies in turn, and keeps what it was asked."""

    def __init__(self, *replies):
        self.replies, self.asked = list(replies), []

    async def __call__(self, messages, *, max_tokens, temperature=0.0, sample=0):
        self.asked.append((messages, temperature, sample))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.mark.parametrize(
    ("similarity", "expected"),
    [(1, 1), (0.95, 2), (0.92, 5), (0.91, 10), (0.9, 10), (0.5, 10), (0, 10), (-1, 1), (-0.95, 2)],
)
def test_diversity(similarity, expected):
    assert diversity(similarity) == pytest.approx(expected)


@pytest.mark.parametrize(("rank", "expected"), [(1, 0), (2, 1 / 3), (3, 2 / 3), (4, 1)])
def test_retention(rank, expected):
    assert retention(rank) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("reply", "rank"),
    [
        ("1", 1),
        (" 4\n", 4),
        (2, 2),
        ("0", None),
        ("5", None),
        ("-1", None),
        ("2.0", None),
        ("２", None),  # a full-width digit
        ("²", None),
        ("Rank 2", None),
        ("2 of 4", None),
        ("", None),
        ("1" * 1_000_000, None),
        (0, None),
        (5, None),
        (2.0, None),
        (True, None),
        ([2], None),
        (10**400, None),
    ],
)
def test_a_rank_is_an_integer_from_one_to_four(reply, rank):
    assert rank_in(reply) == rank


@pytest.mark.parametrize(
    "prediction",
    [
        None,
        "text",
        [],
        {},
        {"samples": None},
        {"samples": SAME[:2]},
        {"samples": SAME * 2},
        {"samples": [*SAME[:2], {"assistant_0": "Clouds."}]},
        {"samples": [*SAME[:2], {"assistant_0": "Clouds.", "assistant_1": None}]},
        {"samples": [*SAME[:2], ["Clouds.", "Radar."]]},
        {"samples": {"0": SAME}},
    ],
)
async def test_anything_but_three_dialogues_has_no_score(prediction):
    assert dialogues(prediction) is None
    scored = await Official(PROMPTS).score(ITEM, prediction, Replies())
    assert isinstance(scored.score, Unscored)
    assert isinstance(scored.metrics["retention"], Unscored)


@needs_model
@pytest.mark.parametrize(("rank", "ses"), [(1, 0), (2, 1 / 3), (4, 1)])
async def test_the_score_of_dialogues_that_say_the_same_is_the_retention(rank, ses):
    scored = await Official(PROMPTS).score(ITEM, {"samples": SAME, "rank": rank}, None)
    assert scored.metrics == pytest.approx({"diversity": 1, "retention": ses, "ses": ses}, abs=1e-5)
    assert scored.score == scored.metrics["ses"]
    assert scored.extracted == f"rank {rank}"


@needs_model
async def test_dialogues_about_different_things_are_most_diverse():
    samples = [
        {"assistant_0": "Clouds hide the surface.", "assistant_1": "Use a radar altimeter."},
        {"assistant_0": "The budget is small.", "assistant_1": "Ask the public for donations."},
        {"assistant_0": "Genomes mutate quickly.", "assistant_1": "Sequence the bacteria again."},
    ]
    scored = await Official(PROMPTS).score(ITEM, {"samples": samples, "rank": 3}, None)
    assert scored.metrics == pytest.approx({"diversity": 10, "retention": 2 / 3, "ses": 20 / 3})


@pytest.mark.parametrize("given", [0, 5, "x", 2.5, True, []])
async def test_a_rank_out_of_range_has_no_score(given):
    scored = await Official(PROMPTS).score(ITEM, {"samples": SAME, "rank": given}, Replies("2"))
    assert isinstance(scored.score, Unscored)
    assert scored.metrics["retention"] == Unscored("the rank is not from 1 to 4")


@pytest.mark.parametrize(
    "judge", [None, Replies(NoAnswer("busy")), Replies("The reference is second."), Replies("7"), Replies("")]
)
async def test_without_a_rank_there_is_no_score_and_diversity_stays(judge):
    scorer = Official(PROMPTS)
    scored = await scorer.score(ITEM, {"samples": SAME}, judge)
    assert isinstance(scored.score, Unscored)
    assert isinstance(scored.metrics["retention"], Unscored)
    if "diversity" not in scorer.unavailable:
        assert scored.metrics["diversity"] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("variant", "sees_first"), [(Official, False), (Corrected, True)])
async def test_the_judge_of_the_release_sees_the_second_turn_alone(variant, sees_first):
    judge = Replies(" 2 ")
    scored = await variant(PROMPTS).score(ITEM, {"samples": SAME, "rank": None}, judge)
    assert scored.metrics["retention"] == pytest.approx(1 / 3)
    text = judge.asked[0][0][-1].text
    for said, shown in (
        ("A denser network.", 1),
        ("Radar.", 3),
        ("Its sampling.", sees_first),
        ("Clouds.", 3 * sees_first),
    ):
        assert text.count(said) == shown
    assert text.index("A denser network.") < text.index("Radar.")
    assert "4" in text


async def test_three_dialogues_are_held_warm_then_cold():
    model = Replies("a0", "a1", "b0", "b1", "c0", "c1")
    prediction = await Official(PROMPTS).answer(ITEM, model)
    assert dialogues(prediction) == (("a0", "a1"), ("b0", "b1"), ("c0", "c1"))
    assert PREFIX == "Please respond to the following question in 80 words or less.\n"
    assert [(temperature, sample) for _, temperature, sample in model.asked[::2]] == [(0.6, 0), (0.6, 1), (0.6, 2)]
    assert [temperature for _, temperature, _ in model.asked[1::2]] == [0, 0, 0]
    for (opening, _, _), (second, _, _), first in zip(model.asked[::2], model.asked[1::2], "abc", strict=True):
        assert [m.text for m in opening[1:]] == [PREFIX + RECORD["user_0"]]
        assert [m.role for m in second] == ["system", "user", "assistant", "user"]
        assert [m.text for m in second[1:]] == [RECORD["user_0"], f"{first}0", PREFIX + RECORD["user_1"]]
