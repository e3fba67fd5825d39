"""A model that is asked: every question once, whatever the endpoint does, and never at more cost than allowed."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from tellurion_benchmark.asking import asker
from tellurion_benchmark.asking.budget import Limits
from tellurion_benchmark.asking.question import MOST_IMAGE_BYTES
from tellurion_benchmark.asking.retries import Patience
from tellurion_benchmark.scoring import Message, NoAnswer

ASKED_BY_A_PROCESS = Path(__file__).with_name("asking_process.py")


def said(text: str, *images: Path) -> list[Message]:
    return [Message("user", text, images)]


@pytest.fixture
def picture(tmp_path):
    """Writes a picture of a colour."""

    def written(colour: str) -> Path:
        buffer = io.BytesIO()
        Image.new("RGB", (4, 4), colour).save(buffer, "PNG")
        path = tmp_path / colour
        path.write_bytes(buffer.getvalue())
        return path

    return written


async def test_a_question_is_answered_and_never_asked_again(start, scripted, tmp_path):
    with scripted.serving(tmp_path) as server:
        first = start(server.url)
        answer = await first(said("Which ocean?"), max_tokens=8)
        assert await first(said("Which ocean?"), max_tokens=8) == answer
        assert await start(server.url)(said("Which ocean?"), max_tokens=8) == answer
    assert len(scripted.questions(tmp_path)) == 1
    assert (first.counts.answered, first.counts.reused) == (1, 1)


async def test_equal_questions_at_once_are_asked_once(start, scripted, tmp_path):
    with scripted.serving(tmp_path, scripted.Rule(steps=("slow:0.05",))) as server:
        ask = start(server.url)
        answers = await asyncio.gather(*(ask(said("Which ocean?"), max_tokens=8) for _ in range(50)))
    assert len(set(answers)) == 1
    assert len(scripted.questions(tmp_path)) == 1


async def test_whatever_an_answer_depends_on_makes_another_question(start, scripted, tmp_path, picture):
    red, blue = picture("red"), picture("blue")
    with scripted.serving(tmp_path) as server:
        ask = start(server.url)
        await ask(said("Which?"), max_tokens=8)
        await ask(said("Which one?"), max_tokens=8)
        await ask([Message("system", "Which?")], max_tokens=8)
        await ask(said("Which?"), max_tokens=9)
        await ask(said("Which?"), max_tokens=8, temperature=0.5)
        await ask(said("Which?"), max_tokens=8, temperature=0.5, sample=1)
        await ask(said("Which?", red), max_tokens=8)
        await ask(said("Which?", blue), max_tokens=8)
        await ask(said("Which?", red, blue), max_tokens=8)
        await start(server.url, role="judge")(said("Which?"), max_tokens=8)
        await start(server.url, role="judge", prompt_version="v2")(said("Which?"), max_tokens=8)
    assert len(scripted.questions(tmp_path)) == 11


async def test_an_image_counts_by_its_bytes_and_not_by_its_name(start, scripted, tmp_path, picture):
    red = picture("red")
    copy = red.with_name("another name")
    copy.write_bytes(red.read_bytes())
    with scripted.serving(tmp_path) as server:
        ask = start(server.url)
        await ask(said("Which?", red), max_tokens=8)
        await ask(said("Which?", copy), max_tokens=8)
    (question,) = scripted.questions(tmp_path)
    assert question.images == 1


async def test_images_that_are_too_large_together_are_not_sent(start, scripted, tmp_path):
    for name in ("a", "b"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(MOST_IMAGE_BYTES // 2 + 1)
    with scripted.serving(tmp_path) as server:
        ask = start(server.url)
        with pytest.raises(NoAnswer, match="more than 64 MiB together"):
            await ask(said("?", tmp_path / "a", tmp_path / "b"), max_tokens=8)
    assert ask.counts.requests == 0


async def test_images_under_way_at_once_are_bounded_by_their_bytes(start, scripted, tmp_path, picture, monkeypatch):
    images = [picture(colour) for colour in ("red", "green", "blue", "white", "black", "grey")]
    monkeypatch.setattr(asker, "IMAGE_BYTES", 2 * max(image.stat().st_size for image in images))
    with scripted.serving(tmp_path, scripted.Rule(steps=("slow:0.02",))) as server:
        ask = start(server.url, concurrency=6)
        await asyncio.gather(*(ask(said("?", image), max_tokens=8) for image in images))
    assert server.most_at_once == 2


@pytest.mark.parametrize("left", [None, b"no image"])
async def test_an_image_that_cannot_be_read_is_no_answer(start, scripted, tmp_path, left):
    if left is not None:
        (tmp_path / "image").write_bytes(left)
    with scripted.serving(tmp_path) as server, pytest.raises(NoAnswer, match="an image cannot be read"):
        await start(server.url)(said("?", tmp_path / "image"), max_tokens=8)
    assert not server.log.exists()


@pytest.mark.parametrize("step", ["500", "429:0.05", "503", "malformed", "html", "empty", "drop", "half", "slow:0.1"])
async def test_what_passes_is_borne(start, scripted, tmp_path, step):
    with scripted.serving(tmp_path, scripted.Rule(steps=(step, step))) as server:
        ask = start(server.url)
        assert await ask(said("?"), max_tokens=8) in "ABCD"
    assert len(scripted.questions(tmp_path)) == (1 if step.startswith("slow") else 3)


@pytest.mark.parametrize(
    ("step", "times", "reason"),
    [
        ("400", 1, "the endpoint answered HTTP 400, scripted_400"),
        ("huge", 1, "the endpoint answered more than 4 MiB"),
        ("500", 3, "the endpoint answered HTTP 500, scripted_500"),
        ("hang", 3, "the endpoint did not answer in time"),
        ("half", 3, "the endpoint broke the connection off"),
        ("html", 3, "the endpoint answered something else than a chat completion"),
        ("429", 5, "the endpoint answered HTTP 429, scripted_429"),
    ],
)
async def test_what_does_not_pass_is_asked_so_often_and_said(start, scripted, tmp_path, step, times, reason):
    with scripted.serving(tmp_path, scripted.Rule(match="poison", steps=(step,), forever=True)) as server:
        ask = start(server.url, timeout=0.2 if step == "hang" else 30)
        with pytest.raises(NoAnswer) as error:
            await ask(said("poison"), max_tokens=8)
        assert await ask(said("another"), max_tokens=8) in "ABCD"
    assert str(error.value) == reason
    assert [q.text for q in scripted.questions(tmp_path)] == ["poison"] * times + ["another"]
    assert ask.counts.given_up == {reason: 1}


async def test_nothing_is_asked_before_the_time_that_the_endpoint_asks_for(start, scripted, tmp_path):
    with scripted.serving(tmp_path, scripted.Rule(match="first", steps=("429:0.3",))) as server:
        ask = start(server.url)
        first = asyncio.create_task(ask(said("first"), max_tokens=8))
        while not ask.counts.troubles:  # noqa: ASYNC110 -- counts ring no bell
            await asyncio.sleep(0.01)
        await asyncio.gather(first, *(ask(said(f"other {n}"), max_tokens=8) for n in range(5)))
    refused, *later = scripted.questions(tmp_path)
    assert min(q.at for q in later) - refused.at >= 0.3


async def test_no_more_are_asked_at_once_than_allowed(start, scripted, tmp_path):
    with scripted.serving(tmp_path, scripted.Rule(steps=("slow:0.2",))) as server:  # busy machines need time for six
        ask = start(server.url, concurrency=6)
        await asyncio.gather(*(ask(said(f"{n}"), max_tokens=8) for n in range(40)))
    assert server.most_at_once == 6


async def test_an_endpoint_that_answers_nobody_is_soon_asked_no_more(start, scripted, tmp_path):
    with scripted.serving(tmp_path, scripted.Rule(steps=("500",), forever=True)) as server:
        ask = start(server.url)
        reasons = []
        for n in range(50):
            with pytest.raises(NoAnswer) as error:
                await ask(said(f"{n}"), max_tokens=8)
            reasons.append(str(error.value))
    assert reasons[3:] == ["the endpoint gave no answer to 3 questions in a row"] * 47
    assert len(scripted.questions(tmp_path)) == 9


@pytest.mark.parametrize("step", ["401", "402", "403", "404", "405", "redirect:/elsewhere"])
async def test_an_endpoint_that_wants_none_of_our_questions_is_soon_asked_no_more(start, scripted, tmp_path, step):
    patience = Patience(vain=16)
    with scripted.serving(tmp_path, scripted.Rule(steps=(step,), forever=True)) as server:
        ask = start(server.url, patience=patience)
        asked = [ask(said(f"{n}"), max_tokens=8) for n in range(60)]
        reasons = Counter(map(str, await asyncio.gather(*asked, return_exceptions=True)))
    # Three others are under way when the sixteenth is refused, since four are asked at once at first.
    assert 16 <= len(scripted.questions(tmp_path)) <= 16 + 3
    assert reasons["the endpoint gave no answer to 16 questions in a row"] == 60 - len(scripted.questions(tmp_path))


@pytest.mark.parametrize("step", ["400", "413", "422"])
async def test_questions_that_are_refused_for_their_own_sake_are_each_asked(start, scripted, tmp_path, step):
    with scripted.serving(tmp_path, scripted.Rule(steps=(step,), forever=True)) as server:
        ask = start(server.url)
        for n in range(20):
            with pytest.raises(NoAnswer, match=f"HTTP {step}"):
                await ask(said(f"{n}"), max_tokens=8)
    assert len(scripted.questions(tmp_path)) == 20


async def test_the_newest_trouble_is_known_until_an_answer_comes(start, scripted, tmp_path):
    rules = [scripted.Rule(match="well"), scripted.Rule(steps=("400",), forever=True)]
    with scripted.serving(tmp_path, *rules) as server:
        ask = start(server.url)
        with pytest.raises(NoAnswer):
            await ask(said("?"), max_tokens=8)
        assert ask.counts.newest == "the endpoint answered HTTP 400, scripted_400"
        await ask(said("well"), max_tokens=8)
        assert ask.counts.newest is None


async def test_an_answer_between_shows_that_the_endpoint_is_well(start, scripted, tmp_path):
    with scripted.serving(tmp_path, scripted.Rule(match="poison", steps=("500",), forever=True)) as server:
        ask = start(server.url)
        for n in range(10):
            with pytest.raises(NoAnswer, match="HTTP 500"):
                await ask(said(f"poison {n}"), max_tokens=8)
            await ask(said(f"{n}"), max_tokens=8)


async def test_a_name_off_the_list_is_asked_nothing(start, scripted, tmp_path):
    with scripted.serving(tmp_path) as server:
        ask = start(server.url.replace("127.0.0.1", "127.0.0.2"))
        with pytest.raises(NoAnswer, match="TELLURION_ENDPOINTS"):
            await ask(said("?"), max_tokens=8)
    assert not server.log.exists()


async def test_a_redirect_is_not_followed(start, scripted, tmp_path):
    rule = scripted.Rule(steps=("redirect:/v1/chat/completions",))
    with scripted.serving(tmp_path, rule) as server, pytest.raises(NoAnswer, match="HTTP 307"):
        await start(server.url)(said("?"), max_tokens=8)
    assert len(scripted.questions(tmp_path)) == 1


async def test_the_key_is_sent_and_stored_nowhere(start, scripted, tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_KEY", "Hunter2")
    with scripted.serving(tmp_path / "job", scripted.Rule(match="no", steps=("401",))) as server:
        ask = start(server.url, api_key_env="MODEL_KEY")
        await ask(said("?"), max_tokens=8)
        with pytest.raises(NoAnswer) as error:
            await ask(said("no"), max_tokens=8)
    assert [q.authorization for q in scripted.questions(tmp_path / "job")] == ["Bearer Hunter2"] * 2
    server.log.unlink()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "job").iterdir())
    assert kept
    assert "Hunter2" not in f"{kept!r} {ask.counts} {error.value} {ask.__dict__}"


async def test_a_budget_of_requests_counts_failures_and_earlier_attempts(start, scripted, tmp_path):
    with scripted.serving(tmp_path, scripted.Rule(match="0", steps=("500",))) as server:
        first = start(server.url, limits=Limits(requests=5))
        for n in range(3):
            await first(said(f"{n}"), max_tokens=8)
        second = start(server.url, limits=Limits(requests=5))
        await second(said("3"), max_tokens=8)
        with pytest.raises(NoAnswer, match="the budget is used up"):
            await second(said("4"), max_tokens=8)
        await second(said("1"), max_tokens=8)
    assert len(scripted.questions(tmp_path)) == 5


async def test_a_cost_is_never_exceeded_however_many_ask_at_once(start, scripted, tmp_path):
    # A question costs at most 514 + 8 tokens, and 2 + 1 where it is answered.
    limits = Limits(cost=Decimal("0.001"))
    with scripted.serving(tmp_path) as server:
        ask = start(server.url, limits=limits, input_price=1.0, output_price=1.0)
        asked = (ask(said(f"a {n}"), max_tokens=8) for n in range(200))
        answers = await asyncio.gather(*asked, return_exceptions=True)
    answered = [answer for answer in answers if isinstance(answer, str)]
    # 0.001 buys 1000 tokens; the last question is asked while 522 are left.
    assert len(answered) in range(158, 162)
    assert len(scripted.questions(tmp_path)) == len(answered)


@pytest.mark.parametrize(("step", "fits"), [("500", True), ("drop", False), ("hang", False)])
async def test_what_may_have_been_paid_for_counts_with_all_that_it_may_have_cost(start, scripted, tmp_path, step, fits):
    # At most 521 tokens a request: two do not fit.
    with scripted.serving(tmp_path, scripted.Rule(steps=(step,))) as server:
        ask = start(server.url, limits=Limits(tokens=1000), timeout=0.2)
        if fits:
            assert await ask(said("?"), max_tokens=8)
        else:
            with pytest.raises(NoAnswer, match="the budget is used up"):
                await ask(said("?"), max_tokens=8)


async def test_an_answer_without_a_count_of_tokens_counts_with_all_that_it_may_have_cost(start, scripted, tmp_path):
    uncounted = '{"choices": [{"message": {"content": "B"}, "finish_reason": "stop"}]}'
    with scripted.serving(tmp_path, scripted.Rule(steps=(f"body:{uncounted}",))) as server:
        ask = start(server.url, limits=Limits(tokens=1000))
        assert await ask(said("first"), max_tokens=8) == "B"
        with pytest.raises(NoAnswer, match="the budget is used up"):
            await ask(said("second"), max_tokens=8)


def test_a_process_that_is_killed_again_and_again_asks_nothing_twice_that_it_stored(scripted, tmp_path):
    folder, questions, kills = tmp_path / "job", 80, 2
    with scripted.serving(tmp_path, scripted.Rule(steps=("slow:0.02",))) as server:
        command = [sys.executable, ASKED_BY_A_PROCESS, server.url, folder, str(questions)]
        for attempt in range(kills):
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                for _ in range(20 * (attempt + 1)):
                    process.stdout.readline()
                process.kill()
        last = subprocess.run(command, capture_output=True, text=True, check=True)
    assert sorted(last.stdout.split(), key=int) == [str(n) for n in range(questions)]
    segments = sorted(folder.glob("*.jsonl"))
    assert len(segments) == kills + 1
    stored = [json.loads(line)["key"] for path in segments for line in path.read_text().splitlines()]
    assert len(stored) == len(set(stored)) == questions
    # What was under way at a kill is asked once more, and nothing else.
    assert questions <= len(scripted.questions(tmp_path)) <= questions + 8 * kills


async def test_a_run_that_is_cancelled_leaves_the_slots_and_the_budget_as_they_were(start, scripted, tmp_path):
    with scripted.serving(tmp_path, scripted.Rule(match="slow", steps=("hang",))) as server:
        ask = start(server.url, concurrency=1, limits=Limits(requests=2), patience=Patience())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(said("slow"), max_tokens=8), 0.2)
        assert await asyncio.wait_for(ask(said("next"), max_tokens=8), 2) in "ABCD"
        with pytest.raises(NoAnswer, match="budget"):
            await ask(said("one too many"), max_tokens=8)
