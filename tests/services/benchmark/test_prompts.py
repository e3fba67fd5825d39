"""Prompts: our own or given, filled without looking into what they are filled with."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.prompts import LONGEST, VERSION, Prompts
from tellurion_benchmark.suites import SUITES
from tellurion_core.errors import InvalidInput

JUDGE = "Q: {question} A: {answer} P: {pred} as JSON: {{mark}} {not this} { nor this }"


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_every_benchmark_has_prompts_of_our_own(suite):
    assert Prompts.of(suite, None).version == Prompts.of(suite, {}).version == VERSION == "tellurion-1"


def test_a_given_prompt_replaces_ours_and_the_version_is_its_hash():
    prompts = Prompts.of("sfe", {"judge": JUDGE})
    expected = hashlib.sha256(json.dumps([["judge", JUDGE]]).encode()).hexdigest()
    assert prompts.version == f"tellurion-1+sha256:{expected}"
    filled = prompts.fill("judge", question="why?", answer="so", pred="no")
    assert filled == "Q: why? A: so P: no as JSON: {mark} {not this} { nor this }"
    assert prompts.fill("open_ended", field="Earth", question="why?", options="").endswith("\n\nwhy?")


OWN = {
    "judge": "{pred}",
    "mcq": "{question}",
    "exact_match": "{question}",
    "open_ended": "{question}",
}


def test_only_where_all_prompts_are_given_none_is_ours():
    assert Prompts.of("sfe", OWN).version.startswith("sha256:")
    assert Prompts.of("sfe", OWN, variant="corrected").version.startswith("sha256:")
    for name in OWN:
        left = {other: text for other, text in OWN.items() if other != name}
        assert Prompts.of("sfe", left).version.startswith("tellurion-1+sha256:")
    # Prompts that a variant does not use are none of its.
    assert Prompts.of("sfe", OWN, variant="vlmevalkit").version == "tellurion-1"
    assert Prompts.of("sfe", OWN | {"vlmevalkit_mcq": "{question}"}).version == Prompts.of("sfe", OWN).version


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("tellurion-1", "our prompts (tellurion-1)"),
        ("tellurion-1+sha256:1", "prompts that are partly ours (tellurion-1+sha256:1)"),
        ("sha256:1", "given prompts (sha256:1)"),
    ],
)
def test_prompts_are_said_to_be_ours(version, said):
    assert Prompts.said(version) == said


def test_the_version_depends_on_names_and_texts_and_not_on_their_order():
    texts = {"judge": "{pred}", "mcq": "{question}"}
    version = Prompts.of("sfe", texts).version
    assert version == Prompts.of("sfe", dict(reversed(texts.items()))).version
    assert version != Prompts.of("sfe", texts | {"judge": "{pred}!"}).version
    assert version != Prompts.of("sfe", {"judge": "{pred}"}).version


@pytest.mark.parametrize(
    "value", ["{answer}", "{{answer}}", "{", "}}", "\\g<0> \\1", "{0}", "{pred!r}", "%s ${answer}"]
)
def test_a_value_is_never_taken_for_a_placeholder(value):
    prompts = Prompts.of("sfe", {"judge": "<{question}|{answer}|{pred}>"})
    assert prompts.fill("judge", question=value, answer="GOLD", pred=value) == f"<{value}|GOLD|{value}>"


@given(st.text(), st.text())
def test_what_is_filled_in_stands_there_as_it_is(question, pred):
    prompts = Prompts.of("sfe", {"judge": "{question}\x00{pred}"})
    assert prompts.fill("judge", question=question, answer="x", pred=pred) == f"{question}\x00{pred}"


@given(st.lists(st.sampled_from(["{{", "}}", "{question}", "{pred}", "a", " "])).map("".join))
def test_braces_are_those_of_pythons_format_strings(text):
    prompts = Prompts.of("sfe", {"judge": "{pred}" + text})
    assert prompts.fill("judge", question="{Q}", pred="") == text.format(question="{Q}", pred="")


@pytest.mark.parametrize(
    ("given_prompts", "field", "received"),
    [
        ({"judge_open": "x"}, "prompts", "judge_open"),  # another benchmark's
        ({"../sfe/judge": "x"}, "prompts", "../sfe/judge"),
        ({"judge": "{prediction}"}, "prompts.judge", "{prediction}"),  # of the other judge
        ({"judge": "{pred} {A}"}, "prompts.judge", "{A}"),
        ({"judge": "no placeholder"}, "prompts.judge", "no placeholder"),
        ({"judge": ""}, "prompts.judge", ""),
        ({"judge": " \n"}, "prompts.judge", " ·"),
        ({"judge": "{pred}" + "x" * LONGEST}, "prompts.judge", "{pred}x"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_refused_by_its_name(given_prompts, field, received):
    with pytest.raises(InvalidInput) as refused:
        Prompts.of("sfe", given_prompts)
    (violation,) = refused.value.violations
    assert violation.field == field
    assert violation.received.startswith(received)


def test_a_refusal_names_what_is_accepted():
    with pytest.raises(InvalidInput, match=r"exact_match, judge, mcq"):
        Prompts.of("sfe", {"x": "y"})
    with pytest.raises(InvalidInput, match=r"\{answer\}, \{pred\}, \{question\}"):
        Prompts.of("sfe", {"judge": "{model_answer}"})


def test_a_prompt_without_placeholders_may_be_replaced_by_another():
    assert Prompts.of("omniearth", {"judge_open_rules": "Be {{fair}}.\n"}).fill("judge_open_rules") == "Be {fair}."
