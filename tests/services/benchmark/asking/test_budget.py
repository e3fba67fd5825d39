"""A budget is never exceeded, whatever answers cost and whatever ends an attempt."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.asking.answers import reuse
from tellurion_benchmark.asking.budget import Budget, Limits, Prices, Spending, worst_case
from tellurion_benchmark.asking.question import Question
from tellurion_benchmark.scoring import Message, NoAnswer
from tellurion_core.endpoints.wire import Usage

NOTHING = Spending()


def question(text: str, *images: Path, max_tokens: int = 10) -> Question:
    return Question((Message("user", text, images),), max_tokens, 0.0, 0)


def test_a_request_costs_its_tokens_at_the_price_of_a_million():
    prices = Prices(Decimal("2.5"), Decimal(10))
    assert prices.of(Usage(input=1000, output=200)) == Spending(1, 1000, 200, Decimal("0.0045"))


@given(st.text())
def test_the_worst_case_is_at_least_a_token_a_byte(text):
    assert worst_case(question(text)).input >= len(text.encode(errors="surrogatepass"))


def test_the_worst_case_has_all_images_and_the_longest_answer():
    with_two = worst_case(question("?", Path("a"), Path("b"), max_tokens=77))
    assert with_two.input - worst_case(question("?")).input == 2 * 16_384
    assert with_two.output == 77


@pytest.mark.parametrize(
    ("limits", "affordable"),
    [(Limits(requests=3), 3), (Limits(tokens=45), 4), (Limits(cost=Decimal("0.3")), 3)],
)
async def test_no_more_is_asked_than_fits(tmp_path, limits, affordable):
    one = Spending(1, 6, 5, Decimal("0.1"))
    budget = Budget(tmp_path, limits)
    for _ in range(affordable):
        await budget.reserve(one)
        budget.settle(one, one, NOTHING)
    with pytest.raises(NoAnswer, match="the budget is used up"):
        await budget.reserve(one)
    budget.close()


async def test_without_limits_there_is_no_end(tmp_path):
    budget, much = Budget(tmp_path, Limits()), Spending(1, 10**12, 10**12, Decimal(10**9))
    for _ in range(100):
        await budget.reserve(much)
    budget.close()


async def test_a_request_waits_where_only_what_is_set_aside_stands_in_its_way(tmp_path):
    budget, worst = Budget(tmp_path, Limits(tokens=100)), Spending(1, 50, 20)
    await budget.reserve(worst)
    second = asyncio.create_task(budget.reserve(worst))
    await asyncio.sleep(0)
    assert not second.done()
    budget.settle(worst, Spending(1, 10, 5), NOTHING)
    await asyncio.wait_for(second, 1)
    budget.settle(worst, Spending(1), replace(worst, requests=0))
    with pytest.raises(NoAnswer):
        await budget.reserve(worst)
    budget.close()


async def test_what_a_killed_attempt_had_set_aside_stays_set_aside_and_counts(tmp_path):
    one = Spending(1, 10, 10, Decimal("0.01"))
    killed = Budget(tmp_path, Limits())
    for _ in range(3):
        await killed.reserve(one)
    killed.settle(one, Spending(1, 1, 1, Decimal("0.001")), NOTHING)
    # No end of it: the next attempt knows only the file.
    second = Budget(tmp_path, Limits())
    assert second.spent == Spending(1, 1, 1, Decimal("0.001"))
    assert second.set_aside == Spending(2, 20, 20, Decimal("0.02"))
    await second.reserve(one)
    second.settle(one, one, NOTHING)
    third = Budget(tmp_path, Limits(requests=4))
    assert third.spent == Spending(2, 11, 11, Decimal("0.011"))
    assert third.set_aside == second.set_aside
    with pytest.raises(NoAnswer):
        await third.reserve(one)
    for budget in (killed, second, third):
        budget.close()


async def test_what_an_evaluation_has_cost_counts_where_its_answers_are_used_again(tmp_path):
    earlier, later = tmp_path / "earlier", tmp_path / "later"
    budget = Budget(earlier, Limits())
    await budget.reserve(Spending(3, 30, 3))
    budget.settle(Spending(3, 30, 3), Spending(3, 20, 2), Spending(0, 7, 1))
    budget.close()
    for place in (earlier, tmp_path / "moved"):
        reuse(place, later, job="1")
        if place == earlier:
            earlier.rename(tmp_path / "moved")
    found = Budget(later, Limits())
    assert (found.spent, found.set_aside) == (Spending(3, 20, 2), Spending(0, 7, 1))
    found.close()
