"""What every kind of answer, and of none, is read as."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import httpx
import pytest

from tellurion_core.endpoints.endpoint import Endpoint
from tellurion_core.endpoints.troubles import Busy, Failed, Refused, TimedOut, Unwelcome
from tellurion_core.endpoints.wire import LONGEST_WAIT, Usage, exchange
from tellurion_core.endpoints.wire import _trouble as read_trouble

BODY = json.dumps({"messages": [{"role": "user", "content": "Which ocean is the largest?"}]}).encode()


def completion(content, finish_reason="stop", **rest) -> str:
    return json.dumps({"choices": [{"message": {"content": content}, "finish_reason": finish_reason}], **rest})


@pytest.fixture
def answer(scripted, tmp_path):
    """What comes of a step of the script."""

    async def answered(*steps: str, timeout: float = 5):
        with scripted.serving(tmp_path, scripted.Rule(steps=steps)) as server:
            async with httpx.AsyncClient(timeout=None) as client:
                return await exchange(client, Endpoint(server.url, "m", timeout=timeout), BODY)

    return answered


async def test_an_answer_has_its_text_its_end_and_its_tokens(answer):
    reply = await answer("answer")
    assert reply.text in "ABCD"
    assert reply.finish_reason == "stop"
    assert reply.usage == Usage(input=5, output=1)


async def test_an_answer_that_comes_slowly_is_as_good(answer):
    assert (await answer("slow:0.1")).text in "ABCD"


@pytest.mark.parametrize(
    ("step", "kind", "paid"),
    [
        ("400", Refused, False),
        ("413", Refused, False),
        ("422", Refused, False),
        *((status, Unwelcome, False) for status in ("401", "402", "403", "404", "405", "410")),
        ("redirect:http://127.0.0.1:1/", Unwelcome, False),
        ("huge", Refused, True),
        ("408", Failed, False),
        ("500", Failed, False),
        ("502", Failed, False),
        ("malformed", Failed, True),
        ("html", Failed, True),
        ("empty", Failed, True),
        ("drop", Failed, True),
        ("half", Failed, True),
        ("429", Busy, False),
        ("503", Busy, False),
    ],
)
async def test_what_is_to_be_done_follows_from_what_came(answer, step, kind, paid):
    with pytest.raises(kind) as trouble:
        await answer(step)
    assert type(trouble.value) is kind
    assert trouble.value.paid is paid


@pytest.mark.parametrize(
    ("content", "finish_reason", "kind"),
    [
        ("The answer is", "content_filter", Refused),
        (None, "content_filter", Refused),
        ("The answer is", "error", Failed),
        (None, "error", Failed),
    ],
)
async def test_text_that_a_filter_or_an_error_cut_off_is_no_answer(answer, content, finish_reason, kind):
    with pytest.raises(kind) as trouble:
        await answer(f"body:{completion(content, finish_reason)}")
    assert type(trouble.value) is kind
    assert trouble.value.paid


async def test_the_reason_has_the_errors_name_and_not_its_message(answer):
    with pytest.raises(Refused) as trouble:
        await answer("400")
    assert trouble.value.reason == "the endpoint answered HTTP 400, scripted_400"


async def test_an_endpoint_that_hangs_is_left_in_time(answer):
    start = time.monotonic()
    with pytest.raises(TimedOut):
        await answer("hang", timeout=0.2)
    assert time.monotonic() - start < 2


async def test_an_endpoint_that_is_not_there_is_waited_for():
    async with httpx.AsyncClient() as client:
        with pytest.raises(Busy, match="cannot be reached"):
            await exchange(client, Endpoint("http://127.0.0.1:1/v1", "m"), BODY)


@pytest.mark.parametrize(
    ("step", "least", "most"),
    [("429:7", 7, 7), ("503:0.5", 0.5, 0.5), ("429:date", 0, 2), ("429:86400", LONGEST_WAIT, LONGEST_WAIT)],
)
async def test_retry_after_is_read_as_seconds_and_as_a_date_and_bounded(answer, step, least, most):
    with pytest.raises(Busy) as trouble:
        await answer(step)
    assert least <= trouble.value.after <= most


@pytest.mark.parametrize("said", ["soon", "-1", "1e999", "9" * 400, formatdate(0), "Mon, 99 Foo 2026"])
async def test_a_retry_after_that_says_nothing_is_no_harm(answer, said):
    with pytest.raises(Busy) as trouble:
        await answer(f"429:{said}")
    assert trouble.value.after in (None, 0.0, LONGEST_WAIT)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        "{}",
        '{"choices": []}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": 7}}]}',
        '{"error": {"message": "no"}}',
        completion(None, None),
        "[" * 100_000,
        '{"choices": [{"message": {"content": 1' + "0" * 5000 + "}}]}",
    ],
)
async def test_json_that_is_no_completion_is_a_failure(answer, body):
    with pytest.raises(Failed):
        await answer(f"body:{body}")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (completion("B", usage={"prompt_tokens": -1, "completion_tokens": 10**30}), "B"),
        (completion("", "stop"), ""),
        (completion(None, "length"), ""),
        (completion("a\ud800b"), "a�b"),
        (completion("😀\u0000"), "😀\u0000"),
    ],
)
async def test_odd_completions_are_read_for_what_they_say(answer, body, text):
    reply = await answer(f"body:{body}")
    assert reply.text == text
    assert reply.usage is None


@pytest.mark.parametrize(
    ("model", "snapshot"),
    [("gpt-2026-01-01", "gpt-2026-01-01"), (None, None), (7, None), ("", None), ("a\x1b[2J", None), ("x" * 999, None)],
)
async def test_the_version_that_answered_is_known_by_a_name_that_can_be_shown(answer, model, snapshot):
    assert (await answer("body:" + completion("A", model=model))).snapshot == snapshot


async def test_an_answer_that_was_filtered_out_is_not_asked_for_again(answer):
    with pytest.raises(Refused, match="filtered"):
        await answer(f"body:{completion(None, 'content_filter')}")


@pytest.mark.parametrize("code", ["insufficient_quota", "invalid_api_key", "model_not_found"])
@pytest.mark.parametrize("status", [400, 404, 429])
def test_errors_that_every_question_would_meet_are_known_by_their_names(status, code):
    trouble = read_trouble(status, {}, json.dumps({"error": {"code": code}}).encode())
    assert type(trouble) is Unwelcome
    assert trouble.reason == f"the endpoint answered HTTP {status}, {code}"


def called(*calls: object) -> str:
    message = {"content": None, "tool_calls": list(calls)}
    return json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]})


async def test_tools_that_a_model_wants_to_be_called_come_with_the_answer(answer):
    calls = [{"id": "1", "function": {"name": "mean", "arguments": '{"region": "global"}'}}, {"id": "2"}, 3]
    reply = await answer(f"body:{called(*calls)}")
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")
    assert [(call.name, call.arguments) for call in reply.calls] == [("mean", '{"region": "global"}')]
